// Sockets as tables: `socket`, `unix_socket`, `socket_lookup`. See platform/linux/sockets.
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/utsname.h>

#include "core/plugin/sdk_rows.h"
#include "platform/linux/processes/unhashed.h"
#include "platform/linux/sockets/inet_diag.h"
#include "platform/linux/sockets/read_sockets.h"

namespace synfate {

namespace {

std::optional<std::string> text_key(const sdk::Collection& collection, std::string_view column) {
  const auto text = collection.text_key(column);
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

SocketSource source_of(const sdk::Collection& collection) {
  SocketSource source;
  source.netns = collection.netns();
  source.root = collection.root();
  source.sock_diag = collection.parameter("sock_diag").value_or("on") != "off";
  utsname names{};
  if (uname(&names) == 0)
    source.release = names.release;
  source.timeout =
      std::chrono::milliseconds(std::max<std::int64_t>(collection.milliseconds_left(), 0));
  return source;
}

template <typename Row> Delivery<Row> receiver_of(sdk::Collection& collection) {
  return {[&collection](const Row& row) { return sdk::put(collection, row); },
          [&collection](const Gap& gap) { sdk::report(collection, gap); }};
}

SocketQuery socket_query_of(const sdk::Collection& collection) {
  SocketQuery query;
  query.proto = text_key(collection, "proto");
  query.state = text_key(collection, "state");
  query.local_address = sdk::address_key(collection, "local_address");
  query.remote_address = sdk::address_key(collection, "remote_address");
  query.local_port = collection.integer_key("local_port");
  query.remote_port = collection.integer_key("remote_port");
  query.interface_index = collection.integer_key("interface_index");
  query.inode = collection.integer_key("inode");
  query.cookie = collection.integer_key("cookie");
  return query;
}

UnixSocketQuery unix_query_of(const sdk::Collection& collection) {
  return {text_key(collection, "state"), text_key(collection, "path"),
          collection.integer_key("inode")};
}

SocketLookup lookup_of(const sdk::Collection& collection) {
  SocketLookup asked;
  const auto put = [&](auto& cell, auto key) {
    if (key)
      cell = *key;
  };
  put(asked.proto, text_key(collection, "proto"));
  put(asked.local_address, sdk::address_key(collection, "local_address"));
  put(asked.local_port, collection.integer_key("local_port"));
  put(asked.remote_address, sdk::address_key(collection, "remote_address"));
  put(asked.remote_port, collection.integer_key("remote_port"));
  put(asked.interface_index, collection.integer_key("interface_index"));
  return asked;
}

/// The TCP sockets of one port, kept from the question for those that are only bound: for it the
/// kernel walks every connection of the host anyway, and the other states are asked for next.
class PortSockets {
public:
  void read(const SocketQuery& query, const SocketSource& source,
            const Delivery<Socket>& receiver) {
    if (!asks_state_of_port(query))
      return read_sockets(query, source, receiver);
    // Among that many the rules ask for no other state where nothing listens.
    constexpr std::int64_t many = 200'000;
    if (*query.state == "bound" && source.sock_diag && release_at_least(source.release, 6, 8) &&
        all_tcp_sockets_hashed(source.root, many))
      return;
    if (*query.state == "bound")
      return read_all(query, source, receiver);
    if (!kept_ || port_ != *query.local_port || netns_ != source.netns || *query.state == "listen")
      return read_sockets(query, source, receiver);
    for (const auto& socket : *kept_)
      if (socket.state.is(*query.state) && !receiver.row(socket))
        return;
  }

private:
  static constexpr std::size_t most_kept = 4096;

  static bool asks_state_of_port(const SocketQuery& query) {
    SocketQuery plain;
    plain.proto = "tcp";
    plain.state = query.state;
    plain.local_port = query.local_port;
    return query.state && query.local_port && query == plain;
  }

  void read_all(SocketQuery query, const SocketSource& source, const Delivery<Socket>& receiver) {
    query.state.reset();
    kept_.emplace();
    port_ = *query.local_port;
    netns_ = source.netns;
    std::vector<Gap> gaps;
    bool bound_seen = false;
    const auto keep = [&](const Socket& socket) {
      if (socket.state.is("bound")) {
        bound_seen = true;
        return receiver.row(socket);
      }
      if (kept_ && kept_->size() == most_kept)
        kept_.reset();
      if (kept_ && !socket.state.is("listen"))
        kept_->push_back(socket);
      return true;
    };
    read_sockets(query, source, {keep, [&](const Gap& gap) { gaps.push_back(gap); }});
    for (const auto& gap : gaps)
      if (bound_seen || gap.id != gap_socket_options)
        receiver.gap(gap);
    if (!gaps.empty())
      kept_.reset();
  }

  std::optional<std::vector<Socket>> kept_; ///< of all states but listen and bound
  Int port_ = 0;
  Int netns_ = 0;
};

class LinuxSockets {
public:
  void collect(sdk::Collection& collection) {
    const auto source = source_of(collection);
    if (collection.table() == table_name<Socket>())
      port_sockets_.read(socket_query_of(collection), source, receiver_of<Socket>(collection));
    else if (collection.table() == table_name<UnixSocket>())
      read_unix_sockets(unix_query_of(collection), source, receiver_of<UnixSocket>(collection));
    else if (collection.table() == table_name<SocketLookup>())
      read_socket_lookup(lookup_of(collection), source, netlink_,
                         receiver_of<SocketLookup>(collection));
  }

private:
  PortSockets port_sockets_;
  KeptNetlink netlink_; ///< thousands of lookups come one after another
};

} // namespace

} // namespace synfate

SYNFATE_PLUGIN(linux_sockets, "0.1.0", synfate::LinuxSockets)
