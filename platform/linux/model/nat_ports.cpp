#include "platform/linux/model/nat_ports.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "platform/linux/netfilter/ip_protocol.h"
#include "platform/linux/netfilter/tables.h"
#include "platform/linux/xtables/blob.h"

namespace synfate {
namespace {

constexpr unsigned most_ports_of_range = 64;

template <class... Ts> struct Overloaded : Ts... {
  using Ts::operator()...;
};

using PortRange = std::pair<std::uint16_t, std::uint16_t>;

std::optional<Proto> proto_of(unsigned number) {
  if (number == ip_protocol::tcp)
    return Proto::tcp;
  return number == ip_protocol::udp ? std::optional(Proto::udp) : std::nullopt;
}

std::uint16_t port_in(std::string_view data) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(data[0]) << 8U |
                                    static_cast<unsigned char>(data[1]));
}

std::optional<IpAddress> address_in(std::string_view data) {
  return IpAddress::from_bytes(std::as_bytes(std::span(data.data(), data.size())));
}

// x_tables ---------------------------------------------------------------------------------------

constexpr unsigned inverted_destination_port = 0x02; // XT_TCP_INV_DSTPT, XT_UDP_INV_DSTPT

void add_range(NatRulePorts& rule, const xt::wire::u16 (&ports)[2], unsigned invert) {
  const bool any = ports[0] == 0 && ports[1] == 0xffff;
  if (!any && (invert & inverted_destination_port) == 0)
    rule.ports.emplace_back(ports[0], ports[1]);
}

void add_multiport(NatRulePorts& rule, const xt::wire::Multiport1& match) {
  constexpr unsigned source_ports = 0; // XT_MULTIPORT_SOURCE
  if (match.mode == source_ports || match.invert != 0)
    return;
  for (unsigned at = 0; at < std::min<unsigned>(match.count, std::size(match.ports)); ++at) {
    const bool is_range = match.range[at] != 0 && at + 1U < std::size(match.ports);
    rule.ports.emplace_back(match.ports[at], match.ports[is_range ? at + 1 : at]);
    at += is_range ? 1 : 0;
  }
}

void add_match(NatRulePorts& rule, const xt::Extension& match) {
  if (match.name == "tcp") {
    rule.proto = Proto::tcp;
    if (const auto tcp = xt::load<xt::wire::Tcp>(match.info))
      add_range(rule, tcp->destination, tcp->invert);
  } else if (match.name == "udp") {
    rule.proto = Proto::udp;
    if (const auto udp = xt::load<xt::wire::Udp>(match.info))
      add_range(rule, udp->destination, udp->invert);
  } else if (match.name == "multiport" && match.revision == 1) {
    if (const auto multiport = xt::load<xt::wire::Multiport1>(match.info))
      add_multiport(rule, *multiport);
  } else if (match.name == "set") {
    rule.elsewhere = true;
  }
}

bool translates(std::string_view target) {
  return target == "DNAT" || target == "REDIRECT" || target == "NETMAP" || target == "TPROXY";
}

NatRulePorts ports_of_entry(const xt::Entry& entry) {
  NatRulePorts rule;
  rule.proto = proto_of(entry.ip.proto);
  constexpr unsigned inverted_destination = 0x10; // IPT_INV_DSTIP
  const auto& mask = entry.ip.destination_mask;
  const bool whole =
      std::ranges::all_of(mask, [](std::byte byte) { return byte == std::byte{0xff}; });
  if (whole && (entry.ip.invert & inverted_destination) == 0)
    rule.address = xt::address_of(entry.ip.destination);
  for (const auto& match : entry.matches)
    add_match(rule, match);
  rule.translates = translates(entry.target.name);
  return rule;
}

// nf_tables --------------------------------------------------------------------------------------

enum class Loaded : std::uint8_t { nothing, proto, port, address };

Loaded loaded_by(const nft::Payload& payload) {
  using nft::PayloadBase;
  if (payload.base == PayloadBase::transport && payload.offset == 2 && payload.length == 2)
    return Loaded::port;
  if (payload.base != PayloadBase::network)
    return Loaded::nothing;
  const bool v4 = payload.offset == 16 && payload.length == 4;
  const bool v6 = payload.offset == 24 && payload.length == 16;
  if (v4 || v6)
    return Loaded::address;
  const bool proto = payload.length == 1 && (payload.offset == 9 || payload.offset == 6);
  return proto ? Loaded::proto : Loaded::nothing;
}

/// Reads a rule from left to right: what was last loaded into each register.
class RuleReader {
public:
  NatRulePorts read(const nft::Expressions& expressions) {
    for (const auto& expression : expressions)
      std::visit(
          Overloaded{
              [&](const nft::Payload& load) { note(load.dreg, loaded_by(load)); },
              [&](const nft::Meta& meta) {
                if (!meta.set)
                  note(meta.reg,
                       meta.key == nft::MetaKey::l4proto ? Loaded::proto : Loaded::nothing);
              },
              [&](const nft::Cmp& compare) { take(compare); },
              [&](const nft::Range& range) { take(range); },
              [&](const nft::Lookup& lookup) {
                rule_.elsewhere = rule_.elsewhere || loaded(lookup.sreg) == Loaded::port;
              },
              [&](const nft::Nat& nat) { rule_.translates = rule_.translates || nat.destination; },
              [&](const nft::Redirect&) { rule_.translates = true; },
              [&](const nft::Tproxy&) { rule_.translates = true; },
              [&](const nft::Compat& compat) { take(compat); },
              [](const auto&) {},
          },
          expression.operation);
    return std::move(rule_);
  }

private:
  void note(nft::Slot slot, Loaded what) {
    if (slot < registers_.size())
      registers_[slot] = what;
  }
  Loaded loaded(nft::Slot slot) const {
    return slot < registers_.size() ? registers_[slot] : Loaded::nothing;
  }

  void take(const nft::Cmp& compare) {
    if (compare.op != nft::CmpOp::eq)
      return;
    switch (loaded(compare.sreg)) {
    case Loaded::nothing:
      break;
    case Loaded::proto:
      if (!compare.data.empty())
        rule_.proto = proto_of(static_cast<unsigned char>(compare.data.front()));
      break;
    case Loaded::port:
      if (compare.data.size() >= 2)
        rule_.ports.emplace_back(port_in(compare.data), port_in(compare.data));
      break;
    case Loaded::address:
      rule_.address = address_in(compare.data);
      break;
    }
  }

  void take(const nft::Range& range) {
    if (loaded(range.sreg) == Loaded::port && !range.inverted && range.from.size() >= 2 &&
        range.to.size() >= 2)
      rule_.ports.emplace_back(port_in(range.from), port_in(range.to));
  }

  void take(const nft::Compat& compat) {
    const xt::Extension extension{compat.name, static_cast<std::uint8_t>(compat.revision),
                                  std::as_bytes(std::span(compat.info.data(), compat.info.size()))};
    if (compat.target)
      rule_.translates = rule_.translates || translates(compat.name);
    else
      add_match(rule_, extension);
  }

  NatRulePorts rule_;
  std::array<Loaded, nft::slot_count> registers_{};
};

// All tables -------------------------------------------------------------------------------------

class Finder {
public:
  Finder(Inquiry& inquiry, Ruleset& ruleset)
      : inquiry_(inquiry), ruleset_(ruleset), netns_(inquiry.snapshot().host().netns) {}

  NatPorts find() {
    read_nft();
    read_legacy();
    for (const auto& port : found_)
      answer_.ports.push_back(port);
    return std::move(answer_);
  }

private:
  void take(const NatRulePorts& rule, const std::string& id) {
    bool unlisted = rule.elsewhere;
    for (const auto& [first, last] : rule.ports) {
      if (last < first || last - first >= static_cast<int>(most_ports_of_range)) {
        unlisted = true;
        continue;
      }
      for (unsigned port = first; port <= last; ++port)
        for (const Proto proto : {Proto::tcp, Proto::udp})
          if (!rule.proto || rule.proto == proto)
            found_.insert({proto, static_cast<std::uint16_t>(port), rule.address});
    }
    if (unlisted && rule.translates)
      answer_.unlisted.push_back(id);
  }

  void read_nft() {
    const auto* chains = ruleset_.base_chains(inquiry_, netns_);
    if (chains == nullptr)
      return;
    std::set<NftScope> tables;
    for (const auto& chain : *chains)
      if (chain.type == "nat" && chain.hook == "prerouting")
        tables.insert(chain.scope);
    const auto rows = inquiry_.rows<NftChain>({{"netns", netns_}});
    for (const auto& row : rows) {
      const NftScope scope{netns_, row.family.value_or(""), row.table.value_or("")};
      if (tables.contains(scope))
        read_chain(scope, row.name.value_or(""));
    }
  }

  void read_chain(const NftScope& scope, const std::string& name) {
    const RuleChain* chain = ruleset_.chain(inquiry_, scope, name);
    if (chain == nullptr)
      return;
    const ByteOrder order = byte_order_of(inquiry_.snapshot());
    for (const auto& rule : chain->rules)
      take(ports_of_rule(rule.expressions(order)),
           fmt::format("{}/{}/{}/{}", scope.family, id_part(scope.table), id_part(name),
                       rule.handle));
  }

  void read_legacy() {
    for (const auto& row : inquiry_.rows<XtTable>({{"netns", netns_}})) {
      if (!row.name.is("nat") || !row.info.known() || !row.entries.known())
        continue;
      const auto bytes = [](const Fact<Bytes>& cell) {
        return std::as_bytes(std::span(cell.value().data.data(), cell.value().data.size()));
      };
      const IpFamily family = row.family.is("ip6") ? IpFamily::v6 : IpFamily::v4;
      const auto blob = xt::Blob::decode(bytes(row.info), bytes(row.entries), family);
      if (!blob)
        continue; // the walk says so wherever it matters
      const auto index = blob->index();
      for (const auto& place : index.places)
        if (const auto entry = xt::decode_entry(blob->at(place.offset), family))
          take(ports_of_entry(*entry),
               fmt::format("{}/nat/{}/{}", row.family.value(), id_part(index.chains[place.chain]),
                           place.number));
    }
  }

  struct Before {
    static auto key(const NatPort& port) {
      return std::tuple(port.proto, port.port, port.address ? port.address->to_string() : "");
    }
    bool operator()(const NatPort& a, const NatPort& b) const { return key(a) < key(b); }
  };

  Inquiry& inquiry_;
  Ruleset& ruleset_;
  Int netns_;
  std::set<NatPort, Before> found_;
  NatPorts answer_;
};

} // namespace

NatRulePorts ports_of_rule(const nft::Expressions& rule) {
  return RuleReader().read(rule);
}

NatPorts find_nat_ports(Inquiry& inquiry, Ruleset& ruleset) {
  return Finder(inquiry, ruleset).find();
}

} // namespace synfate
