// Questions to rtnetlink and the messages of its answers.
//
// A message is a nlmsghdr, a fixed struct that depends on the type, and attributes:
//
//   20 00 00 00 | 10 00 | 05 03 | sequence | port    nlmsghdr: length, type, flags
//   00 00 01 00 | index | flags | change             ifinfomsg (RTM_NEWLINK)
//   08 00 03 00 | 65 74 68 30 00 ...                 attribute: length, type (IFLA_IFNAME), bytes
//
// The socket and the walk over attributes are libnl's. Objects are decoded by ourselves, because
// libnl-route's objects leave out what they do not know (XDP programs, DSCP of rules). A socket
// belongs to the network namespace of the thread that opened it (net/netlink/af_netlink.c:
// netlink_create()). Tested by tests/unit/platform/linux/routing/netlink_test.cpp and
// tests/fuzz/fuzz_route_messages.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ip.h"
#include "core/base/result.h"

struct nl_sock;

namespace synfate::linux_routing {

using ByteSpan = std::span<const std::byte>;

/// The attributes of one nesting level, by type; of a repeated type the last one counts.
class Attributes {
public:
  /// Damaged if an attribute is longer than the rest or shorter than its own head.
  static Result<Attributes> parse(ByteSpan bytes);

  /// The payload, or nothing if there is no such attribute.
  std::optional<ByteSpan> find(unsigned type) const;
  /// Values; nothing if the attribute is missing or too short for the type.
  std::optional<std::uint8_t> u8(unsigned type) const;
  std::optional<std::uint16_t> u16(unsigned type) const;
  std::optional<std::uint32_t> u32(unsigned type) const;
  std::optional<std::int32_t> s32(unsigned type) const;
  /// 4 or 16 bytes.
  std::optional<IpAddress> address(unsigned type) const;
  /// Text up to the first NUL; any byte may be in it.
  std::optional<std::string> text(unsigned type) const;
  /// Nested attributes; empty if there is no such attribute.
  Result<Attributes> nested(unsigned type) const;
  /// The types that are there, in ascending order.
  std::vector<unsigned> types() const;

private:
  std::map<unsigned, ByteSpan> payloads_;
};

/// One message without its nlmsghdr.
struct Message {
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  ByteSpan payload;

  /// The fixed struct at the front, or nothing if the message is too short for it.
  template <typename Head> std::optional<Head> head() const {
    Head head;
    if (payload.size() < sizeof(Head))
      return std::nullopt;
    std::copy_n(payload.data(), sizeof(Head), reinterpret_cast<std::byte*>(&head));
    return head;
  }
  /// The attributes behind a fixed struct of this size.
  Result<Attributes> attributes(std::size_t head_size) const;
};

/// A request that is being put together.
class RequestBytes {
public:
  template <typename Head> explicit RequestBytes(const Head& head) {
    append(&head, sizeof head);
    pad();
  }
  RequestBytes& attribute(std::uint16_t type, const void* data, std::size_t size);
  RequestBytes& attribute(std::uint16_t type, const IpAddress& address);
  RequestBytes& attribute_u8(std::uint16_t type, std::uint8_t value);
  RequestBytes& attribute_u32(std::uint16_t type, std::uint32_t value);
  /// In network byte order.
  RequestBytes& attribute_port(std::uint16_t type, std::uint16_t value);
  ByteSpan bytes() const { return bytes_; }

private:
  void append(const void* data, std::size_t size);
  void pad();
  std::vector<std::byte> bytes_;
};

/// What an answer to one question was: a message, or an error number of the kernel.
struct Answer {
  int error = 0;      ///< errno, 0 for none
  std::string detail; ///< the kernel's own words, often empty
};

/// Called for every message; an error ends the reading.
using MessageVisitor = std::function<Status(const Message&)>;

/// The messages in one block of bytes, as a recv() gave it. Control messages (NLMSG_DONE,
/// NLMSG_ERROR) are visited too.
Status for_each_message(ByteSpan block, const MessageVisitor& visit);

/// A NETLINK_ROUTE socket of the calling thread's network namespace.
class RouteSocket {
public:
  static Result<RouteSocket> open();

  /// Asks for a whole table. `visit` sees the messages of one complete dump: when the kernel says
  /// that the table changed meanwhile (NLM_F_DUMP_INTR) the dump is repeated, and after three times
  /// it is an error of code interrupted. More than `limit` messages are an error of code too_many,
  /// after which the socket is of no more use.
  Status dump(std::uint16_t type, const RequestBytes& request, const MessageVisitor& visit,
              std::optional<std::int64_t> limit = std::nullopt);

  /// Asks one question. The kernel's error is part of the answer; an Error means that there was
  /// no answer.
  Result<Answer> ask(std::uint16_t type, const RequestBytes& request, const MessageVisitor& visit);

private:
  struct Close {
    void operator()(nl_sock* socket) const;
  };
  explicit RouteSocket(std::unique_ptr<nl_sock, Close> socket) : socket_(std::move(socket)) {}
  Status send(std::uint16_t type, std::uint16_t flags, const RequestBytes& request);
  Result<std::vector<std::byte>> receive();
  Result<std::vector<std::vector<std::byte>>> dump_once(std::uint16_t type,
                                                        const RequestBytes& request,
                                                        std::optional<std::int64_t> limit,
                                                        bool& interrupted);

  std::unique_ptr<nl_sock, Close> socket_;
  std::unique_ptr<std::byte[]> buffer_; ///< for one datagram; made at the first
  std::uint32_t sequence_ = 0;
};

} // namespace synfate::linux_routing
