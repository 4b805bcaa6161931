// Any bytes as a rule: decoding, printing and evaluating never read outside them and always end.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/decode.h"
#include "platform/linux/netfilter/machine.h"
#include "platform/linux/netfilter/packet_build.h"
#include "platform/linux/netfilter/rule_text.h"
#include "platform/linux/netfilter/tables.h"

namespace {

synfate::Schema schema() {
  synfate::Schema tables;
  static_cast<void>(synfate::add_core_tables(tables).ok());
  static_cast<void>(synfate::add_netfilter_tables(tables).ok());
  return tables;
}

synfate::PacketClass packet() {
  using namespace synfate;
  FlowFacts facts;
  facts.addresses = IntervalSet::range(0x0a000000, 0x0affffff);
  facts.ports = client_ports();
  return build_packet(Packet::data, facts, {AddressTerm::client(), PortTerm::client()},
                      {AddressTerm::known(IpAddress::v4(0x0a4d0001)), PortTerm::known(80)});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  RuleRow rule;
  rule.bytes = bytes;
  TextSources sources;
  static_cast<void>(rule_text(rule.expressions(ByteOrder::little), "inet", "", sources));
  static_cast<void>(nft::decode_comment(bytes));
  const Snapshot snapshot(schema());
  Inquiry inquiry(snapshot);
  Ruleset ruleset;
  const HookOptions options;
  HookContext context{inquiry, ruleset, nullptr, options};
  const HookRequest request;
  Machine machine(context, request);
  const NftScope scope{1, "inet", "t"};
  const std::string chain = "c";
  std::vector<RuleEnd> ends;
  const auto traveller = std::make_shared<const PacketClass>(packet());
  machine.run({&scope, &chain, &rule}, traveller, ends);
  static_cast<void>(machine.failures({&scope, &chain, &rule}, traveller, nullptr));
  return 0;
}
