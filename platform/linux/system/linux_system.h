// The System seam on a live Linux host.
//
// Tested by tests/unit/platform/linux/system/linux_system_test.cpp.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "core/plugin/system.h"

namespace synfate {

class LinuxSystem : public System {
public:
  /// `root` goes before the paths that plugins read; "" on a live host.
  explicit LinuxSystem(std::string root = {}) : root_(std::move(root)) {}

  /// The network namespace is that of the calling thread.
  Result<HostFacts> host_facts() override;
  /// Runs `work` on the calling thread if it is in that namespace already. What `work` throws is
  /// passed on to the caller.
  Status run_in_netns(std::int64_t inode, const std::function<void()>& work) override;
  void note_netns_file(std::int64_t inode, const std::string& path) override;
  std::int64_t now_ms() override;
  std::string root() const override { return root_; }
  Result<FileOwner> file_owner(const std::string& path) override;
  std::int64_t effective_uid() override;

private:
  Result<std::string> file_of(std::int64_t inode);
  void forget(std::int64_t inode);

  std::string root_;
  std::mutex mutex_; ///< guards files_
  /// Where namespaces were found last; "": gone from there.
  std::map<std::int64_t, std::string> files_;
};

} // namespace synfate
