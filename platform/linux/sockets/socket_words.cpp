#include "platform/linux/sockets/socket_words.h"

#include <array>

#include <netinet/in.h>

namespace synfate {

namespace {

constexpr std::array<SocketProtocol, 5> protocols{{
    {"tcp", IPPROTO_TCP, true, "tcp"},
    {"udp", IPPROTO_UDP, false, "udp"},
    {"udplite", IPPROTO_UDPLITE, false, "udplite"},
    {"raw", IPPROTO_RAW, false, "raw"},
    {"mptcp", IPPROTO_MPTCP, true, ""},
}};

/// By state number, for protocols with connections.
constexpr std::array<std::string_view, 14> connection_words{
    "",      "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait",
    "bound", "close_wait",  "last_ack", "listen",   "closing",   "syn_recv",  "bound"};

constexpr std::array<std::string_view, 5> timer_words{"", "retransmit", "keepalive", "time_wait",
                                                      "probe"};

} // namespace

std::span<const SocketProtocol> socket_protocols() {
  return protocols;
}

std::string_view state_word(const SocketProtocol& protocol, std::uint8_t state) {
  if (protocol.connections)
    return state < connection_words.size() ? connection_words[state] : std::string_view();
  if (state == static_cast<std::uint8_t>(SocketState::established))
    return "established";
  return state == static_cast<std::uint8_t>(SocketState::close) ? "unconnected" : "";
}

std::uint32_t states_of(const SocketProtocol& protocol, std::string_view word) {
  if (word.empty())
    return 0;
  std::uint32_t states = 0;
  for (std::uint8_t state = 1; state < connection_words.size(); ++state)
    if (state_word(protocol, state) == word)
      states |= std::uint32_t{1} << state;
  return states;
}

std::string_view timer_word(std::uint8_t timer) {
  return timer < timer_words.size() ? timer_words[timer] : std::string_view();
}

} // namespace synfate
