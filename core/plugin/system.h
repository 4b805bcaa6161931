// The seam between the plugin host and the operating system it runs on.
//
// Implemented once per platform (platform/linux/system) and by the tests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/result.h"
#include "core/facts/snapshot.h"

namespace synfate {

/// Who may change a file.
struct FileOwner {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  bool group_writable = false;
  bool others_writable = false;
};

class System {
public:
  virtual ~System() = default;

  /// Where and when this run looks; `netns` is the home namespace of the run.
  virtual Result<HostFacts> host_facts() = 0;
  /// Runs `work` to its end on a thread that is in the network namespace with this inode. An error
  /// means that `work` did not run; not_found: that all could be looked at, and nothing is in it.
  virtual Status run_in_netns(std::int64_t inode, const std::function<void()>& work) = 0;
  /// A file that leads into a network namespace, for run_in_netns() to try before it looks for one.
  virtual void note_netns_file(std::int64_t /*inode*/, const std::string& /*path*/) {}
  /// A clock that only goes forward, in milliseconds.
  virtual std::int64_t now_ms() = 0;
  /// Put before absolute paths of the system's files; "" on a live host.
  virtual std::string root() const = 0;
  /// The owner of a file or directory; links are followed.
  virtual Result<FileOwner> file_owner(const std::string& path) = 0;
  /// The effective user of this process.
  virtual std::int64_t effective_uid() = 0;
};

} // namespace synfate
