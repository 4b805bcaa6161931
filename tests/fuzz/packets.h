// The packets that fuzzers put to rules.
#pragma once

#include <memory>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/packet_build.h"

namespace synfate {

/// Data of every client of a network, to port 80 of one address.
inline std::shared_ptr<const PacketClass> any_client_packet(IpFamily family) {
  FlowFacts facts;
  facts.family = family;
  facts.ports = client_ports();
  IpAddress server = IpAddress::v4(0x0a4d0001);
  facts.addresses = IntervalSet::range(0x0a000000, 0x0affffff);
  if (family == IpFamily::v6) {
    server = IpAddress::parse("2001:db8::1").value();
    facts.addresses = IntervalSet::range(Wide(0xfd) << 120, (Wide(0xfd) << 120) + 0xffff);
  }
  return std::make_shared<const PacketClass>(
      build_packet(Packet::data, facts, {AddressTerm::client(), PortTerm::client()},
                   {AddressTerm::known(server), PortTerm::known(80)}));
}

} // namespace synfate
