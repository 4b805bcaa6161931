#include "platform/linux/model/nat_ports.h"

#include <netinet/in.h>

#include "tests/unit/catch.h"

namespace {

using namespace synfate;
using Ranges = std::vector<std::pair<std::uint16_t, std::uint16_t>>;

nft::Data number(unsigned value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xffU)};
}

nft::Expressions rule(std::initializer_list<nft::Operation> operations) {
  nft::Expressions expressions;
  for (const auto& operation : operations)
    expressions.push_back({operation});
  return expressions;
}

const nft::Payload load_port{1, nft::PayloadBase::transport, 2, 2};
const nft::Meta load_proto{nft::MetaKey::l4proto, 1, false};
const nft::Cmp is_tcp{1, nft::CmpOp::eq, nft::Data(1, static_cast<char>(IPPROTO_TCP))};
const nft::Nat to_elsewhere{true, 2, 1, nft::no_slot, nft::no_slot, nft::no_slot, 0};

} // namespace

TEST_CASE("tcp dport 8080 dnat to …: one port") {
  const auto ports = ports_of_rule(rule(
      {load_proto, is_tcp, load_port, nft::Cmp{1, nft::CmpOp::eq, number(8080)}, to_elsewhere}));
  CHECK(ports.proto == Proto::tcp);
  CHECK(ports.ports == Ranges{{8080, 8080}});
  CHECK(ports.translates);
  CHECK_FALSE(ports.elsewhere);
}

TEST_CASE("dport 8000-8010 redirect: a range") {
  const auto ports = ports_of_rule(
      rule({load_port, nft::Range{1, false, number(8000), number(8010)}, nft::Redirect{}}));
  CHECK(ports.ports == Ranges{{8000, 8010}});
  CHECK(ports.translates);
}

TEST_CASE("ip daddr 10.0.0.5 … dnat: only where a client calls that address") {
  const auto ports =
      ports_of_rule(rule({nft::Payload{1, nft::PayloadBase::network, 16, 4},
                          nft::Cmp{1, nft::CmpOp::eq, nft::Data("\x0a\0\0\x05", 4)}, load_port,
                          nft::Cmp{1, nft::CmpOp::eq, number(80)}, to_elsewhere}));
  REQUIRE(ports.address);
  CHECK(ports.address->to_string() == "10.0.0.5");
}

TEST_CASE("what a rule excludes is no port it leads in") {
  const auto ports =
      ports_of_rule(rule({load_port, nft::Cmp{1, nft::CmpOp::neq, number(22)}, to_elsewhere}));
  CHECK(ports.ports.empty());
}

TEST_CASE("a port taken from a set is told, not overlooked") {
  const auto ports = ports_of_rule(
      rule({load_port, nft::Lookup{"ports", 1, nft::no_slot, false, false}, to_elsewhere}));
  CHECK(ports.elsewhere);
}

TEST_CASE("a source port is no destination port") {
  const auto ports = ports_of_rule(rule({nft::Payload{1, nft::PayloadBase::transport, 0, 2},
                                         nft::Cmp{1, nft::CmpOp::eq, number(53)}, to_elsewhere}));
  CHECK(ports.ports.empty());
}

TEST_CASE("iptables-nft's match tcp names a port") {
  std::string info(16, '\0');
  const std::uint16_t any = 0xffff, port = 8443;
  info.replace(2, 2, reinterpret_cast<const char*>(&any), 2);
  info.replace(4, 2, reinterpret_cast<const char*>(&port), 2);
  info.replace(6, 2, reinterpret_cast<const char*>(&port), 2);
  const auto ports =
      ports_of_rule(rule({nft::Compat{"tcp", 0, info, false}, nft::Compat{"DNAT", 2, "", true}}));
  CHECK(ports.proto == Proto::tcp);
  CHECK(ports.ports == Ranges{{8443, 8443}});
  CHECK(ports.translates);
}
