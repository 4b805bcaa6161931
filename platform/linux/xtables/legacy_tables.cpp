#include "platform/linux/xtables/legacy_tables.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/xtables/extensions.h"
#include "platform/linux/xtables/ipset_lookup.h"
#include "platform/linux/xtables/tables.h"
#include "platform/linux/xtables/xt_evaluate.h"

namespace synfate::xt {
namespace {

/// Stands for tables that could not be read: what it decides is unknown.
constexpr std::string_view unread_table = "";

struct TablePriority {
  std::string_view name;
  int priority;
};
constexpr std::array<TablePriority, 4> priorities{
    {{"raw", -300}, {"mangle", -150}, {"filter", 0}, {"security", 50}}};

int nat_priority(Hook hook) {
  return hook == Hook::postrouting || hook == Hook::input ? 100 : -100;
}

std::string_view family_name(IpFamily family) {
  return family == IpFamily::v4 ? "ip" : "ip6";
}

ByteView bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::size_t column_of(const Table& rows, std::string_view name) {
  return *rows.spec().column(name);
}

Request tables_of(Int netns) {
  return {std::string(table_name<XtTable>()), {{"netns", netns}}};
}

Extension extension_of(const XtExtension& extension) {
  return {extension.name, static_cast<std::uint8_t>(extension.revision), bytes_of(extension.info)};
}

Branches unknown_branch(const PacketClass& packet, std::string why) {
  Branch branch;
  branch.packet = packet;
  branch.verdict = HookVerdict::unknown;
  branch.why = std::move(why);
  return {branch};
}

} // namespace

const LoadedTable* LegacyTables::load(const Table& rows, std::size_t row) const {
  const auto entries = rows.text(row, column_of(rows, "entries"));
  const auto found = loaded_.find(entries.data());
  if (found != loaded_.end())
    return found->second.get();
  const auto family = rows.text(row, column_of(rows, "family"));
  auto blob = Blob::decode(bytes_of(rows.text(row, column_of(rows, "info"))), bytes_of(entries),
                           family == "ip6" ? IpFamily::v6 : IpFamily::v4);
  if (!blob)
    return nullptr;
  auto table = std::make_unique<LoadedTable>(
      LoadedTable{std::move(*blob), std::string(family),
                  std::string(rows.text(row, column_of(rows, "name"))), std::nullopt});
  return loaded_.emplace(entries.data(), std::move(table)).first->second.get();
}

std::vector<XtHook> LegacyTables::hooks(HookContext& context, const HookRequest& request,
                                        IpFamily family) const {
  const auto number = hook_number(request.hook);
  if (!number || request.family == HookFamily::bridge)
    return {};
  const auto rows = context.inquiry.find(tables_of(request.netns));
  if (context.inquiry.pending())
    return {};
  std::vector<XtHook> hooks;
  if (context.inquiry.incomplete())
    hooks.push_back({std::string(unread_table), 0, false});
  const Table* table = context.inquiry.snapshot().table(table_name<XtTable>());
  for (const auto row : rows) {
    const auto valid = static_cast<std::uint64_t>(table->integer(row, column_of(*table, "hooks")));
    if (table->text(row, column_of(*table, "family")) != family_name(family) ||
        (valid >> *number & 1U) == 0)
      continue;
    const auto name = table->text(row, column_of(*table, "name"));
    const auto known = std::ranges::find(priorities, name, &TablePriority::name);
    if (name == "nat")
      hooks.push_back({std::string(name), nat_priority(request.hook), true});
    else
      hooks.push_back({std::string(name), known == priorities.end() ? 0 : known->priority, false});
  }
  return hooks;
}

Branches LegacyTables::run(HookContext& context, const HookRequest& request, const XtHook& hook,
                           const PacketClass& packet) const {
  if (hook.table == unread_table)
    return unknown_branch(packet, "the tables of iptables-legacy could not be read");
  const auto rows = context.inquiry.find(tables_of(request.netns));
  const Table* table = context.inquiry.snapshot().table(table_name<XtTable>());
  for (const auto row : rows) {
    if (table->text(row, column_of(*table, "name")) != hook.table ||
        table->text(row, column_of(*table, "family")) != family_name(packet.family))
      continue;
    if (const LoadedTable* loaded = load(*table, row))
      return run_xt_table(context, request, *loaded, hook.priority, packet);
  }
  return unknown_branch(packet, fmt::format("the bytes of {}/{} are damaged",
                                            family_name(packet.family), hook.table));
}

std::optional<std::vector<MatchBranch>>
LegacyTables::match(HookContext& context, const HookRequest& request, const XtExtension& extension,
                    const PacketClass& packet, const Culprit& by) const {
  const NameRule name = [&] { return by; };
  auto answer = evaluate_match(context, request, extension_of(extension), packet, name);
  if (!answer)
    return std::nullopt;
  std::vector<MatchBranch> branches;
  if (answer->truth != Truth::depends)
    branches.push_back({packet, answer->truth == Truth::yes, answer->dropped});
  for (auto& part : answer->parts)
    branches.push_back({std::move(part.packet), part.matched, part.dropped});
  return branches;
}

std::optional<std::vector<XtTables::TargetBranch>>
LegacyTables::target(HookContext& context, const HookRequest& request, const XtExtension& extension,
                     const PacketClass& packet, const Culprit& by) const {
  const NameRule name = [&] { return by; };
  auto answer = evaluate_target(context, request, extension_of(extension), packet, name);
  if (!answer)
    return std::nullopt;
  return std::move(answer->parts);
}

std::string LegacyTables::text(HookContext& context, Int netns, const XtExtension& extension,
                               bool target, std::string_view table_family) const {
  const Extension known = extension_of(extension);
  const TextNames names{
      [&](std::uint16_t index) { return set_name_of(context.inquiry, netns, index); }};
  const IpFamily family = table_family == "ip6" ? IpFamily::v6 : IpFamily::v4;
  return target ? target_text(known, family, names) : match_text(known, family, names);
}

} // namespace synfate::xt
