#include "platform/linux/netfilter/tracked.h"

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/linux/kernel_module.h"

namespace synfate {
namespace {

constexpr auto doing = "reading the connections that conntrack knows";
constexpr int tries = 3;

// net/netfilter/nf_internals.h: CTA_FILTER_FLAG(), which libnetfilter_conntrack knows as well.
constexpr std::uint32_t by_destination = 1U << 1;
constexpr std::uint32_t by_protocol = 1U << 3;
constexpr std::uint32_t by_destination_port = 1U << 5;

struct End {
  std::optional<IpAddress> address;
  std::optional<std::uint16_t> port;
};

struct Tuple {
  std::uint8_t proto = 0;
  End from, to;
};

netlink::Attributes inside(const netlink::Attributes& all, std::uint16_t type) {
  const auto nest = all.find(type);
  return nest ? netlink::Attributes(nest->payload) : netlink::Attributes();
}

std::optional<IpAddress> address_of(const netlink::Attributes& ip, std::uint16_t v4,
                                    std::uint16_t v6) {
  for (const auto type : {v4, v6})
    if (const auto found = ip.find(type))
      return IpAddress::from_bytes(found->payload);
  return std::nullopt;
}

Tuple tuple_of(const netlink::Attributes& all, std::uint16_t type) {
  const auto tuple = inside(all, type);
  const auto ip = inside(tuple, CTA_TUPLE_IP);
  const auto proto = inside(tuple, CTA_TUPLE_PROTO);
  Tuple found;
  if (const auto number = proto.find(CTA_PROTO_NUM))
    found.proto = number->u8().value_or(0);
  found.from.address = address_of(ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
  found.to.address = address_of(ip, CTA_IP_V4_DST, CTA_IP_V6_DST);
  if (const auto port = proto.find(CTA_PROTO_SRC_PORT))
    found.from.port = port->big16();
  if (const auto port = proto.find(CTA_PROTO_DST_PORT))
    found.to.port = port->big16();
  return found;
}

std::uint8_t number_of(const std::string& proto) {
  return proto == "udp" ? std::uint8_t{IPPROTO_UDP} : std::uint8_t{IPPROTO_TCP};
}

netlink::Request request_for(const TrackedQuestion& question) {
  netlink::Request request(
      static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET), NLM_F_DUMP);
  nfgenmsg header{};
  header.version = NFNETLINK_V0;
  const bool exact = question.proto && question.destination && question.destination_port;
  if (exact)
    header.nfgen_family = question.destination->is_v4() ? AF_INET : AF_INET6;
  request.append(header);
  if (!exact)
    return request;
  const auto tuple = request.begin_nest(CTA_TUPLE_ORIG);
  const auto ip = request.begin_nest(CTA_TUPLE_IP);
  request.attribute(question.destination->is_v4() ? std::uint16_t{CTA_IP_V4_DST}
                                                  : std::uint16_t{CTA_IP_V6_DST},
                    question.destination->bytes());
  request.end_nest(ip);
  const auto proto = request.begin_nest(CTA_TUPLE_PROTO);
  request.attribute(CTA_PROTO_NUM, number_of(*question.proto));
  request.attribute(CTA_PROTO_DST_PORT,
                    htons(static_cast<std::uint16_t>(*question.destination_port)));
  request.end_nest(proto);
  request.end_nest(tuple);
  const auto filter = request.begin_nest(CTA_FILTER);
  request.attribute(CTA_FILTER_ORIG_FLAGS, by_destination | by_protocol | by_destination_port);
  request.attribute(CTA_FILTER_REPLY_FLAGS, std::uint32_t{0});
  request.end_nest(filter);
  return request;
}

bool is_asked_for(const TrackedConnection& row, const TrackedQuestion& question) {
  return (!question.proto || row.proto.is(*question.proto)) &&
         (!question.destination || row.destination.is(*question.destination)) &&
         (!question.destination_port || row.destination_port.is(*question.destination_port));
}

} // namespace

std::optional<TrackedConnection> parse_tracked(const netlink::Message& message) {
  const auto all = message.attributes(sizeof(nfgenmsg));
  const auto call = tuple_of(all, CTA_TUPLE_ORIG);
  const auto answer = tuple_of(all, CTA_TUPLE_REPLY);
  const bool known = call.proto == IPPROTO_TCP || call.proto == IPPROTO_UDP;
  for (const auto* end : {&call.from, &call.to, &answer.from})
    if (!known || !end->address || !end->port)
      return std::nullopt;
  TrackedConnection row;
  row.proto = Text(call.proto == IPPROTO_UDP ? "udp" : "tcp");
  row.source = *call.from.address;
  row.source_port = Int{*call.from.port};
  row.destination = *call.to.address;
  row.destination_port = Int{*call.to.port};
  row.answerer = *answer.from.address;
  row.answerer_port = Int{*answer.from.port};
  if (const auto status = all.find(CTA_STATUS); status && status->big32())
    row.answered = (*status->big32() & IPS_SEEN_REPLY) != 0;
  if (const auto left = all.find(CTA_TIMEOUT); left && left->big32())
    row.seconds_left = Int{*left->big32()};
  return row;
}

Result<std::vector<TrackedConnection>> read_tracked(Int netns, const TrackedQuestion& question,
                                                    std::chrono::milliseconds timeout,
                                                    const std::string& root) {
  // Asking would load the module; without it nobody shows what conntrack knows.
  const std::string count = root + "/proc/sys/net/netfilter/nf_conntrack_count";
  if (access(count.c_str(), F_OK) != 0)
    return std::vector<TrackedConnection>();
  if (module_waits(root, "nf_conntrack_netlink"))
    return Error{ErrorCode::unsupported,         doing, {}, 0, "nf_conntrack_netlink is not loaded",
                 "modprobe nf_conntrack_netlink"};
  SYNFATE_TRY(socket, netlink::Socket::open(NETLINK_NETFILTER, timeout));
  for (int attempt = 1;; ++attempt) {
    auto request = request_for(question);
    std::vector<TrackedConnection> rows;
    const auto status = socket.exchange(request, doing, [&](const netlink::Message& message) {
      auto row = parse_tracked(message);
      if (row && is_asked_for(*row, question)) {
        row->netns = netns;
        rows.push_back(std::move(*row));
      }
      return true;
    });
    if (status)
      return rows;
    if (status.error().code != ErrorCode::interrupted || attempt == tries)
      return status.error();
  }
}

} // namespace synfate
