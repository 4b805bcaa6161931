// The elements of one set, arranged for questions: by one key, and by a whole packet class.
//
// Three kinds, as the kernel has them: exact keys (nft_set_hash.c); intervals, stored as a start
// and an end element each (nft_set_rbtree.c: the greatest key that is not above the asked one
// decides); and concatenated ranges (nft_set_pipapo.c: every field within its range, fields padded
// to 4 bytes). A class is never enumerated: elements become intervals of the client's address and
// port. Tested by tests/unit/platform/linux/netfilter/set_index_test.cpp against a slow search.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/linux/netfilter/attributes.h"
#include "platform/linux/netfilter/expression.h"
#include "platform/linux/netfilter/packet.h"

namespace synfate {

inline constexpr std::uint32_t nft_set_anonymous = 0x1;
inline constexpr std::uint32_t nft_set_interval = 0x4;
inline constexpr std::uint32_t nft_set_map = 0x8;
inline constexpr std::uint32_t nft_set_timeout = 0x10;
inline constexpr std::uint32_t nft_set_eval = 0x20;
inline constexpr std::uint32_t nft_set_object = 0x40;

/// What a set is.
struct SetShape {
  std::uint32_t flags = 0;
  std::size_t key_length = 0;
  std::vector<std::uint8_t> fields; ///< lengths of concatenated fields, without padding
  std::uint32_t key_type = 0;
  std::uint32_t data_type = 0;
  std::size_t data_length = 0;
  std::uint32_t object_type = 0; ///< of the objects that a map leads to
  bool limited = false;          ///< it takes only so many elements
  std::uint64_t size = 0;        ///< how many, if limited

  bool intervals() const { return (flags & nft_set_interval) != 0; }
  bool map() const { return (flags & nft_set_map) != 0; }
  bool verdicts() const { return data_type == 0xffffff00U; }
  bool anonymous() const { return (flags & nft_set_anonymous) != 0; }
};

/// What an element gives: data, an object, own expressions. Elements that give the same share one.
struct SetValue {
  std::string data; ///< payload of NFTA_SET_ELEM_DATA; empty: none
  std::string object;
  std::string expressions;
  friend bool operator==(const SetValue&, const SetValue&) = default;
};

/// One element as it was read.
struct SetElement {
  std::string_view key;
  std::string_view key_end; ///< concatenated ranges; else empty
  bool interval_end = false;
  bool catchall = false;
  std::uint32_t value = 0; ///< index of its SetValue
};

/// A part of a packet class and what the set says there.
struct LookupPart {
  IntervalSet addresses;
  IntervalSet ports;
  const SetValue* value = nullptr; ///< null: not in the set
  bool undecided = false;          ///< bytes that nobody knows decide whether it is
  bool of_address = false;         ///< undecided, though one client's address decides it
  bool changed = false;            ///< a rule before may have made it otherwise
};

class SetIndex {
public:
  explicit SetIndex(SetShape shape) : shape_(std::move(shape)) {}

  /// The index of a value that elements refer to.
  std::uint32_t value(SetValue value);
  /// Views must outlive the index.
  void add(SetElement element);
  /// Call once after the last add().
  void finish();

  const SetShape& shape() const { return shape_; }
  std::size_t size() const { return elements_.size(); }
  const std::vector<SetElement>& elements() const { return elements_; }
  /// The value for all other keys; null: there is none.
  const SetValue* catchall() const { return catchall_ ? &values_[*catchall_] : nullptr; }
  const SetValue& value_at(std::uint32_t index) const { return values_[index]; }

  /// The element for a key as registers hold it (concatenated fields padded); null: none.
  const SetValue* find(std::string_view key) const;
  /// The parts of a class: disjoint unless undecided. `key` are the registers' octets, resolved.
  /// Nothing if there are too many possibilities to tell apart.
  std::optional<std::vector<LookupPart>> find(const std::vector<Octet>& key,
                                              const PacketClass& packet) const;

private:
  struct Span {
    Wide first = 0;
    Wide last = 0;
    std::uint32_t value = 0;
  };
  void build_spans();
  /// All numbers that give a value, for keys of one number.
  struct Region {
    std::uint32_t value = 0;
    IntervalSet numbers;
  };
  const std::vector<Region>& regions() const;
  const std::unordered_map<std::string_view, std::uint32_t>& exact() const;
  std::vector<LookupPart> find_address(const PacketClass& packet) const;
  const SetValue* find_span(Wide key) const;
  const SetValue* find_ranges(std::string_view key) const;
  std::vector<std::pair<std::size_t, std::size_t>> fields() const;

  SetShape shape_;
  std::vector<SetElement> elements_;
  std::vector<SetValue> values_;
  std::unordered_map<std::string, std::uint32_t> value_numbers_;
  bool has_exact_ = false; ///< the keys are single ones
  /// Their values, made when first asked for.
  mutable std::optional<std::unordered_map<std::string_view, std::uint32_t>> exact_;
  std::vector<Span> spans_; ///< sorted; interval sets with keys of up to 16 bytes
  std::optional<std::uint32_t> catchall_;
  mutable std::optional<std::vector<Region>> regions_; ///< made when first asked for
};

} // namespace synfate
