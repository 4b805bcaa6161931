// Matches on any byte of the packet, and on the clock: net/netfilter/xt_string.c, xt_u32.c,
// xt_time.c, net/core/skbuff.c: skb_find_text(); Linux 6.12.
#include <algorithm>

#include "platform/linux/xtables/test_core.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

// string -----------------------------------------------------------------------------------------

struct Pattern {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint8_t> mask;
};

Pattern pattern_of(const wire::String& info, bool ignore_case) {
  Pattern pattern;
  for (std::size_t at = 0; at < std::min<std::size_t>(info.length, 128); ++at) {
    std::uint8_t byte = info.pattern[at];
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    const bool fold = ignore_case && letter;
    pattern.mask.push_back(fold ? 0xdf : 0xff);
    pattern.bytes.push_back(fold ? byte & 0xdf : byte);
  }
  return pattern;
}

/// Looks at every place of the headers where the pattern may begin.
Truth in_headers(const PacketClass& packet, const Pattern& pattern, std::size_t from,
                 std::size_t to) {
  Truth found = Truth::no;
  const std::size_t size = pattern.bytes.size();
  for (std::size_t at = from;
       at <= to && at + size <= packet.network.size() && at - from + size <= to - from; ++at) {
    switch (equals(octets_at(packet, at, size), pattern.mask, pattern.bytes, packet)) {
    case Truth::yes:
      return Truth::yes;
    case Truth::depends:
      found = Truth::depends;
      break;
    case Truth::no:
      break;
    }
  }
  return found;
}

// u32 --------------------------------------------------------------------------------------------

/// 32 bits of which some are known.
struct Word {
  std::uint32_t value = 0;
  std::uint32_t known = 0;
  bool complete() const { return known == 0xffffffffU; }
};

enum class Fetch : std::uint8_t { done, outside, unknown };

Fetch fetch(const PacketClass& packet, std::uint64_t offset, Word& word) {
  const auto length = packet_length(packet);
  if (length.known() && offset + 4 > length.value())
    return Fetch::outside;
  word = {};
  for (unsigned at = 0; at < 4; ++at) {
    const Octets octet = octets_at(packet, offset + at, 1);
    const Octet byte = octet.empty() ? Octet::any() : resolve(packet, octet.front());
    word.value = word.value << 8 | static_cast<std::uint8_t>(byte.value & byte.known);
    word.known = word.known << 8 | byte.known;
  }
  return length.known() || offset + 4 <= packet.network.size() ? Fetch::done : Fetch::unknown;
}

std::uint32_t shift_left(std::uint32_t value, std::uint32_t bits) {
  return bits < 32 ? value << bits : 0;
}
std::uint32_t shift_right(std::uint32_t value, std::uint32_t bits) {
  return bits < 32 ? value >> bits : 0;
}

/// One step of a location; `outside` if it leads out of the packet.
Fetch step(const PacketClass& packet, const wire::U32Test::Location& location, std::uint64_t& base,
           Word& word) {
  const std::uint32_t number = location.number;
  switch (location.next_operation) {
  case 0: // &
    word.value &= number;
    word.known |= ~number;
    return Fetch::done;
  case 1: // <<
    word = {shift_left(word.value, number), ~shift_left(~word.known, number)};
    return Fetch::done;
  case 2: // >>
    word = {shift_right(word.value, number), ~shift_right(~word.known, number)};
    return Fetch::done;
  default: // @
    if (!word.complete())
      return Fetch::unknown;
    base += word.value;
    return base > 0xffffffffU ? Fetch::outside : fetch(packet, base + number, word);
  }
}

Truth in_values(const wire::U32Test& test, const Word& word) {
  Truth found = Truth::no;
  for (unsigned at = 0; at < std::min<unsigned>(test.values, 11); ++at) {
    const auto& [min, max] = test.value[at];
    if (word.complete()) {
      if (min <= word.value && word.value <= max)
        return Truth::yes;
      continue;
    }
    const std::uint32_t least = word.value;
    const std::uint32_t most = word.value | ~word.known;
    if (min <= least && most <= max)
      return Truth::yes;
    const bool excluded =
        most < min || least > max || (min == max && ((min ^ word.value) & word.known) != 0);
    found = excluded ? found : Truth::depends;
  }
  return found;
}

Truth u32_test(const PacketClass& packet, const wire::U32Test& test) {
  std::uint64_t base = 0;
  Word word;
  Fetch state = fetch(packet, test.location[0].number, word);
  for (unsigned at = 1; at < std::min<unsigned>(test.locations, 11) && state == Fetch::done; ++at)
    state = step(packet, test.location[at], base, word);
  if (state == Fetch::outside)
    return Truth::no;
  return state == Fetch::unknown ? Truth::depends : in_values(test, word);
}

/// A plain "offset & mask = value" on four bytes: the class can be cut by it.
std::optional<MatchAnswer> simple_u32(const MatchCall& call, const wire::U32Test& test) {
  const bool masked = test.locations == 2 && test.location[1].next_operation == 0;
  if ((test.locations != 1 && !masked) || test.values != 1 ||
      test.value[0].min != test.value[0].max)
    return std::nullopt;
  const Octets octets = octets_at(call.packet, test.location[0].number, 4);
  if (octets.empty())
    return std::nullopt;
  const std::uint32_t mask = masked ? test.location[1].number : 0xffffffffU;
  std::array<std::uint8_t, 4> masks{};
  std::array<std::uint8_t, 4> values{};
  for (unsigned at = 0; at < 4; ++at) {
    masks[at] = static_cast<std::uint8_t>(mask >> (24 - 8 * at));
    values[at] = static_cast<std::uint8_t>(test.value[0].min >> (24 - 8 * at));
  }
  return test_equal(call, octets, masks, values, "u32");
}

MatchAnswer one_u32(const MatchCall& call, const wire::U32Test& test) {
  switch (u32_test(call.packet, test)) {
  case Truth::yes:
    return matched("u32");
  case Truth::no:
    return not_matched("u32");
  case Truth::depends:
    break;
  }
  if (auto simple = simple_u32(call, test))
    return std::move(*simple);
  return undecided(call, "the bytes that u32 looks at", "are those asked", "are not those asked",
                   "u32");
}

// time -------------------------------------------------------------------------------------------

constexpr Int day = 86'400;

/// Day of the month of a number of days since 1970, by the civil calendar.
unsigned month_day(Int days) {
  const Int shifted = days + 719'468; // from 0000-03-01
  const Int era = shifted / 146'097;
  const Int of_era = shifted - era * 146'097;
  const Int year = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const Int of_year = of_era - (365 * year + year / 4 - year / 100);
  const Int month = (5 * of_year + 2) / 153;
  return static_cast<unsigned>(of_year - (153 * month + 2) / 5 + 1);
}

bool at_time(const wire::Time& info, Int stamp) {
  if (stamp < Int{info.date_start} || stamp > Int{info.date_stop})
    return false;
  const Int now = stamp % day;
  const Int start = info.daytime_start;
  const Int stop = info.daytime_stop;
  if (start < stop ? now < start || now > stop : now < start && now > stop)
    return false;
  if (start >= stop && (info.flags & 2) != 0 && now <= stop)
    stamp -= day;
  const Int days = stamp / day;
  const auto weekday = static_cast<unsigned>((4 + days - 1) % 7 + 1);
  if ((info.week_days >> weekday & 1U) == 0)
    return false;
  return info.month_days == 0xfffffffeU || (info.month_days >> month_day(days) & 1U) != 0;
}

} // namespace

MatchAnswer test_string(const MatchCall& call) {
  const auto info = call.as<wire::String>();
  const bool invert = (info.flags & 1) != 0;
  const bool ignore_case = call.extension.revision > 0 && (info.flags & 2) != 0;
  const Pattern pattern = pattern_of(info, ignore_case);
  const Truth headers = in_headers(call.packet, pattern, info.from, info.to);
  const auto length = packet_length(call.packet);
  const std::size_t known = call.packet.network.size();
  const bool payload = (!length.known() || length.value() > known) && std::size_t{info.to} > known;
  if (headers == Truth::yes)
    return inverted(matched("payload"), invert);
  if (headers == Truth::no && !payload)
    return inverted(not_matched("payload"), invert);
  return inverted(
      undecided(call, "the packet's content", "has the text", "does not have the text", "payload"),
      invert);
}

MatchAnswer test_u32(const MatchCall& call) {
  const auto info = call.as<wire::U32>();
  MatchAnswer result = answer(true);
  for (unsigned at = 0; at < std::min<unsigned>(info.count, 11); ++at)
    result = and_then(call, std::move(result),
                      [&](const MatchCall& part) { return one_u32(part, info.tests[at]); });
  return inverted(std::move(result), info.invert != 0);
}

MatchAnswer test_time(const MatchCall& call) {
  const auto info = call.as<wire::Time>();
  const auto& meta = call.packet.meta;
  if (!meta.time_ms.known())
    return undecided(call, meta.time_ms.why(), "is in the time", "is not in the time", "meta time");
  const bool local = (info.flags & 1) != 0;
  if (local && !meta.minutes_west.known())
    return undecided(call, meta.minutes_west.why(), "puts it in the time",
                     "does not put it in the time", "meta time");
  const Int west = local ? meta.minutes_west.value() : 0;
  return at_time(info, meta.time_ms.value() / 1000 - 60 * west) ? matched("meta time")
                                                                : not_matched("meta time");
}

} // namespace synfate::xt
