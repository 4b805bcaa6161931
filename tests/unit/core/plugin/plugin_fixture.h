// Plugin directories and a system for the tests of the plugin host.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/plugin/loader.h"
#include "core/plugin/system.h"

namespace synfate::test {

/// The manifest that good.cpp and the others go with.
std::string licence_manifest(std::string_view id = "acme-licences",
                             std::string_view version = "1.0", int abi = 1);

/// A directory that is gone at the end of the test.
class TemporaryDirectory {
public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Makes DIR/<id> with this manifest; returns the plugin's directory.
  std::filesystem::path plugin(const std::string& id, std::string_view manifest) const;
  /// The same with a copy of the test library `library` ("good", "faulty" …) as plugin.so.
  std::filesystem::path plugin(const std::string& id, std::string_view manifest,
                               const std::string& library) const;

private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, std::string_view text);

/// A host with a clock that is set by hand; files belong to whom stat says.
class TestSystem final : public System {
public:
  Result<HostFacts> host_facts() override;
  Status run_in_netns(std::int64_t inode, const std::function<void()>& work) override;
  std::int64_t now_ms() override;
  std::string root() const override { return root_; }
  Result<FileOwner> file_owner(const std::string& path) override;
  std::int64_t effective_uid() override { return uid_; }

  std::atomic<std::int64_t> clock_ = 0; ///< plugins side by side look at it
  std::int64_t tick_ = 0;               ///< the clock goes on by itself at each look
  std::int64_t uid_ = 0;
  std::int64_t reachable_netns_ = 0;          ///< the one run_in_netns can enter
  ErrorCode netns_error_ = ErrorCode::denied; ///< of the others
  std::int64_t entered_ = 0;                  ///< the last one it did
  std::string root_;
};

} // namespace synfate::test
