#include "platform/linux/files/caller.h"

#include <optional>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/linux/file.h"

namespace synfate {
namespace {

std::optional<ino_t> inode_of(int file) {
  struct stat status{};
  return fstat(file, &status) == 0 ? std::optional(status.st_ino) : std::nullopt;
}

std::string groups_of_caller() {
  std::string text = fmt::format("{}", getegid());
  const int count = getgroups(0, nullptr);
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(count, 0)));
  const int got = getgroups(static_cast<int>(groups.size()), groups.data());
  for (int at = 0; at < got; ++at)
    text += fmt::format(" {}", groups[static_cast<std::size_t>(at)]);
  return text;
}

Fact<Text> capabilities_of_caller(const std::string& host_root) {
  const auto status = read_file(host_root + "/proc/thread-self/status");
  Fact<Text> capabilities;
  if (!status)
    return capabilities;
  for_each_line(*status, [&](std::string_view line) {
    if (!line.starts_with("CapEff:"))
      return true;
    line.remove_prefix(7);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    capabilities = Text(line);
    return false;
  });
  return capabilities;
}

/// Whether a user namespace is the caller's, was made in it, or lies further below.
std::string relation_of(const FileDescriptor& user_namespace, ino_t own) {
  if (inode_of(user_namespace.get()) == own)
    return "own";
  const FileDescriptor parent(ioctl(user_namespace.get(), NS_GET_PARENT));
  return parent.valid() && inode_of(parent.get()) == own ? "child" : "below";
}

} // namespace

Caller read_caller(Int netns, const std::string& host_root) {
  Caller caller;
  caller.netns = netns;
  caller.uid = Int{geteuid()};
  caller.groups = groups_of_caller();
  caller.capabilities = capabilities_of_caller(host_root);
  const FileDescriptor network(
      open((host_root + "/proc/thread-self/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  const FileDescriptor own(
      open((host_root + "/proc/thread-self/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  const auto own_inode = own.valid() ? inode_of(own.get()) : std::nullopt;
  if (!network.valid() || !own_inode)
    return caller;
  const FileDescriptor user_namespace(ioctl(network.get(), NS_GET_USERNS));
  if (!user_namespace.valid()) { // EPERM: it is not in the caller's scope
    caller.netns_user_namespace = Text("foreign");
    return caller;
  }
  caller.netns_user_namespace = relation_of(user_namespace, *own_inode);
  uid_t owner = 0;
  if (!caller.netns_user_namespace.is("own") &&
      ioctl(user_namespace.get(), NS_GET_OWNER_UID, &owner) == 0)
    caller.netns_owner_uid = Int{owner};
  return caller;
}

} // namespace synfate
