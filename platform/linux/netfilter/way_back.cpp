#include "platform/linux/netfilter/way_back.h"

namespace synfate {

std::optional<RouteLookup> ask_way_back(Inquiry& inquiry, Int netns, const IpAddress& address,
                                        std::uint32_t mark) {
  std::vector<Key> keys{{"netns", netns}};
  for (const char* column : {"source", "input_interface", "output_interface"})
    keys.push_back({column, Absent{}});
  keys.push_back({"mark", mark != 0 ? Cell(Int{mark}) : Cell(Absent{})});
  for (const char* column : {"proto", "source_port", "destination_port", "uid"})
    keys.push_back({column, Absent{}});
  keys.push_back({"destination", address});
  auto rows = inquiry.rows<RouteLookup>(std::move(keys));
  if (inquiry.pending() || inquiry.incomplete() || rows.empty())
    return std::nullopt;
  return std::move(rows.front());
}

} // namespace synfate
