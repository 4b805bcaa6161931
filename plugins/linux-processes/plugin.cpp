// Processes as tables: `socket_owner`, `process`, `netns`, `service_name`, `port_mention`,
// `resource`, `hosts_access`, `service_state`. See platform/linux/processes.
#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "core/plugin/sdk_rows.h"
#include "platform/linux/processes/expected_processes.h"
#include "platform/linux/processes/hosts_access.h"
#include "platform/linux/processes/port_mentions.h"
#include "platform/linux/processes/read_owners.h"
#include "platform/linux/processes/read_processes.h"
#include "platform/linux/processes/resources.h"
#include "platform/linux/processes/service_state.h"

namespace synfate {

namespace {

ProcessSource source_of(const sdk::Collection& collection, HiddenProcesses& hidden) {
  return {collection.root(),
          std::chrono::milliseconds(std::max<std::int64_t>(collection.milliseconds_left(), 0)),
          &hidden};
}

template <typename Row> Delivery<Row> delivery_of(sdk::Collection& collection) {
  return {[&collection](const Row& row) { return sdk::put(collection, row); },
          [&collection](const Gap& gap) { sdk::report(collection, gap); }};
}

std::optional<IpAddress> client_of(const sdk::Collection& collection) {
  const auto bytes = collection.ip_key("client");
  return bytes ? IpAddress::from_bytes(std::as_bytes(std::span(*bytes))) : std::nullopt;
}

OwnerQuery owner_query_of(const sdk::Collection& collection) {
  OwnerQuery query;
  query.inode = collection.integer_key("inode");
  query.pid = collection.integer_key("pid");
  query.hint_cgroup_id = collection.integer_key("hint_cgroup_id");
  query.hint_uid = collection.integer_key("hint_uid");
  query.listeners_of = collection.integer_key("listeners_of");
  if (const auto complete = collection.integer_key("complete"))
    query.complete = *complete != 0;
  return query;
}

class LinuxProcesses {
public:
  void collect(sdk::Collection& collection) {
    const auto source = source_of(collection, hidden_);
    if (collection.table() == table_name<SocketOwner>())
      collect_owners(collection, source);
    else if (collection.table() == table_name<Process>())
      collect_processes(collection, source);
    else if (collection.table() == table_name<NetworkNamespace>())
      read_namespaces(source, delivery_of<NetworkNamespace>(collection));
    else if (collection.table() == table_name<ServiceName>())
      read_service_names(source, delivery_of<ServiceName>(collection));
    else if (collection.table() == table_name<Resource>())
      read_resources(collection.integer_key("pid").value_or(0), source,
                     delivery_of<Resource>(collection));
    else if (collection.table() == table_name<ServiceState>())
      sdk::put(collection,
               read_service_state(std::string(collection.text_key("unit").value_or("")), source));
    else if (collection.table() == table_name<HostsAccess>())
      read_hosts_access(collection.integer_key("pid").value_or(0), client_of(collection), source,
                        delivery_of<HostsAccess>(collection));
    else if (collection.table() == table_name<PortMention>())
      read_port_mentions(collection.integer_key("port").value_or(0), source,
                         delivery_of<PortMention>(collection));
  }

private:
  /// Listeners are looked up in the thread's namespace, which is the one that the host looks at.
  void collect_owners(sdk::Collection& collection, const ProcessSource& source) {
    OwnerQuery query = owner_query_of(collection);
    auto delivery = delivery_of<SocketOwner>(collection);
    if (!query.listeners_of) {
      query.known_holders = known_holders_;
      return read_owners(query, source,
                         {[&](const SocketOwner& row) {
                            if (query.inode)
                              remember(static_cast<std::int32_t>(row.pid.value_or(0)));
                            return delivery.row(row);
                          },
                          delivery.gap});
    }
    if (*query.listeners_of != collection.netns())
      return delivery.gap({"owners.netns", "owners of listeners in another network namespace",
                           "they can be looked up only from inside of it",
                           "processes are not named", "run it with --netns for that namespace"});
    std::set<std::int32_t> pids;
    read_owners(query, source,
                {[&](const SocketOwner& row) {
                   pids.insert(static_cast<std::int32_t>(row.pid.value_or(0)));
                   return delivery.row(row);
                 },
                 delivery.gap});
    holders_.expect({pids.begin(), pids.end()});
  }

  void remember(std::int32_t pid) {
    constexpr std::size_t few = 8;
    if (std::ranges::find(known_holders_, pid) != known_holders_.end())
      return;
    if (known_holders_.size() == few)
      known_holders_.erase(known_holders_.begin());
    known_holders_.push_back(pid);
  }

  void collect_processes(sdk::Collection& collection, const ProcessSource& source) {
    ProcessQuery query{collection.integer_key("pid"), collection.integer_key("parent_pid"), {}};
    if (const auto state = collection.text_key("state"))
      query.state = *state;
    const auto delivery = delivery_of<Process>(collection);
    std::optional<Process> held;
    if (query.pid && !query.parent && !query.state)
      held = holders_.take(*query.pid, source);
    if (!held)
      return read_processes(query, source, delivery);
    delivery.row(*held);
    const auto tell = [&](std::string_view id) {
      if (const Gap* gap = id.empty() ? nullptr : holders_.gap(std::string(id), source))
        delivery.gap(*gap);
    };
    std::apply([&](const auto&... columns) { (tell((*held.*(columns.member)).gap()), ...); },
               description_of<Process>.columns);
  }

  ExpectedProcesses holders_;               ///< of the listeners
  std::vector<std::int32_t> known_holders_; ///< of single sockets, in the order they were found
  HiddenProcesses hidden_;
};

} // namespace

} // namespace synfate

SYNFATE_PLUGIN(linux_processes, "0.1.0", synfate::LinuxProcesses)
