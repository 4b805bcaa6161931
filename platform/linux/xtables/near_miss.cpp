#include "platform/linux/xtables/near_miss.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "platform/linux/netfilter/near_miss.h"
#include "platform/linux/xtables/test_ip.h"
#include "platform/linux/xtables/text.h"

namespace synfate::xt {
namespace {

constexpr unsigned most_rules = 20'000; ///< looked at in one table
constexpr unsigned jump_limit = 64;

struct FieldOptions {
  std::string_view field;
  std::array<std::string_view, 2> options;
};
constexpr std::array<FieldOptions, 9> field_options{{{"tcp dport", {"--dport", "--dports"}},
                                                     {"tcp sport", {"--sport", "--sports"}},
                                                     {"udp dport", {"--dport", "--dports"}},
                                                     {"udp sport", {"--sport", "--sports"}},
                                                     {"ct state", {"--ctstate", "--state"}},
                                                     {"meta mark", {"--mark", "--mark"}},
                                                     {"ct mark", {"--mark", "--mark"}},
                                                     {"fib saddr type", {"--src-type", ""}},
                                                     {"fib daddr type", {"--dst-type", ""}}}};

/// The value behind an option in a match's text, with "! " if it is inverted; else the whole text.
std::string wanted_of(std::string_view field, const std::string& text) {
  for (const auto& known : field_options) {
    if (known.field != field)
      continue;
    for (const auto option : known.options) {
      const auto at = option.empty() ? std::string::npos : text.find(fmt::format("{} ", option));
      if (at == std::string::npos)
        continue;
      const auto begin = at + option.size() + 1;
      const bool inverted = at >= 2 && text[at - 2] == '!';
      return (inverted ? "! " : "") + text.substr(begin, text.find(' ', begin) - begin);
    }
  }
  return text;
}

std::string address_text(const AddressTerm& term, const PacketClass& packet) {
  if (term.kind == AddressTerm::Kind::known)
    return term.first.to_string();
  return term.kind == AddressTerm::Kind::client ? to_string(packet.addresses, packet.family)
                                                : std::string();
}

std::string port_text(const PortTerm& term, const PacketClass& packet) {
  if (term.kind == PortTerm::Kind::known)
    return std::to_string(term.first);
  return term.kind == PortTerm::Kind::client ? ports_to_string(packet.ports) : std::string();
}

std::string state_text(const ConntrackView& ct) {
  if (ct.pattern)
    return "NEW";
  switch (ct.state) {
  case CtState::none:
  case CtState::invalid:
    return "INVALID";
  case CtState::untracked:
    return "UNTRACKED";
  case CtState::fresh:
    return "NEW";
  case CtState::established:
    return "ESTABLISHED";
  case CtState::related:
    return "RELATED";
  }
  return {};
}

std::string had_of(std::string_view field, const PacketClass& packet) {
  if (field == "ip saddr" || field == "ip6 saddr")
    return address_text(source_of(packet).address, packet);
  if (field == "ip daddr" || field == "ip6 daddr")
    return address_text(destination_of(packet).address, packet);
  if (field.ends_with(" sport"))
    return port_text(source_of(packet).port, packet);
  if (field.ends_with(" dport"))
    return port_text(destination_of(packet).port, packet);
  if (field == "iifname")
    return packet.meta.in.name;
  if (field == "oifname")
    return packet.meta.out.name;
  if (field == "meta l4proto")
    return proto_name(transport_info(packet).proto);
  if (field == "ct state")
    return state_text(packet.ct);
  if (field == "meta mark" && packet.meta.mark.known())
    return fmt::format("0x{:x}", packet.meta.mark.value());
  return {};
}

std::string interface_text(ByteView name, ByteView mask) {
  const auto pattern = pattern_of(name, mask);
  return std::string(pattern.name) + (pattern.wildcard ? "+" : "");
}

std::string ip_wanted(std::string_view field, const IpPart& ip) {
  const auto marked = [&](std::uint8_t flag, const std::string& text) {
    return ((ip.invert & flag) != 0 ? "! " : "") + text;
  };
  if (field.ends_with("saddr"))
    return marked(wire::invert_source, masked_address(ip.source, ip.source_mask));
  if (field.ends_with("daddr"))
    return marked(wire::invert_destination, masked_address(ip.destination, ip.destination_mask));
  if (field == "iifname")
    return marked(wire::invert_in, interface_text(ip.in_name, ip.in_mask));
  if (field == "oifname")
    return marked(wire::invert_out, interface_text(ip.out_name, ip.out_mask));
  if (field == "meta l4proto")
    return marked(wire::invert_proto, proto_name(ip.proto));
  return {};
}

/// Looks for near misses of one stopped branch, in the order the packet came by.
class Search {
public:
  Search(const NearMissSearch& search, Branch& branch, unsigned& budget)
      : search_(search), branch_(branch), budget_(budget), facts_(quick_facts(branch.packet)),
        decided_(find_decided()) {}

  void run() { walk(search_.table.blob.hook_entry(search_.hook), 0); }

private:
  /// True when the deciding rule was reached.
  bool walk(std::uint32_t offset, unsigned depth) {
    const auto& blob = search_.table.blob;
    while (budget_ > 0 && branch_.near_misses.size() < most_near_miss_candidates &&
           depth < jump_limit) {
      --budget_;
      const ByteView bytes = blob.at(offset);
      const auto frame = frame_of(bytes, blob.family());
      if (!frame || offset == decided_ || offset == blob.underflow(search_.hook))
        return true;
      const auto target = extension_at(
          bytes.subspan(frame->target_offset, frame->next_offset - frame->target_offset));
      const Verdict verdict = target ? verdict_of(target->extension) : Verdict{};
      if (verdict.kind == StandardVerdict::accept || verdict.kind == StandardVerdict::jump ||
          verdict.kind == StandardVerdict::returns) {
        const auto entry = decode_entry(bytes, blob.family());
        if (entry && look(*entry, verdict, offset, offset + frame->next_offset, depth))
          return true;
        if (verdict.kind == StandardVerdict::returns && entry && entry->matches.empty() &&
            may_match(entry->ip, facts_))
          return false;
      }
      offset += frame->next_offset;
    }
    return true;
  }

  /// Where the rule is that decided; nothing if it was none of this table.
  std::optional<std::uint32_t> find_decided() const {
    if (!branch_.culprit || branch_.culprit->kind != "xt_rule")
      return std::nullopt;
    const auto& places = search_.table.places();
    const std::string& id = branch_.culprit->id;
    const auto number = id.rfind('/') + 1;
    const auto wanted = std::strtoul(id.c_str() + number, nullptr, 10);
    for (std::uint32_t chain = 0; chain < places.chains.size(); ++chain) {
      const auto name = fmt::format("/{}/", id_part(places.chains[chain]));
      if (!std::string_view(id).substr(0, number).ends_with(name))
        continue;
      const auto found = std::ranges::find_if(places.places, [&](const Place& place) {
        return place.chain == chain && place.number == wanted && place.kind == PlaceKind::rule;
      });
      if (found != places.places.end())
        return found->offset;
    }
    return std::nullopt;
  }

  /// One rule: an ACCEPT is a candidate, a jump that is taken leads on. True as walk().
  bool look(const Entry& entry, const Verdict& verdict, std::uint32_t offset, std::uint32_t next,
            unsigned depth) {
    if (verdict.kind == StandardVerdict::accept)
      judge(entry, offset);
    const bool jumps = verdict.kind == StandardVerdict::jump && verdict.offset != next;
    return jumps && failures(entry, offset).count == 0 && walk(verdict.offset, depth + 1);
  }

  struct Failures {
    unsigned count = 0;
    std::string field;
    const Extension* match = nullptr; ///< null: the field is of the ip part
  };

  Failures failures(const Entry& entry, std::uint32_t offset) {
    const NameRule name = [&] { return search_.culprit(offset); };
    const Extension none;
    const MatchCall call{search_.context, search_.request, branch_.packet, none, name,
                         facts_.transport};
    const IpFailures ip = ip_failures(call, entry.ip, facts_);
    Failures failed{ip.count, ip.field, nullptr};
    if (failed.count > 0 && failed.field == "meta l4proto" && !entry.matches.empty())
      failed.count = 2; // its matches are about another protocol
    for (const auto& match : entry.matches) {
      if (failed.count > 1)
        break;
      const auto answer =
          evaluate_match(search_.context, search_.request, match, branch_.packet, name);
      if (!answer || answer->truth != Truth::no)
        continue;
      ++failed.count;
      failed.field = answer->field;
      failed.match = &match;
    }
    return failed;
  }

  void judge(const Entry& entry, std::uint32_t offset) {
    const Failures failed = failures(entry, offset);
    if (failed.count != 1)
      return;
    NearMiss miss{search_.culprit(offset), failed.field, {}, had_of(failed.field, branch_.packet)};
    if (failed.match == nullptr) {
      miss.wanted = ip_wanted(failed.field, entry.ip);
    } else {
      const std::string text = match_text(*failed.match, branch_.packet.family, TextNames{});
      miss.wanted = wanted_of(failed.field, text);
      if (miss.field.empty())
        miss.field = std::string(failed.match->name);
    }
    branch_.near_misses.push_back(std::move(miss));
  }

  const NearMissSearch& search_;
  Branch& branch_;
  unsigned& budget_;
  QuickFacts facts_;
  std::optional<std::uint32_t> decided_;
};

} // namespace

void add_near_misses(const NearMissSearch& search, Branches& branches) {
  unsigned budget = most_rules;
  for (auto& branch : branches)
    if (branch.verdict == HookVerdict::drop || branch.verdict == HookVerdict::reject) {
      Search(search, branch, budget).run();
      keep_nearest(branch.near_misses);
    }
}

} // namespace synfate::xt
