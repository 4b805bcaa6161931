#include "core/base/ip.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace synfate {
namespace {

std::optional<unsigned> parse_number(std::string_view text, int base, unsigned most) {
  unsigned number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (code != std::errc{} || end != text.data() + text.size() || number > most)
    return std::nullopt;
  return number;
}

std::optional<std::array<std::byte, 4>> parse_dotted_quad(std::string_view text) {
  std::array<std::byte, 4> bytes{};
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    const auto dot = index < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos)
      return std::nullopt;
    const auto part = text.substr(0, dot);
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part.front() == '0'))
      return std::nullopt;
    const auto number = parse_number(part, 10, 255);
    if (!number)
      return std::nullopt;
    bytes[index] = static_cast<std::byte>(*number);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return bytes;
}

/// The 16-bit groups of one side of a "::"; a dotted quad may stand for the last two.
std::optional<std::vector<std::uint16_t>> parse_groups(std::string_view text) {
  std::vector<std::uint16_t> groups;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const auto part = text.substr(0, colon);
    if (part.find('.') != std::string_view::npos) {
      const auto quad = parse_dotted_quad(text);
      if (!quad)
        return std::nullopt;
      const auto word = [&quad](int at) {
        return static_cast<std::uint16_t>((std::to_integer<unsigned>((*quad)[at]) << 8) |
                                          std::to_integer<unsigned>((*quad)[at + 1]));
      };
      groups.push_back(word(0));
      groups.push_back(word(2));
      return groups;
    }
    if (part.empty() || part.size() > 4)
      return std::nullopt;
    const auto number = parse_number(part, 16, 0xffff);
    if (!number)
      return std::nullopt;
    groups.push_back(static_cast<std::uint16_t>(*number));
    if (colon == std::string_view::npos)
      break;
    text.remove_prefix(colon + 1);
    if (text.empty())
      return std::nullopt; // a trailing single colon
  }
  return groups;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  const auto gap = text.find("::");
  const auto head = parse_groups(text.substr(0, gap));
  if (!head)
    return std::nullopt;
  std::vector<std::uint16_t> groups = *head;
  if (gap == std::string_view::npos) {
    if (groups.size() != 8)
      return std::nullopt;
  } else {
    if (text.substr(0, gap).find('.') != std::string_view::npos)
      return std::nullopt;
    const auto tail = parse_groups(text.substr(gap + 2));
    if (!tail || head->size() + tail->size() > 7)
      return std::nullopt;
    groups.resize(8 - tail->size());
    groups.insert(groups.end(), tail->begin(), tail->end());
  }
  std::array<std::byte, 16> bytes{};
  for (std::size_t index = 0; index < 8; ++index) {
    bytes[2 * index] = static_cast<std::byte>(groups[index] >> 8);
    bytes[2 * index + 1] = static_cast<std::byte>(groups[index] & 0xff);
  }
  return IpAddress::v6(bytes);
}

std::string v6_text(std::span<const std::byte> bytes) {
  std::array<unsigned, 8> groups{};
  for (std::size_t index = 0; index < 8; ++index)
    groups[index] = (std::to_integer<unsigned>(bytes[2 * index]) << 8) |
                    std::to_integer<unsigned>(bytes[2 * index + 1]);
  std::size_t best = 8;
  std::size_t best_length = 1; // a single zero group is not compressed
  for (std::size_t start = 0; start < 8; ++start) {
    std::size_t end = start;
    while (end < 8 && groups[end] == 0)
      ++end;
    if (end - start > best_length) {
      best = start;
      best_length = end - start;
    }
  }
  std::string text;
  for (std::size_t index = 0; index < 8; ++index) {
    if (index == best) {
      text += "::";
      index += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':')
      text += ':';
    text += fmt::format("{:x}", groups[index]);
  }
  return text;
}

} // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  for (std::size_t index = 0; index < 4; ++index)
    address.bytes_[index] = static_cast<std::byte>(host_order >> (24 - 8 * index));
  return address;
}

IpAddress IpAddress::v4(std::span<const std::byte, 4> network_order) {
  IpAddress address;
  std::ranges::copy(network_order, address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(std::span<const std::byte, 16> network_order) {
  IpAddress address;
  address.family_ = IpFamily::v6;
  std::ranges::copy(network_order, address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::from_bytes(std::span<const std::byte> bytes) {
  if (bytes.size() == 4)
    return v4(bytes.first<4>());
  if (bytes.size() == 16)
    return v6(bytes.first<16>());
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.find(':') != std::string_view::npos)
    return parse_v6(text);
  if (const auto quad = parse_dotted_quad(text))
    return v4(*quad);
  return std::nullopt;
}

IpAddress IpAddress::any(IpFamily family) {
  IpAddress address;
  address.family_ = family;
  return address;
}

IpAddress IpAddress::loopback(IpFamily family) {
  if (family == IpFamily::v4)
    return v4(0x7f000001U);
  IpAddress address = any(family);
  address.bytes_[15] = std::byte{1};
  return address;
}

std::span<const std::byte> IpAddress::bytes() const {
  return std::span(bytes_).first(is_v4() ? 4U : 16U);
}

std::uint32_t IpAddress::v4_host_order() const {
  std::uint32_t number = 0;
  for (std::size_t index = 0; index < 4; ++index)
    number = (number << 8) | std::to_integer<std::uint32_t>(bytes_[index]);
  return number;
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes_, [](std::byte byte) { return byte == std::byte{0}; });
}

bool IpAddress::is_loopback() const {
  return is_v4() ? bytes_[0] == std::byte{127} : *this == loopback(IpFamily::v6);
}

bool IpAddress::is_link_local() const {
  if (is_v4())
    return bytes_[0] == std::byte{169} && bytes_[1] == std::byte{254};
  return bytes_[0] == std::byte{0xfe} && (bytes_[1] & std::byte{0xc0}) == std::byte{0x80};
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (bytes_[0] & std::byte{0xf0}) == std::byte{0xe0} : bytes_[0] == std::byte{0xff};
}

bool IpAddress::is_private() const {
  if (is_v6())
    return (bytes_[0] & std::byte{0xfe}) == std::byte{0xfc};
  const auto number = v4_host_order();
  return (number >> 24) == 10 || (number >> 20) == 0xac1 || (number >> 16) == 0xc0a8;
}

bool IpAddress::is_v4_mapped() const {
  return is_v6() && bytes_[10] == std::byte{0xff} && bytes_[11] == std::byte{0xff} &&
         std::all_of(bytes_.begin(), bytes_.begin() + 10,
                     [](std::byte byte) { return byte == std::byte{0}; });
}

IpAddress IpAddress::unmapped() const {
  return is_v4_mapped() ? v4(std::span(bytes_).last<4>()) : *this;
}

IpAddress IpAddress::mapped() const {
  if (is_v6())
    return *this;
  IpAddress address = any(IpFamily::v6);
  address.bytes_[10] = address.bytes_[11] = std::byte{0xff};
  std::copy_n(bytes_.begin(), 4, address.bytes_.begin() + 12);
  return address;
}

std::optional<IpAddress> IpAddress::next() const {
  IpAddress address = *this;
  for (std::size_t index = bytes().size(); index-- > 0;) {
    address.bytes_[index] = static_cast<std::byte>(std::to_integer<unsigned>(bytes_[index]) + 1);
    if (address.bytes_[index] != std::byte{0})
      return address;
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::previous() const {
  IpAddress address = *this;
  for (std::size_t index = bytes().size(); index-- > 0;) {
    address.bytes_[index] = static_cast<std::byte>(std::to_integer<unsigned>(bytes_[index]) - 1);
    if (address.bytes_[index] != std::byte{0xff})
      return address;
  }
  return std::nullopt;
}

namespace {

/// There may be hundreds of thousands of them in an answer.
std::string v4_text(std::span<const std::byte> bytes) {
  constexpr std::size_t longest = 15;
  std::array<char, longest> text{};
  char* end = text.data();
  for (const auto byte : bytes) {
    if (end != text.data())
      *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), std::to_integer<unsigned>(byte)).ptr;
  }
  return {text.data(), end};
}

} // namespace

std::string IpAddress::to_string() const {
  if (is_v4())
    return v4_text(bytes());
  if (is_v4_mapped())
    return "::ffff:" + unmapped().to_string();
  return v6_text(bytes_);
}

IpPrefix::IpPrefix(const IpAddress& address, unsigned length)
    : address_(address), length_(std::min(length, address.width())) {
  std::array<std::byte, 16> bytes{};
  const auto from = address.bytes();
  for (std::size_t index = 0; index < from.size(); ++index) {
    const unsigned kept = std::min(8U, length_ > 8 * index ? length_ - 8U * unsigned(index) : 0U);
    bytes[index] = from[index] & static_cast<std::byte>(0xff00U >> kept);
  }
  address_ = *IpAddress::from_bytes(std::span(bytes).first(from.size()));
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address)
    return std::nullopt;
  if (slash == std::string_view::npos)
    return IpPrefix(*address, address->width());
  const auto digits = text.substr(slash + 1);
  const auto length = parse_number(digits, 10, address->width());
  if (!length || (digits.size() > 1 && digits.front() == '0'))
    return std::nullopt;
  return IpPrefix(*address, *length);
}

bool IpPrefix::contains(const IpAddress& address) const {
  return address.family() == address_.family() && IpPrefix(address, length_) == *this;
}

bool IpPrefix::contains(const IpPrefix& other) const {
  return other.length_ >= length_ && contains(other.address_);
}

IpAddress IpPrefix::last() const {
  std::array<std::byte, 16> bytes{};
  const auto from = address_.bytes();
  for (std::size_t index = 0; index < from.size(); ++index) {
    const unsigned kept = std::min(8U, length_ > 8 * index ? length_ - 8U * unsigned(index) : 0U);
    bytes[index] = from[index] | static_cast<std::byte>(0xffU >> kept);
  }
  return *IpAddress::from_bytes(std::span(bytes).first(from.size()));
}

std::string IpPrefix::to_string() const {
  return fmt::format("{}/{}", address_.to_string(), length_);
}

} // namespace synfate
