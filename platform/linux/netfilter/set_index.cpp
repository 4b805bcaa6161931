#include "platform/linux/netfilter/set_index.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace synfate {
namespace {

constexpr std::size_t most_undecided = 64;

Wide number_of(std::string_view bytes) {
  Wide number = 0;
  for (const char byte : bytes)
    number = number << 8 | static_cast<std::uint8_t>(byte);
  return number;
}

/// What one field of a key can be for a class.
struct FieldShape {
  enum class Kind : std::uint8_t { known, address, port, free } kind = Kind::free;
  std::string bytes;     ///< known
  Wide mask = 0;         ///< variable: the tested bits, a prefix of the variable
  unsigned bits = 0;     ///< variable: its width
  std::string low, high; ///< free: the smallest and greatest bytes it allows
  std::string known_mask;
  bool of_address = false; ///< free, but made of the client's address
};

bool is_prefix(Wide mask, unsigned bits) {
  const Wide rest = ~mask & all_ones(bits);
  return (rest & (rest + 1)) == 0;
}

/// A whole variable in order, perhaps masked to a prefix with the rest zero.
bool read_variable(const std::vector<Octet>& key, std::size_t begin, std::size_t size,
                   const PacketClass& packet, FieldShape& shape) {
  const Octet& first = key[begin];
  if (first.is_known() || first.source == ByteSource::free || first.source == ByteSource::derived)
    return false;
  const bool address = first.source == ByteSource::client_address;
  const std::size_t width = !address ? 2 : packet.family == IpFamily::v4 ? 4 : 16;
  if (width != size)
    return false;
  for (std::size_t at = 0; at < size; ++at) {
    const Octet& octet = key[begin + at];
    const bool mine = octet.is_known() ? octet.value == 0
                                       : octet.source == first.source && octet.index == at &&
                                             (octet.value & octet.known) == 0;
    if (!mine)
      return false;
    shape.mask = shape.mask << 8 | static_cast<std::uint8_t>(~octet.known);
  }
  shape.bits = static_cast<unsigned>(size * 8);
  shape.kind = address ? FieldShape::Kind::address : FieldShape::Kind::port;
  return is_prefix(shape.mask, shape.bits);
}

FieldShape field_shape(const std::vector<Octet>& key, std::size_t begin, std::size_t size,
                       const PacketClass& packet) {
  FieldShape shape;
  bool known = true;
  for (std::size_t at = begin; at < begin + size; ++at) {
    known = known && key[at].is_known();
    shape.bytes += static_cast<char>(key[at].value);
    shape.low += static_cast<char>(key[at].value & key[at].known);
    shape.high += static_cast<char>((key[at].value & key[at].known) | (~key[at].known & 0xff));
    shape.known_mask += static_cast<char>(key[at].known);
    shape.of_address =
        shape.of_address || (!key[at].is_known() && (key[at].source == ByteSource::client_address ||
                                                     key[at].source == ByteSource::derived));
  }
  if (known)
    shape.kind = FieldShape::Kind::known;
  else if (!read_variable(key, begin, size, packet, shape))
    shape.kind = FieldShape::Kind::free;
  return shape;
}

/// A key as known bytes and whole variables, where nothing says which fields it has. An exact key
/// is equal if all of its pieces are.
std::vector<std::pair<std::size_t, std::size_t>> pieces(const std::vector<Octet>& key,
                                                        const PacketClass& packet) {
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t at = 0; at < key.size();) {
    std::size_t size = 1;
    const Octet& first = key[at];
    if (first.is_known()) {
      while (at + size < key.size() && key[at + size].is_known())
        ++size;
    } else if (first.source == ByteSource::client_address) {
      size = packet.family == IpFamily::v4 ? 4 : 16;
    } else if (first.source == ByteSource::client_port) {
      size = 2;
    }
    size = std::min(size, key.size() - at);
    places.emplace_back(at, size);
    at += size;
  }
  return places;
}

/// The values v of a variable with first <= (v & mask) <= last.
IntervalSet under_mask(Wide mask, unsigned bits, Wide first, Wide last) {
  const Wide block = ~mask & all_ones(bits);
  if ((first & block) != 0) {
    if ((first | block) == all_ones(bits))
      return {};
    first = (first | block) + 1;
  }
  last = last & mask;
  return IntervalSet::range(first, last | block);
}

/// Whether some value of a free field lies within a range; `always`: every value does.
bool free_fits(const FieldShape& shape, std::string_view first, std::string_view last,
               bool& always) {
  if (first == last) {
    always = false;
    for (std::size_t at = 0; at < first.size(); ++at)
      if (((first[at] ^ shape.low[at]) & shape.known_mask[at]) != 0)
        return false;
    return true;
  }
  always = std::memcmp(shape.low.data(), first.data(), first.size()) >= 0 &&
           std::memcmp(shape.high.data(), last.data(), last.size()) <= 0;
  return std::memcmp(shape.high.data(), first.data(), first.size()) >= 0 &&
         std::memcmp(shape.low.data(), last.data(), last.size()) <= 0;
}

/// The part of the class in which an element holds the key.
struct Box {
  IntervalSet addresses;
  IntervalSet ports;
  bool undecided = false;
  bool of_address = false;
};

std::optional<Box> box_of(const std::vector<FieldShape>& fields,
                          const std::vector<std::pair<std::size_t, std::size_t>>& places,
                          std::string_view first, std::string_view last,
                          const PacketClass& packet) {
  Box box{packet.addresses, packet.ports, false, false};
  for (std::size_t at = 0; at < fields.size(); ++at) {
    const auto from = first.substr(places[at].first, places[at].second);
    const auto to = last.substr(places[at].first, places[at].second);
    const auto& field = fields[at];
    switch (field.kind) {
    case FieldShape::Kind::known:
      if (std::memcmp(field.bytes.data(), from.data(), from.size()) < 0 ||
          std::memcmp(field.bytes.data(), to.data(), to.size()) > 0)
        return std::nullopt;
      break;
    case FieldShape::Kind::address:
      box.addresses =
          box.addresses & under_mask(field.mask, field.bits, number_of(from), number_of(to));
      break;
    case FieldShape::Kind::port:
      box.ports = box.ports & under_mask(field.mask, field.bits, number_of(from), number_of(to));
      break;
    case FieldShape::Kind::free: {
      bool always = false;
      if (!free_fits(field, from, to, always))
        return std::nullopt;
      box.undecided = box.undecided || !always;
      box.of_address = box.of_address || (!always && field.of_address);
    }
    }
    if (box.addresses.empty() || box.ports.empty())
      return std::nullopt;
  }
  return box;
}

/// Collects boxes by value; addresses of boxes with the same ports are joined at the end.
class Parts {
public:
  void add(std::uint32_t value, const Box& box) {
    if (box.undecided) {
      undecided_.push_back({value, box});
      of_address_ = of_address_ || box.of_address;
      return;
    }
    auto& group = groups_[{value, ports_number(box.ports)}];
    const auto& intervals = box.addresses.intervals();
    group.insert(group.end(), intervals.begin(), intervals.end());
  }

  std::optional<std::vector<LookupPart>> finish(const std::vector<SetValue>& values,
                                                const std::optional<std::uint32_t>& catchall,
                                                const PacketClass& packet) {
    if (undecided_.size() > most_undecided)
      return std::nullopt;
    std::vector<LookupPart> parts;
    std::vector<LookupPart> rest{{packet.addresses, packet.ports, nullptr, false, false, false}};
    for (auto& [name, intervals] : groups_) {
      LookupPart part{IntervalSet::from(std::move(intervals)),
                      ports_[name.second],
                      &values[name.first],
                      false,
                      false,
                      false};
      rest = without(rest, part);
      parts.push_back(std::move(part));
    }
    for (auto& part : rest)
      part.value = catchall ? &values[*catchall] : nullptr;
    for (auto& part : rest) {
      part.undecided = !undecided_.empty();
      part.of_address = of_address_;
    }
    for (const auto& [value, box] : undecided_)
      parts.push_back({box.addresses, box.ports, &values[value], true, of_address_, false});
    parts.insert(parts.end(), rest.begin(), rest.end());
    return parts;
  }

private:
  std::size_t ports_number(const IntervalSet& ports) {
    for (std::size_t at = 0; at < ports_.size(); ++at)
      if (ports_[at] == ports)
        return at;
    ports_.push_back(ports);
    return ports_.size() - 1;
  }

  static std::vector<LookupPart> without(const std::vector<LookupPart>& from,
                                         const LookupPart& cut) {
    std::vector<LookupPart> left;
    const auto keep = [&](LookupPart part) {
      if (!part.addresses.empty() && !part.ports.empty())
        left.push_back(std::move(part));
    };
    for (const auto& part : from) {
      keep({part.addresses - cut.addresses, part.ports, nullptr, false, false, false});
      keep({part.addresses & cut.addresses, part.ports - cut.ports, nullptr, false, false, false});
    }
    return left;
  }

  std::map<std::pair<std::uint32_t, std::size_t>, std::vector<Interval>> groups_;
  std::vector<IntervalSet> ports_;
  std::vector<std::pair<std::uint32_t, Box>> undecided_;
  bool of_address_ = false;
};

std::string to_key(Wide number, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = size; at-- > 0; number >>= 8)
    bytes[at] = static_cast<char>(number & 0xff);
  return bytes;
}

} // namespace

std::uint32_t SetIndex::value(SetValue value) {
  std::string name = value.data + '\1' + value.object + '\1' + value.expressions;
  const auto [at, added] =
      value_numbers_.try_emplace(std::move(name), static_cast<std::uint32_t>(values_.size()));
  if (added)
    values_.push_back(std::move(value));
  return at->second;
}

void SetIndex::add(SetElement element) {
  if (element.catchall)
    catchall_ = element.value;
  else if (element.key.size() == shape_.key_length)
    elements_.push_back(element);
}

void SetIndex::finish() {
  const bool ranges = std::ranges::any_of(
      elements_, [](const SetElement& element) { return !element.key_end.empty(); });
  if (shape_.intervals() && !ranges && shape_.key_length <= 16) {
    build_spans();
    return;
  }
  has_exact_ = !ranges && std::ranges::any_of(elements_, [](const SetElement& element) {
    return !element.interval_end;
  });
}

const std::unordered_map<std::string_view, std::uint32_t>& SetIndex::exact() const {
  if (!exact_) {
    exact_.emplace();
    exact_->reserve(elements_.size());
    for (const auto& element : elements_)
      if (!element.interval_end)
        exact_->emplace(element.key, element.value);
  }
  return *exact_;
}

/// A start lasts until the next key of any kind; at the same key a start goes before an end.
void SetIndex::build_spans() {
  std::ranges::stable_sort(elements_, [](const SetElement& a, const SetElement& b) {
    const int order = std::memcmp(a.key.data(), b.key.data(), a.key.size());
    return order != 0 ? order < 0 : a.interval_end && !b.interval_end;
  });
  const Wide most = all_ones(static_cast<unsigned>(shape_.key_length * 8));
  for (std::size_t at = 0; at < elements_.size(); ++at) {
    if (elements_[at].interval_end)
      continue;
    const Wide first = number_of(elements_[at].key);
    std::size_t next = at + 1;
    while (next < elements_.size() && elements_[next].key == elements_[at].key)
      ++next;
    const Wide last = next < elements_.size() ? number_of(elements_[next].key) - 1 : most;
    spans_.push_back({first, last, elements_[at].value});
  }
}

const std::vector<SetIndex::Region>& SetIndex::regions() const {
  if (regions_)
    return *regions_;
  std::map<std::uint32_t, std::vector<Interval>> intervals;
  for (const auto& span : spans_)
    intervals[span.value].push_back({span.first, span.last});
  if (has_exact_ && values_.size() == 1) { // then no key has two of them
    auto& numbers = intervals[0];
    numbers.reserve(elements_.size());
    for (const auto& element : elements_)
      if (!element.interval_end)
        numbers.push_back({number_of(element.key), number_of(element.key)});
  } else if (has_exact_) {
    for (const auto& [key, value] : exact())
      intervals[value].push_back({number_of(key), number_of(key)});
  }
  regions_.emplace();
  for (auto& [value, numbers] : intervals)
    regions_->push_back({value, IntervalSet::from(std::move(numbers))});
  return *regions_;
}

/// The key is the client's address and nothing else.
std::vector<LookupPart> SetIndex::find_address(const PacketClass& packet) const {
  std::vector<LookupPart> parts;
  IntervalSet rest = packet.addresses;
  for (const auto& region : regions()) {
    auto inside = packet.addresses & region.numbers;
    if (inside.empty())
      continue;
    rest = rest - region.numbers;
    parts.push_back({std::move(inside), packet.ports, &values_[region.value], false, false, false});
  }
  if (!rest.empty())
    parts.push_back({std::move(rest), packet.ports, catchall_ ? &values_[*catchall_] : nullptr,
                     false, false, false});
  return parts;
}

const SetValue* SetIndex::find_span(Wide key) const {
  const auto next = std::ranges::upper_bound(spans_, key, {}, &Span::first);
  if (next == spans_.begin() || std::prev(next)->last < key)
    return nullptr;
  return &values_[std::prev(next)->value];
}

/// Where fields lie in a key; without fields the key is one.
std::vector<std::pair<std::size_t, std::size_t>> SetIndex::fields() const {
  if (shape_.fields.empty())
    return {{0, shape_.key_length}};
  std::vector<std::pair<std::size_t, std::size_t>> places;
  std::size_t offset = 0;
  for (const std::size_t length : shape_.fields) {
    if (length == 0 || offset + length > shape_.key_length)
      return {{0, shape_.key_length}};
    places.emplace_back(offset, length);
    offset += (length + 3) & ~std::size_t{3};
  }
  return places;
}

const SetValue* SetIndex::find_ranges(std::string_view key) const {
  const auto places = fields();
  for (const auto& element : elements_) {
    const auto last = element.key_end.size() == element.key.size() ? element.key_end : element.key;
    const bool inside = std::ranges::all_of(places, [&](const auto& place) {
      const auto part = key.substr(place.first, place.second);
      return std::memcmp(part.data(), element.key.data() + place.first, place.second) >= 0 &&
             std::memcmp(part.data(), last.data() + place.first, place.second) <= 0;
    });
    if (inside)
      return &values_[element.value];
  }
  return nullptr;
}

const SetValue* SetIndex::find(std::string_view key) const {
  const SetValue* found = nullptr;
  if (key.size() == shape_.key_length) {
    if (!spans_.empty())
      found = find_span(number_of(key));
    else if (has_exact_) {
      const auto at = exact().find(key);
      found = at == exact().end() ? nullptr : &values_[at->second];
    } else
      found = find_ranges(key);
  }
  if (found == nullptr && catchall_)
    found = &values_[*catchall_];
  return found;
}

std::optional<std::vector<LookupPart>> SetIndex::find(const std::vector<Octet>& key,
                                                      const PacketClass& packet) const {
  if (key.size() != shape_.key_length)
    return std::nullopt;
  if (std::ranges::all_of(key, &Octet::is_known)) {
    std::string bytes;
    for (const auto& octet : key)
      bytes += static_cast<char>(octet.value);
    return std::vector<LookupPart>{
        {packet.addresses, packet.ports, find(bytes), false, false, false}};
  }
  const auto places = shape_.fields.empty() && has_exact_ ? pieces(key, packet) : fields();
  std::vector<FieldShape> shapes;
  for (const auto& [offset, size] : places)
    shapes.push_back(field_shape(key, offset, size, packet));
  const bool one_number = has_exact_ || !spans_.empty();
  if (one_number && shapes.size() == 1 && shapes.front().kind == FieldShape::Kind::address &&
      shapes.front().mask == all_ones(shapes.front().bits))
    return find_address(packet);
  Parts parts;
  const auto take = [&](std::string_view first, std::string_view last, std::uint32_t value) {
    if (const auto box = box_of(shapes, places, first, last, packet))
      parts.add(value, *box);
  };
  if (!spans_.empty()) {
    for (const auto& span : spans_)
      take(to_key(span.first, shape_.key_length), to_key(span.last, shape_.key_length), span.value);
  } else {
    for (const auto& element : elements_)
      if (!element.interval_end)
        take(element.key,
             element.key_end.size() == element.key.size() ? element.key_end : element.key,
             element.value);
  }
  return parts.finish(values_, catchall_, packet);
}

} // namespace synfate
