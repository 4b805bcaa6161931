// Any bytes as one rule of iptables-legacy: decoding, printing and evaluating its matches and its
// target never read outside of them and always end.
#include <cstddef>
#include <cstdint>

#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/netfilter/tables.h"
#include "platform/linux/xtables/entry.h"
#include "platform/linux/xtables/tables.h"
#include "platform/linux/xtables/text.h"
#include "platform/linux/xtables/xt_evaluate.h"
#include "tests/fuzz/packets.h"

namespace {

using namespace synfate;

Schema schema() {
  Schema tables;
  static_cast<void>(add_core_tables(tables).ok());
  static_cast<void>(add_netfilter_tables(tables).ok());
  static_cast<void>(add_xtables_tables(tables).ok());
  return tables;
}

void evaluate(const xt::Entry& entry, IpFamily family) {
  static const Schema tables = schema();
  const Snapshot snapshot(tables);
  Inquiry inquiry(snapshot);
  Ruleset ruleset;
  const HookOptions options;
  HookContext context{inquiry, ruleset, nullptr, options};
  const HookRequest request;
  const auto name = [] { return Culprit(); };
  const auto packet = any_client_packet(family);
  for (const auto& match : entry.matches)
    static_cast<void>(xt::evaluate_match(context, request, match, *packet, name));
  static_cast<void>(xt::evaluate_target(context, request, entry.target, *packet, name));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
    if (const auto entry = xt::decode_entry(bytes, family)) {
      static_cast<void>(xt::rule_text(*entry, "chain", {}));
      evaluate(*entry, family);
    }
  return 0;
}
