// A host for tests: answers the questions of a walk from the kernel, in the namespace of the
// calling thread, and everything that is not nf_tables from what the test says.
#pragma once

#include <functional>
#include <string>

#include <net/if.h>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/hooks.h"
#include "platform/linux/netfilter/read_nft.h"
#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/netfilter/tables.h"

namespace synfate::test {

inline Schema all_tables() {
  Schema schema;
  if (!add_core_tables(schema) || !add_netfilter_tables(schema))
    throw std::runtime_error("tables do not fit together");
  return schema;
}

class LiveRules {
public:
  explicit LiveRules(Int netns = 1, Schema schema = all_tables())
      : snapshot(std::move(schema)), netns_(netns) {
    HostFacts host;
    host.byte_order = std::endian::native == std::endian::little ? "little" : "big";
    snapshot.set_host(host);
  }

  /// Runs `look` until nothing more is asked for.
  void settle(const std::function<void(HookContext&)>& look) {
    for (int round = 0; round < 1000; ++round) {
      Inquiry inquiry(snapshot);
      HookContext context{inquiry, ruleset, extensions, options};
      look(context);
      if (!inquiry.pending())
        return;
      for (const auto& request : inquiry.needs())
        answer(request);
    }
    throw std::runtime_error("the walk never had enough");
  }

  Snapshot snapshot;
  Ruleset ruleset;
  HookOptions options;
  const XtTables* extensions = nullptr; ///< x_tables extensions in the rules

private:
  static std::string text(const Request& request, const char* column) {
    for (const auto& key : request.keys)
      if (key.column == column)
        if (const auto* value = std::get_if<Text>(&key.value))
          return *value;
    return {};
  }

  template <typename Row> void add(const Result<std::vector<Row>>& rows) {
    for (const auto& row : rows.value())
      snapshot.add(row);
  }

  void answer(const Request& request) {
    auto reader = NftReader::open(netns_, std::chrono::seconds(5)).value();
    const NftPlace place{text(request, "family"), text(request, "table"), {}};
    const auto named = [&](const char* column) {
      return NftPlace{place.family, place.table, text(request, column)};
    };
    if (request.table == "nft_table")
      add(reader.read_tables());
    else if (request.table == "nft_chain")
      add(reader.read_chains());
    else if (request.table == "nft_rule")
      add(reader.read_rules(named("chain")));
    else if (request.table == "nft_rule_dump")
      add(reader.read_rule_dump(named("chain")));
    else if (request.table == "nft_set")
      add(reader.read_sets(place));
    else if (request.table == "nft_element")
      add(reader.read_elements(named("set")));
    else if (request.table == "nft_set_dump")
      add(reader.read_set_dump(named("set")));
    else if (request.table == "interface")
      add_interfaces();
    else if (request.table == "nft_object")
      add(reader.read_objects());
    else if (request.table == "nft_lookup")
      for (const auto& key : request.keys)
        if (const auto* bytes = std::get_if<Bytes>(&key.value))
          snapshot.add(reader.read_lookup(named("set"), bytes->data).value());
    snapshot.answered(request);
  }

  /// Names and indices; more is what a test says.
  void add_interfaces() {
    auto* const all = if_nameindex();
    for (auto* one = all; one != nullptr && one->if_index != 0; ++one) {
      Interface row;
      row.netns = netns_;
      row.index = Int{one->if_index};
      row.name = Text(one->if_name);
      snapshot.add(row);
    }
    if_freenameindex(all);
  }

  Int netns_;
};

} // namespace synfate::test
