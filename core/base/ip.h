// IP addresses and prefixes as values: parsing, printing, ordering, membership.
//
// Text forms follow RFC 4291 and RFC 5952 (lower case, longest run of zero groups compressed, IPv4
// mapped addresses with a dotted quad). Leading zeros in a dotted quad are refused, as inet_pton(3)
// does, since some programs read them as octal. Tested by tests/unit/core/ip_test.cpp.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace synfate {

enum class IpFamily : std::uint8_t { v4 = 4, v6 = 6 };

/// An IPv4 or IPv6 address in network byte order. IPv4 uses the first four bytes, the rest are
/// zero.
class IpAddress {
public:
  IpAddress() = default; ///< 0.0.0.0
  static IpAddress v4(std::uint32_t host_order);
  static IpAddress v4(std::span<const std::byte, 4> network_order);
  static IpAddress v6(std::span<const std::byte, 16> network_order);
  /// The address in 4 or 16 bytes of network order; nothing for any other length.
  static std::optional<IpAddress> from_bytes(std::span<const std::byte> bytes);
  /// Text without brackets, prefix length or zone.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress any(IpFamily family);
  static IpAddress loopback(IpFamily family);

  IpFamily family() const { return family_; }
  bool is_v4() const { return family_ == IpFamily::v4; }
  bool is_v6() const { return family_ == IpFamily::v6; }
  /// 4 or 16 bytes in network order.
  std::span<const std::byte> bytes() const;
  std::uint32_t v4_host_order() const;                    ///< meaningful for IPv4 only
  unsigned width() const { return is_v4() ? 32U : 128U; } ///< bits

  bool is_unspecified() const;
  bool is_loopback() const; ///< 127.0.0.0/8, ::1; not their v4-mapped forms
  bool is_link_local() const;
  bool is_multicast() const;
  bool is_private() const;   ///< RFC 1918, or fc00::/7
  bool is_v4_mapped() const; ///< ::ffff:0:0/96
  /// The IPv4 address in a v4-mapped one, otherwise itself.
  IpAddress unmapped() const;
  /// ::ffff:a.b.c.d for an IPv4 address, otherwise itself.
  IpAddress mapped() const;
  /// The next or previous address; nothing past the end of the family's space.
  std::optional<IpAddress> next() const;
  std::optional<IpAddress> previous() const;

  std::string to_string() const;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;

private:
  IpFamily family_ = IpFamily::v4;
  std::array<std::byte, 16> bytes_{};
};

/// An address block: `address` with all bits past `length` zero.
class IpPrefix {
public:
  IpPrefix() = default; ///< 0.0.0.0/0
  /// Host bits of `address` are cleared; `length` is cut to the family's width.
  IpPrefix(const IpAddress& address, unsigned length);
  /// "10.0.0.0/8" or a bare address (a full-length prefix). Host bits are cleared.
  static std::optional<IpPrefix> parse(std::string_view text);

  const IpAddress& address() const { return address_; }
  unsigned length() const { return length_; }
  bool contains(const IpAddress& address) const;
  bool contains(const IpPrefix& other) const;
  IpAddress first() const { return address_; }
  IpAddress last() const;
  std::string to_string() const;
  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
  friend bool operator==(const IpPrefix&, const IpPrefix&) = default;

private:
  IpAddress address_;
  unsigned length_ = 0;
};

} // namespace synfate
