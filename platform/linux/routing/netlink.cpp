#include "platform/linux/routing/netlink.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

namespace synfate::linux_routing {
namespace {

constexpr const char* asking = "asking the kernel's routing (rtnetlink)";
constexpr std::size_t buffer_size = 65536; // a dump's messages come in blocks of up to 32 KiB

Error damaged(std::string_view detail) {
  return {.code = ErrorCode::damaged,
          .doing = "reading an answer of rtnetlink",
          .where = {},
          .os_error = 0,
          .detail = std::string(detail),
          .hint = {}};
}

Error failed(int error, std::string detail = {}) {
  const auto code = error == EPERM || error == EACCES        ? ErrorCode::denied
                    : error == EOPNOTSUPP || error == EINVAL ? ErrorCode::unsupported
                                                             : ErrorCode::system;
  return {.code = code,
          .doing = asking,
          .where = {},
          .os_error = error,
          .detail = std::move(detail),
          .hint = {}};
}

template <typename T> std::optional<T> value_at_front(std::optional<ByteSpan> bytes) {
  if (!bytes || bytes->size() < sizeof(T))
    return std::nullopt;
  T value;
  std::memcpy(&value, bytes->data(), sizeof value);
  return value;
}

/// NLMSG_ERROR: an nlmsgerr (error number, the request's head, with NLM_F_CAPPED nothing more),
/// then with NLM_F_ACK_TLVS attributes that explain (Documentation/userspace-api/netlink).
Answer error_of(const Message& message) {
  const auto head = message.head<nlmsgerr>();
  if (!head)
    return {EBADMSG, "the kernel's error message is cut off"};
  Answer answer{-head->error, {}};
  std::size_t skip = sizeof(nlmsgerr);
  if ((message.flags & NLM_F_CAPPED) == 0 && head->msg.nlmsg_len > sizeof(nlmsghdr))
    skip += NLMSG_ALIGN(head->msg.nlmsg_len - sizeof(nlmsghdr));
  if ((message.flags & NLM_F_ACK_TLVS) != 0 && skip <= message.payload.size())
    if (const auto attributes = Attributes::parse(message.payload.subspan(skip)))
      answer.detail = attributes->text(NLMSGERR_ATTR_MSG).value_or("");
  return answer;
}

} // namespace

Result<Attributes> Attributes::parse(ByteSpan bytes) {
  Attributes attributes;
  auto* head = reinterpret_cast<nlattr*>(const_cast<std::byte*>(bytes.data()));
  int left = static_cast<int>(bytes.size());
  for (; nla_ok(head, left) != 0; head = nla_next(head, &left))
    attributes.payloads_[static_cast<unsigned>(nla_type(head))] = {
        static_cast<const std::byte*>(nla_data(head)), static_cast<std::size_t>(nla_len(head))};
  if (left > 0 && static_cast<std::size_t>(left) >= sizeof(nlattr))
    return damaged("an attribute is longer than its message");
  return attributes;
}

std::optional<ByteSpan> Attributes::find(unsigned type) const {
  const auto at = payloads_.find(type);
  return at == payloads_.end() ? std::nullopt : std::optional(at->second);
}
std::optional<std::uint8_t> Attributes::u8(unsigned type) const {
  return value_at_front<std::uint8_t>(find(type));
}
std::optional<std::uint16_t> Attributes::u16(unsigned type) const {
  return value_at_front<std::uint16_t>(find(type));
}
std::optional<std::uint32_t> Attributes::u32(unsigned type) const {
  return value_at_front<std::uint32_t>(find(type));
}
std::optional<std::int32_t> Attributes::s32(unsigned type) const {
  return value_at_front<std::int32_t>(find(type));
}

std::optional<IpAddress> Attributes::address(unsigned type) const {
  const auto bytes = find(type);
  return bytes ? IpAddress::from_bytes(*bytes) : std::nullopt;
}

std::optional<std::string> Attributes::text(unsigned type) const {
  const auto bytes = find(type);
  if (!bytes)
    return std::nullopt;
  const std::string_view all(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  return std::string(all.substr(0, all.find('\0')));
}

Result<Attributes> Attributes::nested(unsigned type) const {
  const auto bytes = find(type);
  return bytes ? parse(*bytes) : Result<Attributes>(Attributes{});
}

std::vector<unsigned> Attributes::types() const {
  std::vector<unsigned> types;
  for (const auto& [type, payload] : payloads_)
    types.push_back(type);
  return types;
}

Result<Attributes> Message::attributes(std::size_t head_size) const {
  const std::size_t start = NLMSG_ALIGN(head_size);
  if (payload.size() < head_size)
    return damaged("a message is shorter than its head");
  return Attributes::parse(payload.subspan(std::min(start, payload.size())));
}

void RequestBytes::append(const void* data, std::size_t size) {
  const auto* from = static_cast<const std::byte*>(data);
  bytes_.insert(bytes_.end(), from, from + size);
}
void RequestBytes::pad() {
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}
RequestBytes& RequestBytes::attribute(std::uint16_t type, const void* data, std::size_t size) {
  const nlattr head{static_cast<std::uint16_t>(NLA_HDRLEN + size), type};
  append(&head, sizeof head);
  append(data, size);
  pad();
  return *this;
}
RequestBytes& RequestBytes::attribute(std::uint16_t type, const IpAddress& address) {
  return attribute(type, address.bytes().data(), address.bytes().size());
}
RequestBytes& RequestBytes::attribute_u8(std::uint16_t type, std::uint8_t value) {
  return attribute(type, &value, sizeof value);
}
RequestBytes& RequestBytes::attribute_u32(std::uint16_t type, std::uint32_t value) {
  return attribute(type, &value, sizeof value);
}
RequestBytes& RequestBytes::attribute_port(std::uint16_t type, std::uint16_t value) {
  const std::uint16_t network_order = htons(value);
  return attribute(type, &network_order, sizeof network_order);
}

Status for_each_message(ByteSpan block, const MessageVisitor& visit) {
  while (block.size() >= sizeof(nlmsghdr)) {
    nlmsghdr head;
    std::memcpy(&head, block.data(), sizeof head);
    if (head.nlmsg_len < sizeof(nlmsghdr) || head.nlmsg_len > block.size())
      return damaged("a message is longer than what was received");
    const Message message{head.nlmsg_type, head.nlmsg_flags,
                          block.subspan(sizeof(nlmsghdr), head.nlmsg_len - sizeof(nlmsghdr))};
    SYNFATE_TRY(visited, visit(message));
    (void)visited;
    block = block.subspan(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), block.size()));
  }
  return Done{};
}

void RouteSocket::Close::operator()(nl_sock* socket) const {
  nl_socket_free(socket);
}

Result<RouteSocket> RouteSocket::open() {
  std::unique_ptr<nl_sock, Close> socket(nl_socket_alloc());
  if (!socket)
    return failed(ENOMEM);
  errno = 0;
  if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0)
    return failed(errno, nl_geterror(error));
  const int fd = nl_socket_get_fd(socket.get());
  const int on = 1;
  // Strict checks make the kernel honour filters in dump requests (4.20); extended
  // acknowledgements add its own words to errors (4.12). Both are worth having, neither is needed.
  setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  return RouteSocket(std::move(socket));
}

Status RouteSocket::send(std::uint16_t type, std::uint16_t flags, const RequestBytes& request) {
  const ByteSpan body = request.bytes();
  const nlmsghdr head{static_cast<std::uint32_t>(sizeof(nlmsghdr) + body.size()), type,
                      static_cast<std::uint16_t>(NLM_F_REQUEST | flags), ++sequence_, 0};
  std::vector<std::byte> whole(sizeof head);
  std::memcpy(whole.data(), &head, sizeof head);
  whole.insert(whole.end(), body.begin(), body.end());
  errno = 0;
  if (const int sent = nl_sendto(socket_.get(), whole.data(), whole.size()); sent < 0)
    return failed(errno, nl_geterror(sent));
  return Done{};
}

Result<std::vector<std::byte>> RouteSocket::receive() {
  if (!buffer_)
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
  ssize_t size = -1;
  do
    size = recv(nl_socket_get_fd(socket_.get()), buffer_.get(), buffer_size, MSG_TRUNC);
  while (size < 0 && errno == EINTR);
  if (size < 0)
    return failed(errno);
  if (static_cast<std::size_t>(size) > buffer_size)
    return damaged("an answer is larger than any the kernel is known to send");
  return std::vector<std::byte>(buffer_.get(), buffer_.get() + size);
}

Result<std::vector<std::vector<std::byte>>>
RouteSocket::dump_once(std::uint16_t type, const RequestBytes& request,
                       std::optional<std::int64_t> limit, bool& interrupted) {
  SYNFATE_TRY(sent, send(type, NLM_F_DUMP, request));
  (void)sent;
  std::vector<std::vector<std::byte>> blocks;
  std::int64_t messages = 0;
  for (bool done = false; !done;) {
    SYNFATE_TRY(block, receive());
    const auto look = [&](const Message& message) -> Status {
      interrupted = interrupted || (message.flags & NLM_F_DUMP_INTR) != 0;
      ++messages;
      if (message.type == NLMSG_ERROR) {
        const Answer answer = error_of(message);
        if (answer.error != 0)
          return failed(answer.error, answer.detail);
      }
      if (message.type == NLMSG_DONE) {
        const int error = message.head<int>().value_or(0);
        if (error < 0)
          return failed(-error);
      }
      done = done || message.type == NLMSG_DONE || message.type == NLMSG_ERROR;
      return Done{};
    };
    SYNFATE_TRY(looked, for_each_message(block, look));
    (void)looked;
    blocks.push_back(std::move(block));
    if (limit && messages > *limit)
      return Error{.code = ErrorCode::too_many,
                   .doing = asking,
                   .detail = "there is more than was asked for"};
  }
  return blocks;
}

Status RouteSocket::dump(std::uint16_t type, const RequestBytes& request,
                         const MessageVisitor& visit, std::optional<std::int64_t> limit) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    bool interrupted = false;
    SYNFATE_TRY(blocks, dump_once(type, request, limit, interrupted));
    if (interrupted)
      continue;
    for (const auto& block : blocks) {
      const auto data_only = [&](const Message& message) -> Status {
        return message.type < NLMSG_MIN_TYPE ? Status(Done{}) : visit(message);
      };
      SYNFATE_TRY(visited, for_each_message(block, data_only));
      (void)visited;
    }
    return Done{};
  }
  return Error{.code = ErrorCode::interrupted,
               .doing = asking,
               .where = {},
               .os_error = 0,
               .detail = "the table changed during each of three readings",
               .hint = "run again when the network configuration is at rest"};
}

Result<Answer> RouteSocket::ask(std::uint16_t type, const RequestBytes& request,
                                const MessageVisitor& visit) {
  SYNFATE_TRY(sent, send(type, 0, request));
  (void)sent;
  SYNFATE_TRY(block, receive());
  Answer answer;
  const auto look = [&](const Message& message) -> Status {
    if (message.type == NLMSG_ERROR)
      answer = error_of(message);
    return message.type < NLMSG_MIN_TYPE ? Status(Done{}) : visit(message);
  };
  SYNFATE_TRY(looked, for_each_message(block, look));
  (void)looked;
  return answer;
}

} // namespace synfate::linux_routing
