// Follows net/netlink/af_netlink.c (Linux 6.12): netlink_rcv_skb() acknowledges after the answer,
// netlink_dump_done() puts the dump's error into NLMSG_DONE and extended acknowledgement attributes
// behind it, netlink_ack() does so in NLMSG_ERROR; NETLINK_CAP_ACK keeps the request out of it.
#include "platform/linux/netlink.h"

#include <cerrno>

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

namespace synfate::netlink {

namespace {

constexpr std::size_t receive_buffer_bytes = std::size_t{64} * 1024;
constexpr std::size_t attribute_header = sizeof(nlattr);

constexpr std::size_t padded(std::size_t length) {
  return (length + 3) & ~std::size_t{3};
}

ErrorCode code_of(int os_error) {
  switch (os_error) {
  case EPERM:
  case EACCES:
    return ErrorCode::denied;
  case ENOENT:
  case ENODEV:
  case ESRCH:
    return ErrorCode::not_found;
  case EOPNOTSUPP:
  case EPROTONOSUPPORT:
  case EAFNOSUPPORT:
    return ErrorCode::unsupported;
  case EINTR:
  case ENOBUFS:
  case ENOSPC:
    return ErrorCode::interrupted;
  case EAGAIN:
  case ETIMEDOUT:
    return ErrorCode::timed_out;
  default:
    return ErrorCode::system;
  }
}

Error system_error(std::string_view doing, int os_error, std::string_view detail = {}) {
  return {code_of(os_error), std::string(doing), "netlink", os_error, std::string(detail), {}};
}

/// The kernel's verdict in NLMSG_ERROR or NLMSG_DONE: 0 or a positive errno.
struct Verdict {
  int os_error = 0;
  std::string_view text;
};

std::optional<Verdict> parse_verdict(const Message& message) {
  const auto number = message.header<std::int32_t>();
  if (!number)
    return std::nullopt;
  Verdict verdict{*number < 0 ? -*number : 0, {}};
  if ((message.flags & NLM_F_ACK_TLVS) == 0)
    return verdict;
  // NLMSG_ERROR holds the request's header behind the number (nlmsgerr), NLMSG_DONE does not.
  const std::size_t skip = message.type == NLMSG_ERROR ? sizeof(nlmsgerr) : sizeof(std::int32_t);
  if (const auto text = message.attributes(skip).find(NLMSGERR_ATTR_MSG))
    verdict.text = text->text();
  return verdict;
}

} // namespace

std::optional<std::uint16_t> Attribute::big16() const {
  const auto value = as<std::uint16_t>();
  return value ? std::optional(be16toh(*value)) : std::nullopt;
}
std::optional<std::uint32_t> Attribute::big32() const {
  const auto value = as<std::uint32_t>();
  return value ? std::optional(be32toh(*value)) : std::nullopt;
}
std::optional<std::uint64_t> Attribute::big64() const {
  const auto value = as<std::uint64_t>();
  return value ? std::optional<std::uint64_t>(be64toh(*value)) : std::nullopt;
}
std::string_view Attribute::text() const {
  const std::string_view all(reinterpret_cast<const char*>(payload.data()), payload.size());
  return all.substr(0, all.find('\0'));
}

void Attributes::Iterator::load() {
  const auto header = read_as<nlattr>(rest_);
  if (!header || header->nla_len < attribute_header || header->nla_len > rest_.size()) {
    rest_ = {};
    current_ = {};
    return;
  }
  current_.type = header->nla_type & NLA_TYPE_MASK;
  current_.nested = (header->nla_type & NLA_F_NESTED) != 0;
  current_.payload = rest_.subspan(attribute_header, header->nla_len - attribute_header);
}

Attributes::Iterator& Attributes::Iterator::operator++() {
  const std::size_t step = padded(attribute_header + current_.payload.size());
  rest_ = step < rest_.size() ? rest_.subspan(step) : ByteView();
  load();
  return *this;
}

std::optional<Attribute> Attributes::find(std::uint16_t type) const {
  for (const auto& attribute : *this)
    if (attribute.type == type)
      return attribute;
  return std::nullopt;
}

bool Attributes::well_formed() const {
  std::size_t used = 0;
  for (const auto& attribute : *this)
    used += padded(attribute_header + attribute.payload.size());
  return used >= bytes_.size(); // the last attribute's padding may be missing
}

Attributes Message::attributes(std::size_t header_size) const {
  const std::size_t start = padded(header_size);
  return Attributes(start < payload.size() ? payload.subspan(start) : ByteView());
}

void for_each_message(ByteView bytes, const std::function<bool(const Message&)>& visit) {
  while (const auto header = read_as<nlmsghdr>(bytes)) {
    if (header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > bytes.size())
      return;
    const Message message{header->nlmsg_type, header->nlmsg_flags, header->nlmsg_seq,
                          bytes.subspan(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr))};
    if (!visit(message))
      return;
    const std::size_t step = padded(header->nlmsg_len);
    bytes = step < bytes.size() ? bytes.subspan(step) : ByteView();
  }
}

Request::Request(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
  if ((flags & NLM_F_DUMP) != NLM_F_DUMP)
    header.nlmsg_flags |= NLM_F_ACK;
  append(header);
}

Request& Request::append_bytes(ByteView bytes) {
  const std::size_t start = bytes_.size();
  bytes_.resize(padded(start + bytes.size()));
  if (!bytes.empty())
    std::memcpy(bytes_.data() + start, bytes.data(), bytes.size());
  return *this;
}

Request& Request::attribute(std::uint16_t type, ByteView payload) {
  append(nlattr{static_cast<std::uint16_t>(attribute_header + payload.size()), type});
  return append_bytes(payload);
}

Request& Request::attribute(std::uint16_t type, std::string_view text) {
  const std::string closed(text);
  return attribute(type, std::as_bytes(std::span(closed.c_str(), closed.size() + 1)));
}

Request& Request::attribute_big32(std::uint16_t type, std::uint32_t value) {
  return attribute(type, htobe32(value));
}

std::size_t Request::begin_nest(std::uint16_t type) {
  const std::size_t position = bytes_.size();
  attribute(static_cast<std::uint16_t>(type | NLA_F_NESTED), ByteView());
  return position;
}

Request& Request::end_nest(std::size_t position) {
  const auto length = static_cast<std::uint16_t>(bytes_.size() - position);
  std::memcpy(bytes_.data() + position, &length, sizeof(length));
  return *this;
}

bool Request::is_dump() const {
  return (read_as<nlmsghdr>(bytes_)->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

ByteView Request::finish(std::uint32_t sequence) {
  auto header = *read_as<nlmsghdr>(bytes_);
  header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof(header));
  return bytes_;
}

void Socket::Closer::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

Result<Socket> Socket::open(int protocol, std::chrono::milliseconds timeout) {
  Socket socket;
  socket.protocol_ = protocol;
  socket.timeout_ = timeout;
  socket.options_ = {NETLINK_EXT_ACK, NETLINK_CAP_ACK};
  socket.buffer_.resize(receive_buffer_bytes);
  if (auto opened = socket.reopen(); !opened)
    return std::move(opened).error();
  return socket;
}

Status Socket::reopen() {
  socket_.reset(mnl_socket_open2(protocol_, SOCK_CLOEXEC));
  if (!socket_)
    return system_error("opening a netlink socket", errno);
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0)
    return system_error("binding a netlink socket", errno);
  for (int option : options_) {
    int on = 1; // older kernels lack some of them: answers then come without their benefit
    mnl_socket_setsockopt(socket_.get(), option, &on, sizeof(on));
  }
  clean_ = true;
  return Done{};
}

Status Socket::enable(int option) {
  int on = 1;
  if (mnl_socket_setsockopt(socket_.get(), option, &on, sizeof(on)) < 0)
    return system_error("setting an option of a netlink socket", errno);
  options_.push_back(option);
  return Done{};
}

Result<std::uint32_t> Socket::send(Request& request, std::string_view doing) {
  if (!clean_ || !socket_)
    if (auto opened = reopen(); !opened)
      return std::move(opened).error();
  clean_ = false;
  const std::uint32_t sequence = ++sequence_;
  const ByteView bytes = request.finish(sequence);
  if (mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size()) < 0)
    return system_error(doing, errno);
  return sequence;
}

Status Socket::exchange(Request& request, std::string_view doing, const MessageHandler& handler) {
  SYNFATE_TRY(sequence, send(request, doing));
  return receive(sequence, doing, handler, {});
}

Status Socket::exchange_whole(Request& request, std::string_view doing,
                              const DatagramHandler& handler) {
  SYNFATE_TRY(sequence, send(request, doing));
  return receive(sequence, doing, [](const Message&) { return true; }, handler);
}

Status Socket::wait(std::chrono::steady_clock::time_point deadline, std::string_view doing) const {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ready{mnl_socket_get_fd(socket_.get()), POLLIN, 0};
    const int count = poll(&ready, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    // A long dump has always more to tell: it ends here as well.
    const bool late = std::chrono::steady_clock::now() >= deadline;
    if (count > 0 && !late)
      return Done{};
    if (count == 0 || (count > 0 && late))
      return Error{ErrorCode::timed_out,
                   std::string(doing),
                   "netlink",
                   0,
                   "the kernel did not answer in time",
                   {}};
    if (errno != EINTR)
      return system_error(doing, errno);
  }
}

namespace {

/// What one answer has come to so far.
struct Answer {
  std::uint32_t sequence;
  std::string_view doing;
  const MessageHandler& handler;
  bool finished = false; ///< the kernel has said so
  bool wanted = true;    ///< the handler wants more
  ByteView told;         ///< of the datagram at hand: the messages before the one that ends it
  bool inconsistent = false;
  std::optional<Error> failure;

  bool see(const Message& message) {
    if (message.sequence != sequence)
      return true; // left over from an earlier question
    inconsistent = inconsistent || (message.flags & NLM_F_DUMP_INTR) != 0;
    if (message.type == NLMSG_ERROR || message.type == NLMSG_DONE)
      return conclude(message);
    if (message.type == NLMSG_OVERRUN) {
      failure = system_error(doing, ENOBUFS);
      return true;
    }
    if (message.type < NLMSG_MIN_TYPE)
      return wanted;
    const std::byte* begin = told.empty() ? message.payload.data() - sizeof(nlmsghdr) : told.data();
    told = ByteView(begin, message.payload.data() + message.payload.size());
    wanted = handler(message);
    return wanted;
  }

  bool conclude(const Message& message) {
    finished = true;
    const auto verdict = parse_verdict(message);
    if (!verdict)
      return false; // old families end a dump without a number
    if (verdict->os_error != 0)
      failure = system_error(doing, verdict->os_error, verdict->text);
    return false;
  }
};

} // namespace

Status Socket::receive(std::uint32_t sequence, std::string_view doing,
                       const MessageHandler& handler, const DatagramHandler& whole) {
  const auto deadline = std::chrono::steady_clock::now() + timeout_;
  Answer answer{sequence, doing, handler, false, true, {}, false, std::nullopt};
  while (!answer.finished && answer.wanted) {
    if (auto ready = wait(deadline, doing); !ready)
      return ready;
    const auto size = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0) // ENOBUFS: messages were lost; ENOSPC: libmnl's word for a truncated one
      return system_error(doing, errno);
    answer.told = {};
    for_each_message(ByteView(buffer_.data(), static_cast<std::size_t>(size)),
                     [&](const Message& message) { return answer.see(message); });
    if (whole && !answer.told.empty())
      whole(answer.told);
  }
  clean_ = answer.finished;
  if (answer.failure)
    return std::move(*answer.failure);
  if (answer.inconsistent)
    return Error{ErrorCode::interrupted,
                 std::string(doing),
                 "netlink",
                 EINTR,
                 "the table changed while it was read",
                 {}};
  return Done{};
}

} // namespace synfate::netlink
