// The words of the `unix_socket` table.
#pragma once

#include <cstdint>
#include <string_view>

#include <sys/socket.h>

namespace synfate {

/// stream, dgram or seqpacket; empty for any other number.
constexpr std::string_view unix_type_word(std::uint32_t type) {
  if (type == SOCK_STREAM)
    return "stream";
  if (type == SOCK_DGRAM)
    return "dgram";
  return type == SOCK_SEQPACKET ? "seqpacket" : "";
}

} // namespace synfate
