#include "core/base/text_encoding.h"

#include <algorithm>
#include <cstdint>

namespace synfate {
namespace {

constexpr std::string_view base64_letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view hex_digits = "0123456789abcdef";

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

/// The range that the second byte of a sequence must be in, and the sequence's length; length 0 for
/// a byte that cannot lead.
struct Lead {
  std::size_t length;
  unsigned low;
  unsigned high;
};

Lead lead_of(unsigned byte) {
  if (byte < 0x80)
    return {1, 0, 0};
  if (byte >= 0xc2 && byte <= 0xdf)
    return {2, 0x80, 0xbf};
  if (byte >= 0xe0 && byte <= 0xef)
    return {3, byte == 0xe0 ? 0xa0U : 0x80U, byte == 0xed ? 0x9fU : 0xbfU};
  if (byte >= 0xf0 && byte <= 0xf4)
    return {4, byte == 0xf0 ? 0x90U : 0x80U, byte == 0xf4 ? 0x8fU : 0xbfU};
  return {0, 0, 0};
}

struct Sequence {
  std::size_t length; ///< at least 1
  bool sound;
};

/// The sequence at `at`; an unsound one is as long as what was right about it.
Sequence sequence_at(std::string_view text, std::size_t at) {
  const Lead lead = lead_of(byte_at(text, at));
  for (std::size_t index = 1; index < lead.length; ++index) {
    if (at + index >= text.size())
      return {index, false};
    const unsigned byte = byte_at(text, at + index);
    const bool fits = index == 1 ? byte >= lead.low && byte <= lead.high : (byte & 0xc0U) == 0x80U;
    if (!fits)
      return {index, false};
  }
  return lead.length == 0 ? Sequence{1, false} : Sequence{lead.length, true};
}

std::optional<std::uint32_t> base64_value(char letter) {
  const auto at = base64_letters.find(letter);
  if (at == std::string_view::npos)
    return std::nullopt;
  return static_cast<std::uint32_t>(at);
}

void append_escape(std::string& out, char letter) {
  switch (letter) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\t':
    out += "\\t";
    return;
  case '\r':
    out += "\\r";
    return;
  default: { // any other control character
    const auto byte = static_cast<unsigned char>(letter);
    out += "\\u00";
    out += hex_digits[byte >> 4U];
    out += hex_digits[byte & 0xfU];
  }
  }
}

bool needs_escape(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte < 0x20 || byte == 0x7f || letter == '"' || letter == '\\';
}

} // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (byte_at(text, at) < 0x80) {
      ++at;
      continue;
    }
    const auto sequence = sequence_at(text, at);
    if (!sequence.sound)
      return false;
    at += sequence.length;
  }
  return true;
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t index = 0; index < 3; ++index)
      group = (group << 8U) | (index < count ? byte_at(bytes, at + index) : 0U);
    for (std::size_t index = 0; index < 4; ++index)
      text += index <= count ? base64_letters[(group >> (18 - 6 * index)) & 0x3fU] : '=';
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0)
    return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    std::uint32_t group = 0;
    for (std::size_t index = 0; index < 4; ++index) {
      const bool padded = at + index >= text.size() - padding;
      const auto value = padded ? std::uint32_t{0} : base64_value(text[at + index]);
      if (!value)
        return std::nullopt;
      group = (group << 6U) | *value;
    }
    const std::size_t count = at + 4 == text.size() ? 3 - padding : 3;
    for (std::size_t index = 0; index < count; ++index)
      bytes += static_cast<char>((group >> (16 - 8 * index)) & 0xffU);
    if ((group & ((1U << (8 * (3 - count))) - 1U)) != 0)
      return std::nullopt; // bits that belong to no byte
  }
  return bytes;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!needs_escape(text[at]))
      continue;
    out.append(text, plain, at - plain);
    append_escape(out, text[at]);
    plain = at + 1;
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

} // namespace synfate
