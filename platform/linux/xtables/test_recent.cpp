// The match `recent`: net/netfilter/xt_recent.c: recent_mt(), Linux 6.12.
//
// Its lists can be read (/proc/net/xt_recent/NAME), but not how long ago an entry's times are: they
// are in jiffies. An address that is in no list is decided; one that is in it is where no time is
// asked for. What the packets of this walk put into a list they find there again: the usual rules
// add the client first and then ask how often it came.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/xtables/address_sets.h"
#include "platform/linux/xtables/tables.h"
#include "platform/linux/xtables/test_core.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

/// XT_RECENT_* of include/uapi/linux/netfilter/xt_recent.h.
constexpr std::uint8_t set_flag = 1U << 1;
constexpr std::uint8_t update_flag = 1U << 2;
constexpr std::uint8_t remove_flag = 1U << 3;
constexpr std::uint8_t ttl_flag = 1U << 4;
constexpr std::uint8_t side_source = 0;

/// Both revisions in one form.
struct Question {
  std::string list;
  std::uint32_t seconds = 0;
  std::uint32_t needed = 0; ///< hits; one where none are asked for
  std::uint8_t check = 0;
  bool invert = false;
  AddressTerm address;
  std::optional<IpAddress> mask;

  bool has(std::uint8_t flag) const { return (check & flag) != 0; }
};

template <typename Recent> Question question_of(const MatchCall& call, const Recent& info) {
  const Endpoint end =
      info.side == side_source ? source_of(call.packet) : destination_of(call.packet);
  return {std::string(text_of(info.name)),
          info.seconds,
          std::max<std::uint32_t>(1, info.hit_count),
          info.check,
          info.invert != 0,
          end.address,
          {}};
}

const RecentMark* mark_of(const PacketClass& packet, const Question& question) {
  const auto at = std::ranges::find_if(packet.remembered.recent, [&](const RecentMark& mark) {
    return mark.list == question.list && mark.address == question.address;
  });
  return at == packet.remembered.recent.end() ? nullptr : &*at;
}

/// The packet after the list was changed for its address.
template <typename Change>
PacketClass marked(PacketClass packet, const Question& question, Change change) {
  if (const RecentMark* mark = mark_of(packet, question))
    change(
        packet.remembered.recent[static_cast<std::size_t>(mark - packet.remembered.recent.data())]);
  else
    change(packet.remembered.recent.emplace_back(
        RecentMark{question.list, question.address, 0, false}));
  return packet;
}

/// Addresses whose entries lead to one answer.
struct Listed {
  IntervalSet yes;
  IntervalSet maybe;
  bool known = false; ///< false: the list could not be read, or not yet
};

/// The addresses that an entry stands for.
std::optional<IntervalSet> addresses_of(const IpAddress& entry, const Question& question) {
  if (!question.mask)
    return IntervalSet::address(entry);
  return IntervalSet::masked(to_number(*question.mask), to_number(entry), entry.width());
}

/// What the list says of those that have `own` times of this walk beside the times in it.
Listed look_up(const MatchCall& call, const Question& question, std::uint32_t own) {
  auto& inquiry = call.context.inquiry;
  const auto rows =
      inquiry.rows<RecentEntry>({{"netns", call.request.netns}, {"list", question.list}});
  if (inquiry.pending() || inquiry.incomplete())
    return {};
  Listed listed{{}, {}, true};
  for (const auto& row : rows) {
    if (!row.address.known() || row.address.value().family() != call.packet.family)
      continue;
    const auto addresses = addresses_of(row.address.value(), question);
    if (!addresses)
      return {};
    const Int stamps = row.stamps.value_or(0) + own;
    if (question.has(remove_flag) && !question.has(ttl_flag))
      listed.yes = listed.yes | *addresses;
    else if (question.has(ttl_flag) || (stamps >= question.needed && question.seconds != 0))
      listed.maybe = listed.maybe | *addresses;
    else if (stamps >= question.needed)
      listed.yes = listed.yes | *addresses;
  }
  return listed;
}

MatchAnswer either(const MatchCall& call, const Question& question) {
  std::string entry = "the address";
  if (question.needed > 1)
    entry += fmt::format(" with {} hits", question.needed);
  if (question.seconds != 0)
    entry += fmt::format(" within {} s", question.seconds);
  return undecided(call, fmt::format("the list {}", question.list), "holds " + entry,
                   "does not hold " + entry);
}

void add_parts(std::vector<MatchPart>& parts, const PacketClass& packet, MatchAnswer answer) {
  if (answer.truth == Truth::depends)
    std::ranges::move(answer.parts, std::back_inserter(parts));
  else
    parts.push_back({packet, answer.truth == Truth::yes, false});
}

MatchAnswer by_list(const MatchCall& call, const Question& question, const Listed& listed) {
  const MatchAnswer doubtful = in_addresses(call, question.address, listed.maybe, "");
  if (doubtful.truth == Truth::yes)
    return either(call, question);
  if (doubtful.truth == Truth::no)
    return in_addresses(call, question.address, listed.yes, "");
  MatchAnswer all{Truth::depends, false, {}, {}};
  for (const auto& part : doubtful.parts) {
    const MatchCall narrow = call.with(part.packet);
    add_parts(all.parts, part.packet,
              part.matched ? either(narrow, question)
                           : in_addresses(narrow, question.address, listed.yes, ""));
  }
  return all;
}

MatchAnswer find(const MatchCall& call, const Question& question) {
  const RecentMark* mark = mark_of(call.packet, question);
  const std::uint32_t own = mark != nullptr ? mark->stamps : 0;
  if (own > 0 && (question.has(remove_flag) || own >= question.needed))
    return answer(true);
  if (mark != nullptr && mark->removed)
    return answer(false);
  const Listed listed = look_up(call, question, own);
  return listed.known ? by_list(call, question, listed) : either(call, question);
}

/// Every part, the list changed where the match says so.
template <typename Change>
MatchAnswer changed(const MatchCall& call, MatchAnswer found, const Question& question, bool where,
                    Change change) {
  MatchAnswer all{Truth::depends, false, {}, {}};
  add_parts(all.parts, call.packet, std::move(found));
  for (auto& part : all.parts)
    if (part.matched == where)
      part.packet = marked(std::move(part.packet), question, change);
  return all;
}

MatchAnswer test(const MatchCall& call, const Question& question) {
  const auto renew = [](RecentMark& mark) { ++mark.stamps; };
  if (question.has(set_flag)) // always finds or makes the entry
    return changed(call, answer(!question.invert), question, !question.invert, renew);
  MatchAnswer found = find(call, question);
  if (question.has(remove_flag))
    return inverted(changed(call, std::move(found), question, true,
                            [](RecentMark& mark) {
                              mark.stamps = 0;
                              mark.removed = true;
                            }),
                    question.invert);
  // With an inversion what is renewed is an entry without enough hits, which is hardly meant.
  if (question.has(update_flag) && !question.invert && found.truth != Truth::no)
    return changed(call, std::move(found), question, true, renew);
  return inverted(std::move(found), question.invert);
}

} // namespace

MatchAnswer test_recent0(const MatchCall& call) {
  return test(call, question_of(call, call.as<wire::Recent0>()));
}

MatchAnswer test_recent1(const MatchCall& call) {
  const auto info = call.as<wire::Recent1>();
  Question question = question_of(call, info);
  question.mask = address_of(info.mask, call.packet.family);
  return test(call, question);
}

} // namespace synfate::xt
