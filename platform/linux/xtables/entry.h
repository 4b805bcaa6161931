// One rule as the kernel hands it out: struct ipt_entry or ip6t_entry, its matches, its target.
//
//   0                112 (v4), 168 (v6)      target_offset             next_offset
//   | ip part, counters | match | match | …  | target                  |
//   each match and target: u16 size, char name[29], u8 revision, then its private data
//
// Follows include/uapi/linux/netfilter/x_tables.h, net/ipv4/netfilter/ip_tables.c:
// check_entry_size_and_hooks(), net/netfilter/x_tables.c: xt_check_entry_offsets(); Linux 6.12.
// Everything here is pure and checks its bounds; views point into the bytes that were decoded.
// Tested by tests/lab/xtables_texts.py, tests/fuzz/fuzz_xt_entry.cpp.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/ip.h"
#include "core/base/result.h"
#include "platform/linux/xtables/wire.h"

namespace synfate::xt {

using ByteView = std::span<const std::byte>;

/// A match or a target: what the kernel calls it, and its private data.
struct Extension {
  std::string_view name;
  std::uint8_t revision = 0;
  ByteView info; ///< padded to a multiple of eight bytes
};

/// An interface name with the mask of the bytes that count.
struct InterfacePattern {
  std::string_view name; ///< without "+"
  bool wildcard = false; ///< any interface whose name starts so; with an empty name: any at all
  bool any() const { return wildcard && name.empty(); }
};

/// The part of a rule that ip_packet_match() or ip6_packet_match() tests.
struct IpPart {
  IpFamily family = IpFamily::v4;
  ByteView source, source_mask, destination, destination_mask; ///< 4 or 16 bytes
  ByteView in_name, in_mask, out_name, out_mask;               ///< 16 bytes each
  std::uint16_t proto = 0;
  std::uint8_t tos = 0; ///< IPv6 only; the kernel ignores it
  std::uint8_t flags = 0;
  std::uint8_t invert = 0;
};

struct Entry {
  IpPart ip;
  std::vector<Extension> matches;
  Extension target;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  bool is_goto = false;
};

/// Sizes that a blob is walked by, without looking into the rule.
struct EntryFrame {
  std::uint16_t target_offset = 0;
  std::uint16_t next_offset = 0;
};

/// The frame of the entry at the start of `bytes`; nothing if it is not a sound one.
std::optional<EntryFrame> frame_of(ByteView bytes, IpFamily family);

struct SizedExtension {
  Extension extension;
  std::size_t size = 0; ///< with its head
};
/// The match or target at the start of `bytes`; nothing if it does not fit into them.
std::optional<SizedExtension> extension_at(ByteView bytes);

/// A whole rule. `bytes` may be longer than the rule.
Result<Entry> decode_entry(ByteView bytes, IpFamily family);

/// The ip part alone, cheap; `bytes` must hold a frame_of().
IpPart decode_ip(ByteView bytes, IpFamily family);

InterfacePattern pattern_of(ByteView name, ByteView mask);

/// Text up to the first NUL, never past the array's end.
template <std::size_t n> std::string_view text_of(const char (&array)[n]) {
  std::size_t length = 0;
  while (length < n && array[length] != '\0')
    ++length;
  return {array, length};
}

/// An address of the entry's family from the kernel's union.
IpAddress address_of(const wire::InetAddress& bytes, IpFamily family);
IpAddress address_of(ByteView bytes);

/// A number in network order, as loaded into a native integer.
constexpr std::uint16_t from_network(std::uint16_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap16(value) : value;
}
constexpr std::uint32_t from_network(std::uint32_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}

// Standard targets
// ---------------------------------------------------------------------------------

/// What the target says when it is "" (XT_STANDARD_TARGET) or ERROR.
enum class StandardVerdict : std::uint8_t { accept, drop, queue, returns, jump, error, other };

struct Verdict {
  StandardVerdict kind = StandardVerdict::other;
  std::uint32_t offset = 0; ///< jump: where to, from the start of the blob
};
/// `other` for every target that is an extension.
Verdict verdict_of(const Extension& target);

} // namespace synfate::xt
