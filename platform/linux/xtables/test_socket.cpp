// Matches on sockets: net/netfilter/xt_socket.c, xt_owner.c, xt_cgroup.c,
// net/ipv4/netfilter/nf_socket_ipv4.c; Linux 6.12.
#include "platform/linux/netfilter/serving_sockets.h"
#include "platform/linux/xtables/test_core.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

constexpr std::uint8_t socket_transparent = 1;
constexpr std::uint8_t socket_nowildcard = 2;
constexpr std::uint8_t socket_restore_mark = 4;

MatchAnswer socket_unknown(const MatchCall& call, std::string_view what) {
  return undecided(call, what, "fits", "does not fit", "socket");
}

/// What socket_match() says about one socket; `depends` when a fact is missing.
Truth fits(const Socket& socket, std::uint8_t flags, bool established) {
  const bool wildcard = (flags & socket_nowildcard) == 0 && !established &&
                        socket.local_address.value().is_unspecified();
  if (wildcard)
    return Truth::no;
  if ((flags & socket_transparent) == 0)
    return Truth::yes;
  if (!socket.transparent.known())
    return Truth::depends;
  return socket.transparent.value() ? Truth::yes : Truth::no;
}

MatchAnswer restore_mark(const MatchCall& call, const std::vector<Socket>& sockets) {
  MatchPart part{call.packet, true, false};
  part.packet.meta.mark = Perhaps<std::uint32_t>::unknown("the mark of the socket");
  if (sockets.size() == 1 && sockets.front().mark.known())
    part.packet.meta.mark = static_cast<std::uint32_t>(sockets.front().mark.value());
  return {Truth::depends, false, {std::move(part)}, "socket"};
}

MatchAnswer socket_lookup(const MatchCall& call, std::uint8_t flags) {
  const auto to = destination_of(call.packet);
  const auto proto = call.transport.proto;
  // An answer, or an error about one: the client's own socket, which is connected.
  if (to.port.kind == PortTerm::Kind::client || call.request.packet == Packet::icmp) {
    const Truth here = client_is_here(call.context, call.request, call.packet);
    if (here == Truth::depends)
      return socket_unknown(call, "whether the client's socket is here, which");
    return here == Truth::yes && (flags & socket_transparent) == 0 ? matched("socket")
                                                                   : not_matched("socket");
  }
  if (proto != 6 && proto != 17)
    return not_matched("socket");
  if (to.port.kind != PortTerm::Kind::known)
    return socket_unknown(call, "the socket of a port that cannot be told");
  const auto found = serving_sockets(call.context, call.request.netns, proto, to.address,
                                     to.port.first, call.packet);
  if (!found.known)
    return socket_unknown(call, "the socket, which could not be read,");
  if (found.sockets.empty())
    return not_matched("socket");
  // Later packets meet the connection's own socket, which is bound to the address they call.
  const bool established = proto == 6 && call.request.packet != Packet::syn;
  const Truth first = fits(found.sockets.front(), flags, established);
  for (const auto& socket : found.sockets)
    if (fits(socket, flags, established) != first || first == Truth::depends)
      return socket_unknown(call, "the socket");
  if (first == Truth::yes && (flags & socket_restore_mark) != 0)
    return restore_mark(call, found.sockets);
  return first == Truth::yes ? matched("socket") : not_matched("socket");
}

MatchAnswer in_ids(const MatchCall& call, const Perhaps<std::uint32_t>& id, std::uint32_t first,
                   std::uint32_t last, std::string_view field) {
  return perhaps(call, id, field,
                 [&](std::uint32_t value) { return value >= first && value <= last; });
}

MatchAnswer group_test(const MatchCall& call, const wire::Owner& owner) {
  const auto& socket = call.packet.meta.socket;
  MatchAnswer own = in_ids(call, socket.gid, owner.gid_min, owner.gid_max, "meta skgid");
  if (own.truth != Truth::no || (owner.match & 8) == 0)
    return own;
  return undecided(call, "a supplementary group of the sender", "is the one asked",
                   "is not the one asked", "meta skgid");
}

/// The socket is the packet's own (skb->sk); on the input path early demultiplexing may have
/// found it for packets of an established connection.
bool has_socket(const MatchCall& call) {
  return call.packet.meta.socket.present;
}

bool may_have_socket(const MatchCall& call) {
  return call.request.hook == Hook::input && call.request.packet != Packet::syn;
}

MatchAnswer class_test(const MatchCall& call, std::uint32_t wanted, bool invert) {
  return inverted(perhaps(call, call.packet.meta.socket.class_id, "meta cgroup",
                          [&](std::uint32_t id) { return id == wanted; }),
                  invert);
}

MatchAnswer path_test(const MatchCall& call, std::string_view wanted, bool invert) {
  while (wanted.ends_with('/'))
    wanted.remove_suffix(1);
  return inverted(perhaps(call, call.packet.meta.socket.cgroup_path, "socket cgroupv2",
                          [&](std::string_view path) {
                            std::string_view ancestor = wanted;
                            while (ancestor.starts_with('/'))
                              ancestor.remove_prefix(1);
                            while (path.starts_with('/'))
                              path.remove_prefix(1);
                            return ancestor.empty() ||
                                   (path.starts_with(ancestor) && (path.size() == ancestor.size() ||
                                                                   path[ancestor.size()] == '/'));
                          }),
                  invert);
}

template <typename Test> MatchAnswer with_socket(const MatchCall& call, Test test) {
  if (has_socket(call))
    return test();
  if (may_have_socket(call))
    return undecided(call, "the cgroup of the connection's socket", "is the one asked",
                     "is not the one asked", "meta cgroup");
  return not_matched("meta cgroup");
}

} // namespace

MatchAnswer test_socket0(const MatchCall& call) {
  return socket_lookup(call, 0);
}

MatchAnswer test_socket(const MatchCall& call) {
  return socket_lookup(call, call.as<wire::SocketMatch>().flags);
}

MatchAnswer test_owner(const MatchCall& call) {
  const auto owner = call.as<wire::Owner>();
  const auto& socket = call.packet.meta.socket;
  if (!socket.present)
    return (owner.match ^ owner.invert) == 0 ? answer(true) : not_matched("meta skuid");
  if ((owner.match & owner.invert & 4) != 0)
    return not_matched("meta skuid");
  if (!socket.has_file)
    return ((owner.match ^ owner.invert) & 3) == 0 ? answer(true) : not_matched("meta skuid");
  return all(
      call,
      [&](const MatchCall& part) {
        return (owner.match & 1) == 0 ? answer(true)
                                      : inverted(in_ids(part, part.packet.meta.socket.uid,
                                                        owner.uid_min, owner.uid_max, "meta skuid"),
                                                 (owner.invert & 1) != 0);
      },
      [&](const MatchCall& part) {
        return (owner.match & 2) == 0 ? answer(true)
                                      : inverted(group_test(part, owner), (owner.invert & 2) != 0);
      });
}

MatchAnswer test_cgroup0(const MatchCall& call) {
  const auto cgroup = call.as<wire::Cgroup0>();
  return with_socket(call, [&] { return class_test(call, cgroup.id, cgroup.invert != 0); });
}

MatchAnswer test_cgroup1(const MatchCall& call) {
  const auto cgroup = call.as<wire::Cgroup1>();
  return with_socket(call, [&] {
    return cgroup.has_path != 0 ? path_test(call, text_of(cgroup.path), cgroup.invert_path != 0)
                                : class_test(call, cgroup.classid, cgroup.invert_classid != 0);
  });
}

MatchAnswer test_cgroup2(const MatchCall& call) {
  const auto cgroup = call.as<wire::Cgroup2>();
  std::uint32_t id = 0;
  std::memcpy(&id, cgroup.path, sizeof id);
  return with_socket(call, [&] {
    return cgroup.has_path != 0 ? path_test(call, text_of(cgroup.path), cgroup.invert_path != 0)
                                : class_test(call, id, cgroup.invert_classid != 0);
  });
}

} // namespace synfate::xt
