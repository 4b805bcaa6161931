#include "platform/linux/netfilter/tracked.h"

#include <vector>

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

struct End {
  const char* address;
  std::uint16_t port;
};

void put_tuple(netlink::Request& request, std::uint16_t type, End from, End to,
               std::uint8_t number) {
  const auto source = IpAddress::parse(from.address);
  const auto destination = IpAddress::parse(to.address);
  REQUIRE((source && destination));
  const bool v4 = source->is_v4();
  const auto tuple = request.begin_nest(type);
  const auto ip = request.begin_nest(CTA_TUPLE_IP);
  request.attribute(v4 ? std::uint16_t{CTA_IP_V4_SRC} : std::uint16_t{CTA_IP_V6_SRC},
                    source->bytes());
  request.attribute(v4 ? std::uint16_t{CTA_IP_V4_DST} : std::uint16_t{CTA_IP_V6_DST},
                    destination->bytes());
  request.end_nest(ip);
  const auto proto = request.begin_nest(CTA_TUPLE_PROTO);
  request.attribute(CTA_PROTO_NUM, number);
  request.attribute(CTA_PROTO_SRC_PORT, htons(from.port));
  request.attribute(CTA_PROTO_DST_PORT, htons(to.port));
  request.end_nest(proto);
  request.end_nest(tuple);
}

/// What follows the header of netlink.
std::vector<std::byte> payload(netlink::Request& request) {
  const netlink::ByteView whole = request.finish(1).subspan(sizeof(nlmsghdr));
  return {whole.begin(), whole.end()};
}

std::optional<TrackedConnection> parse(const std::vector<std::byte>& bytes, std::size_t size) {
  netlink::Message message;
  message.payload = netlink::ByteView(bytes).first(size);
  return parse_tracked(message);
}

std::vector<std::byte> entry(std::uint8_t number, End client, End called, End answerer) {
  netlink::Request request(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, 0);
  request.append(nfgenmsg{});
  put_tuple(request, CTA_TUPLE_ORIG, client, called, number);
  put_tuple(request, CTA_TUPLE_REPLY, answerer, client, number);
  request.attribute_big32(CTA_STATUS, IPS_SEEN_REPLY | IPS_CONFIRMED | IPS_DST_NAT);
  request.attribute_big32(CTA_TIMEOUT, 117);
  return payload(request);
}

} // namespace

TEST_CASE("an entry of conntrack tells who called, whom, and who answers") {
  const auto bytes =
      entry(IPPROTO_UDP, {"10.77.0.2", 5353}, {"10.77.0.1", 53}, {"172.17.0.3", 5300});
  const auto row = parse(bytes, bytes.size());
  REQUIRE(row);
  CHECK(row->proto.is("udp"));
  CHECK(row->source.is(*IpAddress::parse("10.77.0.2")));
  CHECK(row->source_port.is(5353));
  CHECK(row->destination.is(*IpAddress::parse("10.77.0.1")));
  CHECK(row->destination_port.is(53));
  CHECK(row->answerer.is(*IpAddress::parse("172.17.0.3")));
  CHECK(row->answerer_port.is(5300));
  CHECK(row->answered.is(true));
  CHECK(row->seconds_left.is(117));
}

TEST_CASE("an entry over IPv6") {
  const auto bytes = entry(IPPROTO_TCP, {"fd77::2", 40000}, {"fd77::1", 80}, {"fd77::1", 80});
  const auto row = parse(bytes, bytes.size());
  REQUIRE(row);
  CHECK(row->proto.is("tcp"));
  CHECK(row->answerer.is(*IpAddress::parse("fd77::1")));
}

TEST_CASE("entries of other protocols are passed over") {
  const auto bytes = entry(IPPROTO_ICMP, {"10.77.0.2", 1}, {"10.77.0.1", 2}, {"10.77.0.1", 2});
  CHECK_FALSE(parse(bytes, bytes.size()));
}

TEST_CASE("an entry that ends anywhere has its tuples whole, or is none") {
  const auto bytes = entry(IPPROTO_UDP, {"10.77.0.2", 1}, {"10.77.0.1", 2}, {"10.77.0.1", 2});
  for (std::size_t size = 0; size < bytes.size(); ++size)
    if (const auto row = parse(bytes, size))
      CHECK(row->answerer_port.is(2));
}
