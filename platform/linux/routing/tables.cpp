#include "platform/linux/routing/tables.h"

#include "platform/linux/routing/namespace_ids.h"

namespace synfate {

Status add_routing_tables(Schema& schema) {
  SYNFATE_TRY(done, schema.add(spec_of<NamespaceId>()));
  (void)done;
  return schema.add(spec_of<PolicyRule>());
}

} // namespace synfate
