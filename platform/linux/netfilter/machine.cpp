#include "platform/linux/netfilter/machine.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/netfilter/iptables_words.h"
#include "platform/linux/netfilter/rule_text.h"

namespace synfate {
namespace {

/// Names tell: iptables-nft keeps its chains at the hooks in tables of its own.
bool made_by_iptables(HookContext& context, const RuleSite& site) {
  const NftScope& scope = *site.scope;
  if (!is_iptables_table(scope.family, scope.table))
    return false;
  if (is_iptables_chain(*site.chain))
    return true;
  const auto* chains = context.ruleset.base_chains(context.inquiry, scope.netns);
  return chains != nullptr && std::ranges::any_of(*chains, [&](const NftBaseChain& chain) {
           return chain.scope == scope && is_iptables_chain(chain.name);
         });
}

} // namespace

TextSources text_sources(HookContext& context, const NftScope& scope) {
  TextSources sources;
  sources.order = byte_order_of(context.inquiry.snapshot());
  sources.elements = [&context, scope](const std::string& set) -> const SetIndex* {
    const SetShape* shape = context.ruleset.shape(context.inquiry, scope, set);
    if (shape == nullptr)
      return nullptr;
    // The elements of a set without a name are part of the rule's text: worth a question.
    return shape->anonymous()
               ? context.ruleset.elements(context.inquiry, scope, set)
               : context.ruleset.read_elements(context.inquiry.snapshot(), scope, set);
  };
  sources.shape = [&context, scope](const std::string& set) {
    return context.ruleset.shape(context.inquiry, scope, set);
  };
  sources.interface = [&context, scope](std::uint32_t index) {
    for (const auto& row : context.inquiry.rows<Interface>({{"netns", scope.netns}}))
      if (row.index.is(Int{index}))
        return row.name.value_or("");
    return std::string();
  };
  sources.extension = [&context, scope](const nft::Compat& compat) {
    const XtExtension extension{compat.name, compat.revision, compat.info};
    return context.xt == nullptr
               ? compat.name
               : context.xt->text(context, scope.netns, extension, compat.target, scope.family);
  };
  return sources;
}

namespace {

/// A load that neither asks for facts nor cuts the class.
bool is_plain_load(const nft::Meta& meta) {
  using enum nft::MetaKey;
  return !meta.set &&
         (meta.key == protocol || meta.key == nfproto || meta.key == l4proto || meta.key == mark ||
          meta.key == iif || meta.key == oif || meta.key == iifname || meta.key == oifname);
}

} // namespace

CulpritId rule_id(const RuleSite& site) {
  return {"nft_rule",
          fmt::format("{}/{}/{}/{}", id_part(site.scope->family), id_part(site.scope->table),
                      id_part(*site.chain), site.rule->handle)};
}

namespace {

/// `whole`: false if elements of a set were not there, which may be read later.
std::string text_of(HookContext& context, const RuleSite& site, bool& whole) {
  const auto order = byte_order_of(context.inquiry.snapshot());
  TextSources sources = text_sources(context, *site.scope);
  sources.elements = [&whole, elements = std::move(sources.elements)](const std::string& set) {
    const SetIndex* index = elements(set);
    whole = whole && index != nullptr;
    return index;
  };
  const auto phrases = phrases_of(site.rule->expressions(order), site.scope->family, sources);
  std::optional<std::string> text;
  if (made_by_iptables(context, site))
    text = iptables_words(phrases, site.rule->comment());
  return text ? *text : rule_text(phrases, site.rule->comment());
}

} // namespace

Culprit rule_culprit(HookContext& context, const RuleSite& site) {
  if (const std::string* known = site.rule->text())
    return {"nft_rule", rule_id(site).id, *known};
  bool whole = true;
  std::string text = text_of(context, site, whole);
  if (whole && !context.inquiry.pending() && context.inquiry.gaps().empty())
    site.rule->keep_text(text);
  return {"nft_rule", rule_id(site).id, std::move(text)};
}

std::uint8_t protocol_family(const HookRequest& request, const NftScope& scope,
                             const PacketClass& packet) {
  if (request.family == HookFamily::bridge)
    return 7;
  if (scope.family == "netdev")
    return 5;
  if (scope.family == "arp")
    return 3;
  return packet.family == IpFamily::v4 ? 2 : 10;
}

void Machine::run(const RuleSite& site, const PacketPointer& packet, std::vector<RuleEnd>& ends) {
  site_ = site;
  speculative_ = false;
  ends_ = &ends;
  const auto& expressions =
      site.rule->expressions(big_endian_ ? ByteOrder::big : ByteOrder::little);
  thread_ = Thread{packet, {}, 0};
  run_thread(expressions, ends);
  while (!waiting_.empty()) {
    thread_ = std::move(waiting_.back());
    waiting_.pop_back();
    run_thread(expressions, ends);
  }
}

void Machine::run_thread(const nft::Expressions& expressions, std::vector<RuleEnd>& ends) {
  broke_ = false;
  ended_ = false;
  while (thread_.at < expressions.size() && !broke_ && !ended_) {
    const auto& operation = expressions[thread_.at].operation;
    perform(operation);
    ++thread_.at;
  }
  if (ended_)
    return;
  RuleEnd end;
  end.packet = thread_.packet;
  end.broke = broke_;
  ends.push_back(std::move(end));
}

void Machine::perform(const nft::Operation& operation) {
  std::visit([this](const auto& known) { perform(known); }, operation);
}

std::optional<std::vector<std::size_t>> Machine::failures(const RuleSite& site,
                                                          const PacketPointer& packet,
                                                          std::vector<std::vector<Octet>>* had) {
  site_ = site;
  speculative_ = true;
  std::vector<RuleEnd> ends;
  ends_ = &ends;
  const auto& expressions =
      site.rule->expressions(big_endian_ ? ByteOrder::big : ByteOrder::little);
  thread_ = Thread{packet, {}, 0};
  std::vector<std::size_t> failed;
  ended_ = false;
  for (; thread_.at < expressions.size() && !ended_; ++thread_.at) {
    broke_ = false;
    const auto& operation = expressions[thread_.at].operation;
    perform(operation);
    if (!broke_)
      continue;
    const auto* cmp = std::get_if<nft::Cmp>(&operation);
    const auto* range = std::get_if<nft::Range>(&operation);
    const auto* lookup = std::get_if<nft::Lookup>(&operation);
    if (cmp == nullptr && range == nullptr && (lookup == nullptr || lookup->to_verdict))
      return std::nullopt;
    failed.push_back(thread_.at);
    if (had != nullptr)
      had->push_back(cmp != nullptr     ? value(cmp->sreg, cmp->data.size())
                     : range != nullptr ? value(range->sreg, range->from.size())
                                        : value(lookup->sreg, 4));
    if (failed.size() > 1)
      break;
  }
  waiting_.clear();
  return failed;
}

void Machine::finish(RuleEnd end) {
  end.packet = thread_.packet;
  ends_->push_back(std::move(end));
  ended_ = true;
}

void Machine::unknown(std::string why) {
  RuleEnd end;
  end.final = HookVerdict::unknown;
  end.why = std::move(why);
  finish(std::move(end));
}

/// Tests further on that fail for the whole class: then the rule breaks for all of it, and the test
/// at hand need not cut it. Only what has no effect is looked at.
bool Machine::fails_later() {
  const auto& expressions =
      site_.rule->expressions(big_endian_ ? ByteOrder::big : ByteOrder::little);
  const Thread here = thread_;
  speculative_ = true;
  bool fails = false;
  for (++thread_.at; thread_.at < expressions.size() && !fails; ++thread_.at) {
    const auto& operation = expressions[thread_.at].operation;
    const auto* meta = std::get_if<nft::Meta>(&operation);
    const bool plain = std::holds_alternative<nft::Payload>(operation) ||
                       std::holds_alternative<nft::Cmp>(operation) ||
                       std::holds_alternative<nft::Range>(operation) ||
                       std::holds_alternative<nft::Bitwise>(operation) ||
                       std::holds_alternative<nft::Byteorder>(operation) ||
                       std::holds_alternative<nft::Immediate>(operation) ||
                       (meta != nullptr && is_plain_load(*meta));
    if (!plain)
      break;
    perform(operation);
    fails = broke_;
    broke_ = false;
    if (ended_)
      break;
  }
  speculative_ = false;
  ended_ = false;
  thread_ = here;
  broke_ = fails;
  return fails;
}

/// Another part of the class goes on behind the present expression.
void Machine::fork(PacketPointer packet) {
  if (speculative_)
    return;
  Thread other = thread_;
  other.packet = std::move(packet);
  ++other.at;
  waiting_.push_back(std::move(other));
}

/// The `yes` parts go on, the `no` parts break the rule.
void Machine::branch(Split split, bool inverted) {
  auto& on = inverted ? split.no : split.yes;
  auto& off = inverted ? split.yes : split.no;
  if (speculative_) {
    decide(!on.empty());
    return;
  }
  for (auto& part : off) {
    RuleEnd end;
    end.packet = std::make_shared<const PacketClass>(std::move(part));
    end.broke = true;
    ends_->push_back(std::move(end));
  }
  for (std::size_t at = 1; at < on.size(); ++at)
    fork(std::make_shared<const PacketClass>(std::move(on[at])));
  if (on.empty())
    ended_ = true;
  else
    thread_.packet = std::make_shared<const PacketClass>(std::move(on.front()));
}

void Machine::undecided(const std::string& holds, const std::string& fails, bool inverted) {
  if (speculative_)
    return;
  const Culprit by = culprit();
  branch(split_undecided(packet(), {holds, by, {}}, {fails, by, {}}), inverted);
}

PacketClass& Machine::change() {
  auto copy = std::make_shared<PacketClass>(*thread_.packet);
  auto& packet = *copy;
  thread_.packet = std::move(copy);
  return packet;
}

std::string Machine::subject() const {
  return "rule " + rule_id(site_).id;
}

std::vector<Octet> Machine::value(nft::Slot slot, std::size_t size) {
  const auto octets = registers(slot, size);
  std::vector<Octet> resolved;
  resolved.reserve(size);
  for (const auto& octet : octets)
    resolved.push_back(resolve(packet(), octet));
  resolved.resize(size, Octet::any());
  return resolved;
}

/// Copies octets and fills the last register up with zeros, as nft_payload_eval() does.
void Machine::store(nft::Slot slot, std::span<const Octet> octets) {
  const std::size_t padded = (octets.size() + 3) & ~std::size_t{3};
  if (slot == nft::no_slot || slot * 4U + octets.size() > thread_.registers.size())
    return;
  std::ranges::copy(octets, thread_.registers.begin() + slot * 4);
  for (std::size_t at = octets.size(); at < padded; ++at)
    thread_.registers[slot * 4U + at] = Octet::of(0);
}

void Machine::store_bytes(nft::Slot slot, std::string_view bytes) {
  std::array<Octet, nft::slot_count * 4> octets;
  const std::size_t size = std::min(bytes.size(), octets.size());
  for (std::size_t at = 0; at < size; ++at)
    octets[at] = Octet::of(static_cast<std::uint8_t>(bytes[at]));
  store(slot, std::span(octets).first(size));
}

/// A number of 1, 2, 4 or 8 bytes in the machine's order.
void Machine::store_number(nft::Slot slot, std::uint64_t number, unsigned size) {
  std::array<Octet, 8> octets;
  for (unsigned at = 0; at < size; ++at) {
    const unsigned shift = 8 * (big_endian_ ? size - 1 - at : at);
    octets[at] = Octet::of(static_cast<std::uint8_t>(number >> shift));
  }
  store(slot, std::span(octets).first(size));
}

void Machine::store_free(nft::Slot slot, std::size_t size) {
  const std::array<Octet, nft::slot_count * 4> octets;
  store(slot, std::span(octets).first(std::min(size, octets.size())));
}

/// A name of up to 15 bytes in 16, as interfaces have them.
void Machine::store_text(nft::Slot slot, std::string_view text) {
  std::string padded(text.substr(0, 15));
  padded.resize(16, '\0');
  store_bytes(slot, padded);
}

std::optional<std::uint64_t> Machine::known_number(nft::Slot slot, unsigned size) {
  std::uint64_t number = 0;
  const auto octets = value(slot, size);
  for (unsigned at = 0; at < size; ++at) {
    const auto& octet = octets[big_endian_ ? at : size - 1 - at];
    if (!octet.is_known())
      return std::nullopt;
    number = number << 8 | octet.value;
  }
  return number;
}

/// What the present expression tests, in words.
TestContext Machine::test_context() {
  const auto order = big_endian_ ? ByteOrder::big : ByteOrder::little;
  const auto phrases = phrases_of(site_.rule->expressions(order), site_.scope->family,
                                  text_sources(context_, *site_.scope));
  TestContext context{{}, {}, culprit()};
  for (const auto& phrase : phrases)
    if (phrase.at == thread_.at) {
      context.field = phrase.field;
      context.test = phrase.text;
    }
  if (context.test.empty())
    context.test = "a test of " + subject();
  return context;
}

} // namespace synfate
