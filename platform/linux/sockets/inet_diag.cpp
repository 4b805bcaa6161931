#include "platform/linux/sockets/inet_diag.h"

#include <array>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>

namespace synfate {

namespace {

// Younger than the oldest headers we build with; numbers of include/uapi/linux/inet_diag.h.
constexpr std::uint16_t attribute_cgroup_id = 21;
constexpr std::uint16_t attribute_socket_options = 22;
constexpr std::uint16_t request_protocol = 3;

constexpr std::uint8_t extension(unsigned attribute) {
  return static_cast<std::uint8_t>(1U << (attribute - 1));
}

std::uint8_t extensions_of(const SocketProtocol& protocol) {
  std::uint8_t wanted = extension(INET_DIAG_SKMEMINFO);
  if (protocol.name == "tcp") // INFO brings MD5SIG and ULP_INFO along, for listeners too
    wanted |= extension(INET_DIAG_INFO);
  return wanted;
}

netlink::Request request_of(const SocketProtocol& protocol, IpFamily family, std::uint16_t flags,
                            std::uint32_t states, const inet_diag_sockid& id, bool bare = false) {
  inet_diag_req_v2 header{};
  header.sdiag_family = family == IpFamily::v4 ? AF_INET : AF_INET6;
  header.sdiag_protocol = protocol.number <= UINT8_MAX ? static_cast<__u8>(protocol.number) : 0;
  header.idiag_ext = bare ? 0 : extensions_of(protocol);
  header.idiag_states = states;
  header.id = id;
  netlink::Request request(SOCK_DIAG_BY_FAMILY, flags);
  request.append(header);
  if (protocol.number > UINT8_MAX)
    request.attribute(request_protocol, protocol.number);
  return request;
}

/// inet_diag_dump_icsk() compares ports (0: any) before it runs the filter's program, which takes
/// twice the time of a whole walk.
inet_diag_sockid ports_of(const InetFilter& filter) {
  inet_diag_sockid id{};
  id.idiag_sport = htons(filter.local_port.value_or(0));
  return id;
}

/// The older request, for TCP alone: it walks the connections once for both families, where the
/// newer one walks them for each (inet_diag_dump_compat(): sdiag_family = AF_UNSPEC).
netlink::Request both_families_request(const InetDump& dump) {
  inet_diag_req header{};
  header.id = ports_of(dump.filter);
  header.idiag_family = AF_INET;
  header.idiag_ext = dump.bare ? 0 : extensions_of(*dump.protocol);
  header.idiag_states = dump.states;
  netlink::Request request(TCPDIAG_GETSOCK, NLM_F_DUMP);
  request.append(header);
  return request;
}

void put_address(__be32 (&words)[4], const IpAddress& address) {
  const auto bytes = address.bytes();
  std::memcpy(words, bytes.data(), bytes.size());
}

IpAddress address_of(std::uint8_t family, const __be32 (&words)[4]) {
  const auto bytes = std::as_bytes(std::span(words));
  return family == AF_INET ? IpAddress::v4(bytes.first<4>()) : IpAddress::v6(bytes.first<16>());
}

Text text_of(std::string_view word) {
  return Text(word);
}

void put_peer(Socket& socket, const inet_diag_msg& header) {
  const IpAddress remote = address_of(header.idiag_family, header.id.idiag_dst);
  const bool connected = header.id.idiag_dport != 0 || !remote.is_unspecified();
  if (!connected)
    return;
  socket.remote_address = remote;
  socket.remote_port = ntohs(header.id.idiag_dport);
}

void put_queues(Socket& socket, const inet_diag_msg& header) {
  if (header.idiag_state == static_cast<std::uint8_t>(SocketState::listen)) {
    socket.accept_queue = header.idiag_rqueue;
    socket.accept_queue_limit = header.idiag_wqueue;
    return;
  }
  socket.receive_queue = header.idiag_rqueue;
  socket.send_queue = header.idiag_wqueue;
}

/// TIME_WAIT and half-open connections are no full sockets: their user is filled in as 0.
bool is_stub(const inet_diag_msg& header) {
  constexpr std::uint8_t time_wait_timer = 3;
  return header.idiag_timer == time_wait_timer ||
         (header.idiag_state == static_cast<std::uint8_t>(SocketState::syn_recv) &&
          header.idiag_inode == 0);
}

void put_timer(Socket& socket, const inet_diag_msg& header) {
  const auto word = timer_word(header.idiag_timer);
  if (word.empty())
    return;
  socket.timer = text_of(word);
  socket.timer_ms = header.idiag_expires;
  socket.retransmits = header.idiag_retrans;
}

void put_header(Socket& socket, const inet_diag_msg& header, const SocketProtocol& protocol) {
  socket.proto = text_of(protocol.name);
  if (const auto word = state_word(protocol, header.idiag_state); !word.empty())
    socket.state = text_of(word);
  socket.local_address = address_of(header.idiag_family, header.id.idiag_src);
  socket.local_port = ntohs(header.id.idiag_sport);
  put_peer(socket, header);
  if (header.id.idiag_if != 0)
    socket.interface_index = header.id.idiag_if;
  socket.inode = header.idiag_inode;
  socket.cookie = static_cast<Int>(header.id.idiag_cookie[0] |
                                   (std::uint64_t{header.id.idiag_cookie[1]} << 32));
  if (!is_stub(header))
    socket.uid = header.idiag_uid;
  put_queues(socket, header);
  put_timer(socket, header);
  socket.read_from = text_of("sock_diag");
}

void put_memory(Socket& socket, const netlink::Attribute& attribute) {
  const auto word = [&](unsigned position) {
    const std::size_t start = position * sizeof(std::uint32_t);
    return start < attribute.payload.size()
               ? netlink::read_as<std::uint32_t>(attribute.payload.subspan(start))
               : std::nullopt;
  };
  if (const auto value = word(SK_MEMINFO_RMEM_ALLOC))
    socket.receive_memory = *value;
  if (const auto value = word(SK_MEMINFO_RCVBUF))
    socket.receive_buffer = *value;
  if (const auto value = word(SK_MEMINFO_DROPS))
    socket.drops = *value;
}

/// tcp_info grows with kernels: only what the message covers counts.
void put_idle(Socket& socket, const netlink::Attribute& attribute) {
  constexpr std::size_t start = offsetof(tcp_info, tcpi_last_data_recv);
  if (socket.state.is("listen") || start > attribute.payload.size())
    return;
  if (const auto value = netlink::read_as<std::uint32_t>(attribute.payload.subspan(start)))
    socket.idle_ms = *value;
}

void put_upper_layer(Socket& socket, const netlink::Attribute& attribute) {
  const auto name = netlink::Attributes(attribute.payload).find(INET_ULP_INFO_NAME);
  if (name && !name->text().empty())
    socket.upper_layer = text_of(name->text());
}

/// An array of struct tcp_diag_md5sig; its key bytes are left alone.
void put_signers(Socket& socket, const netlink::Attribute& attribute) {
  Text peers;
  auto rest = attribute.payload;
  for (; rest.size() >= sizeof(tcp_diag_md5sig); rest = rest.subspan(sizeof(tcp_diag_md5sig))) {
    const auto family = std::to_integer<std::uint8_t>(rest[offsetof(tcp_diag_md5sig, tcpm_family)]);
    const auto length =
        std::to_integer<std::uint8_t>(rest[offsetof(tcp_diag_md5sig, tcpm_prefixlen)]);
    const auto address = IpAddress::from_bytes(
        rest.subspan(offsetof(tcp_diag_md5sig, tcpm_addr), family == AF_INET ? 4 : 16));
    if (address)
      peers.append(peers.empty() ? "" : " ").append(IpPrefix(*address, length).to_string());
  }
  if (!peers.empty())
    socket.md5_peers = std::move(peers);
}

/// Bit-fields of struct inet_diag_sockopt, first byte: freebind is bit 2, transparent bit 5.
void put_options(Socket& socket, const netlink::Attribute& attribute) {
  const auto bits = attribute.u8();
  if (!bits)
    return;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  constexpr unsigned freebind = 1U << 2, transparent = 1U << 5;
#else
  constexpr unsigned freebind = 1U << 5, transparent = 1U << 2;
#endif
  socket.freebind = (*bits & freebind) != 0;
  socket.transparent = (*bits & transparent) != 0;
}

void put_attribute(Socket& socket, const netlink::Attribute& attribute) {
  switch (attribute.type) {
  case INET_DIAG_SKMEMINFO:
    return put_memory(socket, attribute);
  case INET_DIAG_INFO:
    return put_idle(socket, attribute);
  case INET_DIAG_SKV6ONLY:
    if (const auto value = attribute.u8())
      socket.v6only = *value != 0;
    return;
  case INET_DIAG_MARK:
    if (const auto value = attribute.as<std::uint32_t>())
      socket.mark = *value;
    return;
  case INET_DIAG_MD5SIG:
    return put_signers(socket, attribute);
  case INET_DIAG_ULP_INFO:
    return put_upper_layer(socket, attribute);
  case attribute_cgroup_id:
    if (const auto value = attribute.as<std::uint64_t>())
      socket.cgroup_id = static_cast<Int>(*value);
    return;
  case attribute_socket_options:
    return put_options(socket, attribute);
  default: // the kernel's numbers, not ours: what we do not show
    return;
  }
}

} // namespace

netlink::Request inet_dump_request(const InetDump& dump) {
  auto request = dump.family ? request_of(*dump.protocol, *dump.family, NLM_F_DUMP, dump.states,
                                          ports_of(dump.filter), dump.bare)
                             : both_families_request(dump);
  const auto program = inet_bytecode(dump.filter);
  if (!program.empty())
    request.attribute(INET_DIAG_REQ_BYTECODE, netlink::ByteView(program));
  return request;
}

netlink::Request inet_lookup_request(const InetTuple& tuple) {
  inet_diag_sockid id{};
  id.idiag_if = tuple.interface_index;
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  const bool swapped = !tuple.protocol->connections; // udp_dump_one() and raw_lookup(): "for
                                                     // historical reasons" source is the client
  put_address(id.idiag_src, swapped ? tuple.remote_address : tuple.local_address);
  put_address(id.idiag_dst, swapped ? tuple.local_address : tuple.remote_address);
  id.idiag_sport = htons(swapped ? tuple.remote_port : tuple.local_port);
  id.idiag_dport = htons(swapped ? tuple.local_port : tuple.remote_port);
  return request_of(*tuple.protocol, tuple.local_address.family(), 0, all_states, id);
}

std::uint32_t inode_in(const netlink::Message& message) {
  const auto header = message.header<inet_diag_msg>();
  return header ? header->idiag_inode : 0;
}

std::optional<Socket> parse_inet_diag(const netlink::Message& message,
                                      const SocketProtocol& protocol) {
  const auto header = message.header<inet_diag_msg>();
  if (!header || (header->idiag_family != AF_INET && header->idiag_family != AF_INET6))
    return std::nullopt;
  Socket socket;
  put_header(socket, *header, protocol);
  for (const auto& attribute : message.attributes(sizeof(inet_diag_msg)))
    put_attribute(socket, attribute);
  if (!socket.mark.known()) {
    socket.mark = Unknown{Text(gap_socket_options)};
    if (protocol.name == "tcp") {
      socket.md5_peers = Unknown{Text(gap_socket_options)};
      socket.upper_layer = Unknown{Text(gap_socket_options)};
    }
  }
  return socket;
}

} // namespace synfate
