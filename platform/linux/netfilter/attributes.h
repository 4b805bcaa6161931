// Netlink attributes as values: a bounds-checked view of one nesting level.
//
//   0c 00 01 00 00 00 00 00 …   length (with this header), type, payload, padded to 4 bytes
//
// The header's numbers are in the byte order of the machine that was read; most numbers of
// nf_tables inside are big-endian. Nothing here trusts a length.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synfate {

enum class ByteOrder : std::uint8_t { little, big };

/// The attribute at the front of `bytes`, which is moved on; nothing at the end or at damage.
struct Attribute {
  std::uint16_t type = 0; ///< without the nested and byte-order flags
  std::string_view payload;
};
std::optional<Attribute> next_attribute(std::string_view& bytes, ByteOrder order);

/// The attributes of one level by type; a later one of the same type wins, as in nla_parse().
class Attributes {
public:
  Attributes(std::string_view bytes, ByteOrder order);

  /// False if bytes were left that are no attribute.
  bool sound() const { return sound_; }
  ByteOrder order() const { return order_; }
  bool has(std::uint16_t type) const { return view(type).data() != nullptr; }
  /// The payload; data() is null if it is not there.
  std::string_view view(std::uint16_t type) const {
    return type < views_.size() ? views_[type] : std::string_view();
  }
  std::string bytes(std::uint16_t type) const { return std::string(view(type)); }
  /// Without the terminating NUL.
  std::string text(std::uint16_t type) const;
  std::optional<std::uint64_t> number(std::uint16_t type) const; ///< big-endian, 1 to 8 bytes
  std::uint64_t number_or(std::uint16_t type, std::uint64_t otherwise) const {
    return number(type).value_or(otherwise);
  }

private:
  std::array<std::string_view, 24> views_{};
  ByteOrder order_;
  bool sound_ = true;
};

} // namespace synfate
