// What nfbpf_compile makes of "tcp dst port 8080" and the like, over packets made by hand.
#include "platform/linux/xtables/classic_bpf.h"

#include <vector>

#include "platform/linux/netfilter/packet_build.h"
#include "tests/unit/catch.h"

namespace synfate::xt {
namespace {

using Program = std::vector<wire::BpfInstruction>;

PacketClass call_to(std::uint16_t port) {
  FlowFacts facts;
  facts.family = IpFamily::v4;
  facts.addresses = IntervalSet::address(*IpAddress::parse("10.0.0.9"));
  facts.ports = client_ports();
  return build_packet(Packet::syn, facts, {AddressTerm::client(), PortTerm::client()},
                      {AddressTerm::known(*IpAddress::parse("10.0.0.1")), PortTerm::known(port)});
}

/// ldb [9]; jeq #6; ldxb 4*([0]&0xf); ldh [x + 2]; jeq #port; ret #65535; ret #0
Program to_port(std::uint32_t port) {
  return {{48, 0, 0, 9},    {21, 0, 4, 6},    {177, 0, 0, 0}, {72, 0, 0, 2},
          {21, 0, 1, port}, {6, 0, 0, 65535}, {6, 0, 0, 0}};
}

TEST_CASE("a program that asks for the port that is called") {
  CHECK(run_classic_bpf(to_port(8080), call_to(8080)) == Truth::yes);
  CHECK(run_classic_bpf(to_port(8081), call_to(8080)) == Truth::no);
}

TEST_CASE("the source of one client is known, and that of many is not") {
  const Program from{{32, 0, 0, 12}, {21, 0, 1, 0x0a000009}, {6, 0, 0, 1}, {6, 0, 0, 0}};
  auto packet = call_to(80);
  CHECK(run_classic_bpf(from, packet) == Truth::yes);
  packet.addresses = IntervalSet::prefix(*IpPrefix::parse("10.0.0.0/24"));
  CHECK(run_classic_bpf(from, packet) == Truth::depends);
}

TEST_CASE("the client's port is not known, unless both ways end alike") {
  Program port{{40, 0, 0, 20}, {53, 0, 1, 50000}, {6, 0, 0, 1}, {6, 0, 0, 0}};
  CHECK(run_classic_bpf(port, call_to(80)) == Truth::depends);
  port.back().k = 7;
  CHECK(run_classic_bpf(port, call_to(80)) == Truth::yes);
}

TEST_CASE("what reaches past the packet does not match, nor what divides by zero") {
  CHECK(run_classic_bpf(Program{{32, 0, 0, 4000}, {6, 0, 0, 1}}, call_to(80)) == Truth::no);
  CHECK(run_classic_bpf(Program{{0, 0, 0, 7}, {1, 0, 0, 0}, {60, 0, 0, 0}, {6, 0, 0, 1}},
                        call_to(80)) == Truth::no);
}

TEST_CASE("the length, scratch memory, the protocol of the link, and calculations") {
  CHECK(run_classic_bpf(Program{{128, 0, 0, 0},
                                {2, 0, 0, 3},
                                {0, 0, 0, 0},
                                {96, 0, 0, 3},
                                {20, 0, 0, 50},
                                {36, 0, 0, 2},
                                {21, 0, 1, 20},
                                {6, 0, 0, 1},
                                {6, 0, 0, 0}},
                        call_to(80)) == Truth::yes);
  CHECK(run_classic_bpf(
            Program{{40, 0, 0, 0xfffff000}, {21, 0, 1, 0x0800}, {6, 0, 0, 1}, {6, 0, 0, 0}},
            call_to(80)) == Truth::yes);
  CHECK(run_classic_bpf(Program{{32, 0, 0, 0xfffff024}, {21, 0, 1, 0}, {6, 0, 0, 1}, {6, 0, 0, 0}},
                        call_to(80)) == Truth::depends); // the CPU
}

TEST_CASE("a program without an end tells nothing") {
  CHECK(run_classic_bpf(Program{{0, 0, 0, 7}}, call_to(80)) == Truth::depends);
}

} // namespace
} // namespace synfate::xt
