// Tests on registers, arithmetic between them, sets and limits.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/netfilter/decode.h"
#include "platform/linux/netfilter/machine.h"
#include "platform/linux/netfilter/tables.h"

namespace synfate {
namespace {

std::vector<std::uint8_t> numbers(std::string_view bytes) {
  return {bytes.begin(), bytes.end()};
}

/// Nothing if one of them is not known.
std::optional<std::string> bytes_of(const std::vector<Octet>& octets) {
  std::string bytes;
  for (const auto& octet : octets) {
    if (!octet.is_known())
      return std::nullopt;
    bytes += static_cast<char>(octet.value);
  }
  return bytes;
}

bool is_of_address(const Octet& octet) {
  return !octet.is_known() &&
         (octet.source == ByteSource::client_address || octet.source == ByteSource::derived);
}

Octet apply_mask(Octet octet, std::uint8_t mask, std::uint8_t flip) {
  octet.known = static_cast<std::uint8_t>(octet.known | ~mask);
  octet.value = static_cast<std::uint8_t>((octet.value & mask) ^ flip);
  if ((flip & ~octet.known) != 0) // an inverted variable bit is no longer the variable's
    octet.source = is_of_address(octet) ? ByteSource::derived : ByteSource::free;
  return octet;
}

/// For so long a client tries again: an element that goes meanwhile may decide, or not.
constexpr Int patience_ms = 10'000;

} // namespace

void Machine::perform(const nft::Cmp& cmp) {
  const auto octets = registers(cmp.sreg, cmp.data.size());
  const auto wanted = numbers(cmp.data);
  const bool equality = cmp.op == nft::CmpOp::eq || cmp.op == nft::CmpOp::neq;
  if (equality) {
    const bool inverted = cmp.op == nft::CmpOp::neq;
    const Truth truth = equals(octets, {}, wanted, packet());
    if (truth != Truth::depends)
      return decide((truth == Truth::yes) != inverted);
    if (!speculative_ && !fails_later())
      branch(split_equals(packet(), octets, {}, wanted, words()), inverted);
    return;
  }
  const std::vector<std::uint8_t> lowest(wanted.size(), 0);
  const bool inverted = cmp.op == nft::CmpOp::gt || cmp.op == nft::CmpOp::gte;
  std::vector<std::uint8_t> limit = wanted; // the test, or its opposite, is: octets <= limit
  if (cmp.op == nft::CmpOp::lt || cmp.op == nft::CmpOp::gte) {
    auto at = limit.rbegin();
    while (at != limit.rend() && *at == 0)
      *at++ = 0xff;
    if (at == limit.rend())
      return decide(inverted); // nothing is below zero
    --*at;
  }
  const Truth truth = between(octets, lowest, limit, packet());
  if (truth != Truth::depends)
    return decide((truth == Truth::yes) != inverted);
  if (!speculative_ && !fails_later())
    branch(split_between(packet(), octets, lowest, limit, words()), inverted);
}

void Machine::perform(const nft::Range& range) {
  const auto octets = registers(range.sreg, range.from.size());
  const auto first = numbers(range.from);
  const auto last = numbers(range.to);
  const Truth truth = between(octets, first, last, packet());
  if (truth != Truth::depends)
    return decide((truth == Truth::yes) != range.inverted);
  if (!speculative_ && !fails_later())
    branch(split_between(packet(), octets, first, last, words()), range.inverted);
}

void Machine::perform(const nft::Bitwise& bitwise) {
  auto octets = value(bitwise.sreg, bitwise.length);
  const std::size_t size = octets.size();
  using enum nft::BitwiseOp;
  if (bitwise.op == mask_xor) {
    for (std::size_t at = 0; at < size; ++at)
      octets[at] = apply_mask(octets[at], static_cast<std::uint8_t>(bitwise.mask[at]),
                              static_cast<std::uint8_t>(bitwise.flip[at]));
    return store(bitwise.dreg, octets);
  }
  const bool second_known = bitwise.operand.size() == size || bitwise.sreg2 == nft::no_slot;
  const auto second = second_known ? std::vector<Octet>() : value(bitwise.sreg2, size);
  const bool known = std::ranges::all_of(octets, &Octet::is_known) &&
                     std::ranges::all_of(second, &Octet::is_known);
  if (!known) {
    const bool derived =
        std::ranges::any_of(octets, is_of_address) || std::ranges::any_of(second, is_of_address);
    const std::vector<Octet> result(
        size, Octet{0, 0, derived ? ByteSource::derived : ByteSource::free, 0});
    return store(bitwise.dreg, result);
  }
  if (bitwise.op == shift_left || bitwise.op == shift_right) {
    // nft_bitwise_eval_lshift(): register by register in the machine's order, carrying over
    const std::size_t words = (size + 3) / 4;
    std::vector<std::uint32_t> in(words), out(words);
    for (std::size_t at = 0; at < words; ++at)
      in[at] = static_cast<std::uint32_t>(
          known_number(static_cast<nft::Slot>(bitwise.sreg + at), 4).value_or(0));
    for (std::size_t at = 0; at < words; ++at) {
      const bool left = bitwise.op == shift_left;
      const bool has_next = left ? at + 1 < words : at > 0;
      const std::uint32_t next = has_next ? in[left ? at + 1 : at - 1] : 0;
      out[at] = left ? in[at] << bitwise.shift | next >> (32 - bitwise.shift)
                     : in[at] >> bitwise.shift | next << (32 - bitwise.shift);
    }
    for (std::size_t at = 0; at < words; ++at)
      store_number(static_cast<nft::Slot>(bitwise.dreg + at), out[at], 4);
    return;
  }
  for (std::size_t at = 0; at < size; ++at) {
    const auto other =
        second_known ? static_cast<std::uint8_t>(bitwise.operand[at]) : second[at].value;
    const std::uint8_t mine = octets[at].value;
    octets[at] = Octet::of(static_cast<std::uint8_t>(bitwise.op == bit_and  ? mine & other
                                                     : bitwise.op == bit_or ? mine | other
                                                                            : mine ^ other));
  }
  store(bitwise.dreg, octets);
}

/// Both operations turn the bytes of each number round on a little-endian machine.
void Machine::perform(const nft::Byteorder& byteorder) {
  auto octets = value(byteorder.sreg, byteorder.length);
  if (big_endian_)
    return store(byteorder.dreg, octets);
  // nft_byteorder_eval(): numbers of 2 and 4 bytes lie in a register each, of 8 in two
  const std::size_t size = byteorder.size;
  for (std::size_t at = 0; at + size <= octets.size(); at += std::max<std::size_t>(size, 4))
    std::reverse(octets.begin() + static_cast<std::ptrdiff_t>(at),
                 octets.begin() + static_cast<std::ptrdiff_t>(at + size));
  store(byteorder.dreg, octets);
}

void Machine::perform(const nft::Immediate& immediate) {
  store_bytes(immediate.dreg, immediate.data);
}

/// The kernel's answer for one key; `answered` false: it is being asked for, or cannot be told.
const SetValue* Machine::known_value(const std::string& set, const std::vector<Octet>& key,
                                     bool& answered) {
  std::string bytes;
  for (const auto& octet : key)
    bytes += static_cast<char>(octet.value);
  answered = true;
  const auto& scope = *site_.scope;
  if (const auto* index = context_.ruleset.read_elements(context_.inquiry.snapshot(), scope, set))
    return index->find(bytes);
  const auto rows = context_.inquiry.rows<NftLookup>({{"netns", scope.netns},
                                                      {"family", scope.family},
                                                      {"table", scope.table},
                                                      {"set", set},
                                                      {"key", Bytes{bytes}}});
  if (rows.empty()) {
    answered = false;
    return nullptr;
  }
  const auto& row = rows.front();
  if (!row.found.value_or(false))
    return nullptr;
  const bool soon_gone = row.expires.known() && row.expires.value() < patience_ms;
  if (soon_gone && !speculative_ && !fails_later())
    change().assumptions.push_back(fmt::format("an element of set {}, which goes within {} s, is "
                                               "still there when the packet comes",
                                               set, patience_ms / 1000));
  looked_up_.push_back(
      std::make_unique<SetValue>(SetValue{row.data.value_or(Bytes{}).data, row.object.value_or(""),
                                          row.expressions.value_or(Bytes{}).data}));
  return looked_up_.back().get();
}

/// What a set says about the class. False: the rule ended here, or waits for an answer.
bool Machine::look_up(const std::string& set, const std::vector<Octet>& key,
                      std::vector<LookupPart>& parts) {
  auto& inquiry = context_.inquiry;
  if (std::ranges::all_of(key, &Octet::is_known)) {
    bool answered = false;
    const SetValue* found = known_value(set, key, answered);
    if (answered) {
      parts.push_back({packet().addresses, packet().ports, found, false, false, false});
      apply_changes(set, key, parts);
      return true;
    }
  } else if (const auto* index = context_.ruleset.elements(inquiry, *site_.scope, set)) {
    if (auto found = index->find(key, packet())) {
      parts = std::move(*found);
      apply_changes(set, key, parts);
      return true;
    }
    unknown(fmt::format("too many elements of set {} may hold the packet", set));
    return false;
  }
  if (inquiry.pending())
    break_rule(); // asked for: the rest of the chain is looked at for more questions
  else
    unknown(fmt::format("the elements of set {} could not be read", set));
  return false;
}

/// Puts in what rules on the way have done to the set.
void Machine::apply_changes(const std::string& set, const std::vector<Octet>& key,
                            std::vector<LookupPart>& parts) {
  const auto& changes = packet().ct.set_changes;
  if (changes.empty())
    return;
  const auto id = set_id(set);
  const auto element = bytes_of(key);
  for (auto& part : parts) {
    const auto now = changed_to(changes, id, element, part.value != nullptr);
    part.changed = now == ChangedTo::perhaps_gone || now == ChangedTo::perhaps_present;
    if (now == ChangedTo::gone)
      part.value = nullptr;
    if (now == ChangedTo::present && part.value == nullptr) {
      looked_up_.push_back(std::make_unique<SetValue>());
      part.value = looked_up_.back().get();
    }
  }
}

void Machine::element_expressions(const SetValue& value) {
  if (value.expressions.empty())
    return;
  const auto order = big_endian_ ? ByteOrder::big : ByteOrder::little;
  const auto expressions = nft::decode_expressions(value.expressions, order);
  for (const auto& expression : expressions)
    if (!broke_ && !ended_)
      perform(expression.operation);
}

std::string Machine::set_id(const std::string& set) const {
  return fmt::format("{}/{}/{}", site_.scope->family, site_.scope->table, set);
}

void Machine::take_value(const nft::Lookup& lookup, const LookupPart& part) {
  const SetValue* value = part.value;
  if (part.changed) {
    if (lookup.to_verdict || lookup.dreg != nft::no_slot)
      return unknown(fmt::format("a rule before it changed the map {}", lookup.set));
    return undecided(fmt::format("what a rule changed in set {} makes this one fit", lookup.set),
                     fmt::format("what a rule changed in set {} makes this one fail", lookup.set));
  }
  if (value == nullptr)
    return decide(lookup.inverted);
  if (lookup.inverted)
    return break_rule();
  if (lookup.to_verdict || lookup.dreg != nft::no_slot) {
    const auto order = big_endian_ ? ByteOrder::big : ByteOrder::little;
    const auto data = nft::decode_data(value->data, order);
    element_expressions(*value);
    if (data.verdict && !broke_ && !ended_)
      return take_verdict(*data.verdict);
    if (lookup.dreg != nft::no_slot)
      store_bytes(lookup.dreg, data.value);
    return;
  }
  element_expressions(*value);
}

void Machine::perform(const nft::Lookup& lookup) {
  const auto* shape = context_.ruleset.shape(context_.inquiry, *site_.scope, lookup.set);
  if (shape == nullptr) {
    if (context_.inquiry.pending())
      return break_rule();
    return unknown(fmt::format("set {} could not be read", lookup.set));
  }
  if (lookup.sreg * 4U + shape->key_length > nft::slot_count * 4U)
    return unknown(fmt::format("set {} has keys beyond the registers", lookup.set));
  std::vector<LookupPart> parts;
  if (!look_up(lookup.set, value(lookup.sreg, shape->key_length), parts) || parts.empty())
    return;
  if (speculative_ || (parts.size() == 1 && !parts.front().undecided))
    return take_value(lookup, parts.front());
  // Each part goes its own way from this expression on.
  const bool undecided =
      std::ranges::any_of(parts, [](const LookupPart& part) { return part.undecided; });
  const TestContext context = undecided ? test_context() : TestContext{};
  const Thread whole = thread_;
  for (std::size_t at = parts.size(); at-- > 0;) {
    thread_ = whole;
    broke_ = ended_ = false;
    auto part = std::make_shared<PacketClass>(*whole.packet);
    part->addresses = parts[at].addresses;
    part->ports = parts[at].ports;
    if (parts[at].undecided)
      part->conditions.push_back({context.test + (parts[at].value ? " holds" : " does not hold"),
                                  context.by, context.field, parts[at].of_address});
    thread_.packet = std::move(part);
    take_value(lookup, parts[at]);
    if (at == 0 || ended_)
      continue;
    if (broke_) {
      RuleEnd end;
      end.packet = thread_.packet;
      end.broke = true;
      ends_->push_back(std::move(end));
    } else {
      ++thread_.at;
      waiting_.push_back(thread_);
    }
  }
}

/// What a rule does to a set. A map's new element has a value, and an element with expressions a
/// state, that are not kept here; whether a full set took it is not known.
void Machine::change_set(const nft::Dynset& dynset) {
  const bool removed = dynset.op == nft::DynsetOp::remove;
  const auto stateless = [](const nft::Expression& expression) {
    return std::holds_alternative<nft::Counter>(expression.operation);
  };
  const auto* shape = context_.ruleset.shape(context_.inquiry, *site_.scope, dynset.set);
  const bool plain = shape != nullptr && dynset.data == nft::no_slot &&
                     std::ranges::all_of(dynset.per_element, stateless);
  SetChange change_of_set{set_id(dynset.set), {}, !removed};
  if (plain || (removed && shape != nullptr))
    change_of_set.element = bytes_of(value(dynset.key, shape->key_length));
  note_change(change().ct.set_changes, std::move(change_of_set));
}

/// net/netfilter/nft_dynset.c: nft_dynset_eval(). The element is there afterwards.
void Machine::perform(const nft::Dynset& dynset) {
  change_set(dynset);
  if (dynset.op == nft::DynsetOp::remove)
    return;
  for (const auto& expression : dynset.per_element)
    if (!broke_ && !ended_)
      perform(expression.operation);
  if (!broke_ && !ended_ && dynset.inverted)
    break_rule();
}

void Machine::perform(const nft::Limit& limit) {
  const auto id = rule_id(site_).id;
  if (!limit.inverted)
    return undecided(fmt::format("the limit of {} is not reached", id),
                     fmt::format("the limit of {} is reached", id));
  undecided(fmt::format("the limit of {} is reached", id),
            fmt::format("the limit of {} is not reached", id));
}

/// net/netfilter/nft_quota.c: nft_overquota(). Certain when it is used up, or farther from it than
/// any packet is long.
void Machine::perform(const nft::Quota& quota) {
  constexpr std::uint64_t near = 65536;
  const auto id = rule_id(site_).id;
  if (quota.used >= quota.bytes)
    return decide(quota.inverted);
  if (quota.bytes - quota.used > near)
    return decide(!quota.inverted);
  const auto over = fmt::format("the quota of {} is used up", id);
  const auto under = fmt::format("the quota of {} is not used up", id);
  undecided(quota.inverted ? over : under, quota.inverted ? under : over);
}

/// net/netfilter/nf_conncount.c: __nf_conncount_add() counts the packet's own connection, in
/// whatever zone it is, unless it is assured: then only if an earlier packet was counted.
void Machine::perform(const nft::ConnLimit& limit) {
  const bool counted = (packet().ct.status & ct_status_assured) == 0;
  if (limit.count == 0 && counted)
    return decide(limit.inverted);
  const auto id = rule_id(site_).id;
  const auto over = fmt::format("more than {} connections are counted by {}", limit.count, id);
  const auto under = fmt::format("at most {} connections are counted by {}", limit.count, id);
  undecided(limit.inverted ? over : under, limit.inverted ? under : over);
}

void Machine::use_object(const std::string& name, std::uint32_t type) {
  constexpr std::uint32_t quota = 2, limit = 4, connlimit = 5, synproxy = 10;
  if (type != quota && type != limit && type != connlimit && type != synproxy)
    return; // counters, helpers, timeouts … decide nothing
  const auto* data = context_.ruleset.object(context_.inquiry, *site_.scope, name, type);
  if (data == nullptr) {
    if (context_.inquiry.pending())
      return break_rule();
    return unknown(fmt::format("the object {} could not be read", name));
  }
  const char* names[] = {"", "", "quota", "", "limit", "connlimit", "", "", "", "", "synproxy"};
  const auto order = big_endian_ ? ByteOrder::big : ByteOrder::little;
  perform(nft::decode_operation(names[type], *data, order));
}

void Machine::perform(const nft::ObjectRef& reference) {
  if (!reference.name.empty())
    return use_object(reference.name, reference.type);
  const auto* index = context_.ruleset.elements(context_.inquiry, *site_.scope, reference.set);
  const auto rows = index != nullptr
                        ? context_.inquiry.rows<NftSet>({{"netns", site_.scope->netns},
                                                         {"family", site_.scope->family},
                                                         {"table", site_.scope->table}})
                        : std::vector<NftSet>();
  if (index == nullptr)
    return context_.inquiry.pending()
               ? break_rule()
               : unknown(fmt::format("the map {} could not be read", reference.set));
  const auto parts = index->find(value(reference.sreg, index->shape().key_length), packet());
  if (!parts || parts->size() != 1 || parts->front().undecided)
    return unknown(
        fmt::format("which object of map {} is used differs within the class", reference.set));
  if (parts->front().value == nullptr)
    return break_rule();
  for (const auto& row : rows)
    if (row.name.is(reference.set))
      return use_object(parts->front().value->object,
                        static_cast<std::uint32_t>(row.object_type.value_or(0)));
}

} // namespace synfate
