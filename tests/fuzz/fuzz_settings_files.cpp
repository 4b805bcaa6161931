// Any text as the files of TCP wrappers, with a NUL between the two, and as a unit of systemd.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/linux/processes/hosts_access.h"
#include "platform/linux/processes/port_mentions.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto middle = std::min(text.find('\0'), text.size());
  const auto allow = text.substr(0, middle);
  const auto deny = text.substr(std::min(middle + 1, text.size()));
  for (const char* client : {"10.0.0.9", "2001:db8::9", "::ffff:10.0.0.9"})
    for (const char* daemon : {"sshd", ""})
      static_cast<void>(judge_client(allow, deny, daemon, *IpAddress::parse(client)));
  static_cast<void>(mentions_port(text, 8080));
  for (const auto line : unit_lines_with_port(text, 8080))
    if (text.find(line) == text.npos)
      __builtin_trap();
  return 0;
}
