#include "platform/linux/netfilter/ruleset.h"

#include <algorithm>
#include <sstream>

#include "platform/linux/netfilter/decode.h"
#include "platform/linux/netfilter/rule_messages.h"
#include "platform/linux/netfilter/set_elements.h"
#include "platform/linux/netfilter/tables.h"

namespace synfate {
namespace {

/// Of a set's dump: some hundreds of elements each.
constexpr Int messages_at_a_glance = 2;

std::vector<Key> keys_of(const NftScope& scope) {
  return {{"netns", scope.netns}, {"family", scope.family}, {"table", scope.table}};
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;)
    words.push_back(word);
  return words;
}

NftBaseChain base_chain_of(const NftChain& row, Int netns) {
  NftBaseChain chain;
  chain.scope = {netns, row.family.value_or(""), row.table.value_or("")};
  chain.name = row.name.value_or("");
  chain.type = row.type.value_or("filter");
  chain.hook = row.hook.value_or("");
  chain.priority = static_cast<int>(row.priority.value_or(0));
  chain.handles.second = row.handle.value_or(0);
  chain.drops = row.policy.is("drop");
  chain.devices = words_of(row.devices.value_or(""));
  return chain;
}

/// NFT_DATA_VALUE_MAXLEN: no set has longer keys (nf_tables_newset()), but a file may say so.
constexpr Int longest_key = 64;

SetShape shape_of(const NftSet& row) {
  SetShape shape;
  shape.flags = static_cast<std::uint32_t>(row.flags.value_or(0));
  shape.key_length =
      static_cast<std::size_t>(std::clamp<Int>(row.key_length.value_or(0), 0, longest_key));
  shape.key_type = static_cast<std::uint32_t>(row.key_type.value_or(0));
  shape.data_type = static_cast<std::uint32_t>(row.data_type.value_or(0));
  shape.data_length = static_cast<std::size_t>(row.data_length.value_or(0));
  shape.object_type = static_cast<std::uint32_t>(row.object_type.value_or(0));
  shape.size = static_cast<std::uint64_t>(row.size.value_or(0));
  shape.limited = row.size.known();
  if (row.fields.known())
    shape.fields.assign(row.fields.value().data.begin(), row.fields.value().data.end());
  return shape;
}

/// Elements of plain sets all give the same: nothing.
void add_elements(SetIndex& index, std::string_view list, ByteOrder order) {
  std::optional<std::uint32_t> nothing;
  while (const auto raw = next_element(list, order)) {
    SetElement element{raw->key, raw->key_end, raw->interval_end, raw->catchall, 0};
    const bool plain = raw->data.empty() && raw->object.empty() && raw->expression.empty() &&
                       raw->expressions.empty();
    if (plain && !nothing)
      nothing = index.value({});
    element.value = plain ? *nothing
                          : index.value({std::string(raw->data), std::string(raw->object),
                                         expressions_of(*raw, order)});
    index.add(element);
  }
}

} // namespace

bool rules_moved(const Snapshot& snapshot, Int netns) {
  const Table* table = snapshot.table(table_name<NftGeneration>());
  return table != nullptr && table->count(*table->spec().column("netns"), netns) > 1;
}

bool any_rules_moved(const Snapshot& snapshot) {
  const Table* table = snapshot.table(table_name<NftGeneration>());
  for (std::size_t row = 0; table != nullptr && row < table->size(); ++row)
    if (rules_moved(snapshot, table->integer(row, *table->spec().column("netns"))))
      return true;
  return false;
}

ByteOrder byte_order_of(const Snapshot& snapshot) {
  return snapshot.host().byte_order == "big" ? ByteOrder::big : ByteOrder::little;
}

std::string RuleRow::comment() const {
  return note_is_userdata ? nft::decode_comment(note) : std::string(note);
}

const nft::Expressions& RuleRow::expressions(ByteOrder order) const {
  if (!decoded_)
    decoded_ = std::make_unique<nft::Expressions>(nft::decode_expressions(bytes, order));
  return *decoded_;
}

nft::VerdictCode RuleRow::last_verdict(ByteOrder order) const {
  if (!verdict_)
    verdict_ = synfate::last_verdict(bytes, order);
  return *verdict_;
}

std::span<const QuickTest> RuleChain::tests(const RuleRow& rule, ByteOrder order) const {
  if (rule.first_test_ == RuleRow::not_read) {
    constexpr std::size_t usual = 4; // family, address, protocol, port
    if (tests_.empty())
      tests_.reserve(usual * rules.size());
    rule.first_test_ = static_cast<std::uint32_t>(tests_.size());
    const std::size_t end = reader_.add(rule.bytes, order, tests_);
    rule.test_count_ = static_cast<std::uint16_t>(tests_.size() - rule.first_test_);
    rule.tests_end_ = end <= 0xffff ? static_cast<std::uint16_t>(end) : 0;
  }
  return std::span(tests_).subspan(rule.first_test_, rule.test_count_);
}

std::optional<QuickEnd> RuleChain::end(const RuleRow& rule, ByteOrder order) const {
  static_cast<void>(tests(rule, order));
  return rule.tests_end_ == 0 ? std::nullopt : quick_end(rule.bytes, rule.tests_end_);
}

const std::vector<NftBaseChain>* Ruleset::base_chains(Inquiry& inquiry, Int netns) {
  if (const auto cached = base_chains_.find(netns); cached != base_chains_.end())
    return &cached->second;
  const auto tables = inquiry.rows<NftTable>({{"netns", netns}});
  bool complete = !inquiry.incomplete();
  const auto rows = inquiry.rows<NftChain>({{"netns", netns}});
  complete = complete && !inquiry.incomplete();
  if (inquiry.pending() || !complete)
    return nullptr;
  const auto dormant = [&](const NftChain& chain) {
    return std::ranges::any_of(tables, [&](const NftTable& table) {
      return table.dormant.is(true) && table.family == chain.family && table.name == chain.table;
    });
  };
  std::vector<NftBaseChain> chains;
  for (const auto& row : rows) {
    if (!row.hook.known() || dormant(row))
      continue;
    chains.push_back(base_chain_of(row, netns));
    for (const auto& table : tables)
      if (table.family == row.family && table.name == row.table)
        chains.back().handles.first = table.handle.value_or(0);
  }
  // net/netfilter/core.c: nf_hook_entries_grow() puts a new function before those of its priority.
  std::ranges::stable_sort(chains, [](const NftBaseChain& a, const NftBaseChain& b) {
    return a.priority != b.priority ? a.priority < b.priority : a.handles > b.handles;
  });
  return &base_chains_.emplace(netns, std::move(chains)).first->second;
}

/// From the messages of a dump: rows of tens of thousands of rules would be many times as dear.
RuleChain Ruleset::chain_of_dump(const Snapshot& snapshot, const Request& request) const {
  RuleChain chain;
  const Table* table = snapshot.table(request.table);
  if (table == nullptr)
    return chain;
  const auto part = *table->spec().column("part");
  const auto messages = *table->spec().column("messages");
  std::vector<std::pair<Int, std::size_t>> parts;
  for (const auto row : snapshot.find(request))
    parts.emplace_back(table->integer(row, part), row);
  std::ranges::sort(parts);
  for (const auto& [unused, row] : parts) {
    std::string_view bytes = table->text(row, messages);
    while (const auto rule = next_rule_message(bytes, byte_order_of(snapshot))) {
      chain.rules.emplace_back();
      chain.rules.back().handle = rule->handle;
      chain.rules.back().bytes = rule->expressions;
      chain.rules.back().note = rule->userdata;
      chain.rules.back().note_is_userdata = true;
    }
  }
  return chain;
}

RuleChain Ruleset::chain_of_rows(const Snapshot& snapshot, const Request& request) const {
  RuleChain chain;
  const Table* table = snapshot.table(request.table);
  if (table == nullptr)
    return chain;
  const auto handle = *table->spec().column("handle");
  const auto place = *table->spec().column("position");
  const auto bytes = *table->spec().column("expressions");
  const auto comment = *table->spec().column("comment");
  std::vector<std::pair<Int, std::size_t>> ordered;
  for (const auto row : snapshot.find(request))
    ordered.emplace_back(table->integer(row, place), row);
  std::ranges::stable_sort(ordered, {}, &std::pair<Int, std::size_t>::first);
  for (const auto& [unused, row] : ordered) {
    chain.rules.emplace_back();
    chain.rules.back().handle = table->integer(row, handle);
    chain.rules.back().bytes = table->text(row, bytes);
    chain.rules.back().note = table->text(row, comment);
  }
  return chain;
}

const RuleChain* Ruleset::chain(Inquiry& inquiry, const NftScope& scope, const std::string& name,
                                Reached reached) {
  const Named named{scope, name};
  if (const auto cached = chains_.find(named); cached != chains_.end())
    return &cached->second;
  Request dump{std::string(table_name<NftRuleDump>()), keys_of(scope)};
  dump.keys.push_back({"chain", name});
  Request rows = dump;
  rows.table = table_name<NftRule>();
  const Snapshot& snapshot = inquiry.snapshot();
  // A whole snapshot of a host has the rules one by one.
  const bool one_by_one = snapshot.answer(dump) == nullptr && snapshot.answer(rows) != nullptr;
  const Request& request = one_by_one ? rows : dump;
  static_cast<void>(reached == Reached::by_a_test ? inquiry.find_now(request)
                                                  : inquiry.find(request));
  if (inquiry.pending() || inquiry.incomplete())
    return nullptr;
  RuleChain chain = one_by_one ? chain_of_rows(snapshot, rows) : chain_of_dump(snapshot, dump);
  return &chains_.emplace(named, std::move(chain)).first->second;
}

std::size_t Ruleset::rules_read() const {
  std::size_t count = 0;
  for (const auto& [unused, chain] : chains_)
    count += chain.rules.size();
  return count;
}

const SetShape* Ruleset::shape(Inquiry& inquiry, const NftScope& scope, const std::string& set) {
  auto cached = shapes_.find(scope);
  if (cached == shapes_.end()) {
    const auto rows = inquiry.rows<NftSet>(keys_of(scope));
    if (inquiry.pending() || inquiry.incomplete())
      return nullptr;
    std::map<std::string, SetShape> shapes;
    for (const auto& row : rows)
      shapes.emplace(row.name.value_or(""), shape_of(row));
    cached = shapes_.emplace(scope, std::move(shapes)).first;
  }
  const auto shape = cached->second.find(set);
  return shape == cached->second.end() ? nullptr : &shape->second;
}

const SetIndex* Ruleset::build(const Snapshot& snapshot, const Request& request, const Named& name,
                               SetShape shape) {
  SetIndex index(std::move(shape));
  if (const Table* table = snapshot.table(request.table)) {
    const auto elements = *table->spec().column("elements");
    const auto part = *table->spec().column("part");
    std::vector<std::pair<Int, std::size_t>> parts;
    for (const auto row : snapshot.find(request))
      parts.emplace_back(table->integer(row, part), row);
    std::ranges::sort(parts);
    for (const auto& [unused, row] : parts)
      add_elements(index, table->text(row, elements), byte_order_of(snapshot));
  }
  index.finish();
  return &indices_.emplace(name, std::move(index)).first->second;
}

const SetIndex* Ruleset::elements(Inquiry& inquiry, const NftScope& scope, const std::string& set) {
  const Named named{scope, set};
  if (const auto cached = indices_.find(named); cached != indices_.end())
    return &cached->second;
  const SetShape* known = shape(inquiry, scope, set);
  if (known == nullptr)
    return nullptr;
  Request request{std::string(table_name<NftSetDump>()), keys_of(scope)};
  request.keys.push_back({"set", set});
  if (known->anonymous() && !inquiry.at_a_glance())
    static_cast<void>(inquiry.find_now(request)); // a rule's own
  else
    static_cast<void>(inquiry.find_within(request, messages_at_a_glance));
  if (inquiry.pending() || inquiry.incomplete())
    return nullptr;
  return build(inquiry.snapshot(), request, named, *known);
}

const SetIndex* Ruleset::read_elements(const Snapshot& snapshot, const NftScope& scope,
                                       const std::string& set) {
  const Named named{scope, set};
  if (const auto cached = indices_.find(named); cached != indices_.end())
    return &cached->second;
  const auto shapes = shapes_.find(scope);
  Request request{std::string(table_name<NftSetDump>()), keys_of(scope)};
  request.keys.push_back({"set", set});
  const Answered* answer = snapshot.answer(request);
  if (answer == nullptr || !answer->gaps.empty() || shapes == shapes_.end())
    return nullptr;
  const auto shape = shapes->second.find(set);
  if (shape == shapes->second.end())
    return nullptr;
  return build(snapshot, request, named, shape->second);
}

const std::string* Ruleset::object(Inquiry& inquiry, const NftScope& scope, const std::string& name,
                                   std::uint32_t type) {
  const std::tuple key{scope, name, type};
  if (const auto cached = objects_.find(key); cached != objects_.end())
    return &cached->second;
  const auto rows = inquiry.rows<NftObject>({{"netns", scope.netns}});
  if (inquiry.pending() || inquiry.incomplete())
    return nullptr;
  for (const auto& row : rows)
    if (row.family.is(scope.family) && row.table.is(scope.table) && row.name.is(name) &&
        row.type.is(static_cast<Int>(type)) && row.data.known())
      return &objects_.emplace(key, row.data.value().data).first->second;
  return nullptr;
}

} // namespace synfate
