// What the user asks about: a port, an address and port, or a Unix socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ip.h"
#include "core/base/result.h"

namespace synfate {

enum class Proto : std::uint8_t { tcp, udp, unix_socket };
std::string_view to_string(Proto proto); ///< tcp, udp, unix

struct Target {
  std::string text; ///< as the user wrote it
  Proto proto = Proto::tcp;
  std::uint16_t port = 0;           ///< 0 for Unix sockets
  std::vector<IpAddress> addresses; ///< empty: every address of the host; a name may have several
  std::string zone;                 ///< fe80::1%eth0: the interface; may be empty
  std::string path;                 ///< Unix: the file, or the abstract name without its NUL
  bool abstract = false;            ///< Unix: the name is abstract
  std::string socket_type;          ///< Unix: stream, dgram, seqpacket; empty: not said
  std::int64_t root_pid = 0;        ///< Unix: the process whose files are meant; 0: our own
  std::string host_name; ///< the name that the addresses were resolved from; may be empty
};

/// Who a local client is.
struct Identity {
  std::int64_t uid = 0;
  std::vector<std::int64_t> groups; ///< primary first
  std::string name;                 ///< as in the user database; may be empty
};

/// The databases of names that a target may use; the operating system answers.
class NameService {
public:
  virtual ~NameService() = default;
  /// The addresses of a host; an error if there are none.
  virtual Result<std::vector<IpAddress>> addresses_of(const std::string& host) const = 0;
  /// The port of a service, or 0 if the database does not know it.
  virtual std::uint16_t port_of(const std::string& service, Proto proto) const = 0;
  /// Every service name, for "did you mean".
  virtual std::vector<std::string> service_names() const = 0;
  /// A user by name or number; an error if the database does not know it.
  virtual Result<Identity> identity_of(const std::string& user) const = 0;
};

/// Reads 8080 · tcp/8080 · udp/53 · 10.0.0.5:8080 · [::1]:8080 · tcp/10.0.0.5:8080 · https ·
/// *:8080 · host.example:8080 · unix:/run/app.sock · unix:@abstract · unix-dgram:/dev/log, and the
/// Unix names without `unix:`. In the name of a Unix socket \\ \n \r \t and \xHH stand for a byte,
/// as this program prints it. The error says what is wrong, what is near, and what a target looks
/// like.
Result<Target> parse_target(std::string_view text, const NameService& names);

/// A Unix socket's name as people read and write it: "@name", "/run/a\nb.sock".
std::string unix_name(std::string_view path, bool abstract);

/// "203.0.113.7", "fe80::1%eth0", "10.0.0.1%eth1": an address and the interface behind the percent
/// sign (empty if there is none).
struct ZonedAddress {
  IpAddress address;
  std::string zone;
};
Result<ZonedAddress> parse_zoned_address(std::string_view text);

} // namespace synfate
