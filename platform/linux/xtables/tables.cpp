#include "platform/linux/xtables/tables.h"

namespace synfate {

Status add_xtables_tables(Schema& schema) {
  for (const auto& spec : {spec_of<XtTable>(), spec_of<XtRule>(), spec_of<XtPolicy>(),
                           spec_of<Ipset>(), spec_of<IpsetElement>(), spec_of<IpsetTest>(),
                           spec_of<RecentEntry>(), spec_of<HashlimitEntry>()})
    if (auto added = schema.add(spec); !added)
      return added;
  return Done{};
}

} // namespace synfate
