// Which entry of conntrack a packet belongs to, and what state that gives it.
#include "platform/linux/netfilter/conntrack.h"

#include "platform/linux/netfilter/nat.h"
#include "platform/linux/netfilter/packet_build.h"
#include "tests/unit/catch.h"

namespace synfate {
namespace {

const Endpoint client{AddressTerm::client(), PortTerm::client()};
const Endpoint server{AddressTerm::known(IpAddress::parse("10.77.0.1").value()),
                      PortTerm::known(8080)};

/// The packets of one connection, as conntrack of one namespace sees them.
class Connection {
public:
  explicit Connection(std::uint8_t proto = 6) {
    facts_.proto = proto;
    facts_.addresses = IntervalSet::address(IpAddress::parse("10.77.0.2").value());
    facts_.ports = IntervalSet::single(40000);
  }

  /// A packet on its way, before the rules in raw.
  PacketClass& next(Packet kind, bool answer) {
    const auto before = packet_.ct;
    packet_ = build_packet(kind, facts_, answer ? server : client, answer ? client : server);
    continue_connection(packet_, before, answer);
    return packet_;
  }

  /// The same through conntrack, in a zone.
  const ConntrackView& pass(Packet kind, bool answer, std::uint16_t zone = 0, bool loose = true) {
    auto& packet = next(kind, answer);
    if (zone != 0)
      give_template(packet, {zone, true, true, false});
    enter_conntrack(packet, loose);
    return packet.ct;
  }

  const PacketClass& packet() const { return packet_; }

private:
  FlowFacts facts_;
  PacketClass packet_;
};

} // namespace

TEST_CASE("a handshake is new, then established, and assured by its last packet") {
  Connection connection;
  CHECK(connection.pass(Packet::syn, false).state == CtState::fresh);
  const auto& answered = connection.pass(Packet::synack, true);
  CHECK(answered.state == CtState::established);
  CHECK(answered.reply);
  CHECK((answered.status & ct_status_assured) == 0);
  CHECK((connection.pass(Packet::ack, false).status & ct_status_assured) != 0);
}

TEST_CASE("an ACK is invalid where conntrack saw the SYN and not its answer") {
  Connection connection;
  connection.pass(Packet::syn, false);
  auto& answer = connection.next(Packet::synack, true);
  answer.ct.state = CtState::untracked;
  enter_conntrack(answer, true);
  CHECK(answer.ct.state == CtState::untracked);
  CHECK(connection.pass(Packet::ack, false).state == CtState::invalid);
  CHECK(connection.pass(Packet::data, false).state == CtState::invalid);
}

TEST_CASE("a connection is picked up in the middle, unless the kernel is told not to") {
  Connection picked;
  CHECK(picked.pass(Packet::synack, true).state == CtState::invalid);
  CHECK(picked.pass(Packet::ack, false).state == CtState::fresh);
  CHECK(picked.pass(Packet::data, false).state == CtState::fresh);
  Connection strict;
  strict.pass(Packet::synack, true);
  CHECK(strict.pass(Packet::ack, false, 0, false).state == CtState::invalid);
}

TEST_CASE("an entry of another zone is not found") {
  Connection connection;
  connection.pass(Packet::syn, false, 5);
  CHECK(connection.pass(Packet::synack, true).state == CtState::invalid);
  CHECK(connection.pass(Packet::ack, false, 5).state == CtState::invalid);
  CHECK(connection.pass(Packet::ack, false).state == CtState::fresh); // picked up in zone 0
  CHECK(connection.pass(Packet::data, true).state == CtState::established);
  CHECK(connection.pass(Packet::data, false, 5).zone.id.is(5));
}

TEST_CASE("the entry that an answer began is the answer's own way") {
  Connection udp(17);
  CHECK(udp.pass(Packet::datagram, false, 5).state == CtState::fresh);
  const auto& answer = udp.pass(Packet::datagram, true);
  CHECK(answer.state == CtState::fresh);
  CHECK_FALSE(answer.reply);
  CHECK(is_answer(answer));
  const auto& again = udp.pass(Packet::datagram, false);
  CHECK(again.reply);
  CHECK(again.state == CtState::established);
  CHECK(udp.pass(Packet::datagram, true, 5).state == CtState::established);
}

TEST_CASE("a zone of one direction leaves the other in the default zone") {
  Connection connection;
  auto& syn = connection.next(Packet::syn, false);
  give_template(syn, {5, true, false, false});
  enter_conntrack(syn, true);
  CHECK(syn.ct.zone.of(false).is(5));
  CHECK(syn.ct.zone.of(true).is(0));
  CHECK(connection.pass(Packet::synack, true).state == CtState::established);
}

TEST_CASE("a zone by mark is the mark that the packet has when conntrack looks") {
  Connection connection;
  auto& syn = connection.next(Packet::syn, false);
  give_template(syn, {0, true, true, true});
  syn.meta.mark = 7U;
  enter_conntrack(syn, true);
  CHECK(syn.ct.zone.id.is(7));
}

TEST_CASE("what an entry has carried is what conntrack saw of it") {
  Connection connection;
  connection.pass(Packet::syn, false);
  auto& answer = connection.next(Packet::synack, true);
  give_template(answer, {5, true, true, false});
  enter_conntrack(answer, true);
  const auto& ct = connection.pass(Packet::syn, false);
  CHECK(ct.carried.packets == 2);
  CHECK(ct.carried.bytes == 120);
  CHECK(ct.answered.packets == 0);
}

TEST_CASE("what rules did to a set is remembered by its element") {
  std::vector<SetChange> changes;
  note_change(changes, {"inet/f/seen", "a", true});
  CHECK(changed_to(changes, "inet/f/seen", "a", false) == ChangedTo::present);
  CHECK(changed_to(changes, "inet/f/seen", "b", false) == ChangedTo::unchanged);
  CHECK(changed_to(changes, "inet/f/other", "a", false) == ChangedTo::unchanged);
  CHECK(changed_to(changes, "inet/f/seen", {}, false) == ChangedTo::perhaps_present);
  note_change(changes, {"inet/f/seen", "a", false});
  CHECK(changed_to(changes, "inet/f/seen", "a", true) == ChangedTo::gone);
  note_change(changes, {"inet/f/seen", {}, true});
  CHECK(changed_to(changes, "inet/f/seen", "a", true) == ChangedTo::perhaps_present);
  note_change(changes, {"inet/f/seen", "a", true});
  CHECK(changed_to(changes, "inet/f/seen", "a", false) == ChangedTo::present);
}

TEST_CASE(
    "an answer offers what it was offered, and later packets are as short as that makes them") {
  Connection connection;
  auto syn = connection.next(Packet::syn, false);
  CHECK(syn.network.size() == 60);
  CHECK(offer_of(syn).timestamps);
  for (std::size_t at = 46; at < 56; ++at) // a rule puts NOPs in the place of the timestamps
    syn.network[at] = Octet::of(1);
  FlowFacts facts;
  facts.peer = offer_of(syn);
  CHECK_FALSE(facts.peer.timestamps);
  CHECK(facts.peer.selective);
  const auto answer = build_packet(Packet::synack, facts, server, client);
  CHECK(answer.network.size() == 52);
  CHECK(answer.network[32].value == 0x80);
  CHECK_FALSE(offer_of(answer).timestamps);
  facts.peer = offer_of(answer);
  CHECK(build_packet(Packet::ack, facts, client, server).network.size() == 40);
}

TEST_CASE("the port that NAT gives is told where the kernel has no choice") {
  Connection connection;
  const auto& packet = connection.next(Packet::syn, false);
  const auto now = PortTerm::known(9090);
  const auto given = [&](NatPortRange range, bool destination) {
    return nat_port(packet, now, range, destination).value_or(PortTerm::known(0));
  };
  CHECK(given({true, 8080, 8083, false}, true) == PortTerm::known(8080));
  CHECK(given({true, 8083, 8080, false}, true) == PortTerm::known(8080));
  CHECK(given({true, 9000, 9999, false}, true) == now);
  CHECK(given({true, 9000, 9999, true}, true) == PortTerm::range(9000, 9999));
  CHECK(given({true, 8080, 8080, true}, true) == PortTerm::known(8080));
  CHECK(given({true, 8080, 8083, false}, false) == PortTerm::range(8080, 8083));
  CHECK_FALSE(nat_port(packet, now, {false, 0, 0, true}, true).has_value());
  CHECK_FALSE(nat_port(packet, now, {false, 0, 0, false}, false).has_value());
  CHECK(given({false, 0, 0, true}, false) == PortTerm::range(1024, 65535));
  const NatPortRange random{false, 0, 0, true};
  CHECK(nat_port(packet, PortTerm::known(80), random, false) == PortTerm::range(1, 511));
  CHECK(nat_port(packet, PortTerm::known(600), random, false) == PortTerm::range(600, 1023));
  CHECK(nat_port(packet, PortTerm::client(), random, false) == PortTerm::range(1024, 65535));
}

} // namespace synfate
