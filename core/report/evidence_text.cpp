#include "core/report/evidence_text.h"

#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/facts/tables.h"
#include "core/model/owners.h"
#include "core/report/words.h"

namespace synfate {
namespace {

template <typename Row>
std::vector<Row> rows_with(const Snapshot& snapshot, std::string_view column, Cell value) {
  return snapshot.rows<Row>(
      {std::string(table_name<Row>()), {{std::string(column), std::move(value)}}});
}

/// A number or name as text, "?" when it could not be read, "-" when there is none.
template <typename T> std::string shown(const Fact<T>& fact) {
  if (fact.unknown())
    return "?";
  if (fact.absent())
    return "-";
  if constexpr (std::is_same_v<T, IpAddress>)
    return fact.value().to_string();
  else
    return fmt::format("{}", fact.value());
}

void add_detail(std::vector<std::string>& details, std::string_view word, const Fact<Text>& fact) {
  if (fact.known())
    details.push_back(word.empty() ? fact.value() : fmt::format("{} {}", word, fact.value()));
}

std::string joined(const std::vector<std::string>& parts, std::string_view between = ", ") {
  std::string text;
  for (const auto& part : parts)
    text += (text.empty() ? "" : std::string(between)) + part;
  return text;
}

std::string user_words(const Process& process) {
  if (process.user.known())
    return "user " + process.user.value();
  return process.uid.known() ? fmt::format("user id {}", process.uid.value()) : "user unknown";
}

std::string process_text(const Process& process, std::int64_t now) {
  std::vector<std::string> details{"pid " + shown(process.pid), user_words(process)};
  add_detail(details, "", process.unit);
  add_detail(details, "container", process.container);
  auto text = fmt::format("{} ({})", process.name.value_or("an unnamed process"), joined(details));
  if (process.started_at.known())
    text += fmt::format(" since {} ({})", time_words(process.started_at.value()),
                        duration_words(now - process.started_at.value()));
  if (process.frozen.is(true))
    text += ", frozen";
  if (process.state.known() && process.state.value() != "sleeping" &&
      process.state.value() != "running")
    text += ", " + process.state.value();
  if (process.tracer_pid.known() && process.tracer_pid.value() > 0)
    text += fmt::format(", traced by pid {}", process.tracer_pid.value());
  if (process.descriptors.known() && process.descriptor_limit.known() &&
      process.descriptors.value() >= process.descriptor_limit.value())
    text += fmt::format(", {} descriptors of {}", process.descriptors.value(),
                        process.descriptor_limit.value());
  return text;
}

/// The processes that hold a socket, which have their own rows; `told` collects their pids.
std::string owner_text(const Snapshot& snapshot, const Fact<Int>& inode, const Fact<Int>& uid,
                       std::set<std::int64_t>& told) {
  if (inode.is(0))
    return "not accepted by any process yet";
  std::vector<std::string> owners;
  std::vector<std::string> known; // from the row of another socket
  if (inode.known())
    for (const auto& owner : rows_with<SocketOwner>(snapshot, "inode", inode.value())) {
      if (!owner.inode.known() || !owner.pid.known())
        continue;
      if (told.insert(owner.pid.value()).second)
        owners.push_back(process_words(snapshot, owner.pid.value()));
      else
        known.push_back(fmt::format("pid {}", owner.pid.value()));
    }
  if (!owners.empty()) {
    const auto more =
        owners.size() > 2 ? fmt::format(" and {} more processes", owners.size() - 1) : "";
    owners.resize(owners.size() > 2 ? 1 : owners.size());
    return joined(owners, "; ") + more;
  }
  if (!known.empty())
    return known.front() +
           (known.size() > 1 ? fmt::format(" and {} more processes", known.size() - 1) : "");
  return uid.known() ? fmt::format("owner not known (socket of user id {})", uid.value())
                     : "owner not known";
}

std::string queue_text(const Socket& socket) {
  if (!socket.state.is("listen") || !socket.accept_queue.known() ||
      socket.accept_queue.value() == 0)
    return "";
  return fmt::format(", {} waiting for accept(), {} fit", socket.accept_queue.value(),
                     socket.accept_queue_limit.known()
                         ? fmt::format("{}", socket.accept_queue_limit.value() + 1)
                         : "?");
}

std::string socket_address(const Fact<IpAddress>& address, const Fact<Int>& port) {
  if (!address.known())
    return shown(address) + ":" + shown(port);
  return endpoint_words(address.value(), port.value_or(0));
}

std::string socket_text(const Snapshot& snapshot, const Socket& socket,
                        std::set<std::int64_t>& told) {
  auto text = fmt::format("{} {}", shown(socket.proto),
                          socket_address(socket.local_address, socket.local_port));
  if (socket.interface.known())
    text += "%" + socket.interface.value();
  if (socket.remote_address.known())
    text += " from " + socket_address(socket.remote_address, socket.remote_port);
  text += " " + shown(socket.state);
  if (socket.v6only.is(true))
    text += ", IPv6 only";
  text += queue_text(socket);
  if (socket.drops.known() && socket.drops.value() > 0)
    text += fmt::format(", {} drops", socket.drops.value());
  if (const auto link = kernel_link(snapshot, socket); !link.empty())
    return fmt::format("{}, the kernel has it for {}", text, link);
  const bool held = !socket.state.is("time_wait") && !socket.state.is("syn_recv");
  return held ? text + ", " + owner_text(snapshot, socket.inode, socket.uid, told) : text;
}

/// Linux calls a datagram socket connected as soon as another one is connected to it.
std::string unix_state_text(const UnixSocket& socket) {
  const bool called = socket.type.is("dgram") && socket.state.is("connected");
  return called && socket.peer_inode.absent() ? "unconnected" : shown(socket.state);
}

std::string unix_text(const Snapshot& snapshot, const UnixSocket& socket,
                      std::set<std::int64_t>& told) {
  auto text =
      fmt::format("{}{} {} {}", socket.abstract.is(true) ? "@" : "",
                  socket.path.value_or("(unnamed)"), shown(socket.type), unix_state_text(socket));
  if (socket.state.is("listen") && socket.queue.known() && socket.queue.value() > 0)
    text +=
        fmt::format(", {} waiting, backlog {}", socket.queue.value(), shown(socket.queue_limit));
  return text + ", " + owner_text(snapshot, socket.inode, socket.uid, told);
}

std::string interface_text(const Interface& row) {
  auto text = shown(row.name);
  if (row.up.known())
    text += row.up.value() ? " up" : " down";
  if (row.carrier.is(false))
    text += ", no carrier";
  if (row.mtu.known())
    text += fmt::format(", MTU {}", row.mtu.value());
  return text;
}

std::string address_text(const Address& row) {
  auto text = fmt::format("{}/{} on {}", shown(row.address), shown(row.prefix_length),
                          shown(row.interface));
  if (row.tentative.is(true))
    text += ", tentative";
  if (row.duplicate.is(true))
    text += ", duplicate";
  return text;
}

std::string route_text(const Route& row) {
  const auto to = row.prefix_length.is(0)
                      ? std::string("default")
                      : fmt::format("{}/{}", shown(row.destination), shown(row.prefix_length));
  auto text = row.type.is("unicast") ? to : shown(row.type) + " " + to;
  if (row.gateway.known())
    text += " via " + row.gateway.value().to_string();
  if (row.interface.known())
    text += " dev " + row.interface.value();
  return text + fmt::format(" table {}", shown(row.table));
}

std::string route_lookup_text(const RouteLookup& row) {
  auto text = "to " + shown(row.destination);
  if (row.source.known())
    text += " from " + row.source.value().to_string();
  if (row.error.known() && row.error.value() != 0)
    return text + fmt::format(": the kernel answers with error {}", row.error.value());
  text += ": " + shown(row.type);
  if (row.gateway.known())
    text += " via " + row.gateway.value().to_string();
  if (row.interface_index.known())
    text += fmt::format(" by interface {}", row.interface_index.value());
  return row.table.known() ? text + fmt::format(", table {}", row.table.value()) : text;
}

std::string cell_text(const Cell& cell) {
  struct Words {
    std::string operator()(const Absent&) const { return ""; }
    std::string operator()(const Unknown&) const { return "?"; }
    std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
    std::string operator()(double value) const { return fmt::format("{}", value); }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(bool value) const { return value ? "yes" : "no"; }
    std::string operator()(const IpAddress& value) const { return value.to_string(); }
    std::string operator()(const Bytes&) const { return ""; }
  };
  return std::visit(Words{}, cell);
}

/// Any other table: the columns that have something to say, without raw bytes.
std::string generic_text(const Table& table, std::size_t row) {
  std::vector<std::string> parts;
  for (std::size_t column = 0; column < table.spec().columns.size(); ++column) {
    const auto& name = table.spec().columns[column].name;
    const auto value = cell_text(table.cell(row, column));
    if (!value.empty() && name != "netns")
      parts.push_back(fmt::format("{}={}", name, value));
  }
  return joined(parts, " ");
}

std::string row_text(const Snapshot& snapshot, const Table& table, std::size_t row,
                     std::set<std::int64_t>& told) {
  const auto& name = table.spec().name;
  if (name == table_name<Socket>())
    return socket_text(snapshot, read_row<Socket>(table, row), told);
  if (name == table_name<UnixSocket>())
    return unix_text(snapshot, read_row<UnixSocket>(table, row), told);
  if (name == table_name<Process>()) {
    const auto process = read_row<Process>(table, row);
    const bool news = !process.pid.known() || told.insert(process.pid.value()).second;
    return news ? process_text(process, snapshot.host().taken_at) : "";
  }
  if (name == table_name<SocketOwner>()) {
    const auto owner = read_row<SocketOwner>(table, row);
    const bool news = owner.pid.known() && told.insert(owner.pid.value()).second;
    return news ? process_words(snapshot, owner.pid.value()) : "";
  }
  if (name == table_name<Interface>())
    return interface_text(read_row<Interface>(table, row));
  if (name == table_name<Address>())
    return address_text(read_row<Address>(table, row));
  if (name == table_name<Route>())
    return route_text(read_row<Route>(table, row));
  if (name == table_name<RouteLookup>())
    return route_lookup_text(read_row<RouteLookup>(table, row));
  if (name == table_name<Setting>()) {
    const auto setting = read_row<Setting>(table, row);
    return shown(setting.name) + " = " + shown(setting.value);
  }
  if (name == table_name<Counter>()) {
    const auto counter = read_row<Counter>(table, row);
    return shown(counter.name) + " = " + shown(counter.value);
  }
  return generic_text(table, row);
}

/// The word before a row's text; settings and counters name themselves.
std::string label(std::string_view table) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> words{
      {{"unix_socket", "unix socket"},
       {"socket_owner", "process"},
       {"route_lookup", "route lookup"},
       {"nft_rule", "nft rule"},
       {"xt_rule", "iptables rule"}}};
  for (const auto& [name, word] : words)
    if (name == table)
      return std::string(word);
  return std::string(table);
}

} // namespace

std::string process_words(const Snapshot& snapshot, std::int64_t pid) {
  for (const auto& process : rows_with<Process>(snapshot, "pid", pid))
    if (process.pid.is(pid))
      return process_text(process, snapshot.host().taken_at);
  return fmt::format("pid {}", pid);
}

std::vector<std::string> evidence_lines(const Snapshot& snapshot,
                                        std::span<const Evidence> evidence) {
  std::vector<std::string> lines;
  std::set<std::int64_t> told;
  std::set<std::pair<std::string, std::size_t>> seen;
  for (const auto& item : evidence) {
    const auto* const table = snapshot.table(item.table);
    if (table == nullptr || item.row >= table->size() || !seen.emplace(item.table, item.row).second)
      continue;
    const auto text = row_text(snapshot, *table, item.row, told);
    if (!text.empty())
      lines.push_back(label(item.table) + " " + text);
  }
  return lines;
}

} // namespace synfate
