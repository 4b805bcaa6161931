// Test bytes: hexadecimal text as netlink messages.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "platform/linux/netlink.h"

namespace synfate::test {

/// "0a 1b…"; blanks and line feeds are skipped.
inline std::vector<std::byte> bytes_of(std::string_view hex) {
  std::vector<std::byte> bytes;
  int high = -1;
  for (const char letter : hex) {
    const auto digit = std::string_view("0123456789abcdef").find(letter);
    if (digit == std::string_view::npos)
      continue;
    if (high >= 0) {
      bytes.push_back(static_cast<std::byte>(high * 16 + static_cast<int>(digit)));
      high = -1;
    } else {
      high = static_cast<int>(digit);
    }
  }
  return bytes;
}

/// A message whose payload is these bytes; they must outlive it.
inline netlink::Message message_of(const std::vector<std::byte>& payload) {
  return {20, 0, 1, netlink::ByteView(payload)};
}

} // namespace synfate::test
