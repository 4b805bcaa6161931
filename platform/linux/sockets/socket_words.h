// The words the socket tables use, and the kernel's numbers behind them (include/net/tcp_states.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace synfate {

/// The kernel's socket states.
enum class SocketState : std::uint8_t {
  established = 1,
  syn_sent,
  syn_recv,
  fin_wait1,
  fin_wait2,
  time_wait,
  close, ///< UDP and raw: unconnected; TCP in a dump: bound and not listening
  close_wait,
  last_ack,
  listen,
  closing,
  new_syn_recv,
  bound_inactive,
};

/// One bit of idiag_states.
constexpr std::uint32_t state_bit(SocketState state) {
  return std::uint32_t{1} << static_cast<unsigned>(state);
}
/// Every state a dump can be asked for.
constexpr std::uint32_t all_states = 0x3ffe;

/// A protocol of the `socket` table.
struct SocketProtocol {
  std::string_view name; ///< tcp
  std::uint32_t number;  ///< IPPROTO_TCP
  bool connections;      ///< it listens and accepts
  std::string_view
      file; ///< below /proc/net for IPv4; IPv6 has a 6 behind it; empty if there is none
};

/// All of them.
std::span<const SocketProtocol> socket_protocols();

/// The table's word for a state number, empty if there is none.
std::string_view state_word(const SocketProtocol& protocol, std::uint8_t state);
/// The state bits behind a word; 0 if this protocol has no such state.
std::uint32_t states_of(const SocketProtocol& protocol, std::string_view word);

/// The word for idiag_timer; empty if no timer runs.
std::string_view timer_word(std::uint8_t timer);

} // namespace synfate
