#include "platform/linux/processes/read_owners.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "platform/linux/privilege.h"
#include "platform/linux/processes/cgroup.h"
#include "platform/linux/processes/owner_order.h"
#include "platform/linux/processes/owner_search.h"
#include "platform/linux/sockets/read_sockets.h"

namespace synfate {

namespace {

/// A cgroup with more processes than this (the root of a host without systemd) tells little.
constexpr std::size_t small_cgroup = 256;

/// Finds the owners for one query; lives for one call of read_owners.
class OwnerReader {
public:
  OwnerReader(const OwnerQuery& query, const ProcessSource& source,
              const Delivery<SocketOwner>& delivery)
      : query_(query), source_(source), delivery_(delivery),
        deadline_(std::chrono::steady_clock::now() + source.timeout) {}

  void read() {
    proc_ = FileDescriptor(open(source_.proc().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!proc_.valid())
      return delivery_.gap(no_proc_gap("/proc cannot be opened"));
    if (query_.inode && *query_.inode <= 0)
      return; // inode 0: a connection nobody holds
    if (query_.pid && (*query_.pid <= 0 || *query_.pid > INT32_MAX))
      return; // no process has such a number
    if (query_.pid)
      return deliver(search_with_threads({static_cast<std::int32_t>(*query_.pid)}, false), true);
    if (!one_is_enough())
      return deliver(search_with_threads(processes(), false), true);
    if (query_.inode && (read_own_cgroup() || read_known() || read_likely()))
      return;
    const auto found = search_with_threads(in_likely_order(processes()), true);
    deliver(found, !everything_found(found));
  }

private:
  bool one_is_enough() const { return query_.complete == false; }

  std::vector<std::int64_t> wanted_inodes() const {
    return query_.inode ? std::vector{*query_.inode} : listening_inodes();
  }

  /// Listeners and unconnected UDP sockets of the thread's network namespace.
  std::vector<std::int64_t> listening_inodes() const {
    std::vector<std::int64_t> inodes;
    for (const auto& [proto, state] :
         {std::pair{"tcp", "listen"}, std::pair{"udp", "unconnected"}}) {
      SocketQuery sockets;
      sockets.proto = proto;
      sockets.state = state;
      SocketSource source;
      source.root = source_.root;
      source.sock_diag = source_.live();
      source.timeout = source_.timeout;
      // Whoever asks for the sockets is told what could not be read.
      read_socket_inodes(sockets, source, [&](Int inode) { inodes.push_back(inode); });
    }
    return inodes;
  }

  /// Also among what single threads hold, if something was not found or one process is asked about.
  Search search_with_threads(const std::vector<std::int32_t>& pids, bool stop_when_seen) {
    Search found = search(pids, stop_when_seen);
    if (found.timed_out || (!query_.pid && everything_found(found)))
      return found;
    SearchLimits limits;
    limits.stop_when_seen = stop_when_seen;
    limits.threads = true;
    Search more = search(pids, limits);
    more.looked_at = more.denied = more.guarded = 0; // they were counted
    found.add(std::move(more));
    tidy(found.holders);
    return found;
  }

  Search search(const std::vector<std::int32_t>& pids, bool stop_when_seen) {
    SearchLimits limits;
    limits.stop_when_seen = stop_when_seen;
    return search(pids, limits);
  }

  Search search(const std::vector<std::int32_t>& pids, SearchLimits limits) {
    limits.in_parts = source_.live();
    limits.deadline = deadline_;
    if (query_.inode || query_.listeners_of) {
      WantedSockets wanted(wanted_inodes());
      wanted_count_ = wanted.count();
      return search_owners(proc_.get(), pids, wanted, limits);
    }
    WantedSockets everything;
    return search_owners(proc_.get(), pids, everything, limits);
  }

  std::vector<std::int32_t> processes() {
    auto pids = read_numbers(proc_.get(), ".");
    if (pids)
      return std::move(*pids);
    delivery_.gap(no_proc_gap(to_string(pids.error())));
    return {};
  }

  /// True if a holder was found among the processes of the socket's cgroup.
  bool read_own_cgroup() {
    constexpr Int root_cgroup = 1; // its kernfs node is the first: every process may be in it
    if (!query_.hint_cgroup_id || *query_.hint_cgroup_id == root_cgroup || !source_.live())
      return false;
    const auto mountinfo = read_file("/proc/self/mountinfo");
    if (!mountinfo)
      return false;
    const auto pids =
        read_cgroup_processes(*query_.hint_cgroup_id, parse_cgroup_mounts(*mountinfo));
    if (!pids || pids->empty()) // gone, not mounted, not allowed: the long way finds it as well
      return false;
    if (pids->size() > small_cgroup)
      return false; // hardly better than every process
    const auto found = search(*pids, false);
    if (found.holders.empty())
      return false;
    deliver(found, false);
    return true;
  }

  /// True if one that held another socket holds this one.
  bool read_known() {
    if (query_.known_holders.empty())
      return false;
    const auto found = search(query_.known_holders, true);
    if (found.holders.empty())
      return false;
    deliver(found, false);
    return true;
  }

  /// True if a holder was found among the processes that opened sockets at about the same time.
  bool read_likely() {
    SearchLimits limits;
    limits.stop_when_seen = limits.first_only = true;
    limits.first = 32; // a listener is opened early
    return look_where_likely(proc_.get(), source_.live(), *query_.inode, [&](const auto& pids) {
      const auto found = search(pids, limits);
      if (found.holders.empty())
        return false;
      deliver(found, false);
      return true;
    });
  }

  /// Processes of the socket's user first.
  std::vector<std::int32_t> in_likely_order(std::vector<std::int32_t> pids) const {
    if (query_.hint_uid)
      std::ranges::stable_partition(pids, [&](std::int32_t pid) {
        struct stat status{};
        return fstatat(proc_.get(), std::to_string(pid).c_str(), &status, 0) == 0 &&
               status.st_uid == static_cast<uid_t>(*query_.hint_uid);
      });
    return pids;
  }

  bool everything_found(const Search& found) const {
    if (wanted_count_ == 0)
      return true;
    std::size_t inodes = 0;
    std::int64_t last = 0;
    for (const auto& holder : found.holders) // ascending by inode
      if (std::exchange(last, holder.inode) != holder.inode)
        ++inodes;
    return inodes == wanted_count_;
  }

  void deliver(const Search& found, bool report_hidden) {
    if (report_hidden)
      report(found);
    for (const auto& holder : found.holders) {
      SocketOwner row;
      row.inode = holder.inode;
      row.pid = holder.pid;
      row.fd = holder.fd;
      if (query_.inode)
        put_group(row);
      if (query_.complete)
        row.complete = *query_.complete;
      if (query_.hint_cgroup_id)
        row.hint_cgroup_id = *query_.hint_cgroup_id;
      if (query_.hint_uid)
        row.hint_uid = *query_.hint_uid;
      if (query_.listeners_of)
        row.listeners_of = *query_.listeners_of;
      if (!delivery_.row(row))
        return;
    }
  }

  /// sock_alloc() in net/socket.c (Linux 6.12): the inode of a socket has the fsgid of whoever made
  /// it, which a link in /proc/PID/fd leads to.
  void put_group(SocketOwner& row) const {
    struct stat status{};
    const auto link = fmt::format("{}/fd/{}", row.pid.value(), row.fd.value());
    if (source_.live() && fstatat(proc_.get(), link.c_str(), &status, 0) == 0 &&
        static_cast<Int>(status.st_ino) == row.inode.value())
      row.gid = static_cast<Int>(status.st_gid);
  }

  /// A process that is guarded even from CAP_SYS_PTRACE (by a security module) matters only if
  /// something was not found.
  void report(const Search& found) {
    const bool all_found = everything_found(found);
    const bool first_users = is_in_first_user_namespace();
    const bool privileged = first_users && may_trace_others();
    const std::size_t denied = found.denied + (privileged ? 0 : found.guarded);
    if (found.timed_out)
      delivery_.gap({Text(gap_owners), "the owners of sockets",
                     "the time was over before every process was looked into",
                     "some processes are not named", "give it more time (--timeout)"});
    else if (denied > 0)
      delivery_.gap({Text(gap_owners), "owners of other users' sockets",
                     "the descriptors of " + of_all(denied, found) +
                         " processes may not be read; that needs CAP_SYS_PTRACE" +
                         (first_users ? "" : " outside of this user namespace"),
                     "processes are not named", remedy_with("CAP_SYS_PTRACE", first_users)});
    else if (is_hidden())
      delivery_.gap(hidden_processes_gap());
    else if (!all_found && source_.live() && !sees_all_processes())
      delivery_.gap(outer_processes_gap());
    else if (!all_found && found.guarded > 0)
      delivery_.gap({Text(gap_owners), "the owners of some sockets",
                     "a security module guards the descriptors of " + of_all(found.guarded, found) +
                         " processes even from root",
                     "processes are not named", "see the policy of the security module"});
  }

  static std::string of_all(std::size_t count, const Search& found) {
    return std::to_string(count) + " of " + std::to_string(found.looked_at);
  }

  bool may_trace_others() const {
    const auto status = read_file(source_.proc() + "/self/status");
    return status && may_trace(*status);
  }

  bool is_in_first_user_namespace() const {
    const auto uid_map = read_file(source_.proc() + "/self/uid_map");
    return !uid_map || is_first_user_namespace(*uid_map);
  }

  bool is_hidden() const {
    const auto mountinfo = read_file(source_.proc() + "/self/mountinfo");
    const auto status = read_file(source_.proc() + "/self/status");
    return mountinfo && status && hides_processes(*mountinfo, *status);
  }

  const OwnerQuery& query_;
  const ProcessSource& source_;
  const Delivery<SocketOwner>& delivery_;
  std::chrono::steady_clock::time_point deadline_;
  FileDescriptor proc_;
  std::size_t wanted_count_ = 0;
};

} // namespace

void read_owners(const OwnerQuery& query, const ProcessSource& source,
                 const Delivery<SocketOwner>& delivery) {
  OwnerReader(query, source, delivery).read();
}

} // namespace synfate
