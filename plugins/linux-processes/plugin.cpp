// Processes as tables: `socket_owner`, `process`, `netns`, `service_name`, `port_mention`,
// `resource`, `hosts_access`, `service_state`. See platform/linux/processes.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

#include "core/plugin/sdk_rows.h"
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

/// The holders of many sockets, read many at a time when the first of those is asked for: one by
/// one they would take as long as the search that found them, and all at once much memory.
class Holders {
public:
  /// These processes will be asked for, each in a request of its own.
  void expect(std::vector<std::int32_t> pids) {
    expected_ = std::move(pids);
    processes_.clear();
    gaps_.clear();
    groups_.assign((expected_.size() + group_size - 1) / group_size, {});
  }

  /// The process, if it is one of them. It is handed out once: whoever asks keeps it.
  std::optional<Process> take(Int pid, const ProcessSource& source) {
    if (Group* group = group_of(pid); group != nullptr && !std::exchange(group->read, true))
      read(*group, members(*group), source);
    const auto found = processes_.extract(pid);
    return found.empty() ? std::nullopt : std::optional(std::move(found.mapped()));
  }
  /// One of them that has no children; they are asked for when the first such question comes.
  bool childless(Int pid, const ProcessSource& source) {
    Group* group = group_of(pid);
    if (group == nullptr)
      return false;
    if (!group->childless)
      group->childless = childless_processes(members(*group), group->of_one_thread, source);
    return std::ranges::binary_search(*group->childless, pid);
  }
  const Gap* gap(const std::string& id) const {
    const auto found = gaps_.find(id);
    return found == gaps_.end() ? nullptr : &found->second;
  }

private:
  static constexpr std::size_t group_size = 256;

  /// Some that follow each other in the list.
  struct Group {
    bool read = false;
    std::vector<std::int32_t> of_one_thread; ///< in order; known once they were read
    std::optional<std::vector<std::int32_t>> childless;
  };

  /// Null: nobody expected it.
  Group* group_of(Int pid) {
    const auto found = std::ranges::lower_bound(expected_, pid);
    if (found == expected_.end() || *found != pid)
      return nullptr;
    return &groups_[static_cast<std::size_t>(found - expected_.begin()) / group_size];
  }

  std::span<const std::int32_t> members(const Group& group) const {
    const auto first = static_cast<std::size_t>(&group - groups_.data()) * group_size;
    return std::span(expected_).subspan(first, std::min(group_size, expected_.size() - first));
  }

  void read(Group& group, std::span<const std::int32_t> pids, const ProcessSource& source) {
    read_processes(pids, source,
                   {[&](const Process& row) {
                      const Int pid = row.pid.value_or(0);
                      if (row.threads.value_or(0) == 1)
                        group.of_one_thread.push_back(static_cast<std::int32_t>(pid));
                      processes_.emplace(pid, row);
                      return true;
                    },
                    [&](const Gap& gap) { gaps_.emplace(gap.id, gap); }});
  }

  std::vector<std::int32_t> expected_; ///< in order
  std::vector<Group> groups_;
  std::unordered_map<Int, Process> processes_;
  std::map<std::string, Gap> gaps_;
};

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
    if (query.parent && !query.pid && holders_.childless(*query.parent, source))
      return;
    std::optional<Process> held;
    if (query.pid && !query.parent && !query.state)
      held = holders_.take(*query.pid, source);
    if (!held)
      return read_processes(query, source, delivery);
    delivery.row(*held);
    for (const auto& cell : to_cells(*held))
      if (const auto* unknown = std::get_if<Unknown>(&cell))
        if (const Gap* gap = holders_.gap(unknown->gap))
          delivery.gap(*gap);
  }

  Holders holders_;
  std::vector<std::int32_t> known_holders_; ///< of single sockets, in the order they were found
  HiddenProcesses hidden_;
};

} // namespace

} // namespace synfate

SYNFATE_PLUGIN(linux_processes, "0.1.0", synfate::LinuxProcesses)
