#include "platform/linux/xtables/ipset_lookup.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/xtables/address_sets.h"
#include "platform/linux/xtables/set_type.h"
#include "platform/linux/xtables/tables.h"
#include "platform/linux/xtables/text.h"

namespace synfate::xt {
namespace {

constexpr unsigned deepest_list = 8;
constexpr Int elements_at_a_glance = 500;
constexpr Int room_to_spare = 16; ///< for what others add meanwhile
constexpr std::string_view any_set = "ipset/any";

/// One dimension of the packet: the text ipset would have for it if it is a single value.
struct Value {
  Dimension dimension = Dimension::address;
  AddressTerm address; ///< Dimension::address
  std::optional<std::string> text;
  bool missing = false; ///< the packet has no such thing: never in the set
};

class SetTest {
public:
  SetTest(const MatchCall& call, const SetQuestion& question, std::vector<Ipset> sets)
      : call_(call), question_(question), sets_(std::move(sets)) {}

  MatchAnswer run(const Ipset& set, unsigned depth) {
    const auto dimensions = dimensions_of(set.type.value_or(""));
    if (!dimensions.empty() && dimensions.front() == Dimension::list)
      return run_list(set, depth);
    const std::string_view family = call_.packet.family == IpFamily::v4 ? "ip" : "ip6";
    if (question_.dimensions < dimensions.size() ||
        (set.family.known() && set.family.value() != family))
      return not_matched(field(set));
    const auto values = values_of(set, dimensions);
    if (std::ranges::any_of(values, &Value::missing))
      return not_matched(field(set));
    const auto element = element_of(values);
    auto member = element && !wants_exceptions(set) ? ask(set, *element) : compare(set, values);
    return with_counters(set, as_changed(set, element, std::move(member)));
  }

  /// What the packet adds to a set, or removes; see set_change_of().
  std::optional<SetChange> change(const Ipset& set, bool added) const {
    const auto type = set.type.value_or("");
    SetChange change{set_id(set), {}, added};
    const auto dimensions = dimensions_of(type);
    if (dimensions.empty() || question_.dimensions < dimensions.size())
      return change;
    if (dimensions.front() == Dimension::list) {
      change.set = std::string(any_set); // one of its members takes it
      return change;
    }
    const auto values = values_of(set, dimensions);
    if (std::ranges::any_of(values, &Value::missing))
      return std::nullopt;
    // ip_set_hash_net.c: hash_net4_kadt() takes the first prefix length that the set has
    const bool by_itself = !set.netmask.known() && !type.starts_with("bitmap:") &&
                           type.find("net") == std::string::npos;
    const bool has_room = set.elements.known() && set.max_elements.known() &&
                          set.elements.value() + room_to_spare < set.max_elements.value();
    if (by_itself && has_room)
      change.element = element_of(values);
    return change;
  }

private:
  static std::string set_id(const Ipset& set) {
    return fmt::format("ipset/{}", set.index.value_or(-1));
  }

  std::vector<Value> values_of(const Ipset& set, const std::vector<Dimension>& dimensions) const {
    std::vector<Value> values;
    for (unsigned at = 0; at < dimensions.size(); ++at)
      values.push_back(value_of(set, dimensions, at));
    return values;
  }

  /// As ipset writes it; nothing if it is a class of them.
  static std::optional<std::string> element_of(const std::vector<Value>& values) {
    std::string element;
    for (const auto& value : values) {
      if (!value.text)
        return std::nullopt;
      element += (element.empty() ? "" : ",") + *value.text;
    }
    return element;
  }

  /// With what rules on the way have done to the set.
  MatchAnswer as_changed(const Ipset& set, const std::optional<std::string>& element,
                         MatchAnswer member) const {
    const auto& changes = call_.packet.ct.set_changes;
    if (changes.empty() || member.truth == Truth::depends)
      return changes.empty() || !is_changed(set) ? member : open(set);
    const bool was_there = member.truth == Truth::yes;
    if (std::ranges::find(changes, any_set, &SetChange::set) != changes.end())
      return open(set);
    switch (changed_to(changes, set_id(set), element, was_there)) {
    case ChangedTo::unchanged:
      return member;
    case ChangedTo::present:
      return matched(field(set));
    case ChangedTo::gone:
      return not_matched(field(set));
    case ChangedTo::perhaps_present:
    case ChangedTo::perhaps_gone:
      return open(set);
    }
    return member;
  }

  bool is_changed(const Ipset& set) const {
    return std::ranges::any_of(call_.packet.ct.set_changes, [&](const SetChange& change) {
      return change.set == any_set || change.set == set_id(set);
    });
  }

  MatchAnswer open(const Ipset& set) const {
    return undecided(call_,
                     fmt::format("the set {}, which a rule before changed,", set.name.value_or("")),
                     "holds the packet", "does not hold the packet", field(set));
  }

  static std::string field(const Ipset& set) { return "set " + set.name.value_or(""); }

  MatchAnswer unread(const Ipset& set) const {
    return undecided(call_,
                     fmt::format("the set {}, which could not be read,", set.name.value_or("")),
                     "holds the packet", "does not hold the packet", field(set));
  }

  MatchAnswer with_counters(const Ipset& set, MatchAnswer member) const {
    if (!question_.counters)
      return member;
    return and_then(call_, std::move(member), [&](const MatchCall& part) {
      return undecided(part, fmt::format("the counters of set {}", set.name.value_or("")),
                       "are as asked", "are not as asked", field(set));
    });
  }

  bool from_source(unsigned dimension) const {
    return (question_.flags >> (dimension + 1) & 1U) != 0;
  }

  /// ip_set_get_ip4_port(), ip_set_get_ip6_port().
  Value port_value(const Ipset& set, bool source) const {
    Value value{Dimension::port, {}, {}, false};
    const auto& transport = call_.transport;
    const bool bitmap = set.type.is("bitmap:port");
    const bool has_ports = transport.proto == 6 || transport.proto == 17 ||
                           (!bitmap && (transport.proto == 132 || transport.proto == 136));
    value.missing = !transport.valid || transport.fragment_offset != 0 || (bitmap && !has_ports);
    if (value.missing)
      return value;
    const std::string prefix = bitmap ? std::string() : set_proto_name(transport.proto) + ":";
    const auto port = (source ? source_of(call_.packet) : destination_of(call_.packet)).port;
    const auto only =
        port.kind == PortTerm::Kind::client ? call_.packet.ports.only() : std::nullopt;
    if (!has_ports)
      value.text = transport.proto == 1 || transport.proto == 58 ? std::nullopt
                                                                 : std::optional(prefix + "0");
    else if (port.kind == PortTerm::Kind::known)
      value.text = prefix + std::to_string(port.first);
    else if (only)
      value.text = prefix + std::to_string(static_cast<unsigned>(*only));
    return value;
  }

  Value address_value(bool source) const {
    const auto term = (source ? source_of(call_.packet) : destination_of(call_.packet)).address;
    Value value{Dimension::address, term, {}, false};
    const auto only =
        term.kind == AddressTerm::Kind::client ? call_.packet.addresses.only() : std::nullopt;
    if (term.kind == AddressTerm::Kind::known)
      value.text = term.first.to_string();
    else if (only)
      value.text = to_address(*only, call_.packet.family).to_string();
    return value;
  }

  /// bitmap_ipmac_kadt(), hash_mac4_kadt(): a frame that came in has a header, also where it leaves
  /// again; an address of zeros is none.
  Value hardware_value(bool source) const {
    Value value{Dimension::hardware, {}, {}, false};
    const auto& packet = call_.packet;
    const auto link = link_header(packet);
    const bool leaves = call_.request.hook == Hook::postrouting && !packet.meta.in.present();
    if (leaves && !packet.meta.socket.present)
      return value;
    value.missing = link.size() < 14;
    std::string text;
    const std::size_t offset = source ? 6 : 0;
    for (std::size_t at = 0; !value.missing && at < 6; ++at) {
      if (!link[offset + at].is_known())
        return value;
      text += fmt::format("{}{:02x}", at == 0 ? "" : ":", link[offset + at].value);
    }
    value.missing = value.missing || text == "00:00:00:00:00:00";
    value.text = std::move(text);
    return value;
  }

  Value value_of(const Ipset& set, const std::vector<Dimension>& dimensions, unsigned at) const {
    const bool source = from_source(at);
    Value value{dimensions[at], {}, {}, false};
    switch (dimensions[at]) {
    case Dimension::address:
      return address_value(source);
    case Dimension::port:
      return port_value(set, source);
    case Dimension::interface: {
      const auto& device = source ? call_.packet.meta.in : call_.packet.meta.out;
      value.missing = !device.present();
      value.text = device.name;
      return value;
    }
    case Dimension::mark:
      if (call_.packet.meta.mark.known())
        value.text = fmt::format("0x{:08x}",
                                 call_.packet.meta.mark.value() &
                                     static_cast<std::uint32_t>(set.markmask.value_or(0xffffffff)));
      return value;
    case Dimension::hardware:
      return hardware_value(source);
    case Dimension::list:
      break;
    }
    return value;
  }

  /// One packet: the kernel is asked.
  MatchAnswer ask(const Ipset& set, const std::string& element) const {
    auto& inquiry = call_.context.inquiry;
    const auto rows = inquiry.rows<IpsetTest>(
        {{"netns", call_.request.netns}, {"set", set.name.value_or("")}, {"element", element}});
    if (rows.empty() || !rows.front().matched.known() || inquiry.pending() || inquiry.incomplete())
      return unread(set);
    return rows.front().matched.value() ? matched(field(set)) : not_matched(field(set));
  }

  static IntervalSet range_of(const Ipset& set, const Fact<IpAddress>& first,
                              const Fact<IpAddress>& last, const Fact<Int>& length) {
    if (!first.known())
      return {};
    if (last.known())
      return IntervalSet::range(to_number(first.value()), to_number(last.value()));
    const Int whole = first.value().is_v4() ? 32 : 128;
    const Int bits = length.known() ? length.value() : set.netmask.value_or(whole);
    return IntervalSet::prefix(IpPrefix(first.value(), static_cast<unsigned>(bits)));
  }

  /// The element's part for a dimension, as a set of addresses.
  static IntervalSet element_addresses(const Ipset& set, const IpsetElement& element, bool second) {
    return second ? range_of(set, element.address2, {}, element.prefix_length2)
                  : range_of(set, element.address, element.address_to, element.prefix_length);
  }

  static bool port_fits(const IpsetElement& element, std::string_view text) {
    const auto colon = text.find(':');
    const std::string_view proto = colon == std::string_view::npos ? "" : text.substr(0, colon);
    const std::string_view digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
    const Int port = std::strtoll(std::string(digits).c_str(), nullptr, 10);
    const bool proto_fits = proto.empty() || element.proto.is(std::string(proto));
    const Int last = element.port_to.value_or(element.port.value_or(-1));
    return proto_fits && port >= element.port.value_or(-1) && port <= last;
  }

  static bool other_fits(const IpsetElement& element, const Value& value) {
    switch (value.dimension) {
    case Dimension::port:
      return port_fits(element, *value.text);
    case Dimension::interface: {
      const auto name = element.interface.value_or("");
      return element.wildcard.is(true) ? value.text->starts_with(name) : *value.text == name;
    }
    case Dimension::mark:
      return element.mark.is(std::strtoll(value.text->c_str(), nullptr, 16));
    case Dimension::hardware:
      return element.hardware_address.absent() || element.hardware_address.is(*value.text);
    case Dimension::address:
    case Dimension::list:
      break;
    }
    return true;
  }

  /// The one dimension that is a class of addresses; nothing if more than that is open.
  static std::optional<std::size_t> open_dimension(const std::vector<Value>& values) {
    std::optional<std::size_t> open;
    for (std::size_t at = 0; at < values.size(); ++at)
      if (!values[at].text) {
        if (open || values[at].address.kind != AddressTerm::Kind::client)
          return std::nullopt;
        open = at;
      }
    return open ? open : std::optional<std::size_t>(0);
  }

  /// The link-layer address alone is out of sight.
  static bool hangs_on_sender(const std::vector<Value>& values) {
    return std::ranges::any_of(values, [](const Value& value) {
      return value.dimension == Dimension::hardware && !value.text;
    });
  }

  /// A class: elements, the most specific first, each decides its addresses once.
  /// ip_set_test(): --return-nomatch says something of types alone that know exceptions
  /// (IPSET_TYPE_NOMATCH), those with networks; Linux 6.12.
  bool wants_exceptions(const Ipset& set) const {
    return question_.return_nomatch && set.type.value_or("").contains("net");
  }

  MatchAnswer compare(const Ipset& set, const std::vector<Value>& values) const {
    const auto open = open_dimension(values);
    if (!open || values[*open].dimension != Dimension::address)
      return undecided(call_, fmt::format("the set {}", set.name.value_or("")), "holds the packet",
                       "does not hold the packet",
                       hangs_on_sender(values) ? std::string(link_source_field) : field(set));
    auto& inquiry = call_.context.inquiry;
    if (inquiry.at_a_glance() && set.elements.value_or(0) > elements_at_a_glance)
      inquiry.give_up();
    if (inquiry.too_much())
      return unread(set);
    auto rows = inquiry.rows<IpsetElement>(
        {{"netns", call_.request.netns}, {"set", set.name.value_or("")}});
    if (inquiry.pending() || inquiry.incomplete())
      return unread(set);
    const auto rank = [](const IpsetElement& element) {
      return std::pair(-element.prefix_length.value_or(128), -element.prefix_length2.value_or(128));
    };
    std::ranges::stable_sort(rows, {}, rank);
    IntervalSet yes;
    IntervalSet exceptions;
    gather(set, values, *open, rows, yes, exceptions);
    return in_addresses(call_, values[*open].address, wants_exceptions(set) ? exceptions : yes,
                        field(set));
  }

  /// Rows of one rank (one prefix length) are disjoint from each other, so they are joined at once.
  static void gather(const Ipset& set, const std::vector<Value>& values, std::size_t open,
                     const std::vector<IpsetElement>& rows, IntervalSet& yes,
                     IntervalSet& exceptions) {
    std::vector<Interval> here;
    std::vector<Interval> not_here;
    IntervalSet decided;
    const auto flush = [&] {
      const IntervalSet in = IntervalSet::from(std::move(here)) - decided;
      const IntervalSet out = IntervalSet::from(std::move(not_here)) - decided;
      here.clear();
      not_here.clear();
      yes = yes | in;
      exceptions = exceptions | out;
      decided = decided | in | out;
    };
    for (std::size_t at = 0; at < rows.size(); ++at) {
      const auto& row = rows[at];
      const bool new_rank = at > 0 && (rows[at - 1].prefix_length != row.prefix_length ||
                                       rows[at - 1].prefix_length2 != row.prefix_length2);
      if (new_rank)
        flush();
      unsigned addresses = 0;
      IntervalSet mine;
      bool fits = true;
      for (std::size_t value = 0; value < values.size() && fits; ++value) {
        const bool address = values[value].dimension == Dimension::address;
        const bool second = address && addresses++ > 0;
        if (value == open)
          mine = element_addresses(set, row, second);
        else if (address)
          fits = element_addresses(set, row, second)
                     .contains(to_number(*IpAddress::parse(*values[value].text)));
        else
          fits = other_fits(row, values[value]);
      }
      if (fits)
        for (const auto& interval : mine.intervals())
          (row.nomatch.is(true) ? not_here : here).push_back(interval);
    }
    flush();
  }

  /// list_set_ktest(): any member will do.
  MatchAnswer run_list(const Ipset& set, unsigned depth) {
    auto& inquiry = call_.context.inquiry;
    auto rows = inquiry.rows<IpsetElement>(
        {{"netns", call_.request.netns}, {"set", set.name.value_or("")}});
    if (inquiry.pending() || inquiry.incomplete() || depth > deepest_list)
      return unread(set);
    std::ranges::stable_sort(rows, {},
                             [](const IpsetElement& row) { return row.position.value_or(0); });
    MatchAnswer none = answer(true);
    for (const auto& row : rows) {
      const auto member =
          std::ranges::find_if(sets_, [&](const Ipset& other) { return other.name == row.member; });
      if (member == sets_.end())
        continue;
      none = and_then(call_, std::move(none), [&](const MatchCall& part) {
        return inverted(SetTest(part, question_, sets_).run(*member, depth + 1), true);
      });
    }
    return inverted(std::move(none), true);
  }

  const MatchCall& call_;
  const SetQuestion& question_;
  std::vector<Ipset> sets_;
};

} // namespace

MatchAnswer test_set_membership(const MatchCall& call, const SetQuestion& question) {
  auto& inquiry = call.context.inquiry;
  auto sets = inquiry.rows<Ipset>({{"netns", call.request.netns}});
  const auto set = std::ranges::find_if(
      sets, [&](const Ipset& row) { return row.index.is(Int{question.index}); });
  if (inquiry.pending() || inquiry.incomplete() || set == sets.end())
    return undecided(
        call, fmt::format("the set with the index {}, which could not be read,", question.index),
        "holds the packet", "does not hold the packet");
  const Ipset chosen = *set;
  return SetTest(call, question, std::move(sets)).run(chosen, 0);
}

std::optional<SetChange> set_change_of(const TargetCall& call, const SetQuestion& question,
                                       bool added) {
  constexpr unsigned no_set = 0xffff;
  if (question.index == no_set)
    return std::nullopt;
  auto& inquiry = call.context.inquiry;
  auto sets = inquiry.rows<Ipset>({{"netns", call.request.netns}});
  const auto set = std::ranges::find_if(
      sets, [&](const Ipset& row) { return row.index.is(Int{question.index}); });
  if (inquiry.pending() || inquiry.incomplete() || set == sets.end())
    return SetChange{fmt::format("ipset/{}", question.index), {}, added};
  const Ipset chosen = *set;
  const MatchCall asked{call.context,   call.request, call.packet,
                        call.extension, call.rule,    call.transport};
  return SetTest(asked, question, std::move(sets)).change(chosen, added);
}

std::string set_name_of(Inquiry& inquiry, Int netns, std::uint16_t index) {
  for (const auto& row : inquiry.rows<Ipset>({{"netns", netns}}))
    if (row.index.is(Int{index}))
      return row.name.value_or("");
  return {};
}

} // namespace synfate::xt
