// Bytecode against a plain interpreter of the kernel's rules, and its exact bytes.
#include "platform/linux/sockets/inet_filter.h"

#include <cstring>

#include <linux/inet_diag.h>
#include <sys/socket.h>

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/sockets/bytes.h"

using namespace synfate;

namespace {

struct Entry {
  IpAddress local, remote;
  std::uint16_t local_port = 0, remote_port = 0;
  std::uint32_t interface_index = 0;
};

bool host_holds(const std::byte* argument, const IpAddress& address) {
  inet_diag_hostcond condition;
  std::memcpy(&condition, argument, sizeof(condition));
  const std::size_t size = condition.prefix_len / 8;
  auto bytes = address.bytes();
  if (address.is_v6() && condition.family == AF_INET) {
    if (!address.is_v4_mapped())
      return false;
    bytes = bytes.subspan(12);
  } else if (address.is_v4() != (condition.family == AF_INET)) {
    return false;
  }
  return std::memcmp(bytes.data(), argument + sizeof(condition), size) == 0;
}

/// As inet_diag_bc_run() does; nothing if a jump leaves the program in the wrong place.
std::optional<bool> run(const std::vector<std::byte>& program, const Entry& entry) {
  auto length = static_cast<long>(program.size());
  const std::byte* at = program.data();
  while (length > 0) {
    inet_diag_bc_op operation, second;
    std::memcpy(&operation, at, sizeof(operation));
    std::memcpy(&second, at + sizeof(operation), sizeof(second));
    std::uint32_t index = 0;
    std::memcpy(&index, at + sizeof(operation), sizeof(index));
    bool holds = false;
    switch (operation.code) {
    case INET_DIAG_BC_S_EQ:
      holds = entry.local_port == second.no;
      break;
    case INET_DIAG_BC_D_EQ:
      holds = entry.remote_port == second.no;
      break;
    case INET_DIAG_BC_S_COND:
      holds = host_holds(at + sizeof(operation), entry.local);
      break;
    case INET_DIAG_BC_D_COND:
      holds = host_holds(at + sizeof(operation), entry.remote);
      break;
    case INET_DIAG_BC_DEV_COND:
      holds = index == entry.interface_index;
      break;
    default:
      return std::nullopt;
    }
    const long step = holds ? operation.yes : operation.no;
    if (step < 4 || step % 4 != 0 || step > length + 4)
      return std::nullopt; // what inet_diag_bc_audit() refuses
    length -= step;
    at += step;
  }
  return length == 0;
}

const IpAddress server = *IpAddress::parse("10.77.0.1");

} // namespace

TEST_CASE("nothing asked is no program") {
  CHECK(inet_bytecode({}).empty());
}

TEST_CASE("a port is one comparison that refuses by jumping beyond the end") {
  InetFilter filter;
  filter.local_port = 8080;
  const auto program = inet_bytecode(filter);
  REQUIRE(program.size() == 8);
  inet_diag_bc_op operations[2];
  std::memcpy(operations, program.data(), sizeof(operations));
  CHECK(operations[0].code == INET_DIAG_BC_S_EQ);
  CHECK(operations[0].yes == 8);
  CHECK(operations[0].no == 12);
  CHECK(operations[1].no == 8080);
}

TEST_CASE("every part of a filter must hold") {
  InetFilter filter;
  filter.local_port = 8080;
  filter.remote_port = 40000;
  filter.local_address = server;
  filter.remote_address = *IpAddress::parse("10.77.0.2");
  filter.interface_index = 3;
  const auto program = inet_bytecode(filter);
  const Entry match{server, *filter.remote_address, 8080, 40000, 3};
  CHECK(run(program, match) == true);
  auto other = match;
  other.local_port = 8081;
  CHECK(run(program, other) == false);
  other = match;
  other.remote_port = 1;
  CHECK(run(program, other) == false);
  other = match;
  other.local = *IpAddress::parse("10.77.0.3");
  CHECK(run(program, other) == false);
  other = match;
  other.remote = server;
  CHECK(run(program, other) == false);
  other = match;
  other.interface_index = 0;
  CHECK(run(program, other) == false);
}

TEST_CASE("an IPv4 address also finds its v4-mapped form and an IPv6 one only itself") {
  InetFilter filter;
  filter.local_address = server;
  CHECK(run(inet_bytecode(filter), {server.mapped(), {}, 1, 0, 0}) == true);
  filter.local_address = IpAddress::loopback(IpFamily::v6);
  CHECK(run(inet_bytecode(filter), {IpAddress::loopback(IpFamily::v6), {}, 1, 0, 0}) == true);
  CHECK(run(inet_bytecode(filter), {server, {}, 1, 0, 0}) == false);
}
