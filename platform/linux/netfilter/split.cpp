// The octets of a test fall into segments: known bytes, runs of one variable's bytes in order, and
// free bytes. A comparison of the whole is made of the segments' comparisons, first segment first;
// each gives the sets of the variable's values that are less, equal or greater. What free bytes
// would decide is undecided.
#include "platform/linux/netfilter/split.h"

#include <algorithm>

namespace synfate {
namespace {

/// A part of the product "addresses x ports", or of what nobody can know.
struct Region {
  IntervalSet addresses;
  IntervalSet ports;
  bool undecided = false;  ///< free bytes decide whether it belongs here
  bool of_address = false; ///< undecided, though one client's address decides it
};

struct Order {
  std::vector<Region> less;
  std::vector<Region> equal;
  std::vector<Region> greater;
};

unsigned variable_size(ByteSource source, const PacketClass& packet) {
  if (source == ByteSource::client_port)
    return 2;
  return packet.family == IpFamily::v4 ? 4 : 16;
}

struct Segment {
  ByteSource source = ByteSource::free;
  bool known = false;
  std::size_t begin = 0;
  std::size_t size = 0;
};

/// Octets with the mask applied: masked-out bits are known zeros.
std::vector<Octet> apply(std::span<const Octet> octets, std::span<const std::uint8_t> mask,
                         const PacketClass& packet) {
  std::vector<Octet> masked;
  masked.reserve(octets.size());
  for (std::size_t at = 0; at < octets.size(); ++at) {
    Octet octet = resolve(packet, octets[at]);
    if (!mask.empty()) {
      octet.value = octet.value & octet.known & mask[at];
      octet.known = static_cast<std::uint8_t>(octet.known | ~mask[at]);
    }
    masked.push_back(octet);
  }
  return masked;
}

bool is_variable(ByteSource source) {
  return source == ByteSource::client_address || source == ByteSource::client_port;
}

bool continues(const Octet& before, const Octet& next) {
  return !next.is_known() && next.source == before.source && next.index == before.index + 1;
}

/// Cuts octets into segments. A known byte between two bytes of a variable (masked out) stays with
/// them where its place allows.
std::vector<Segment> segments_of(std::span<const Octet> octets) {
  std::vector<Segment> segments;
  for (std::size_t at = 0; at < octets.size();) {
    const Octet& first = octets[at];
    Segment segment{first.source, first.is_known(), at, 1};
    while (at + segment.size < octets.size()) {
      const Octet& next = octets[at + segment.size];
      if (segment.known                  ? !next.is_known()
          : !is_variable(segment.source) ? next.is_known() || next.source != segment.source
                                         : !continues(octets[at + segment.size - 1], next))
        break;
      ++segment.size;
    }
    segments.push_back(segment);
    at += segment.size;
  }
  return segments;
}

Order everything(const PacketClass& packet, int sign) {
  const Region all{packet.addresses, packet.ports, false, false};
  Order order;
  (sign < 0 ? order.less : sign == 0 ? order.equal : order.greater).push_back(all);
  return order;
}

Order anything(const PacketClass& packet, bool can_less, bool can_equal, bool can_greater,
               bool of_address) {
  const Region all{packet.addresses, packet.ports, true, of_address};
  Order order;
  if (can_less)
    order.less.push_back(all);
  if (can_equal)
    order.equal.push_back(all);
  if (can_greater)
    order.greater.push_back(all);
  return order;
}

/// Free bits: between the smallest and the greatest value they allow.
Order compare_free(std::span<const Octet> octets, std::span<const std::uint8_t> value,
                   const PacketClass& packet) {
  int low = 0;
  int high = 0;
  bool equal = true;
  const bool of_address = std::ranges::any_of(octets, [](const Octet& octet) {
    return !octet.is_known() &&
           (octet.source == ByteSource::client_address || octet.source == ByteSource::derived);
  });
  for (std::size_t at = 0; at < octets.size(); ++at) {
    const int smallest = octets[at].value & octets[at].known;
    const int greatest = smallest | (~octets[at].known & 0xff);
    if (low == 0)
      low = smallest - value[at];
    if (high == 0)
      high = greatest - value[at];
    equal = equal && ((value[at] ^ octets[at].value) & octets[at].known) == 0;
  }
  return anything(packet, low < 0, equal, high > 0, of_address);
}

Wide number_of(std::span<const std::uint8_t> bytes) {
  Wide number = 0;
  for (const auto byte : bytes)
    number = number << 8 | byte;
  return number;
}

Region region_of(ByteSource source, const PacketClass& packet, const IntervalSet& set) {
  if (source == ByteSource::client_address)
    return {packet.addresses & set, packet.ports, false, false};
  return {packet.addresses, packet.ports & set, false, false};
}

void keep(std::vector<Region>& regions, Region region) {
  if (!region.addresses.empty() && !region.ports.empty())
    regions.push_back(std::move(region));
}

bool is_prefix(Wide mask, unsigned bits) {
  const Wide rest = ~mask & all_ones(bits);
  return (rest & (rest + 1)) == 0;
}

/// A run of a variable's bytes, perhaps masked to a prefix, against a value.
Order compare_variable(std::span<const Octet> octets, std::span<const std::uint8_t> value,
                       const PacketClass& packet) {
  const ByteSource source = octets.front().source;
  const unsigned size = variable_size(source, packet);
  const unsigned bits = size * 8;
  const auto after = static_cast<unsigned>(size - octets.front().index - octets.size());
  Wide mask = 0;
  Wide fixed = 0;
  for (const auto& octet : octets) {
    mask = mask << 8 | static_cast<std::uint8_t>(~octet.known);
    fixed = fixed << 8 | static_cast<std::uint8_t>(octet.value & octet.known);
  }
  const Wide wanted = number_of(value);
  Order order;
  const auto equal =
      ((wanted & ~mask) & all_ones(static_cast<unsigned>(octets.size()) * 8)) == fixed
          ? IntervalSet::masked(mask << (after * 8), (wanted & mask) << (after * 8), bits)
          : IntervalSet();
  if (!equal)
    return compare_free(octets, value, packet);
  keep(order.equal, region_of(source, packet, *equal));
  const IntervalSet rest = IntervalSet::all(bits) - *equal;
  if (octets.front().index == 0 && fixed == 0 &&
      is_prefix(mask << (after * 8) | all_ones(0), bits)) {
    // (v & mask) < wanted  <=>  v < wanted rounded up to the mask's blocks
    const Wide block = ~(mask << (after * 8)) & all_ones(bits);
    Wide limit = wanted << (after * 8);
    const bool exact = (limit & block) == 0 || block == 0;
    if (!exact)
      limit = (limit | block) + 1;
    const bool all_less = !exact && ((limit & all_ones(bits)) == 0 || limit > all_ones(bits));
    const IntervalSet less = all_less     ? IntervalSet::all(bits)
                             : limit == 0 ? IntervalSet()
                                          : IntervalSet::range(0, limit - 1);
    keep(order.less, region_of(source, packet, less & rest));
    keep(order.greater, region_of(source, packet, rest - less));
    return order;
  }
  // Not in order: a value that is not equal may be either.
  Region either = region_of(source, packet, rest);
  either.undecided = true;
  either.of_address = source == ByteSource::client_address;
  keep(order.less, either);
  keep(order.greater, either);
  return order;
}

Order compare_segment(const Segment& segment, std::span<const Octet> octets,
                      std::span<const std::uint8_t> value, const PacketClass& packet) {
  const auto part = octets.subspan(segment.begin, segment.size);
  const auto wanted = value.subspan(segment.begin, segment.size);
  if (segment.known) {
    for (std::size_t at = 0; at < part.size(); ++at)
      if (part[at].value != wanted[at])
        return everything(packet, part[at].value < wanted[at] ? -1 : 1);
    return everything(packet, 0);
  }
  if (segment.source == ByteSource::free || segment.source == ByteSource::derived)
    return compare_free(part, wanted, packet);
  return compare_variable(part, wanted, packet);
}

std::vector<Region> meet(const std::vector<Region>& a, const std::vector<Region>& b) {
  std::vector<Region> regions;
  for (const auto& x : a)
    for (const auto& y : b)
      keep(regions, {x.addresses & y.addresses, x.ports & y.ports, x.undecided || y.undecided,
                     x.of_address || y.of_address});
  return regions;
}

void add(std::vector<Region>& to, std::vector<Region> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// memcmp(octets, value) as regions of the class.
Order compare(std::span<const Octet> octets, std::span<const std::uint8_t> value,
              const PacketClass& packet) {
  Order order = everything(packet, 0);
  for (const auto& segment : segments_of(octets)) {
    const Order part = compare_segment(segment, octets, value, packet);
    add(order.less, meet(order.equal, part.less));
    add(order.greater, meet(order.equal, part.greater));
    order.equal = meet(order.equal, part.equal);
    if (order.equal.empty())
      break;
  }
  return order;
}

Truth truth_of(const std::vector<Region>& yes, const std::vector<Region>& no) {
  if (no.empty())
    return Truth::yes;
  return yes.empty() ? Truth::no : Truth::depends;
}

PacketClass part_of(const PacketClass& packet, const Region& region) {
  PacketClass part = packet;
  part.addresses = region.addresses;
  part.ports = region.ports;
  return part;
}

PacketClass conditional(PacketClass part, const TestContext& context, bool holds, bool of_address) {
  std::string when = context.test.empty() ? context.field : context.test;
  when += holds ? " holds" : " does not hold";
  part.conditions.push_back({std::move(when), context.by, context.field, of_address});
  return part;
}

/// Regions to classes. Decided regions of `less` and `greater` never overlap; of undecided ones the
/// same part may be named on both sides, once each.
std::vector<PacketClass> classes_of(const PacketClass& packet, const std::vector<Region>& regions,
                                    const TestWords& words, bool holds) {
  std::vector<PacketClass> classes;
  std::vector<Region> seen;
  for (const auto& region : regions) {
    const auto same = std::ranges::find_if(seen, [&](const Region& other) {
      return other.undecided && region.undecided && other.addresses == region.addresses &&
             other.ports == region.ports;
    });
    if (same != seen.end())
      continue;
    seen.push_back(region);
    PacketClass part = part_of(packet, region);
    classes.push_back(region.undecided
                          ? conditional(std::move(part), words(), holds, region.of_address)
                          : std::move(part));
  }
  return classes;
}

struct YesNo {
  std::vector<Region> yes;
  std::vector<Region> no;
};

/// Joins decided regions that differ in one variable only.
void join(std::vector<Region>& regions) {
  for (std::size_t at = 0; at < regions.size(); ++at)
    for (std::size_t other = at + 1; other < regions.size();) {
      Region& a = regions[at];
      const Region& b = regions[other];
      const bool joined =
          a.undecided == b.undecided && (a.ports == b.ports || a.addresses == b.addresses);
      if (!joined) {
        ++other;
        continue;
      }
      a.of_address = a.of_address || b.of_address;
      if (a.ports == b.ports)
        a.addresses = a.addresses | b.addresses;
      else
        a.ports = a.ports | b.ports;
      regions.erase(regions.begin() + static_cast<std::ptrdiff_t>(other));
    }
}

YesNo equal_regions(const PacketClass& packet, std::span<const Octet> octets,
                    std::span<const std::uint8_t> mask, std::span<const std::uint8_t> value) {
  const auto masked = apply(octets, mask, packet);
  Order order = compare(masked, value, packet);
  YesNo result{std::move(order.equal), std::move(order.less)};
  add(result.no, std::move(order.greater));
  join(result.no);
  return result;
}

YesNo between_regions(const PacketClass& packet, std::span<const Octet> octets,
                      std::span<const std::uint8_t> first, std::span<const std::uint8_t> last) {
  const auto resolved = apply(octets, {}, packet);
  Order low = compare(resolved, first, packet);
  Order high = compare(resolved, last, packet);
  std::vector<Region> from = std::move(low.equal);
  add(from, std::move(low.greater));
  join(from);
  std::vector<Region> to = std::move(high.equal);
  add(to, std::move(high.less));
  join(to);
  YesNo result{meet(from, to), std::move(low.less)};
  // above last, and not below first already
  add(result.no, meet(from, high.greater));
  join(result.no);
  return result;
}

unsigned address_bits(const PacketClass& packet) {
  return packet.family == IpFamily::v4 ? 32 : 128;
}

/// The values of one variable for which the octets equal the value, where nothing else decides it.
std::optional<IntervalSet> equal_values(ByteSource source, unsigned bits,
                                        std::span<const Octet> octets,
                                        std::span<const std::uint8_t> mask,
                                        std::span<const std::uint8_t> value) {
  const unsigned size = bits / 8;
  Wide tested_bits = 0;
  Wide wanted = 0;
  for (std::size_t at = 0; at < octets.size(); ++at) {
    const Octet& octet = octets[at];
    const std::uint8_t tested = mask.empty() ? 0xff : mask[at];
    const auto open = static_cast<std::uint8_t>(tested & ~octet.known);
    if (((octet.value ^ value[at]) & octet.known & tested) != 0 || (value[at] & ~tested) != 0)
      return IntervalSet();
    if (open == 0)
      continue;
    if (octet.source != source || octet.index >= size)
      return std::nullopt;
    const unsigned shift = 8 * (size - 1 - octet.index);
    if ((tested_bits & Wide{open} << shift) != 0) // tested twice
      return std::nullopt;
    tested_bits |= Wide{open} << shift;
    wanted |= Wide{static_cast<std::uint8_t>(value[at] & open)} << shift;
  }
  return IntervalSet::masked(tested_bits, wanted, bits);
}

std::optional<IntervalSet> equal_ports(std::span<const Octet> octets,
                                       std::span<const std::uint8_t> mask,
                                       std::span<const std::uint8_t> value) {
  return equal_values(ByteSource::client_port, 16, octets, mask, value);
}

/// The client addresses in a range, where the octets are the whole address.
std::optional<IntervalSet> addresses_between(const PacketClass& packet,
                                             std::span<const Octet> octets,
                                             std::span<const std::uint8_t> first,
                                             std::span<const std::uint8_t> last) {
  if (octets.size() * 8 != address_bits(packet))
    return std::nullopt;
  for (std::size_t at = 0; at < octets.size(); ++at)
    if (octets[at].known != 0 || octets[at].source != ByteSource::client_address ||
        octets[at].index != at)
      return std::nullopt;
  return IntervalSet::range(number_of(first), number_of(last));
}

/// Of what may be, whether it lies in what is asked for.
Truth truth_of(const IntervalSet& possible, const IntervalSet& asked) {
  if (possible.disjoint(asked))
    return Truth::no;
  return asked.contains(possible) ? Truth::yes : Truth::depends;
}

Split split_of(const PacketClass& packet, const YesNo& regions, const TestWords& words) {
  return {classes_of(packet, regions.yes, words, true),
          classes_of(packet, regions.no, words, false)};
}

} // namespace

std::optional<IntervalSet> equal_addresses(const PacketClass& packet, std::span<const Octet> octets,
                                           std::span<const std::uint8_t> mask,
                                           std::span<const std::uint8_t> value) {
  return equal_values(ByteSource::client_address, address_bits(packet), octets, mask, value);
}

Truth equals(std::span<const Octet> octets, std::span<const std::uint8_t> mask,
             std::span<const std::uint8_t> value, const PacketClass& packet) {
  bool decided = true;
  for (std::size_t at = 0; at < octets.size(); ++at) {
    const std::uint8_t tested = mask.empty() ? 0xff : mask[at];
    Octet octet = octets[at];
    if ((octet.known & tested) != tested)
      octet = resolve(packet, octet);
    const auto known = static_cast<std::uint8_t>(octet.known & tested);
    if (((octet.value ^ value[at]) & known) != 0 || (value[at] & ~tested) != 0)
      return Truth::no;
    decided = decided && known == tested;
  }
  if (decided)
    return Truth::yes;
  if (const auto addresses = equal_addresses(packet, octets, mask, value))
    return truth_of(packet.addresses, *addresses);
  if (const auto ports = equal_ports(octets, mask, value))
    return truth_of(packet.ports, *ports);
  const auto regions = equal_regions(packet, octets, mask, value);
  return truth_of(regions.yes, regions.no);
}

Split split_equals(const PacketClass& packet, std::span<const Octet> octets,
                   std::span<const std::uint8_t> mask, std::span<const std::uint8_t> value,
                   const TestWords& words) {
  if (const auto addresses = equal_addresses(packet, octets, mask, value))
    return split_addresses(packet, *addresses);
  if (const auto ports = equal_ports(octets, mask, value))
    return split_ports(packet, *ports);
  return split_of(packet, equal_regions(packet, octets, mask, value), words);
}

Split split_equals(const PacketClass& packet, std::span<const Octet> octets,
                   std::span<const std::uint8_t> mask, std::span<const std::uint8_t> value,
                   const TestContext& context) {
  return split_equals(packet, octets, mask, value, TestWords([&context] { return context; }));
}

Truth between(std::span<const Octet> octets, std::span<const std::uint8_t> first,
              std::span<const std::uint8_t> last, const PacketClass& packet) {
  if (const auto addresses = addresses_between(packet, octets, first, last))
    return truth_of(packet.addresses, *addresses);
  const auto regions = between_regions(packet, octets, first, last);
  return truth_of(regions.yes, regions.no);
}

Split split_between(const PacketClass& packet, std::span<const Octet> octets,
                    std::span<const std::uint8_t> first, std::span<const std::uint8_t> last,
                    const TestWords& words) {
  if (const auto addresses = addresses_between(packet, octets, first, last))
    return split_addresses(packet, *addresses);
  return split_of(packet, between_regions(packet, octets, first, last), words);
}

Split split_between(const PacketClass& packet, std::span<const Octet> octets,
                    std::span<const std::uint8_t> first, std::span<const std::uint8_t> last,
                    const TestContext& context) {
  return split_between(packet, octets, first, last, TestWords([&context] { return context; }));
}

Split split_addresses(const PacketClass& packet, const IntervalSet& set) {
  Split split;
  for (const bool inside : {true, false}) {
    PacketClass part = packet;
    part.addresses = inside ? packet.addresses & set : packet.addresses - set;
    if (!part.addresses.empty())
      (inside ? split.yes : split.no).push_back(std::move(part));
  }
  return split;
}

Split split_ports(const PacketClass& packet, const IntervalSet& set) {
  Split split;
  for (const bool inside : {true, false}) {
    PacketClass part = packet;
    part.ports = inside ? packet.ports & set : packet.ports - set;
    if (!part.ports.empty())
      (inside ? split.yes : split.no).push_back(std::move(part));
  }
  return split;
}

Split split_undecided(const PacketClass& packet, const Condition& yes, const Condition& no) {
  Split split{{packet}, {packet}};
  split.yes.front().conditions.push_back(yes);
  split.no.front().conditions.push_back(no);
  return split;
}

} // namespace synfate
