#include "platform/linux/routing/tables.h"

namespace synfate {

Status add_routing_tables(Schema& schema) {
  return schema.add(spec_of<PolicyRule>());
}

} // namespace synfate
