// What the user asks about: a port, an address and port, or a Unix socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/ip.h"

namespace synfate {

enum class Proto : std::uint8_t { tcp, udp, unix_socket };
std::string_view to_string(Proto proto); ///< tcp, udp, unix

struct Target {
  std::string text; ///< as the user wrote it
  Proto proto = Proto::tcp;
  std::uint16_t port = 0;           ///< 0 for Unix sockets
  std::optional<IpAddress> address; ///< absent: every address of the host
  std::string zone;                 ///< fe80::1%eth0: the interface; may be empty
  std::string path;                 ///< Unix: the file, or the abstract name without its NUL
  bool abstract = false;            ///< Unix: the name is abstract
  std::string host_name;            ///< the name that `address` was resolved from; may be empty
};

} // namespace synfate
