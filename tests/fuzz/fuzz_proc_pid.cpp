// Any text as a file of /proc/PID, as a list of mounts, users or services.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/linux/processes/cgroup.h"
#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/process_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_process_stat(text);
  (void)parse_process_status(text);
  (void)parse_descriptor_limit(text);
  (void)parse_command_line(text);
  (void)parse_executable(text);
  (void)parse_inode_link(text, "socket");
  (void)parse_boot_time(text);
  (void)parse_user_names(text);
  (void)parse_services(text);
  const auto paths = parse_cgroup(text);
  (void)names_of(paths);
  (void)names_of_cgroup(text);
  (void)paths.main();
  const auto mounts = parse_cgroup_mounts(text);
  (void)FrozenCgroups(mounts, "/nonexistent").frozen_by(paths);
  (void)hides_processes(text, text);
  return 0;
}
