#include "core/facts/tables.h"

#include "core/facts/hosts_access_table.h"
#include "core/facts/resource_table.h"
#include "core/facts/service_state_table.h"
#include "core/facts/tracked_connection_table.h"

namespace synfate {
namespace {

template <typename... Rows> Status add_all(Schema& schema) {
  Status status = Done{};
  ((status = status ? schema.add(spec_of<Rows>()) : std::move(status)), ...);
  return status;
}

} // namespace

Status add_core_tables(Schema& schema) {
  return add_all<Socket, UnixSocket, SocketOwner, Process, Interface, Address, RouteLookup, Route,
                 Neighbour, Setting, Counter, NetworkNamespace, ServiceName, PortMention,
                 TrackedConnection, Resource, HostsAccess, ServiceState>(schema);
}

} // namespace synfate
