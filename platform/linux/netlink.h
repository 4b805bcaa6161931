// Netlink: requests, answers, and attributes as bounded views.
//
// A message is `struct nlmsghdr`, a header of the family (inet_diag_msg, nfgenmsg …) and attributes
// (length, type, payload, padded to 4). The iteration here is pure and never reads outside the
// bytes it was given, so parsers built on it can be fuzzed; the socket underneath is libmnl's.
// Answers end as af_netlink.c ends them: a dump with NLMSG_DONE, everything else with an
// acknowledgement, which Request asks for. Tested by
// tests/unit/platform/linux/sockets/netlink_test.cpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/result.h"

struct mnl_socket;

namespace synfate::netlink {

using ByteView = std::span<const std::byte>;

/// The first bytes as a T, copied, since kernel bytes need not be aligned; nothing if too few.
template <typename T>
  requires std::is_trivially_copyable_v<T>
std::optional<T> read_as(ByteView bytes) {
  if (bytes.size() < sizeof(T))
    return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

/// One attribute; `payload` points into the message.
struct Attribute {
  std::uint16_t type = 0; ///< without the flags
  bool nested = false;    ///< NLA_F_NESTED was set; many kernels' families do not set it
  ByteView payload;

  /// The payload as a T in host order.
  template <typename T> std::optional<T> as() const { return read_as<T>(payload); }
  /// The payload as a big-endian number, as nfnetlink writes them.
  std::optional<std::uint8_t> u8() const { return as<std::uint8_t>(); }
  std::optional<std::uint16_t> big16() const;
  std::optional<std::uint32_t> big32() const;
  std::optional<std::uint64_t> big64() const;
  /// Text up to the first NUL, or all of it.
  std::string_view text() const;
};

/// Attributes one after another; iteration ends at the first one that does not fit.
class Attributes {
public:
  class Iterator {
  public:
    using value_type = Attribute;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(ByteView rest) : rest_(rest) { load(); }
    const Attribute& operator*() const { return current_; }
    const Attribute* operator->() const { return &current_; }
    Iterator& operator++();
    friend bool operator==(const Iterator& a, const Iterator& b) {
      return a.rest_.size() == b.rest_.size();
    }

  private:
    void load();
    ByteView rest_; ///< from the current attribute on; empty at the end
    Attribute current_;
  };

  Attributes() = default;
  explicit Attributes(ByteView bytes) : bytes_(bytes) {}
  Iterator begin() const { return Iterator(bytes_); }
  Iterator end() const { return {}; }
  /// The first attribute of a type.
  std::optional<Attribute> find(std::uint16_t type) const;
  /// True if the bytes are attributes to the end.
  bool well_formed() const;

private:
  ByteView bytes_;
};

/// One message of an answer; points into the receive buffer, valid during the callback.
struct Message {
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  std::uint32_t sequence = 0;
  ByteView payload; ///< after nlmsghdr

  /// The family's header; nothing if the message is too short.
  template <typename T> std::optional<T> header() const { return read_as<T>(payload); }
  /// The attributes behind a family header of that many bytes (padded to 4).
  Attributes attributes(std::size_t header_size) const;
};

/// The messages in a buffer, in order, stopping at the first that does not fit: pure, for tests and
/// fuzzers; `visit` returns false to stop.
void for_each_message(ByteView bytes, const std::function<bool(const Message&)>& visit);

/// A request that is being put together.
class Request {
public:
  /// `flags` such as NLM_F_DUMP; NLM_F_REQUEST is added, and NLM_F_ACK unless it is a dump.
  Request(std::uint16_t type, std::uint16_t flags);

  /// Appends the family's header, or any fixed struct.
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  Request& append(const T& value) {
    return append_bytes(std::as_bytes(std::span(&value, 1)));
  }
  Request& append_bytes(ByteView bytes);
  Request& attribute(std::uint16_t type, ByteView payload);
  Request& attribute(std::uint16_t type, std::string_view text); ///< with a closing NUL
  template <typename T>
    requires std::is_integral_v<T>
  Request& attribute(std::uint16_t type, T host_order) {
    return attribute(type, std::as_bytes(std::span(&host_order, 1)));
  }
  Request& attribute_big32(std::uint16_t type, std::uint32_t value);
  /// Opens a nested attribute; returns the position end_nest() wants.
  std::size_t begin_nest(std::uint16_t type);
  Request& end_nest(std::size_t position);

  bool is_dump() const;
  /// The finished message, its length and sequence filled in.
  ByteView finish(std::uint32_t sequence);

private:
  std::vector<std::byte> bytes_;
};

/// Sees each message of an answer; returns false to want no more.
using MessageHandler = std::function<bool(const Message&)>;

/// Sees the messages of one datagram, one after another as the kernel sent them; valid during the
/// call.
using DatagramHandler = std::function<void(ByteView)>;

/// One netlink socket, in the network namespace of the thread that opened it.
class Socket {
public:
  /// `protocol` is NETLINK_SOCK_DIAG, NETLINK_NETFILTER …; `timeout` bounds every exchange.
  static Result<Socket> open(int protocol,
                             std::chrono::milliseconds timeout = std::chrono::seconds(10));
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  ~Socket();

  void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }
  /// Turns on an option of level SOL_NETLINK, such as NETLINK_GET_STRICT_CHK.
  Status enable(int option);

  /// Sends the request and hands each message of the answer to `handler`, up to the end of the
  /// dump or the acknowledgement. `doing` goes into errors. Errors:
  /// - the kernel's own (NLMSG_ERROR, or the number in NLMSG_DONE): os_error, detail from the
  ///   extended acknowledgement; code by errno (ENOENT not_found, EPERM and EACCES denied,
  ///   EOPNOTSUPP and EPROTONOSUPPORT unsupported);
  /// - interrupted: the tables changed during the dump (NLM_F_DUMP_INTR), or messages were lost
  ///   (ENOBUFS, too small a buffer); what was delivered may be inconsistent: ask again;
  /// - timed_out.
  Status exchange(Request& request, std::string_view doing, const MessageHandler& handler);
  /// The same for a dump whose bytes are kept: a call for each datagram instead of each message.
  Status exchange_whole(Request& request, std::string_view doing, const DatagramHandler& handler);

private:
  struct Closer {
    void operator()(mnl_socket* socket) const;
  };
  Socket() = default;
  Status reopen();
  Status wait(std::chrono::steady_clock::time_point deadline, std::string_view doing) const;
  Result<std::uint32_t> send(Request& request, std::string_view doing);
  Status receive(std::uint32_t sequence, std::string_view doing, const MessageHandler& handler,
                 const DatagramHandler& whole);

  std::unique_ptr<mnl_socket, Closer> socket_;
  std::vector<int> options_;
  int protocol_ = 0;
  std::chrono::milliseconds timeout_{0};
  std::uint32_t sequence_ = 0;
  bool clean_ = false; ///< no answer is left over in the socket
  std::vector<std::byte> buffer_;
};

} // namespace synfate::netlink
