// Any text as a file of /proc/net.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/linux/file.h"
#include "platform/linux/sockets/proc_net.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for_each_line(text, [](std::string_view line) {
    for (const auto& protocol : socket_protocols())
      (void)parse_proc_net_line(line, protocol, "fuzz");
    (void)parse_proc_net_unix_line(line);
    return true;
  });
  return 0;
}
