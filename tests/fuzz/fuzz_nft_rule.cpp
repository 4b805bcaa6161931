// Any bytes as a rule: decoding, printing and evaluating never read outside them and always end.
#include <cstddef>
#include <cstdint>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/decode.h"
#include "platform/linux/netfilter/machine.h"
#include "platform/linux/netfilter/rule_text.h"
#include "platform/linux/netfilter/tables.h"
#include "tests/fuzz/packets.h"

namespace {

synfate::Schema schema() {
  synfate::Schema tables;
  static_cast<void>(synfate::add_core_tables(tables).ok());
  static_cast<void>(synfate::add_netfilter_tables(tables).ok());
  return tables;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  RuleRow rule;
  rule.bytes = bytes;
  TextSources sources;
  static_cast<void>(
      rule_text(phrases_of(rule.expressions(ByteOrder::little), "inet", sources), ""));
  static_cast<void>(nft::decode_comment(bytes));
  static const Schema tables = schema();
  const Snapshot snapshot(tables);
  Inquiry inquiry(snapshot);
  Ruleset ruleset;
  const HookOptions options;
  HookContext context{inquiry, ruleset, nullptr, options};
  const HookRequest request;
  Machine machine(context, request);
  const NftScope scope{1, "inet", "t"};
  const std::string chain = "c";
  std::vector<RuleEnd> ends;
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    const auto traveller = any_client_packet(family);
    machine.run({&scope, &chain, &rule}, traveller, ends);
    static_cast<void>(machine.failures({&scope, &chain, &rule}, traveller, nullptr));
  }
  return 0;
}
