// Any bytes as a table of iptables-legacy: the first part is struct ipt_getinfo, the rest entries.
// Decoding, numbering, printing and walking it never read outside of them and always end.
#include <cstddef>
#include <cstdint>

#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/netfilter/tables.h"
#include "platform/linux/xtables/blob.h"
#include "platform/linux/xtables/walk.h"
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

void walk(const xt::LoadedTable& table, Hook hook, IpFamily family) {
  static const Schema tables = schema();
  const Snapshot snapshot(tables);
  Inquiry inquiry(snapshot);
  Ruleset ruleset;
  const HookOptions options;
  HookContext context{inquiry, ruleset, nullptr, options};
  HookRequest request;
  request.hook = hook;
  static_cast<void>(xt::run_xt_table(context, request, table, 0, *any_client_packet(family)));
}

void read(xt::ByteView info, xt::ByteView entries, IpFamily family) {
  const auto blob = xt::Blob::decode(info, entries, family);
  if (!blob)
    return;
  (void)blob->index();
  XtTable table;
  table.netns = 1;
  table.family = Text(family == IpFamily::v6 ? "ip6" : "ip");
  table.name = Text("filter");
  (void)xt::rows_of(*blob, table, {}, {});
  const xt::LoadedTable loaded{*blob, family == IpFamily::v6 ? "ip6" : "ip", "filter", {}};
  for (const Hook hook : {Hook::prerouting, Hook::input, Hook::output})
    walk(loaded, hook, family);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::size_t middle = std::min(size, sizeof(xt::wire::TableInfo));
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
    read(bytes.first(middle), bytes.subspan(middle), family);
  return 0;
}
