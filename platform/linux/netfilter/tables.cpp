#include "platform/linux/netfilter/tables.h"

namespace synfate {

Status add_netfilter_tables(Schema& schema) {
  const auto specs = {spec_of<NftTable>(),     spec_of<NftChain>(),      spec_of<NftRule>(),
                      spec_of<NftRuleDump>(),  spec_of<NftSet>(),        spec_of<NftElement>(),
                      spec_of<NftSetDump>(),   spec_of<NftLookup>(),     spec_of<NftObject>(),
                      spec_of<NftFlowtable>(), spec_of<NftGeneration>(), spec_of<NetfilterQueue>()};
  for (const auto& spec : specs)
    if (auto added = schema.add(spec); !added)
      return added;
  return Done{};
}

} // namespace synfate
