#include "platform/linux/sockets/proc_net.h"

#include <array>
#include <charconv>
#include <cstring>

#include "platform/linux/sockets/unix_words.h"

namespace synfate {

namespace {

/// Takes fields separated by blanks off the front of a line.
class Fields {
public:
  explicit Fields(std::string_view line) : rest_(line) {}

  std::string_view next() {
    skip_blanks();
    const auto field = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(field.size());
    return field;
  }
  /// What is left behind exactly one blank.
  std::string_view remainder() const { return rest_.substr(rest_.empty() ? 0 : 1); }

private:
  void skip_blanks() {
    const auto start = rest_.find_first_not_of(' ');
    rest_.remove_prefix(start == std::string_view::npos ? rest_.size() : start);
  }
  std::string_view rest_;
};

template <typename T> std::optional<T> number(std::string_view text, int base) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end)
    return std::nullopt;
  return value;
}

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
};

/// "0100007F:1F90"; the words are printed as numbers, so their bytes in memory are the address.
std::optional<Endpoint> endpoint_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon != 8 && colon != 32)
    return std::nullopt;
  std::array<std::byte, 16> bytes{};
  for (std::size_t word = 0; word * 8 < colon; ++word) {
    const auto value = number<std::uint32_t>(text.substr(word * 8, 8), 16);
    if (!value)
      return std::nullopt;
    std::memcpy(bytes.data() + word * sizeof(*value), &*value, sizeof(*value));
  }
  const auto port = number<std::uint16_t>(text.substr(colon + 1), 16);
  const auto address = IpAddress::from_bytes(std::span(bytes).first(colon / 2));
  if (!port || !address)
    return std::nullopt;
  return Endpoint{*address, *port};
}

/// "00000000:00000000".
struct Pair {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};
std::optional<Pair> pair_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  const auto first = number<std::uint64_t>(text.substr(0, colon), 16);
  const auto second = number<std::uint64_t>(text.substr(colon + 1), 16);
  if (!first || !second)
    return std::nullopt;
  return Pair{*first, *second};
}

template <typename T> Fact<T> only_sock_diag() {
  return Unknown{Text(gap_sock_diag)};
}

/// Cells these files are silent about.
void put_unknowns(Socket& socket, const SocketProtocol& protocol, std::uint8_t state) {
  socket.interface_index = only_sock_diag<Int>();
  socket.interface = only_sock_diag<Text>();
  socket.cookie = only_sock_diag<Int>();
  socket.receive_memory = only_sock_diag<Int>();
  socket.receive_buffer = only_sock_diag<Int>();
  socket.cgroup_id = only_sock_diag<Int>();
  socket.mark = only_sock_diag<Int>();
  socket.transparent = only_sock_diag<bool>();
  socket.freebind = only_sock_diag<bool>();
  if (socket.local_address.known() && socket.local_address.value().is_v6())
    socket.v6only = only_sock_diag<bool>();
  if (!protocol.connections)
    return;
  socket.drops = only_sock_diag<Int>();
  socket.upper_layer = only_sock_diag<Text>();
  socket.md5_peers = only_sock_diag<Text>();
  if (state == static_cast<std::uint8_t>(SocketState::listen))
    socket.accept_queue_limit = only_sock_diag<Int>();
  else
    socket.idle_ms = only_sock_diag<Int>();
}

void put_queues(Socket& socket, const Pair& queues, std::uint8_t state) {
  if (state == static_cast<std::uint8_t>(SocketState::listen)) {
    socket.accept_queue = static_cast<Int>(queues.second);
    return;
  }
  socket.send_queue = static_cast<Int>(queues.first);
  socket.receive_queue = static_cast<Int>(queues.second);
}

void put_timer(Socket& socket, const Pair& timer, std::string_view retransmits) {
  constexpr Int milliseconds_per_tick = 10; // USER_HZ is 100 on every architecture we know
  const auto word = timer_word(static_cast<std::uint8_t>(timer.first));
  if (word.empty())
    return;
  socket.timer = Text(word);
  socket.timer_ms = static_cast<Int>(timer.second) * milliseconds_per_tick;
  if (const auto count = number<std::uint32_t>(retransmits, 16))
    socket.retransmits = *count;
}

void put_endpoints(Socket& socket, const Endpoint& local, const Endpoint& remote) {
  socket.local_address = local.address;
  socket.local_port = local.port;
  if (remote.port == 0 && remote.address.is_unspecified())
    return;
  socket.remote_address = remote.address;
  socket.remote_port = remote.port;
}

} // namespace

std::optional<Socket> parse_proc_net_line(std::string_view line, const SocketProtocol& protocol,
                                          std::string_view file) {
  Fields fields(line);
  fields.next(); // the slot
  const auto local = endpoint_of(fields.next());
  const auto remote = endpoint_of(fields.next());
  const auto state = number<std::uint8_t>(fields.next(), 16);
  const auto queues = pair_of(fields.next());
  const auto timer = pair_of(fields.next());
  const auto retransmits = fields.next();
  const auto uid = number<std::uint32_t>(fields.next(), 10);
  fields.next(); // the timeout
  const auto inode = number<std::uint64_t>(fields.next(), 10);
  if (!local || !remote || !state || !queues || !timer || !uid || !inode)
    return std::nullopt;
  Socket socket;
  socket.proto = Text(protocol.name);
  if (const auto word = state_word(protocol, *state); !word.empty())
    socket.state = Text(word);
  put_endpoints(socket, *local, *remote);
  put_queues(socket, *queues, *state);
  put_timer(socket, *timer, retransmits);
  socket.uid = *uid;
  socket.inode = static_cast<Int>(*inode);
  put_unknowns(socket, protocol, *state);
  socket.read_from = "/proc/net/" + Text(file);
  if (protocol.connections)
    return socket;
  fields.next(); // references
  fields.next(); // the kernel's address of it
  if (const auto drops = number<std::uint32_t>(fields.next(), 10))
    socket.drops = *drops;
  return socket;
}

std::optional<UnixSocket> parse_proc_net_unix_line(std::string_view line) {
  Fields fields(line);
  const auto slot = fields.next();
  fields.next(); // references
  fields.next(); // protocol
  const auto flags = number<std::uint32_t>(fields.next(), 16);
  const auto type = number<std::uint32_t>(fields.next(), 16);
  const auto state = number<std::uint32_t>(fields.next(), 16);
  const auto inode = number<std::uint64_t>(fields.next(), 10);
  if (slot.empty() || slot.back() != ':' || !flags || !type || !state || !inode)
    return std::nullopt;
  constexpr std::uint32_t listens = 1U << 16;            // __SO_ACCEPTCON
  constexpr std::uint32_t connecting = 2, connected = 3; // SS_ of include/uapi/linux/net.h
  UnixSocket socket;
  socket.inode = static_cast<Int>(*inode);
  if (const auto word = unix_type_word(*type); !word.empty())
    socket.type = Text(word);
  const bool peer = *state == connecting || *state == connected;
  socket.state = Text((*flags & listens) != 0 ? "listen" : peer ? "connected" : "unconnected");
  const auto name = fields.remainder();
  if (!name.empty()) {
    socket.abstract = name.front() == '@';
    socket.path = Text(name.substr(name.front() == '@' ? 1 : 0));
  }
  socket.cookie = only_sock_diag<Int>();
  if (!name.empty() && name.front() != '@') {
    socket.file_inode = only_sock_diag<Int>();
    socket.file_device = only_sock_diag<Int>();
  }
  socket.peer_inode = only_sock_diag<Int>();
  socket.queue = only_sock_diag<Int>();
  socket.queue_limit = only_sock_diag<Int>();
  socket.drops = only_sock_diag<Int>();
  socket.uid = only_sock_diag<Int>();
  socket.read_from = Text("/proc/net/unix");
  return socket;
}

} // namespace synfate
