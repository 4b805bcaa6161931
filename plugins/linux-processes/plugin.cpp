// Processes as tables: `socket_owner`, `process`, `netns`, `service_name`, `port_mention`. See
// platform/linux/processes.
#include <algorithm>
#include <chrono>

#include "core/plugin/sdk_rows.h"
#include "platform/linux/processes/port_mentions.h"
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
  if (const auto complete = collection.integer_key("complete"))
    query.complete = *complete != 0;
  return query;
}

class LinuxProcesses {
public:
  void collect(sdk::Collection& collection) {
    const auto source = source_of(collection);
    if (collection.table() == table_name<SocketOwner>())
      read_owners(owner_query_of(collection), source, delivery_of<SocketOwner>(collection));
    else if (collection.table() == table_name<Process>())
      read_processes({collection.integer_key("pid"), collection.integer_key("parent_pid")}, source,
                     delivery_of<Process>(collection));
    else if (collection.table() == table_name<NetworkNamespace>())
      read_namespaces(source, delivery_of<NetworkNamespace>(collection));
    else if (collection.table() == table_name<ServiceName>())
      read_service_names(source, delivery_of<ServiceName>(collection));
    else if (collection.table() == table_name<PortMention>())
      read_port_mentions(collection.integer_key("port").value_or(0), source,
                         delivery_of<PortMention>(collection));
  }
};

} // namespace

} // namespace synfate

SYNFATE_PLUGIN(linux_processes, "0.1.0", synfate::LinuxProcesses)
