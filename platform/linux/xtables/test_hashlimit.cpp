// The match `hashlimit`: net/netfilter/xt_hashlimit.c: hashlimit_mt_common(), Linux 6.12.
//
// Its tables can be read, with each entry's credit. Credit only grows while nobody comes, so an
// entry that has enough of it has enough when the client comes; one that has not is sure to lack it
// only if it still does when the client's last try is made. What the packets of this walk take is
// kept with them. All rules with one table share what the first of them asked for; entries show
// it, and where a rule asks for something else nothing is decided. Without an entry it is assumed.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "platform/linux/xtables/address_sets.h"
#include "platform/linux/xtables/hashlimit_info.h"
#include "platform/linux/xtables/tables.h"
#include "platform/linux/xtables/test_core.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

/// XT_HASHLIMIT_HASH_* of include/uapi/linux/netfilter/xt_hashlimit.h.
constexpr std::uint32_t by_destination = 1U << 0;
constexpr std::uint32_t by_destination_port = 1U << 1;
constexpr std::uint32_t by_source = 1U << 2;
constexpr std::uint32_t by_source_port = 1U << 3;

/// Seconds from the read to a connect()'s last try (net.ipv4.tcp_syn_retries of 6).
constexpr std::uint64_t patience = 140;
/// What a second brings at most, whatever CONFIG_HZ is, and more than half of which it brings: HZ *
/// CREDITS_PER_JIFFY(_v1).
constexpr std::uint64_t credit_per_second = 0xffffffffffffffffULL / 86400;
constexpr std::uint64_t credit_per_second_v1 = 0xffffffffU / 86400;
/// Of a limit in bytes: CREDITS_PER_JIFFY_BYTES * HZ is no more than this.
constexpr std::uint64_t full_of_bytes = 1ULL << 32;

/// One side's part in what tells entries apart.
struct Side {
  Endpoint end; ///< a known 0 where it has none
  bool address_asked = false;
  bool port_asked = false;
  Wide mask = 0;
};

struct Question {
  HashlimitInfo info;
  unsigned revision = 0;
  Side source;
  Side destination;
  std::uint64_t units = 1; ///< what the packet counts: 1, or its bytes, or its chunks of 16 bytes

  bool in_bytes() const { return (info.mode & hashlimit_bytes) != 0; }
  bool by_rate() const { return (info.mode & hashlimit_rate_match) != 0; }
};

unsigned width_of(IpFamily family) {
  return family == IpFamily::v6 ? 128U : 32U;
}

std::uint64_t per_second(const Question& question) {
  return question.revision == 1 ? credit_per_second_v1 : credit_per_second;
}

Side side_of(const MatchCall& call, const Endpoint& end, bool address, bool port, unsigned length) {
  const unsigned width = width_of(call.packet.family);
  Side side{end, address, port, all_ones(width) - all_ones(width - std::min(length, width))};
  const IpAddress nobody = to_address(0, call.packet.family);
  if (!address || side.mask == 0)
    side.end.address = AddressTerm::known(nobody);
  else if (end.address.kind == AddressTerm::Kind::known)
    side.end.address = AddressTerm::known(
        to_address(to_number(end.address.first) & side.mask, call.packet.family));
  if (!port)
    side.end.port = PortTerm::known(0);
  return side;
}

Question question_of(const MatchCall& call, HashlimitInfo info) {
  Question question;
  question.revision = call.extension.revision;
  question.source = side_of(call, source_of(call.packet), (info.mode & by_source) != 0,
                            (info.mode & by_source_port) != 0, info.source_mask);
  question.destination =
      side_of(call, destination_of(call.packet), (info.mode & by_destination) != 0,
              (info.mode & by_destination_port) != 0, info.destination_mask);
  question.info = std::move(info);
  return question;
}

bool about(const HashlimitMark& mark, const MatchCall& call, const Question& question) {
  return mark.netns == call.request.netns && mark.table == question.info.name &&
         mark.source == question.source.end && mark.destination == question.destination.end;
}

std::uint64_t spent_before(const MatchCall& call, const Question& question) {
  const auto& marks = call.packet.remembered.hashlimit;
  const auto at = std::ranges::find_if(
      marks, [&](const HashlimitMark& mark) { return about(mark, call, question); });
  return at == marks.end() ? 0 : at->spent;
}

void spend(PacketClass& packet, const MatchCall& call, const Question& question) {
  auto& marks = packet.remembered.hashlimit;
  const auto at = std::ranges::find_if(
      marks, [&](const HashlimitMark& mark) { return about(mark, call, question); });
  if (at == marks.end())
    marks.push_back({call.request.netns, question.info.name, question.source.end,
                     question.destination.end, question.units});
  else
    at->spent += question.units;
}

enum Below : std::uint8_t { no, maybe, yes };

/// Credit now and at most when the client comes last; what was spent is still to be taken.
struct Credit {
  Wide now = 0;
  Wide later = 0;
  Wide cost = 0; ///< of one unit
};

Below compare(const Credit& credit, std::uint64_t spent, std::uint64_t units) {
  const Wide needed = (Wide{spent} + units) * credit.cost;
  return credit.now >= needed ? yes : credit.later >= needed ? maybe : no;
}

/// rateinfo_init(), of a new entry.
Below of_newcomer(const Question& question, std::uint64_t spent) {
  const HashlimitInfo& info = question.info;
  if (question.by_rate()) {
    const std::uint64_t rate = question.in_bytes() ? bytes_per_second(info.average)
                               : info.average != 0 ? info.scale / info.average
                                                   : 0;
    const Wide burst = question.in_bytes() ? Wide{rate} * std::max<std::uint64_t>(1, info.burst)
                                           : Wide{rate} + info.burst;
    return Wide{spent} + question.units <= burst ? yes : maybe;
  }
  if (question.in_bytes()) { // a refill throws away less than the packet takes that made it
    const Wide needed = (Wide{spent} + question.units) * info.average;
    return spent == 0 || needed * 2 <= Wide{full_of_bytes} * (info.burst + 1) ? yes : maybe;
  }
  const Wide full = Wide{info.average} * info.burst;
  return compare({full, full + Wide{info.scale} * patience, info.average}, spent, question.units);
}

/// rateinfo_recalc() and after.
Below of_entry(const Question& question, const HashlimitEntry& entry, std::uint64_t spent) {
  if (question.by_rate() || !entry.credit.known() || !entry.credit_cap.known() ||
      !entry.cost.known())
    return maybe;
  const auto credit = static_cast<std::uint64_t>(entry.credit.value());
  const auto cap = static_cast<std::uint64_t>(entry.credit_cap.value());
  const auto cost = static_cast<std::uint64_t>(entry.cost.value());
  if (question.in_bytes()) { // full again within a second
    const Wide all = Wide{cost} * full_of_bytes / std::max<std::uint64_t>(1, question.info.average);
    const Wide needed = (Wide{spent} + question.units) * cost;
    const bool refilled = cap > 0 && (spent == 0 || needed * 2 <= all * cap);
    return refilled || compare({credit, credit, cost}, spent, question.units) == yes ? yes : maybe;
  }
  Wide later = cap; // forgotten by then, and made anew
  if (entry.expires_in.value_or(0) > static_cast<Int>(patience))
    later = std::min(later, credit + Wide{patience} * (question.revision == 1 ? credit_per_second_v1
                                                                              : credit_per_second));
  return compare({credit, later, cost}, spent, question.units);
}

/// The clients whose entry a row is.
struct Owners {
  IntervalSet addresses;
  bool sure = true; ///< false: some of their connections have another
};

void cut_by_address(Owners& owners, const Side& side, const IpAddress& address) {
  const Wide value = to_number(address);
  if (side.end.address.kind == AddressTerm::Kind::client)
    owners.addresses =
        owners.addresses &
        IntervalSet::masked(side.mask, value, address.width()).value_or(IntervalSet());
  else if (side.end.address.kind != AddressTerm::Kind::known)
    owners.sure = false;
  else if (to_number(side.end.address.first) != value)
    owners.addresses = IntervalSet();
}

void cut_by_port(Owners& owners, const Side& side, Int port, const IntervalSet& clients) {
  const auto number = static_cast<Wide>(port);
  const PortTerm& term = side.end.port;
  const bool from_class = term.kind == PortTerm::Kind::client;
  if (term.kind == PortTerm::Kind::known ? term.first != port
                                         : from_class && !clients.contains(number))
    owners.addresses = IntervalSet();
  else if (term.kind != PortTerm::Kind::known && !(from_class && clients.only()))
    owners.sure = false;
}

Owners owners_of(const MatchCall& call, const Question& question, const HashlimitEntry& row) {
  Owners owners{IntervalSet::all(width_of(call.packet.family)), true};
  cut_by_address(owners, question.source, row.source.value());
  cut_by_address(owners, question.destination, row.destination.value());
  cut_by_port(owners, question.source, row.source_port.value_or(0), call.packet.ports);
  cut_by_port(owners, question.destination, row.destination_port.value_or(0), call.packet.ports);
  return owners;
}

/// The row may come from a table that was made as this rule asks.
bool fits(const Side& side, const IpAddress& address, Int port) {
  const Wide value = to_number(address);
  const bool asked = side.address_asked && side.mask != 0;
  return (value & ~side.mask) == 0 && (asked ? value != 0 : value == 0) &&
         (side.port_asked || port == 0);
}

/// Its own limit as well: user2credits() is linear, so that the cap holds the burst.
bool fits(const Question& question, const HashlimitEntry& row) {
  if (!row.source.known() || !row.destination.known() ||
      !fits(question.source, row.source.value(), row.source_port.value_or(0)) ||
      !fits(question.destination, row.destination.value(), row.destination_port.value_or(0)))
    return false;
  if (question.by_rate() || question.in_bytes() || !row.cost.known() || !row.credit_cap.known())
    return true;
  const auto cost = static_cast<std::uint64_t>(row.cost.value());
  const auto cap = static_cast<std::uint64_t>(row.credit_cap.value());
  const Wide most = Wide{question.info.average} * per_second(question) / question.info.scale;
  return cost != 0 && cap / cost == question.info.burst && cost <= most && cost >= most / 2 - 1;
}

/// A table with as many entries as it may have drops who has none: dsthash_alloc_init().
bool full(const HashlimitInfo& info, std::size_t entries) {
  if (info.size == 0) // the kernel chose, by the size of memory
    return false;
  return entries >= (info.max == 0 ? std::uint64_t{8} * info.size : std::max(info.max, info.size));
}

/// No packet of the class is longer. More never lets in who would be kept out: of bytes it is never
/// said that they do not suffice.
std::uint64_t most_bytes(const PacketClass& packet) {
  constexpr std::uint64_t headers = 160; // of IP and TCP, with all options
  if (const auto length = packet_length(packet); length.known())
    return length.value();
  return packet.payload_length.known() ? headers + packet.payload_length.value() : 65'575;
}

/// hashlimit_byte_cost(): no packet costs more than all there is.
std::uint64_t chunks(const Question& question, const PacketClass& packet) {
  const std::uint64_t all = full_of_bytes / std::max<std::uint64_t>(1, question.info.average);
  return std::min(all, most_bytes(packet) / 16 + 1);
}

/// Which clients are below their limit.
struct Clients {
  std::array<IntervalSet, 3> having; ///< by Below: those with an entry
  Below others = maybe;
  bool limits_shown = false; ///< by an entry
};

std::optional<Clients> look_up(const MatchCall& call, const Question& question) {
  auto& inquiry = call.context.inquiry;
  const std::string family = call.packet.family == IpFamily::v6 ? "ip6" : "ip";
  const auto rows = inquiry.rows<HashlimitEntry>(
      {{"netns", call.request.netns}, {"family", family}, {"list", question.info.name}});
  if (inquiry.pending() || inquiry.incomplete())
    return std::nullopt;
  const std::uint64_t spent = spent_before(call, question);
  Clients clients;
  clients.others = full(question.info, rows.size()) ? maybe : of_newcomer(question, spent);
  clients.limits_shown = !rows.empty();
  std::array<std::vector<IntervalSet>, 3> found;
  for (const auto& row : rows) {
    if (!fits(question, row))
      return std::nullopt;
    Owners owners = owners_of(call, question, row);
    if (owners.addresses.empty())
      continue;
    const Below below = of_entry(question, row, spent);
    found.at(owners.sure || below == clients.others ? below : maybe)
        .push_back(std::move(owners.addresses));
  }
  for (std::size_t at = 0; at < found.size(); ++at)
    clients.having.at(at) = IntervalSet::unite(found.at(at));
  return clients;
}

MatchAnswer either(const MatchCall& call, const Question& question) {
  return undecided(call, fmt::format("the hashlimit {}", question.info.name), "has tokens left",
                   "has no tokens left");
}

void add_parts(std::vector<MatchPart>& parts, const PacketClass& packet, MatchAnswer answer) {
  if (answer.truth == Truth::depends)
    std::ranges::move(answer.parts, std::back_inserter(parts));
  else
    parts.push_back({packet, answer.truth == Truth::yes, false});
}

MatchAnswer by_clients(const MatchCall& call, const Question& question, const Clients& clients) {
  const auto& [none, some, enough] = clients.having;
  const auto everybody = IntervalSet::all(width_of(call.packet.family));
  const IntervalSet unclear =
      clients.others == maybe ? everybody - (none - some) - (enough - some) : some;
  const IntervalSet below = clients.others == yes ? everybody - none : enough;
  MatchAnswer all{Truth::depends, false, {}, {}};
  MatchAnswer doubtful = in_addresses(call, AddressTerm::client(), unclear, "");
  std::vector<MatchPart> parts;
  add_parts(parts, call.packet, std::move(doubtful));
  for (const auto& part : parts) {
    const MatchCall narrow = call.with(part.packet);
    add_parts(all.parts, part.packet,
              part.matched ? either(narrow, question)
                           : in_addresses(narrow, AddressTerm::client(), below, ""));
  }
  return all;
}

/// htable_find_get() of hashlimit_mt_check_common() finds the table that another rule has made, or
/// the one that this rule had before it was changed, and keeps its limits.
MatchAnswer as_assumed(const MatchCall& call, const Question& question, MatchAnswer answer) {
  if (answer.truth == Truth::yes || answer.truth == Truth::no)
    answer = {Truth::depends, false, {{call.packet, answer.truth == Truth::yes, false}}, {}};
  for (auto& part : answer.parts)
    part.packet.assumptions.push_back(fmt::format(
        "the table {} of hashlimit, which has no entry yet, was made with the limits of "
        "this rule",
        question.info.name));
  return answer;
}

} // namespace

MatchAnswer test_hashlimit(const MatchCall& call) {
  Question question = question_of(call, hashlimit_of(call.extension.info, call.extension.revision));
  const bool invert = (question.info.mode & hashlimit_invert) != 0;
  if (question.in_bytes())
    question.units = question.by_rate() ? most_bytes(call.packet) : chunks(question, call.packet);
  const auto clients = look_up(call, question);
  MatchAnswer found = clients ? by_clients(call, question, *clients) : either(call, question);
  if (clients && !clients->limits_shown)
    found = as_assumed(call, question, std::move(found));
  for (auto& part : found.parts)
    if (part.matched || question.by_rate())
      spend(part.packet, call, question);
  return inverted(std::move(found), invert);
}

} // namespace synfate::xt
