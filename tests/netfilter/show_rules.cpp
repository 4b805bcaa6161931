// Prints every nf_tables rule of this network namespace as synfate reads it, one JSON object a
// line: where it stands, its expressions in nft's debug notation, and its text.
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "platform/linux/netfilter/machine.h"
#include "platform/linux/xtables/legacy_tables.h"
#include "platform/linux/xtables/read_ipset.h"
#include "platform/linux/xtables/tables.h"
#include "tests/netfilter/notation.h"
#include "tests/unit/platform/linux/netfilter/live_rules.h"

namespace {

using namespace synfate;

constexpr Int here = 1;

/// The text is asked for until the sets in it were read.
std::string text_of(test::LiveRules& live, const RuleSite& site) {
  std::string text;
  live.settle([&](HookContext& context) { text = rule_culprit(context, site).text; });
  return text;
}

void show(test::LiveRules& live, const NftRule& row, RuleRow& rule) {
  const NftScope scope{here, row.family.value(), row.table.value()};
  const std::string chain = row.chain.value();
  const auto& expressions = rule.expressions(byte_order_of(live.snapshot));
  const nlohmann::json line{{"family", scope.family},
                            {"table", scope.table},
                            {"chain", chain},
                            {"handle", rule.handle},
                            {"notation", test::notation_of(expressions)},
                            {"text", text_of(live, {&scope, &chain, &rule})}};
  fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

Schema schema() {
  Schema tables = test::all_tables();
  if (!add_xtables_tables(tables))
    throw std::runtime_error("tables do not fit together");
  return tables;
}

/// For the names of sets; without ipset there are none.
void add_sets(Snapshot& snapshot) {
  auto reader = xt::IpsetReader::open(here, std::chrono::seconds(5), "");
  auto sets = reader ? reader->read_sets() : Result<std::vector<Ipset>>(reader.error());
  if (sets)
    for (const auto& set : *sets)
      snapshot.add(set);
}

} // namespace

int main() {
  auto reader = NftReader::open(here, std::chrono::seconds(20));
  if (!reader) {
    fmt::print(stderr, "{}\n", to_string(reader.error()));
    return 1;
  }
  const auto rows = reader.value().read_all_rules();
  if (!rows) {
    fmt::print(stderr, "{}\n", to_string(rows.error()));
    return 1;
  }
  test::LiveRules live(here, schema());
  add_sets(live.snapshot);
  const xt::LegacyTables extensions;
  live.extensions = &extensions;
  for (const auto& row : rows.value()) {
    const Bytes bytes = row.expressions.value_or(Bytes{});
    const Text comment = row.comment.value_or("");
    RuleRow rule;
    rule.handle = row.handle.value_or(0);
    rule.bytes = bytes.data;
    rule.note = comment;
    show(live, row, rule);
  }
  return 0;
}
