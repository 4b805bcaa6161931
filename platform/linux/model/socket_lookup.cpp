#include "platform/linux/model/socket_lookup.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace synfate {
namespace {

/// The address the kernel compares (sk_rcv_saddr): an IPv6 socket that serves IPv4 has an IPv4
/// side.
bool receives_on(const IpAddress& bound, const IpAddress& wanted) {
  return bound.unmapped() == wanted || (bound.is_unspecified() && wanted.is_unspecified());
}

Mismatch family_mismatch(const Socket& socket, const IpAddress& destination) {
  const IpAddress bound = socket.local_address.value_or(IpAddress());
  if (destination.is_v6())
    return bound.is_v6() && !bound.is_v4_mapped() ? Mismatch::none : Mismatch::family;
  if (bound.is_v4() || bound.is_v4_mapped())
    return Mismatch::none;
  if (!bound.is_unspecified())
    return Mismatch::family;
  return socket.v6only.is(true) ? Mismatch::v6only : Mismatch::none;
}

Mismatch address_mismatch(const Socket& socket, const IpAddress& destination) {
  const IpAddress bound = socket.local_address.value_or(IpAddress());
  return bound.is_unspecified() || receives_on(bound, destination) ? Mismatch::none
                                                                   : Mismatch::address;
}

/// inet_sk_bound_dev_eq() without an l3mdev.
Mismatch device_mismatch(const Socket& socket, std::int64_t interface_index) {
  if (!socket.interface_index.known() || socket.interface_index.is(0))
    return Mismatch::none;
  return socket.interface_index.is(interface_index) ? Mismatch::none : Mismatch::device;
}

bool bound_to_device(const Socket& socket) {
  return socket.interface_index.known() && !socket.interface_index.is(0);
}

bool is_wildcard(const Socket& socket) {
  return socket.local_address.value_or(IpAddress()).is_unspecified();
}

bool decides_on_unknown(const Socket& socket, const LookupQuestion& question) {
  return question.destination.is_v4() && socket.v6only.unknown() && is_wildcard(socket) &&
         socket.local_address.value_or(IpAddress()).is_v6();
}

/// compute_score() of net/ipv4/udp.c and net/ipv6/udp.c.
int udp_score(const Socket& socket, const LookupQuestion& question) {
  int score = 0;
  if (question.destination.is_v4())
    score = socket.local_address.value_or(IpAddress()).is_v4() ? 2 : 1;
  else if (!is_wildcard(socket))
    score = 1;
  const bool connected =
      socket.remote_address.known() && !socket.remote_address.value().is_unspecified();
  if (connected)
    score += question.destination.is_v4() ? 4 : 1;
  if (socket.remote_port.known() && !socket.remote_port.is(0))
    score += question.destination.is_v4() ? 4 : 1;
  if (bound_to_device(socket))
    score += question.destination.is_v4() ? 4 : 1;
  return score;
}

/// Sockets that match, those of the exact address if there are any, else the wildcards; in the
/// order in which the kernel tries them: IPv6 sockets that share a list with IPv4 ones have
/// SO_REUSEPORT and are at its end.
template <typename Matches>
std::vector<std::size_t> matching(std::span<const Socket> sockets, Matches matches) {
  std::vector<std::size_t> found;
  for (const bool wildcard : {false, true}) {
    for (std::size_t at = 0; at < sockets.size(); ++at)
      if (is_wildcard(sockets[at]) == wildcard && matches(sockets[at]))
        found.push_back(at);
    if (!found.empty())
      break;
  }
  std::ranges::stable_sort(found, {}, [&](std::size_t at) {
    return std::pair(sockets[at].local_address.value_or(IpAddress()).is_v6(),
                     sockets[at].bind_order.value_or(std::numeric_limits<Int>::max()));
  });
  return found;
}

/// The first of the candidates and those that may share with it.
LookupAnswer group_of(std::span<const Socket> sockets, const std::vector<std::size_t>& candidates) {
  LookupAnswer answer;
  for (const auto at : candidates)
    if (answer.chosen.empty() || may_share(sockets[answer.chosen.front()], sockets[at]))
      answer.chosen.push_back(at);
  return answer;
}

} // namespace

Mismatch tcp_listener_mismatch(const Socket& socket, const LookupQuestion& question) {
  if (!socket.state.is("listen"))
    return Mismatch::state;
  if (!socket.local_port.is(question.port))
    return Mismatch::port;
  if (const auto family = family_mismatch(socket, question.destination); family != Mismatch::none)
    return family;
  if (const auto address = address_mismatch(socket, question.destination);
      address != Mismatch::none)
    return address;
  return device_mismatch(socket, question.interface_index);
}

bool may_share(const Socket& one, const Socket& other) {
  return one.local_address == other.local_address && one.uid == other.uid &&
         one.interface_index == other.interface_index && one.v6only == other.v6only;
}

LookupAnswer look_up_tcp_listener(std::span<const Socket> sockets, const LookupQuestion& question) {
  const auto candidates = matching(sockets, [&](const Socket& socket) {
    return tcp_listener_mismatch(socket, question) == Mismatch::none;
  });
  auto answer = group_of(sockets, candidates);
  answer.shared = answer.chosen.size() > 1;
  answer.uncertain = std::ranges::any_of(
      answer.chosen, [&](std::size_t at) { return decides_on_unknown(sockets[at], question); });
  return answer;
}

Mismatch udp_socket_mismatch(const Socket& socket, const LookupQuestion& question) {
  if (!socket.local_port.is(question.port))
    return Mismatch::port;
  if (const auto family = family_mismatch(socket, question.destination); family != Mismatch::none)
    return family;
  if (const auto address = address_mismatch(socket, question.destination);
      address != Mismatch::none)
    return address;
  const bool connected =
      socket.remote_address.known() && !socket.remote_address.value().is_unspecified();
  if (connected && socket.remote_address.value().unmapped() != question.source)
    return Mismatch::peer;
  const bool port_differs = question.source_port == 0
                                ? socket.remote_port.value_or(0) != 0
                                : !socket.remote_port.is(question.source_port);
  if (socket.remote_port.known() && !socket.remote_port.is(0) && port_differs)
    return Mismatch::peer;
  return device_mismatch(socket, question.interface_index);
}

LookupAnswer look_up_udp_socket(std::span<const Socket> sockets, const LookupQuestion& question) {
  auto candidates = matching(sockets, [&](const Socket& socket) {
    return udp_socket_mismatch(socket, question) == Mismatch::none;
  });
  const auto score = [&](std::size_t at) { return udp_score(sockets[at], question); };
  if (!candidates.empty()) {
    const int best = score(*std::ranges::max_element(candidates, {}, score));
    std::erase_if(candidates, [&](std::size_t at) { return score(at) != best; });
  }
  auto answer = group_of(sockets, candidates);
  answer.equals = answer.chosen.size() > 1;
  answer.uncertain = std::ranges::any_of(
      answer.chosen, [&](std::size_t at) { return decides_on_unknown(sockets[at], question); });
  return answer;
}

} // namespace synfate
