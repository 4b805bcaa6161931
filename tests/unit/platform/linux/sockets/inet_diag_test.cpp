// Messages captured from Linux 6.18, and damaged ones.
#include "platform/linux/sockets/inet_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/sockets/bytes.h"

using namespace synfate;

namespace {

/// [::]:18080 on interface 1, IPV6_V6ONLY off, SO_MARK 7, IP_FREEBIND off, as CAP_NET_ADMIN sees
/// it; INET_DIAG_INFO cut to its first 64 bytes.
constexpr std::string_view listener = R"(
  0a0a0000 46a00000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 01000000
  3d100000 00000000 00000000 00000000 05000000 00000000 fd960100 05000800 00000000 05000b00 00000000
  08000f00 07000000 0c001500 01000000 00000000 06001600 12000000 28000700 00000000 00000200 00000000
  00400000 00000000 00000000 00000000 00000000 03000000)";

/// 127.0.0.1:18081 that demands TCP-MD5 of 10.77.0.0/16; SKMEMINFO and INFO left out.
constexpr std::string_view signed_listener = R"(
  020a0000 46a10000 7f000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
  3e100000 00000000 00000000 00000000 02000000 00000000 fe960100 05000800 00000000 08000f00 00000000
  68001200 02100600 0a4d0000 00000000 00000000 00000000 73656372 65740000 00000000 00000000 00000000
  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
  00000000 00000000 00000000 00000000)";

/// UDP 127.0.0.1:18082 connected to port 9.
constexpr std::string_view datagram = R"(
  02010000 46a20009 7f000001 00000000 00000000 00000000 7f000001 00000000 00000000 00000000 00000000
  3f100000 00000000 00000000 00000000 00000000 00000000 01970100 05000800 00000000 08000f00 00000000
  0c001500 01000000 00000000 06001600 50000000 28000700 00000000 00400300 00000000 00400300 00000000
  00000000 00000000 00000000 00000000)";

constexpr std::string_view time_wait = R"(
  02060300 46a3c690 7f000001 00000000 00000000 00000000 7f000001 00000000 00000000 00000000 00000000
  40100000 00000000 fce90000 00000000 00000000 00000000 00000000 08000f00 00000000)";

const SocketProtocol& protocol(std::string_view name) {
  for (const auto& candidate : socket_protocols())
    if (candidate.name == name)
      return candidate;
  throw std::logic_error("no such protocol");
}

Socket parsed(std::string_view hex, std::string_view proto = "tcp") {
  const auto bytes = test::bytes_of(hex);
  const auto socket = parse_inet_diag(test::message_of(bytes), protocol(proto));
  REQUIRE(socket);
  return *socket;
}

} // namespace

TEST_CASE("an IPv6 listener bound to a device is read with all its options") {
  const auto row = parsed(listener);
  CHECK(row.state.is("listen"));
  CHECK(row.local_address.is(IpAddress::any(IpFamily::v6)));
  CHECK(row.local_port.is(18080));
  CHECK(row.interface_index.is(1));
  CHECK(row.remote_address.absent());
  CHECK(row.inode.is(104189));
  CHECK(row.cookie.is(0x103d));
  CHECK(row.uid.is(0));
  CHECK(row.v6only.is(false));
  CHECK(row.mark.is(7));
  CHECK(row.cgroup_id.is(1));
  CHECK(row.accept_queue.is(0));
  CHECK(row.accept_queue_limit.is(5));
  CHECK(row.receive_buffer.is(131072));
  CHECK(row.drops.is(3));
  CHECK(row.freebind.is(false));
  CHECK(row.transparent.is(false));
  CHECK(row.md5_peers.absent());
  CHECK(row.timer.absent());
}

TEST_CASE("peers that must sign are named and their secret is not") {
  const auto row = parsed(signed_listener);
  CHECK(row.md5_peers.is("10.77.0.0/16"));
  for (const auto& cell : to_cells(row))
    if (const auto* text = std::get_if<Text>(&cell))
      CHECK(text->find("secret") == Text::npos);
}

TEST_CASE("without CAP_NET_ADMIN signing peers are unknown, not absent") {
  std::string unprivileged(signed_listener);
  unprivileged.replace(unprivileged.find("08000f00"), 8, "08001700"); // the mark is not there
  unprivileged.replace(unprivileged.find("68001200"), 8, "68001700");
  const auto row = parsed(unprivileged);
  CHECK(row.mark.gap() == gap_socket_options);
  CHECK(row.md5_peers.gap() == gap_socket_options);
  CHECK(row.upper_layer.gap() == gap_socket_options);
  CHECK(row.local_port.is(18081));
}

TEST_CASE("freebind and transparent are told apart") {
  std::string text(datagram);
  CHECK(parsed(text, "udp").freebind.is(false));
  text.replace(text.find("06001600 50"), 11, "06001600 04");
  CHECK(parsed(text, "udp").freebind.is(true));
  CHECK(parsed(text, "udp").transparent.is(false));
  text.replace(text.find("06001600 04"), 11, "06001600 20");
  CHECK(parsed(text, "udp").freebind.is(false));
  CHECK(parsed(text, "udp").transparent.is(true));
}

TEST_CASE("a connected UDP socket has a peer and is established") {
  const auto row = parsed(datagram, "udp");
  CHECK(row.state.is("established"));
  CHECK(row.remote_port.is(9));
  CHECK(row.remote_address.is(IpAddress::loopback(IpFamily::v4)));
  CHECK(row.accept_queue.absent());
  CHECK(row.receive_queue.is(0));
}

TEST_CASE("a TIME_WAIT socket has a timer, inode 0 and no user") {
  const auto row = parsed(time_wait);
  CHECK(row.state.is("time_wait"));
  CHECK(row.timer.is("time_wait"));
  CHECK(row.timer_ms.is(59900));
  CHECK(row.inode.is(0));
  CHECK(row.uid.absent());
}

TEST_CASE("every shortened message is read as far as it goes or refused") {
  for (const auto sample : {listener, signed_listener, datagram, time_wait}) {
    auto bytes = test::bytes_of(sample);
    for (; !bytes.empty(); bytes.pop_back()) {
      const auto row = parse_inet_diag(test::message_of(bytes), protocol("tcp"));
      CHECK(row.has_value() == (bytes.size() >= sizeof(inet_diag_msg)));
    }
  }
}

TEST_CASE("a message of another family is no Internet socket") {
  auto bytes = test::bytes_of(listener);
  bytes[0] = std::byte{1};
  CHECK_FALSE(parse_inet_diag(test::message_of(bytes), protocol("tcp")));
}

TEST_CASE("a request for listeners asks for that state alone") {
  InetDump dump{&protocol("tcp"), IpFamily::v6, states_of(protocol("tcp"), "listen"), {}};
  auto request = inet_dump_request(dump);
  const auto bytes = request.finish(3);
  const auto header = netlink::read_as<inet_diag_req_v2>(bytes.subspan(16));
  REQUIRE(header);
  CHECK(header->idiag_states == 1U << 10);
  CHECK(header->sdiag_family == 10);
  CHECK(header->sdiag_protocol == 6);
  CHECK(bytes.size() == 16 + sizeof(inet_diag_req_v2));
  CHECK(request.is_dump());
}

TEST_CASE("both families of TCP are asked for in one older request") {
  auto request = inet_dump_request({&protocol("tcp"), std::nullopt, all_states, {}});
  const auto bytes = request.finish(1);
  netlink::for_each_message(bytes, [](const netlink::Message& message) {
    CHECK(message.type == TCPDIAG_GETSOCK);
    CHECK(message.header<inet_diag_req>()->idiag_states == all_states);
    return true;
  });
}

TEST_CASE("MPTCP, whose number does not fit the request, goes into an attribute") {
  auto request = inet_dump_request({&protocol("mptcp"), IpFamily::v4, 1U << 10, {}});
  const auto bytes = request.finish(1);
  const netlink::Message message{20, 0, 1, bytes.subspan(16)};
  const auto attribute = message.attributes(sizeof(inet_diag_req_v2)).find(INET_DIAG_REQ_PROTOCOL);
  REQUIRE(attribute);
  CHECK(attribute->as<std::uint32_t>() == 262U);
}

TEST_CASE("a lookup names the client as the kernel's lookup of each protocol expects it") {
  const auto server = *IpAddress::parse("10.0.0.1"), client = *IpAddress::parse("10.0.0.2");
  const auto id_of = [&](std::string_view proto) {
    auto request = inet_lookup_request({&protocol(proto), server, 80, client, 40000, 3});
    return netlink::read_as<inet_diag_req_v2>(request.finish(1).subspan(16))->id;
  };
  CHECK(be16toh(id_of("tcp").idiag_sport) == 80);
  CHECK(be32toh(id_of("tcp").idiag_src[0]) == server.v4_host_order());
  CHECK(be16toh(id_of("udp").idiag_sport) == 40000);
  CHECK(be32toh(id_of("udp").idiag_dst[0]) == server.v4_host_order());
  CHECK(id_of("udp").idiag_if == 3);
}

TEST_CASE("state words and bits agree, and each protocol has its own") {
  CHECK(states_of(protocol("tcp"), "listen") == 1U << 10);
  CHECK(states_of(protocol("tcp"), "syn_recv") == ((1U << 3) | (1U << 12)));
  CHECK(states_of(protocol("tcp"), "bound") == ((1U << 7) | (1U << 13)));
  CHECK(states_of(protocol("tcp"), "unconnected") == 0);
  CHECK(states_of(protocol("udp"), "unconnected") == 1U << 7);
  CHECK(states_of(protocol("udp"), "listen") == 0);
  CHECK(states_of(protocol("tcp"), "") == 0);
  CHECK(state_word(protocol("tcp"), 200).empty());
}
