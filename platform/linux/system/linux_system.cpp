#include "platform/linux/system/linux_system.h"

#include <bit>
#include <cerrno>
#include <chrono>
#include <exception>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "platform/linux/system/container.h"
#include "platform/linux/system/network_namespaces.h"

namespace synfate {
namespace {

std::int64_t inode_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? static_cast<std::int64_t>(status.st_ino) : 0;
}

/// What happened on the other thread.
struct Visit {
  Status entered = Done{};
  std::exception_ptr thrown;
};

void visit(const std::string& file, std::int64_t inode, const std::function<void()>& work,
           Visit& result) {
  result.entered = enter_netns_file(file);
  if (!result.entered)
    return;
  const auto now = current_netns();
  if (!now || *now != inode) { // the process went away and its number was given to another
    result.entered = Error{.code = ErrorCode::interrupted,
                           .doing = "entering a network namespace",
                           .where = file,
                           .os_error = 0,
                           .detail = "it vanished meanwhile",
                           .hint = {}};
    return;
  }
  try {
    work();
  } catch (...) {
    result.thrown = std::current_exception();
  }
}

/// On a thread of its own. An error means that `work` did not run.
Status visit_file(const std::string& file, std::int64_t inode, const std::function<void()>& work) {
  Visit result;
  try {
    std::thread([&] { visit(file, inode, work, result); }).join();
  } catch (const std::system_error& error) {
    return Error{.code = ErrorCode::system,
                 .doing = "starting a thread",
                 .where = {},
                 .os_error = error.code().value(),
                 .detail = {},
                 .hint = "is the limit of processes reached?"};
  }
  if (result.thrown)
    std::rethrow_exception(result.thrown);
  return result.entered;
}

} // namespace

Result<HostFacts> LinuxSystem::host_facts() {
  SYNFATE_TRY(netns, current_netns());
  utsname names{};
  if (uname(&names) != 0)
    return Error{.code = ErrorCode::system,
                 .doing = "asking for the name of this host",
                 .where = {},
                 .os_error = errno,
                 .detail = {},
                 .hint = {}};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return HostFacts{
      .name = names.nodename,
      .os = "linux",
      .kernel = names.release,
      .architecture = names.machine,
      .netns = netns,
      .word_bits = Int(sizeof(long) * 8),
      .byte_order = std::endian::native == std::endian::little ? "little" : "big",
      .taken_at = std::chrono::duration_cast<std::chrono::milliseconds>(now).count(),
      .uid = effective_uid(),
      .initial_netns = in_initial_netns(netns),
      .container = find_container(root_),
  };
}

Result<std::string> LinuxSystem::file_of(std::int64_t inode) {
  const std::lock_guard lock(mutex_);
  const auto known = files_.find(inode);
  if (known != files_.end() && !known->second.empty() && inode_of(known->second) == inode)
    return known->second;
  auto file = find_netns_file(inode);
  if (file)
    files_[inode] = *file;
  else if (known != files_.end() && file.error().code == ErrorCode::denied)
    // Whoever led into it has gone. That hidden processes may be in any namespace is another
    // matter.
    return Error{.code = ErrorCode::not_found,
                 .doing = file.error().doing,
                 .where = file.error().where,
                 .os_error = 0,
                 .detail = "nothing that may be looked at is in it any more",
                 .hint = {}};
  return file;
}

void LinuxSystem::note_netns_file(std::int64_t inode, const std::string& path) {
  const std::lock_guard lock(mutex_);
  files_.try_emplace(inode, path); // file_of() looks whether it still is that one
}

Status LinuxSystem::run_in_netns(std::int64_t inode, const std::function<void()>& work) {
  SYNFATE_TRY(here, current_netns());
  if (here == inode) {
    work();
    return Done{};
  }
  constexpr int most_tries = 5;
  for (int tried = 1;; ++tried) {
    SYNFATE_TRY(file, file_of(inode));
    auto entered = visit_file(file, inode, work);
    // `ip netns del` leaves a plain file for a moment.
    const bool vanished = !entered && (entered.error().code == ErrorCode::not_found ||
                                       entered.error().code == ErrorCode::interrupted ||
                                       entered.error().code == ErrorCode::invalid_input);
    if (!vanished || tried == most_tries)
      return entered;
    // The process whose file it was has ended, while others may still be in the namespace.
    forget(inode);
  }
}

void LinuxSystem::forget(std::int64_t inode) {
  const std::lock_guard lock(mutex_);
  files_[inode].clear();
}

std::int64_t LinuxSystem::now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Result<FileOwner> LinuxSystem::file_owner(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0)
    return Error{.code = errno == ENOENT   ? ErrorCode::not_found
                         : errno == EACCES ? ErrorCode::denied
                                           : ErrorCode::system,
                 .doing = "looking who may change a file",
                 .where = path,
                 .os_error = errno,
                 .detail = {},
                 .hint = {}};
  return FileOwner{.uid = status.st_uid,
                   .gid = status.st_gid,
                   .group_writable = (status.st_mode & S_IWGRP) != 0,
                   .others_writable = (status.st_mode & S_IWOTH) != 0};
}

std::int64_t LinuxSystem::effective_uid() {
  return geteuid();
}

} // namespace synfate
