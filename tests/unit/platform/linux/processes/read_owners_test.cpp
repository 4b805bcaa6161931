// Owners of real sockets: of this test and of children it makes.
#include <algorithm>
#include <csignal>
#include <set>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "platform/linux/processes/descriptors.h"
#include "platform/linux/processes/owner_order.h"
#include "platform/linux/processes/read_owners.h"
#include "platform/linux/sockets/read_sockets.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/child.h"
#include "tests/unit/platform/linux/processes/directory.h"
#include "tests/unit/platform/linux/sockets/loopback.h"

using namespace synfate;

namespace {

using test::Child;

const IpAddress v4_loopback = IpAddress::loopback(IpFamily::v4);

struct Answer {
  std::vector<SocketOwner> rows;
  std::vector<Gap> gaps;

  bool names(Int inode, Int pid) const {
    return std::ranges::any_of(
        rows, [&](const auto& row) { return row.inode.is(inode) && row.pid.is(pid); });
  }
};

Answer ask(const OwnerQuery& query, const ProcessSource& source = {}) {
  Answer answer;
  read_owners(query, source,
              {[&](const SocketOwner& row) {
                 answer.rows.push_back(row);
                 return true;
               },
               [&](const Gap& gap) { answer.gaps.push_back(gap); }});
  return answer;
}

/// False also where a security module guards the first process from root.
bool sees_every_descriptor() {
  char link[16];
  return geteuid() == 0 && (readlink("/proc/1/fd/0", link, sizeof link) >= 0 || errno == ENOENT);
}

OwnerQuery inode_query(Int inode, std::optional<bool> complete = std::nullopt) {
  OwnerQuery query;
  query.inode = inode;
  query.complete = complete;
  return query;
}

/// As the sockets' reader gives it.
Int cgroup_of(Int inode) {
  Int cgroup = 0;
  SocketQuery query;
  query.inode = inode;
  read_sockets(query, {},
               {[&](const Socket& row) {
                  cgroup = row.cgroup_id.value_or(0);
                  return true;
                },
                [](const Gap&) {}});
  return cgroup;
}

} // namespace

TEST_CASE("the process that holds a listener is found by the socket's inode") {
  const auto listener = test::listening(v4_loopback);
  const auto inode = test::inode_of(listener.get());
  const auto answer = ask(inode_query(inode));
  REQUIRE(answer.rows.size() == 1);
  CHECK(answer.rows[0].pid.is(getpid()));
  CHECK(answer.rows[0].fd.is(listener.get()));
  CHECK(answer.rows[0].gid.is(getegid()));
  CHECK(answer.rows[0].complete.absent());
  CHECK(answer.gaps.empty() == (geteuid() == 0));
}

TEST_CASE("a complete search names every holder, each once") {
  const auto listener = test::listening(v4_loopback);
  const FileDescriptor copy(dup(listener.get()));
  const auto inode = test::inode_of(listener.get());
  const Child child;
  const auto answer = ask(inode_query(inode, true));
  CHECK(answer.rows.size() == 2);
  CHECK(answer.names(inode, getpid()));
  CHECK(answer.names(inode, child.pid()));
  for (const auto& row : answer.rows) {
    CHECK(row.complete.is(true));
    CHECK(row.fd.is(std::min(listener.get(), copy.get())));
  }
}

TEST_CASE("a quick search finds a holder with and without hints and gives the asked keys back") {
  const auto listener = test::listening(v4_loopback);
  const auto inode = test::inode_of(listener.get());
  CHECK(ask(inode_query(inode, false)).names(inode, getpid()));
  auto query = inode_query(inode, false);
  query.hint_cgroup_id = cgroup_of(inode);
  query.hint_uid = geteuid();
  const auto answer = ask(query);
  REQUIRE(answer.names(inode, getpid()));
  CHECK(answer.rows[0].hint_cgroup_id.is(*query.hint_cgroup_id));
  CHECK(answer.rows[0].hint_uid.is(geteuid()));
  CHECK(answer.rows[0].complete.is(false));
}

TEST_CASE("a hint that leads nowhere does not hide the owner") {
  const auto listener = test::listening(v4_loopback);
  const auto inode = test::inode_of(listener.get());
  auto query = inode_query(inode, false);
  query.hint_cgroup_id = 987654321;
  query.hint_uid = 4242;
  CHECK(ask(query).names(inode, getpid()));
}

TEST_CASE("of many holders one that held something else is named") {
  const auto listener = test::listening(v4_loopback);
  const auto inode = test::inode_of(listener.get());
  const Child first;
  const Child second;
  auto query = inode_query(inode, false);
  for (const auto& child : {&first, &second}) {
    query.known_holders = {child->pid()};
    const auto answer = ask(query);
    REQUIRE(answer.rows.size() == 1);
    CHECK(answer.names(inode, child->pid()));
  }
  query.known_holders = {1}; // holds something else
  CHECK(!ask(query).rows.empty());
}

TEST_CASE("a high descriptor of a process with many is found") {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const auto listener = test::listening(v4_loopback);
  std::vector<FileDescriptor> many;
  for (int count = 0; count < 700; ++count)
    many.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int wanted_fd = limit.rlim_cur > 20000 ? 20000 : 900;
  const FileDescriptor high(fcntl(listener.get(), F_DUPFD_CLOEXEC, wanted_fd));
  REQUIRE(high.valid());
  const auto inode = test::inode_of(high.get());
  const auto answer = ask(inode_query(inode));
  REQUIRE(answer.rows.size() == 1);
  CHECK(answer.rows[0].fd.is(listener.get())); // the lowest
  const auto only_high = test::listening(v4_loopback);
  const auto other = test::inode_of(only_high.get());
  const FileDescriptor kept(fcntl(only_high.get(), F_DUPFD_CLOEXEC, wanted_fd + 1));
  REQUIRE(dup3(many.back().get(), only_high.get(), O_CLOEXEC) >= 0); // closes the low one
  const auto found = ask(inode_query(other));
  REQUIRE(found.rows.size() == 1);
  CHECK(found.rows[0].fd.is(kept.get()));
}

TEST_CASE("a quick search goes on behind the first descriptors of every process") {
  std::vector<FileDescriptor> many;
  for (int count = 0; count < 300; ++count)
    many.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto first = test::listening(v4_loopback);
  for (const int fd : {many[20].get(), first.get()}) { // in the second turn; in a part of the rest
    const auto listener = test::listening(v4_loopback);
    const auto inode = test::inode_of(listener.get());
    REQUIRE(dup3(listener.get(), fd, O_CLOEXEC) == fd);
    OwnerQuery query;
    query.complete = false;
    query.listeners_of = 7;
    REQUIRE(dup3(many[0].get(), listener.get(), O_CLOEXEC) >= 0); // closes the other one
    const auto answer = ask(query);
    CHECK(std::ranges::any_of(answer.rows, [&](const auto& row) {
      return row.inode.is(inode) && row.pid.is(getpid()) && row.fd.is(fd);
    }));
    CHECK(ask(inode_query(inode, false)).names(inode, getpid()));
  }
}

TEST_CASE("a socket nobody holds has no owner, and no gap for those who may see everything") {
  Int inode = 0;
  {
    const auto listener = test::listening(v4_loopback);
    inode = test::inode_of(listener.get());
  }
  for (const std::optional<bool> complete : {std::optional<bool>(), std::optional(false)}) {
    const auto answer = ask(inode_query(inode, complete));
    CHECK(answer.rows.empty());
    CHECK(answer.gaps.empty() == sees_every_descriptor());
  }
  CHECK(ask(inode_query(0)).rows.empty());
}

TEST_CASE("the overview's question names an owner of every listener and UDP socket") {
  const auto listener = test::listening(v4_loopback);
  const auto datagram = test::bound(SOCK_DGRAM, v4_loopback);
  const auto client = test::connected(SOCK_STREAM, v4_loopback, test::port_of(listener.get()));
  OwnerQuery query;
  query.complete = false;
  query.listeners_of = 7;
  const auto answer = ask(query);
  REQUIRE_FALSE(answer.rows.empty());
  CHECK(answer.rows[0].listeners_of.is(7));
  CHECK(answer.names(test::inode_of(listener.get()), getpid()));
  CHECK(answer.names(test::inode_of(datagram.get()), getpid()));
  CHECK_FALSE(answer.names(test::inode_of(client.get()), getpid()));
  const auto everything = ask({});
  CHECK(everything.names(test::inode_of(client.get()), getpid()));
  OwnerQuery mine;
  mine.pid = getpid();
  CHECK(ask(mine).names(test::inode_of(client.get()), getpid()));
  mine.complete = false;
  CHECK(ask(mine).names(test::inode_of(client.get()), getpid()));
}

TEST_CASE("recorded descriptors below another root are read") {
  const test::Directory root;
  root.link("proc/12/fd/0", "/dev/null");
  root.link("proc/12/fd/7", "socket:[4711]");
  root.link("proc/12/fd/9", "socket:[4711]");
  root.link("proc/13/fd/3", "socket:[4711]");
  root.link("proc/13/fd/4", "socket:[nonsense]");
  root.link("proc/13/fd/5", "pipe:[4711]");
  root.file("proc/14/status", "");
  root.link("proc/self/fd/3", "socket:[4711]");
  ProcessSource source;
  source.root = root.path();
  const auto answer = ask(inode_query(4711), source);
  CHECK(answer.rows.size() == 2);
  CHECK(answer.names(4711, 12));
  CHECK(answer.names(4711, 13));
}

TEST_CASE("a process whose first thread ended keeps its sockets in the others") {
  const test::Directory root;
  root.folder("proc/20/fd");
  root.folder("proc/20/task/20/fd");
  root.link("proc/20/task/21/fd/5", "socket:[99]");
  ProcessSource source;
  source.root = root.path();
  CHECK(ask(inode_query(99), source).names(99, 20));
}

TEST_CASE("a thread with descriptors of its own is found as its process") {
  const test::Directory root;
  root.link("proc/20/fd/3", "socket:[98]");
  root.link("proc/20/task/20/fd/3", "socket:[98]");
  root.link("proc/20/task/21/fd/5", "socket:[99]");
  ProcessSource source;
  source.root = root.path();
  for (const auto complete : {std::optional<bool>(), std::optional(false)})
    CHECK(ask(inode_query(99, complete), source).names(99, 20));
  OwnerQuery of_process;
  of_process.pid = 20;
  const auto all = ask(of_process, source);
  CHECK(all.names(98, 20));
  CHECK(all.names(99, 20));
  CHECK(all.rows.size() == 2);
}

TEST_CASE("without /proc the owners are a gap") {
  ProcessSource source;
  source.root = "/nonexistent";
  const auto answer = ask(inode_query(4711), source);
  CHECK(answer.rows.empty());
  REQUIRE(answer.gaps.size() == 1);
  CHECK(answer.gaps[0].id == "owners");
}

TEST_CASE("what another user may not see becomes a gap with the number of processes") {
  if (geteuid() != 0)
    return; // the test needs root to become somebody else
  const auto listener = test::listening(v4_loopback);
  const auto inode = test::inode_of(listener.get());
  int answer_pipe[2];
  REQUIRE(pipe(answer_pipe) == 0);
  const pid_t child = fork();
  if (child == 0) {
    close(listener.get());
    const bool other = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
    const auto answer = ask(inode_query(inode));
    const bool right = other && answer.rows.empty() && answer.gaps.size() == 1 &&
                       answer.gaps[0].id == "owners" &&
                       answer.gaps[0].why.find("CAP_SYS_PTRACE") != std::string::npos;
    const char verdict = right ? 'y' : 'n';
    _exit(write(answer_pipe[1], &verdict, 1) == 1 ? 0 : 1);
  }
  waitpid(child, nullptr, 0);
  char verdict = '?';
  CHECK(read(answer_pipe[0], &verdict, 1) == 1);
  CHECK(verdict == 'y');
  close(answer_pipe[0]);
  close(answer_pipe[1]);
}

TEST_CASE("root of another user namespace is told that it may not read those outside") {
  if (geteuid() != 0)
    return; // the listener must be root's
  const auto listener = test::listening(v4_loopback);
  const auto inode = test::inode_of(listener.get());
  const pid_t child = fork();
  if (child == 0) {
    close(listener.get());
    constexpr int not_allowed = 2;
    if (unshare(CLONE_NEWUSER) != 0)
      _exit(not_allowed);
    const auto answer = ask(inode_query(inode));
    _exit(answer.rows.empty() && answer.gaps.size() == 1 &&
                  answer.gaps[0].why.ends_with("outside of this user namespace")
              ? 0
              : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) != 1);
}

TEST_CASE("when the time is over, what was not looked at is a gap") {
  const auto listener = test::listening(v4_loopback);
  ProcessSource source;
  source.timeout = std::chrono::milliseconds(0);
  const auto answer = ask(inode_query(test::inode_of(listener.get())), source);
  REQUIRE(answer.gaps.size() == 1);
  CHECK(answer.gaps[0].why.find("time") != std::string::npos);
}

TEST_CASE("the kernel lists processes from any id on") {
  const FileDescriptor proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Child first;
  const Child second;
  for (const auto child : {first.pid(), second.pid()}) {
    const auto pid = static_cast<std::int32_t>(child);
    CHECK(read_processes_from(proc.get(), pid, 1) == std::vector{pid});
    const auto after = read_processes_from(proc.get(), pid + 1, 1000);
    CHECK(std::ranges::none_of(after, [&](std::int32_t other) { return other <= pid; }));
    CHECK(std::ranges::is_sorted(after));
  }
}

TEST_CASE("a holder is among the likely ones, and nobody twice") {
  const FileDescriptor proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto listener = test::listening(v4_loopback);
  const auto own = static_cast<std::int32_t>(getpid());
  std::vector<std::int32_t> likely;
  const auto looked_at = [&](const std::vector<std::int32_t>& pids) {
    likely.insert(likely.end(), pids.begin(), pids.end());
    return std::ranges::find(pids, own) != pids.end();
  };
  CHECK(look_where_likely(proc.get(), true, test::inode_of(listener.get()), looked_at));
  CHECK(std::set(likely.begin(), likely.end()).size() == likely.size());
  likely.clear();
  CHECK_FALSE(look_where_likely(proc.get(), true, test::inode_of(listener.get()),
                                [&](const auto& pids) { return looked_at(pids) && false; }));
  CHECK(std::ranges::count(likely, own) == 1);
}
