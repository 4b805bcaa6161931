// Any bytes as a table of iptables-legacy: the first part is struct ipt_getinfo, the rest entries.
// Decoding, numbering and printing never read outside of them and always end.
#include <cstddef>
#include <cstdint>

#include "platform/linux/xtables/blob.h"

namespace {

using namespace synfate;

void read(xt::ByteView info, xt::ByteView entries, IpFamily family) {
  const auto blob = xt::Blob::decode(info, entries, family);
  if (!blob)
    return;
  (void)blob->index();
  XtTable table;
  table.netns = 1;
  table.family = Text(family == IpFamily::v6 ? "ip6" : "ip");
  table.name = Text("filter");
  (void)xt::rows_of(*blob, table, {}, {});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::size_t middle = std::min(size, sizeof(xt::wire::TableInfo));
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
    read(bytes.first(middle), bytes.subspan(middle), family);
  return 0;
}
