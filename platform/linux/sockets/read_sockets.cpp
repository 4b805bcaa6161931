// Follows the dumps of net/ipv4/inet_diag.c and udp_diag.c (Linux 6.12): a dump for LISTEN alone
// walks only the listeners' table; any other state walks every connection of the host, so what can
// be filtered is filtered there. Listeners and UDP sockets are numbered per port and family in the
// order of the dump, which is that of the kernel's list, the newest bind first (__inet_hash();
// sk_add_node_rcu() in udp_lib_get_port(); IPv6 sockets with SO_REUSEPORT go to its end): for that
// every one of the port is read, whatever else is asked for.
#include "platform/linux/sockets/read_sockets.h"

#include <charconv>
#include <map>
#include <set>
#include <utility>

#include <linux/netlink.h>
#include <net/if.h>

#include "platform/linux/file.h"
#include "platform/linux/netlink.h"
#include "platform/linux/privilege.h"
#include "platform/linux/sockets/inet_diag.h"
#include "platform/linux/sockets/proc_net.h"

namespace synfate {

namespace {

constexpr int attempts = 3;
constexpr std::string_view gap_bound = "sockets.bound";
constexpr std::string_view gap_unread = "sockets."; // and the protocol

template <typename T> bool may_hold(const std::optional<T>& wanted, const Fact<T>& cell) {
  return !wanted || cell.unknown() || cell.is(*wanted);
}

bool may_match(const SocketQuery& query, const Socket& socket) {
  return may_hold(query.proto, socket.proto) && may_hold(query.state, socket.state) &&
         may_hold(query.local_address, socket.local_address) &&
         may_hold(query.remote_address, socket.remote_address) &&
         may_hold(query.local_port, socket.local_port) &&
         may_hold(query.remote_port, socket.remote_port) &&
         may_hold(query.interface_index, socket.interface_index) &&
         may_hold(query.inode, socket.inode) && may_hold(query.cookie, socket.cookie);
}

/// A port that no socket can have answers itself.
bool possible(const std::optional<Int>& port) {
  return !port || (*port >= 0 && *port <= 65535);
}

std::optional<std::uint16_t> port_of(const std::optional<Int>& port) {
  return port ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

/// An interface or inode of 0 in a query means none: not something to filter for.
bool asks_unique_inode(const SocketQuery& query) {
  return query.inode && *query.inode != 0;
}

bool asks_family(const SocketQuery& query, IpFamily family) {
  return (!query.local_address || query.local_address->family() == family) &&
         (!query.remote_address || query.remote_address->family() == family);
}

/// Reads one query; lives for one call of read_sockets.
class SocketReader {
public:
  /// `inodes`: if there is one, of what the kernel tells itself these are all that is wanted.
  SocketReader(const SocketQuery& query, const SocketSource& source,
               const Delivery<Socket>& receiver, const std::function<void(Int)>* inodes = nullptr)
      : query_(query), source_(source), receiver_(receiver), inodes_(inodes),
        deadline_(std::chrono::steady_clock::now() + source.timeout) {}

  void read() {
    if (!possible(query_.local_port) || !possible(query_.remote_port))
      return;
    if (source_.sock_diag)
      open();
    else
      refusal_ = "sock_diag is switched off";
    for (const auto& protocol : socket_protocols())
      if ((!query_.proto || *query_.proto == protocol.name) && wanted_)
        read_protocol(protocol);
  }

private:
  void open() {
    auto opened = netlink::Socket::open(NETLINK_SOCK_DIAG, source_.timeout);
    if (opened)
      netlink_ = std::move(*opened);
    else
      refusal_ = to_string(opened.error());
  }

  std::uint32_t states(const SocketProtocol& protocol) const {
    return query_.state ? states_of(protocol, *query_.state) : all_states;
  }

  void read_protocol(const SocketProtocol& protocol) {
    if (states(protocol) == 0 || !built(protocol))
      return;
    if (!netlink_) {
      read_files(protocol, refusal_);
      return;
    }
    bound_seen_ = false;
    const std::uint32_t listeners = state_bit(SocketState::listen);
    if (asks_unique_inode(query_) && protocol.connections && (states(protocol) & listeners) != 0)
      dump_families(protocol, listeners); // mostly it is a listener's: spare the connections
    if (wanted_ && !dump_families(protocol, states(protocol)))
      return;
    if (!release_at_least(source_.release, 6, 8))
      report_bound(protocol, "this kernel does not list them (6.8 and later do)");
  }

  /// True for a dump of nothing but lists that the kernel searches from their front.
  static bool is_list(const SocketProtocol& protocol, std::uint32_t states) {
    return !protocol.connections || states == state_bit(SocketState::listen);
  }

  /// The position in the kernel's list, if every socket of the list is in the dump.
  void put_order(const SocketProtocol& protocol, const InetFilter& filter, Socket& socket) {
    const bool in_list = protocol.connections ? socket.state.is("listen") : protocol.name != "raw";
    const bool whole = !filter.remote_port && !filter.local_address && !filter.remote_address &&
                       !filter.interface_index;
    if (in_list && whole && socket.local_port.known() && socket.local_address.known())
      socket.bind_order =
          order_[{socket.local_address.value().family(), socket.local_port.value()}]++;
  }

  /// MPTCP is asked only where the kernel has it: asking may load a module.
  bool built(const SocketProtocol& protocol) const {
    return protocol.name != "mptcp" || file_exists(source_.root + "/proc/sys/net/mptcp");
  }

  bool dump_families(const SocketProtocol& protocol, std::uint32_t states) {
    const bool walks_connections = (states & ~state_bit(SocketState::listen)) != 0;
    if (protocol.name == "tcp" && walks_connections && asks_family(query_, IpFamily::v4) &&
        asks_family(query_, IpFamily::v6) && dump(protocol, std::nullopt, states))
      return true;
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
      if (!asks_family(query_, family) || !wanted_)
        continue;
      if (const auto status = dump(protocol, family, states); !status) {
        read_files(protocol, to_string(status.error()));
        return false;
      }
    }
    return true;
  }

  /// Connections that wait for accept() have no inode, and few have none: of many thousands only
  /// those are read with all that the kernel tells.
  bool asks_waiting(const SocketProtocol& protocol, std::uint32_t states) const {
    return protocol.name == "tcp" && query_.inode == 0 && !is_list(protocol, states);
  }

  InetDump dump_of(const SocketProtocol& protocol, std::optional<IpFamily> family,
                   std::uint32_t states) const {
    InetDump dump{
        &protocol, family, states, {}, inodes_ != nullptr || asks_waiting(protocol, states)};
    dump.filter.local_port = port_of(query_.local_port);
    if (!protocol.connections && inodes_ == nullptr)
      dump.states = all_states;
    if (is_list(protocol, dump.states)) // the order of binding needs all sockets of the port
      return dump;
    dump.filter.remote_port = port_of(query_.remote_port);
    dump.filter.local_address = query_.local_address;
    dump.filter.remote_address = query_.remote_address;
    if (query_.interface_index && *query_.interface_index > 0)
      dump.filter.interface_index = static_cast<std::uint32_t>(*query_.interface_index);
    return dump;
  }

  Status dump(const SocketProtocol& protocol, std::optional<IpFamily> family,
              std::uint32_t states) {
    const InetDump wanted = dump_of(protocol, family, states);
    auto request = inet_dump_request(wanted);
    Status status = Done{};
    std::vector<Socket> waiting;
    for (int attempt = 0; attempt < attempts; ++attempt) {
      order_.clear();
      waiting.clear();
      status = netlink_->exchange(request, "reading the sockets", [&](const auto& message) {
        if (inodes_ != nullptr) {
          if (const Int inode = inode_in(message); inode != 0)
            (*inodes_)(inode);
          return true;
        }
        if (wanted.bare) {
          if (auto socket =
                  inode_in(message) == 0 ? parse_inet_diag(message, protocol) : std::nullopt)
            waiting.push_back(std::move(*socket));
          return true;
        }
        if (auto socket = parse_inet_diag(message, protocol)) {
          put_order(protocol, wanted.filter, *socket);
          deliver(std::move(*socket));
        }
        return wanted_;
      });
      if (status || status.error().code != ErrorCode::interrupted)
        break;
    }
    for (const auto& socket : waiting)
      if (status && wanted_)
        status = read_whole(protocol, socket);
    return status;
  }

  /// One connection once more, with all its attributes; it may have been accepted or ended since.
  Status read_whole(const SocketProtocol& protocol, const Socket& found) {
    const auto port = [](const Fact<Int>& number) {
      return static_cast<std::uint16_t>(number.value_or(0));
    };
    auto request = inet_lookup_request(
        {&protocol, found.local_address.value_or(IpAddress()), port(found.local_port),
         found.remote_address.value_or(IpAddress()), port(found.remote_port),
         static_cast<std::uint32_t>(found.interface_index.value_or(0))});
    const Status status =
        netlink_->exchange(request, "reading a connection that waits", [&](const auto& message) {
          if (auto socket = parse_inet_diag(message, protocol);
              socket && socket->cookie == found.cookie)
            deliver(std::move(*socket));
          return wanted_;
        });
    return !status && status.error().code == ErrorCode::not_found ? Status(Done{}) : status;
  }

  void deliver(Socket socket) {
    bound_seen_ = bound_seen_ || socket.state.is("bound");
    if (!may_match(query_, socket))
      return;
    options_hidden_ = options_hidden_ || socket.mark.gap() == gap_socket_options;
    socket.netns = source_.netns;
    put_interface_name(socket);
    report_options();
    if (stand_in_ != nullptr)
      report_files(*stand_in_);
    wanted_ = receiver_.row(socket);
    if (asks_unique_inode(query_) && socket.inode.is(*query_.inode))
      wanted_ = false; // an inode is one socket's
  }

  void put_interface_name(Socket& socket) const {
    char name[IF_NAMESIZE];
    if (socket.interface_index.known() &&
        if_indextoname(static_cast<unsigned>(socket.interface_index.value()), name) != nullptr)
      socket.interface = Text(name);
  }

  void read_files(const SocketProtocol& protocol, const std::string& why) {
    if (protocol.file.empty())
      return report_unread(protocol, why);
    bool any = false;
    stand_in_ = &why;
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
      if (asks_family(query_, family))
        any = read_file_of(protocol, family, why) || any;
    stand_in_ = nullptr;
    bound_seen_ = false;
    if (any)
      report_bound(protocol, "the files of /proc do not list them");
  }

  /// A file that is missing where /proc is mounted: the kernel lacks the protocol.
  bool read_file_of(const SocketProtocol& protocol, IpFamily family, const std::string& why) {
    const std::string folder = source_.root + "/proc/thread-self/net/";
    const std::string file = std::string(protocol.file) + (family == IpFamily::v6 ? "6" : "");
    order_.clear();
    bool in_time = true;
    const auto read = read_lines(folder + file, [&](std::string_view line) {
      in_time = std::chrono::steady_clock::now() < deadline_;
      return in_time && take_line(line, protocol, file);
    });
    if (!read && read.error().code == ErrorCode::not_found && file_exists(folder + "dev"))
      return false;
    if (!read || !in_time) {
      report_unread(protocol, why + "; " +
                                  (read ? "the time was over before " + file + " was read"
                                        : to_string(read.error())));
      return read.ok();
    }
    return true;
  }

  /// False once nothing more is wanted. tcp_seq_next() gives the listeners first, then the
  /// connections, which may be very many (net/ipv4/tcp_ipv4.c, Linux 6.12).
  bool take_line(std::string_view line, const SocketProtocol& protocol, std::string_view file) {
    auto socket = parse_proc_net_line(line, protocol, file);
    if (!socket)
      return true;
    const bool past_listeners = protocol.connections && !socket->state.is("listen");
    if (past_listeners && query_.state && *query_.state == "listen")
      return false;
    put_order(protocol, {}, *socket);
    deliver(std::move(*socket));
    return wanted_;
  }

  void report(const Gap& gap) {
    if (reported_.insert(gap.id).second)
      receiver_.gap(gap);
  }

  void report_files(const std::string& why) {
    report({Text(gap_sock_diag), "details of sockets",
            "the kernel's socket diagnosis (sock_diag) cannot be used: " + why,
            "it cannot be told whether an IPv6 listener serves IPv4, which interface a "
            "socket is bound to, how long its accept queue is, and which sockets are bound "
            "without listening",
            "load the modules inet_diag, tcp_diag, udp_diag and unix_diag, or allow netlink "
            "sockets (RestrictAddressFamilies=, seccomp)"});
  }

  void report_unread(const SocketProtocol& protocol, const std::string& why) {
    report({Text(gap_unread) + Text(protocol.name), "the " + Text(protocol.name) + " sockets", why,
            "nothing is known about who listens", "run it where /proc is mounted, or as root"});
  }

  void report_options() {
    if (!options_hidden_)
      return;
    report({Text(gap_socket_options), "marks, TCP-MD5 peers and upper layers of sockets",
            "the kernel shows them only with CAP_NET_ADMIN",
            "a listener that demands signed segments looks like any other",
            remedy_with("CAP_NET_ADMIN")});
  }

  void report_bound(const SocketProtocol& protocol, std::string_view why) {
    const std::uint32_t bound = state_bit(SocketState::bound_inactive);
    if (protocol.name != "tcp" || (states(protocol) & bound) == 0 || bound_seen_)
      return;
    report({Text(gap_bound), "TCP sockets that are bound and do not listen", Text(why),
            "a program that holds the port without listening cannot be seen",
            "look for it in the service's start-up log"});
  }

  const SocketQuery& query_;
  const SocketSource& source_;
  const Delivery<Socket>& receiver_;
  const std::function<void(Int)>* inodes_;
  std::optional<netlink::Socket> netlink_;
  std::chrono::steady_clock::time_point deadline_;
  std::string refusal_;
  const std::string* stand_in_ = nullptr;         ///< why a file of /proc is read; null: none is
  std::map<std::pair<IpFamily, Int>, Int> order_; ///< sockets seen so far, by family and port
  bool wanted_ = true;
  bool bound_seen_ = false;
  bool options_hidden_ = false;
  std::set<std::string> reported_; ///< ids of gaps
};

} // namespace

void read_sockets(const SocketQuery& query, const SocketSource& source,
                  const Delivery<Socket>& receiver) {
  SocketReader(query, source, receiver).read();
}

void read_socket_inodes(const SocketQuery& query, const SocketSource& source,
                        const std::function<void(Int)>& receiver) {
  const Delivery<Socket> of_files{[&](const Socket& socket) {
                                    if (const Int inode = socket.inode.value_or(0); inode != 0)
                                      receiver(inode);
                                    return true;
                                  },
                                  [](const Gap&) {}};
  SocketReader(query, source, of_files, &receiver).read();
}

bool release_at_least(std::string_view release, int major, int minor) {
  int found_major = 0, found_minor = 0;
  const char* end = release.data() + release.size();
  const auto [dot, error] = std::from_chars(release.data(), end, found_major);
  if (error != std::errc() || dot == end || *dot != '.')
    return false;
  if (std::from_chars(dot + 1, end, found_minor).ec != std::errc())
    return false;
  return found_major > major || (found_major == major && found_minor >= minor);
}

} // namespace synfate
