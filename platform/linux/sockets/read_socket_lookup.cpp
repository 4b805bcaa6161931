#include <linux/netlink.h>

#include "platform/linux/netlink.h"
#include "platform/linux/sockets/inet_diag.h"
#include "platform/linux/sockets/read_sockets.h"

namespace synfate {

namespace {

/// Raw sockets have no single receiver, and mptcp_diag looks up by token.
const SocketProtocol* protocol_of(const Fact<Text>& name) {
  for (const auto& protocol : socket_protocols())
    if (name.is(Text(protocol.name)) && protocol.name != "raw" && protocol.name != "mptcp")
      return &protocol;
  return nullptr;
}

/// The question in the key columns; nothing unless it is a whole 4-tuple of one family.
std::optional<InetTuple> tuple_of(const SocketLookup& asked) {
  const auto is_port = [](const Fact<Int>& port) {
    return port.known() && port.value() >= 0 && port.value() <= 65535;
  };
  const auto* protocol = protocol_of(asked.proto);
  if (protocol == nullptr || !is_port(asked.local_port) || !is_port(asked.remote_port) ||
      !asked.local_address.known() || !asked.remote_address.known() ||
      asked.local_address.value().family() != asked.remote_address.value().family())
    return std::nullopt;
  return InetTuple{protocol,
                   asked.local_address.value(),
                   static_cast<std::uint16_t>(asked.local_port.value()),
                   asked.remote_address.value(),
                   static_cast<std::uint16_t>(asked.remote_port.value()),
                   static_cast<std::uint32_t>(asked.interface_index.value_or(0))};
}

void put_answer(SocketLookup& row, const Socket& socket) {
  row.found = true;
  row.state = socket.state;
  row.answered_address = socket.local_address;
  row.answered_port = socket.local_port;
  row.answered_interface_index = socket.interface_index;
  row.inode = socket.inode;
  row.cookie = socket.cookie;
}

Gap gap_of(const std::string& why) {
  return {"socket_lookup", "the kernel's own lookup of a socket", why,
          "the answer rests on the model alone and is not confirmed by the kernel",
          "load the modules tcp_diag and udp_diag, or allow netlink sockets"};
}

/// ENOENT says "no such socket" and "no such module"; an empty dump tells them apart.
bool can_be_asked(netlink::Socket& netlink, const SocketProtocol& protocol, IpFamily family) {
  auto request = inet_dump_request({&protocol, family, 0, {}});
  return netlink.exchange(request, "probing sock_diag", [](const auto&) { return true; }).ok();
}

} // namespace

struct KeptNetlink::Held {
  Int netns = 0;
  netlink::Socket netlink;
};

KeptNetlink::KeptNetlink() = default;
KeptNetlink::~KeptNetlink() = default;

/// The questions of one source: opens what they are asked by, and lets it go after a failure.
class SocketLookups {
public:
  SocketLookups(const SocketSource& source, KeptNetlink& kept) : source_(source), kept_(kept) {}

  Result<netlink::Socket*> netlink() {
    if (kept_.held_ == nullptr || kept_.held_->netns != source_.netns) {
      SYNFATE_TRY(opened, netlink::Socket::open(NETLINK_SOCK_DIAG, source_.timeout));
      kept_.held_ = std::make_unique<KeptNetlink::Held>(source_.netns, std::move(opened));
    }
    kept_.held_->netlink.set_timeout(source_.timeout);
    return &kept_.held_->netlink;
  }
  void drop() { kept_.held_.reset(); }

private:
  const SocketSource& source_;
  KeptNetlink& kept_;
};

void read_socket_lookup(const SocketLookup& asked, const SocketSource& source, KeptNetlink& kept,
                        const Delivery<SocketLookup>& receiver) {
  const auto tuple = tuple_of(asked);
  if (!tuple) {
    receiver.gap(gap_of("the question is no whole 4-tuple of one address family"));
    return;
  }
  SocketLookups lookups(source, kept);
  const auto netlink = lookups.netlink();
  if (!netlink || !source.sock_diag) {
    receiver.gap(gap_of(netlink ? "sock_diag is switched off" : to_string(netlink.error())));
    return;
  }
  SocketLookup row = asked;
  row.netns = source.netns;
  row.found = false;
  auto request = inet_lookup_request(*tuple);
  const auto status =
      (*netlink)->exchange(request, "looking up a socket", [&](const auto& message) {
        if (const auto socket = parse_inet_diag(message, *tuple->protocol))
          put_answer(row, *socket);
        return true;
      });
  const bool none = !status && status.error().os_error == ENOENT &&
                    can_be_asked(**netlink, *tuple->protocol, tuple->local_address.family());
  if (status || none)
    receiver.row(row);
  else
    receiver.gap(gap_of(to_string(status.error())));
  if (!status && !none)
    lookups.drop();
}

} // namespace synfate
