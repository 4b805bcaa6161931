#include "core/base/utf8.h"

#include <array>

namespace synfate {

bool is_scalar(char32_t code_point) {
  return code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff);
}

Decoded decode_utf8(std::string_view text, std::size_t at) {
  if (at >= text.size())
    return {};
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80)
    return {lead, 1};
  const unsigned length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - at < length)
    return {};
  char32_t code_point = lead & (0x7fU >> length);
  for (unsigned index = 1; index < length; ++index) {
    const auto byte = static_cast<unsigned char>(text[at + index]);
    if ((byte & 0xc0U) != 0x80U)
      return {};
    code_point = (code_point << 6) | (byte & 0x3fU);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (code_point < least[length] || !is_scalar(code_point))
    return {};
  return {code_point, length};
}

} // namespace synfate
