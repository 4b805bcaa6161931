#include "platform/linux/model/bind_conflict.h"

#include <algorithm>
#include <tuple>

namespace synfate {
namespace {

/// How a socket's address looks to ipv6_rcv_saddr_equal() and ipv4_rcv_saddr_equal().
enum class Reach : std::uint8_t { v4_any, v4, v6_any, v6 };

Reach reach_of(const IpAddress& address) {
  if (address.is_v4() || address.is_v4_mapped())
    return address.unmapped().is_unspecified() ? Reach::v4_any : Reach::v4;
  return address.is_unspecified() ? Reach::v6_any : Reach::v6;
}

bool is_v4(Reach reach) {
  return reach == Reach::v4_any || reach == Reach::v4;
}

/// The kernel shows v6only only of sockets that are not connected.
bool shows_v6only(const Socket& socket) {
  return socket.v6only.known();
}

/// 0.0.0.0 and a connection of an IPv6 socket: it has an IPv4 side (LOOPBACK4_IPV6), so it is in
/// the way unless it is v6only, though it could never get an IPv4 packet.
bool odd_v4_side(const BindClaim& claim, const Socket& holder) {
  return claim.address.is_v4() && claim.address.is_unspecified() &&
         reach_of(holder.local_address.value_or(IpAddress())) == Reach::v6;
}

/// A fact that decides whether the two overlap is not known.
bool overlap_unknown(const BindClaim& claim, const Socket& holder) {
  if (holder.interface_index.unknown() && claim.interface_index != 0)
    return true;
  if (shows_v6only(holder) || !is_v4(reach_of(claim.address)))
    return false;
  return reach_of(holder.local_address.value_or(IpAddress())) == Reach::v6_any ||
         odd_v4_side(claim, holder);
}

bool addresses_overlap(const BindClaim& claim, const Socket& holder) {
  const IpAddress other = holder.local_address.value_or(IpAddress());
  const Reach mine = reach_of(claim.address);
  const Reach theirs = reach_of(other);
  if (is_v4(mine) && is_v4(theirs))
    return mine == Reach::v4_any || theirs == Reach::v4_any ||
           claim.address.unmapped() == other.unmapped();
  if (is_v4(mine)) // an IPv6 holder serves IPv4 only as [::] without v6only
    return (theirs == Reach::v6_any || odd_v4_side(claim, holder)) && !holder.v6only.is(true);
  if (is_v4(theirs))
    return mine == Reach::v6_any && !claim.v6only;
  return mine == Reach::v6_any || theirs == Reach::v6_any || claim.address == other;
}

bool interfaces_overlap(const BindClaim& claim, const Socket& holder) {
  const Int theirs = holder.interface_index.value_or(0);
  return claim.interface_index == 0 || theirs == 0 || claim.interface_index == theirs;
}

bool listens(const Socket& socket) {
  return socket.state.is("listen");
}

/// The kernel's TIME_WAIT, which keeps no user. An orphan in FIN_WAIT2 is one too, and cannot be
/// told from others that no process has.
bool in_time_wait(const Socket& socket) {
  return socket.state.is("time_wait");
}
bool may_be_in_time_wait(const Socket& socket) {
  return in_time_wait(socket) || (socket.state.is("fin_wait2") && socket.inode.value_or(0) == 0);
}

bool same_user(const BindClaim& claim, const Socket& holder) {
  return !holder.uid.known() || holder.uid.is(claim.uid);
}

/// True if no stale flags of the bucket can let the claim in past this listener: nothing that got
/// in beside it can look like the claim.
bool no_fast_path(const BindClaim& claim, const Socket& holder) {
  if (holder.interface_index.value_or(0) != 0 || claim.l3_domain != 0)
    return false;
  if (reach_of(claim.address) != Reach::v6_any || claim.v6only)
    return true;
  return reach_of(holder.local_address.value_or(IpAddress())) == Reach::v6_any &&
         holder.v6only.is(false);
}

Clash tcp_clash(const BindClaim& claim, const Socket& holder) {
  const bool may_share =
      claim.reuse_port && (same_user(claim, holder) || may_be_in_time_wait(holder));
  if (claim.reuse_address && !listens(holder))
    return may_share ? Clash::unless_either : Clash::unless_reuse_address;
  if (may_share)
    return Clash::unless_reuse_port;
  if (!claim.reuse_port)
    return Clash::certain;
  return listens(holder) && no_fast_path(claim, holder) ? Clash::certain : Clash::likely;
}

Clash udp_clash(const BindClaim& claim, const Socket& holder, std::span<const Socket> others) {
  const bool may_share = claim.reuse_port && same_user(claim, holder);
  if (may_share)
    return claim.reuse_address ? Clash::unless_either : Clash::unless_reuse_port;
  const bool may_be_let_in =
      claim.reuse_port && std::ranges::any_of(others, [&](const Socket& other) {
        return overlaps(claim, other) && same_user(claim, other);
      });
  if (claim.reuse_address)
    return may_be_let_in ? Clash::unless_either : Clash::unless_reuse_address;
  return may_be_let_in ? Clash::likely : Clash::certain;
}

} // namespace

bool overlaps(const BindClaim& claim, const Socket& holder) {
  return holds_port(holder) && interfaces_overlap(claim, holder) &&
         addresses_overlap(claim, holder);
}

bool holds_port(const Socket& socket) {
  return !socket.state.is("syn_recv");
}

Clash clash_of(const BindClaim& claim, const Socket& holder, std::span<const Socket> others) {
  if (!overlaps(claim, holder))
    return Clash::none;
  const Clash clash =
      claim.proto == Proto::tcp ? tcp_clash(claim, holder) : udp_clash(claim, holder, others);
  const bool sure = clash == Clash::certain || clash == Clash::likely;
  return sure && overlap_unknown(claim, holder) ? Clash::perhaps : clash;
}

std::vector<SocketInTheWay> holders_in_the_way(const BindClaim& claim,
                                               std::span<const Socket> sockets) {
  std::vector<SocketInTheWay> holders;
  for (std::size_t at = 0; at < sockets.size(); ++at)
    if (const Clash clash = clash_of(claim, sockets[at], sockets); clash != Clash::none)
      holders.push_back({at, clash});
  std::ranges::stable_sort(holders, {}, [&](const SocketInTheWay& holder) {
    const Socket& socket = sockets[holder.at];
    return std::tuple(holder.clash, !listens(socket), !socket.state.is("bound"),
                      in_time_wait(socket));
  });
  return holders;
}

} // namespace synfate
