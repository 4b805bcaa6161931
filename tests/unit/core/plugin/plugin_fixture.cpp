#include "tests/unit/core/plugin/plugin_fixture.h"

#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace synfate::test {
namespace fs = std::filesystem;

std::string licence_manifest(std::string_view id, std::string_view version, int abi) {
  return fmt::format(R"(platforms = ["linux"]

[plugin]
id = "{}"
version = "{}"
abi = {}
title = "Licences in use"

[[privileges]]
capability = "CAP_DAC_READ_SEARCH"
why = "reads the spool"

[[table]]
name = "acme_licence"
meaning = "One product's licences."
[[table.column]]
name = "product"
type = "string"
key = true
[[table.column]]
name = "seats"
type = "int"
unit = "seats"
[[table.column]]
name = "load"
type = "double"
[[table.column]]
name = "active"
type = "bool"
[[table.column]]
name = "server"
type = "ip"
[[table.column]]
name = "key"
type = "bytes"
[[table.column]]
name = "pool"
type = "string"
[[table.column]]
name = "netns"
type = "int"

[parameters]
pool = "blue"

[limits]
seconds = 2
memory_mib = 256
)",
                     id, version, abi);
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (fs::temp_directory_path() / "synfate-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("mkdtemp failed");
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code code;
  fs::remove_all(path_, code);
}

fs::path TemporaryDirectory::plugin(const std::string& id, std::string_view manifest) const {
  fs::create_directories(path_ / id);
  fs::permissions(path_ / id, fs::perms(0755));
  write_file(path_ / id / "manifest.toml", manifest);
  return path_ / id;
}

fs::path TemporaryDirectory::plugin(const std::string& id, std::string_view manifest,
                                    const std::string& library) const {
  auto directory = plugin(id, manifest);
  const fs::path file = directory / "plugin.so";
  fs::copy_file(fs::path(SYNFATE_TEST_PLUGINS) / (library + ".so"), file,
                fs::copy_options::overwrite_existing);
  fs::permissions(file, fs::perms(0755));
  return directory;
}

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
  fs::permissions(path, fs::perms(0644));
}

Result<HostFacts> TestSystem::host_facts() {
  return HostFacts{};
}

Status TestSystem::run_in_netns(std::int64_t inode, const std::function<void()>& work) {
  if (inode != reachable_netns_)
    return Error{.code = netns_error_,
                 .doing = "entering the network namespace",
                 .where = std::to_string(inode)};
  entered_ = inode;
  work();
  return Done{};
}

std::int64_t TestSystem::now_ms() {
  return clock_ += tick_;
}

Result<FileOwner> TestSystem::file_owner(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return Error{.code = ErrorCode::not_found, .doing = "stat", .where = path, .os_error = errno};
  return FileOwner{status.st_uid, status.st_gid, (status.st_mode & S_IWGRP) != 0,
                   (status.st_mode & S_IWOTH) != 0};
}

} // namespace synfate::test
