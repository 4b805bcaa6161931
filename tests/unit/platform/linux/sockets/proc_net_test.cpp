// Lines as Linux 6.18 prints them on a little-endian machine, and broken ones.
#include "platform/linux/sockets/proc_net.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

const SocketProtocol& tcp = socket_protocols()[0];
const SocketProtocol& udp = socket_protocols()[1];

constexpr std::string_view listener =
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 "
    "4321 1 0000000000000000 100 0 0 10 0                     ";
constexpr std::string_view time_wait = "   0: 0100007F:46A3 0100007F:C690 06 00000000:00000000 "
                                       "03:00001763 00000000     0        0 0 3 "
                                       "0000000072609898                                      ";
constexpr std::string_view v6_listener =
    "   1: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 99 1 0000000000000000 100 0 0 10 0";
constexpr std::string_view datagram =
    "  416: 0100007F:0035 00000000:0000 07 00000000:00000680 00:00000000 00000000   101        0 "
    "777 2 0000000000000000 29             ";

} // namespace

TEST_CASE("a listener's line gives address, queue and owner, and unknown for the rest") {
  const auto row = parse_proc_net_line(listener, tcp, "tcp");
  REQUIRE(row);
  CHECK(row->state.is("listen"));
  CHECK(row->local_address.is(IpAddress::loopback(IpFamily::v4)));
  CHECK(row->local_port.is(8080));
  CHECK(row->remote_address.absent());
  CHECK(row->accept_queue.is(3));
  CHECK(row->accept_queue_limit.gap() == gap_sock_diag);
  CHECK(row->interface_index.unknown());
  CHECK(row->drops.unknown());
  CHECK(row->v6only.absent());
  CHECK(row->uid.is(1000));
  CHECK(row->inode.is(4321));
  CHECK(row->read_from.is("/proc/net/tcp"));
}

TEST_CASE("the timer of a line counts in hundredths of a second") {
  const auto row = parse_proc_net_line(time_wait, tcp, "tcp");
  REQUIRE(row);
  CHECK(row->state.is("time_wait"));
  CHECK(row->timer.is("time_wait"));
  CHECK(row->timer_ms.is(59870));
  CHECK(row->remote_port.is(0xC690));
}

TEST_CASE("an IPv6 line is read word by word") {
  const auto row = parse_proc_net_line(v6_listener, tcp, "tcp6");
  REQUIRE(row);
  CHECK(row->local_address.is(IpAddress::loopback(IpFamily::v6)));
  CHECK(row->local_port.is(22));
  CHECK(row->v6only.unknown());
}

TEST_CASE("a UDP line ends with its drops") {
  const auto row = parse_proc_net_line(datagram, udp, "udp");
  REQUIRE(row);
  CHECK(row->state.is("unconnected"));
  CHECK(row->receive_queue.is(0x680));
  CHECK(row->drops.is(29));
  CHECK(row->idle_ms.absent());
}

TEST_CASE("headings and broken lines are no sockets") {
  CHECK_FALSE(
      parse_proc_net_line("  sl  local_address rem_address   st tx_queue rx_queue", tcp, ""));
  CHECK_FALSE(parse_proc_net_line("", tcp, ""));
  CHECK_FALSE(parse_proc_net_line("   0: 0100007F:1F90 00000000:0000 0A", tcp, ""));
  std::string bad(listener);
  bad[8] = 'x';
  CHECK_FALSE(parse_proc_net_line(bad, tcp, ""));
  CHECK_FALSE(parse_proc_net_unix_line("Num       RefCount Protocol Flags    Type St Inode Path"));
  CHECK_FALSE(parse_proc_net_unix_line(""));
}

TEST_CASE("lines of /proc/net/unix give type, state and name") {
  const auto listening = parse_proc_net_unix_line(
      "0000000000000000: 00000002 00000000 00010000 0001 01 23456 /run/a b.sock");
  REQUIRE(listening);
  CHECK(listening->state.is("listen"));
  CHECK(listening->type.is("stream"));
  CHECK(listening->path.is("/run/a b.sock"));
  CHECK(listening->abstract.is(false));
  CHECK(listening->inode.is(23456));
  const auto connected =
      parse_proc_net_unix_line("ffff8881055f8000: 00000003 00000000 00000000 0005 03 17");
  REQUIRE(connected);
  CHECK(connected->state.is("connected"));
  CHECK(connected->type.is("seqpacket"));
  CHECK(connected->path.absent());
  const auto abstract = parse_proc_net_unix_line(
      "0000000000000000: 00000002 00000000 00000000 0002 01    18 @name@x");
  REQUIRE(abstract);
  CHECK(abstract->state.is("unconnected"));
  CHECK(abstract->abstract.is(true));
  CHECK(abstract->path.is("name@x"));
  CHECK(abstract->file_inode.absent());
}
