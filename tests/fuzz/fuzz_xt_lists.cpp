// Any text as a list that a match of iptables keeps in /proc/net, or as the list of its tables.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/linux/xtables/read.h"
#include "platform/linux/xtables/read_hashlimit.h"
#include "platform/linux/xtables/read_recent.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* family : {"ip", "ip6"})
    static_cast<void>(xt::parse_hashlimit(text, 1, family, "list"));
  static_cast<void>(xt::parse_recent(text, 1, "list"));
  static_cast<void>(xt::parse_table_names(text));
  return 0;
}
