#include "platform/linux/sockets/unix_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include "platform/linux/sockets/socket_words.h"
#include "platform/linux/sockets/unix_words.h"

namespace synfate {

namespace {

constexpr std::uint16_t attribute_uid = 7; // UNIX_DIAG_UID, since 5.3
constexpr std::uint32_t show_uid = 0x40;   // UDIAG_SHOW_UID
constexpr std::uint32_t show_everything = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
                                          UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO | show_uid;

netlink::Request request_of(std::uint16_t flags, std::uint32_t states, std::uint32_t inode) {
  unix_diag_req header{};
  header.sdiag_family = AF_UNIX;
  header.udiag_states = states;
  header.udiag_ino = inode;
  header.udiag_show = show_everything;
  header.udiag_cookie[0] = header.udiag_cookie[1] = INET_DIAG_NOCOOKIE;
  netlink::Request request(SOCK_DIAG_BY_FAMILY, flags);
  request.append(header);
  return request;
}

std::string_view state_word_of(std::uint8_t state) {
  if (state == static_cast<std::uint8_t>(SocketState::listen))
    return "listen";
  return state == static_cast<std::uint8_t>(SocketState::established) ? "connected" : "unconnected";
}

void put_name(UnixSocket& socket, netlink::ByteView bytes) {
  std::string_view name(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (name.empty())
    return;
  socket.abstract = name.front() == '\0';
  if (name.front() == '\0')
    name.remove_prefix(1);
  else
    name = name.substr(0, name.find('\0'));
  socket.path = Text(name);
}

void put_file(UnixSocket& socket, netlink::ByteView bytes) {
  const auto file = netlink::read_as<unix_diag_vfs>(bytes);
  if (!file)
    return;
  constexpr unsigned minor_bits = 20; // include/linux/kdev_t.h
  socket.file_inode = file->udiag_vfs_ino;
  socket.file_device = static_cast<Int>(
      makedev(file->udiag_vfs_dev >> minor_bits, file->udiag_vfs_dev & ((1U << minor_bits) - 1)));
}

void put_queue(UnixSocket& socket, netlink::ByteView bytes) {
  const auto queue = netlink::read_as<unix_diag_rqlen>(bytes);
  if (!queue)
    return;
  socket.queue = queue->udiag_rqueue;
  if (socket.state.is("listen"))
    socket.queue_limit = queue->udiag_wqueue;
}

void put_drops(UnixSocket& socket, netlink::ByteView bytes) {
  constexpr std::size_t start = SK_MEMINFO_DROPS * sizeof(std::uint32_t);
  if (start > bytes.size())
    return;
  if (const auto drops = netlink::read_as<std::uint32_t>(bytes.subspan(start)))
    socket.drops = *drops;
}

void put_attribute(UnixSocket& socket, const netlink::Attribute& attribute) {
  switch (attribute.type) {
  case UNIX_DIAG_NAME:
    return put_name(socket, attribute.payload);
  case UNIX_DIAG_VFS:
    return put_file(socket, attribute.payload);
  case UNIX_DIAG_RQLEN:
    return put_queue(socket, attribute.payload);
  case UNIX_DIAG_MEMINFO:
    return put_drops(socket, attribute.payload);
  case UNIX_DIAG_PEER:
    if (const auto inode = attribute.as<std::uint32_t>(); inode && *inode != 0)
      socket.peer_inode = *inode;
    return;
  case attribute_uid:
    if (const auto uid = attribute.as<std::uint32_t>())
      socket.uid = *uid;
    return;
  default: // the kernel's numbers, not ours: what we do not show
    return;
  }
}

} // namespace

netlink::Request unix_dump_request(std::uint32_t states) {
  return request_of(NLM_F_DUMP, states, 0);
}
netlink::Request unix_inode_request(std::uint32_t inode) {
  return request_of(0, all_states, inode);
}

std::uint32_t unix_states_of(std::string_view word) {
  if (word.empty())
    return all_states;
  if (word == "listen")
    return state_bit(SocketState::listen);
  if (word == "connected")
    return state_bit(SocketState::established);
  constexpr std::uint32_t others =
      all_states & ~(state_bit(SocketState::listen) | state_bit(SocketState::established));
  return word == "unconnected" ? others : 0;
}

std::optional<UnixSocket> parse_unix_diag(const netlink::Message& message) {
  const auto header = message.header<unix_diag_msg>();
  if (!header || header->udiag_family != AF_UNIX)
    return std::nullopt;
  UnixSocket socket;
  socket.inode = header->udiag_ino;
  socket.cookie =
      static_cast<Int>(header->udiag_cookie[0] | (std::uint64_t{header->udiag_cookie[1]} << 32));
  if (const auto word = unix_type_word(header->udiag_type); !word.empty())
    socket.type = Text(word);
  socket.state = Text(state_word_of(header->udiag_state));
  for (const auto& attribute : message.attributes(sizeof(unix_diag_msg)))
    put_attribute(socket, attribute);
  socket.read_from = Text("sock_diag");
  return socket;
}

} // namespace synfate
