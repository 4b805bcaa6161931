#include "platform/linux/routing/tables.h"

#include "platform/linux/routing/namespace_ids.h"

namespace synfate {

Status add_routing_tables(Schema& schema) {
  SYNFATE_TRY(done, schema.add(spec_of<NamespaceId>()));
  (void)done;
  for (auto spec : {spec_of<PolicyRule>(), spec_of<IpsecPolicy>(), spec_of<Ipsec>()})
    if (auto added = schema.add(std::move(spec)); !added)
      return added;
  return Done{};
}

} // namespace synfate
