// Processes as tables: `socket_owner`, `process`, `netns`, `service_name`. See
// platform/linux/processes.
#include <algorithm>
#include <chrono>

#include "core/plugin/sdk_rows.h"
#include "platform/linux/processes/read_owners.h"
#include "platform/linux/processes/read_processes.h"

namespace synfate {

namespace {

ProcessSource source_of(const sdk::Collection& collection) {
  return {collection.root(),
          std::chrono::milliseconds(std::max<std::int64_t>(collection.milliseconds_left(), 0))};
}

template <typename Row> Delivery<Row> delivery_of(sdk::Collection& collection) {
  return {[&collection](const Row& row) { return sdk::put(collection, row); },
          [&collection](const Gap& gap) { sdk::report(collection, gap); }};
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

/// Listeners are looked up in the thread's namespace, which is the one that the host looks at.
void collect_owners(sdk::Collection& collection, const ProcessSource& source) {
  const OwnerQuery query = owner_query_of(collection);
  if (query.listeners_of && *query.listeners_of != collection.netns())
    return sdk::report(collection,
                       {"owners.netns", "owners of the listeners of another network namespace",
                        "they can be looked up only from inside of it", "processes are not named",
                        "run it with --netns for that namespace"});
  read_owners(query, source, delivery_of<SocketOwner>(collection));
}

class LinuxProcesses {
public:
  void collect(sdk::Collection& collection) {
    const auto source = source_of(collection);
    if (collection.table() == table_name<SocketOwner>())
      collect_owners(collection, source);
    else if (collection.table() == table_name<Process>())
      read_processes(collection.integer_key("pid"), source, delivery_of<Process>(collection));
    else if (collection.table() == table_name<NetworkNamespace>())
      read_namespaces(source, delivery_of<NetworkNamespace>(collection));
    else if (collection.table() == table_name<ServiceName>())
      read_service_names(source, delivery_of<ServiceName>(collection));
  }
};

} // namespace

} // namespace synfate

SYNFATE_PLUGIN(linux_processes, "0.1.0", synfate::LinuxProcesses)
