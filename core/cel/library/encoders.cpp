// base64.encode() and base64.decode(): RFC 4648, with padding; decoding takes text without it too.
#include "core/cel/library/tables.h"

#include <array>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Value encode(CallContext& context, Arguments arguments) {
  context.charge(arguments[0].weight());
  return Value::string(base64_encode(arguments[0].as_text()));
}

Value decode(CallContext& context, Arguments arguments) {
  context.charge(arguments[0].weight());
  auto octets = base64_decode(arguments[0].as_text());
  return octets
             ? Value::bytes(std::move(*octets))
             : Value::error(Failure::invalid_argument, "base64.decode() of text that is no base64");
}

constexpr std::array table{
    Declaration{"base64.encode", "(bytes) -> string", encode},
    Declaration{"base64.decode", "(string) -> bytes", decode},
};

} // namespace

std::string base64_encode(std::string_view octets) {
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char octet : octets) {
    bits = (bits << 8) | static_cast<unsigned char>(octet);
    for (count += 8; count >= 6; count -= 6)
      text += alphabet[(bits >> (count - 6)) & 63];
  }
  if (count > 0)
    text += alphabet[(bits << (6 - count)) & 63];
  while (text.size() % 4 != 0)
    text += '=';
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::size_t padding = 0;
  for (; text.ends_with('=') && padding < 2; ++padding)
    text.remove_suffix(1);
  if (text.size() % 4 == 1 || (padding > 0 && (text.size() + padding) % 4 != 0))
    return std::nullopt;
  std::string octets;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char letter : text) {
    const auto value = alphabet.find(letter);
    if (value == std::string_view::npos)
      return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      octets += static_cast<char>((bits >> count) & 255);
    }
  }
  return octets;
}

std::span<const Declaration> encoders() {
  return table;
}

} // namespace synfate::cel::library
