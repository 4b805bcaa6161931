// The test's own process and children, and recorded processes below another root.
#include "platform/linux/processes/read_processes.h"

#include <csignal>
#include <ctime>
#include <set>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/directory.h"

using namespace synfate;

namespace {

template <typename Row> struct Answer {
  std::vector<Row> rows;
  std::vector<Gap> gaps;

  Delivery<Row> delivery() {
    return {[this](const Row& row) {
              rows.push_back(row);
              return true;
            },
            [this](const Gap& gap) { gaps.push_back(gap); }};
  }
  const Gap* gap(std::string_view id) const {
    for (const auto& candidate : gaps)
      if (candidate.id == id)
        return &candidate;
    return nullptr;
  }
};

Answer<Process> processes(std::optional<Int> pid, const ProcessSource& source = {}) {
  Answer<Process> answer;
  read_processes({pid, {}, {}}, source, answer.delivery());
  return answer;
}

Answer<NetworkNamespace> namespaces(const ProcessSource& source = {}) {
  Answer<NetworkNamespace> answer;
  read_namespaces(source, answer.delivery());
  return answer;
}

Int own_netns() {
  struct stat status{};
  stat("/proc/self/ns/net", &status);
  return static_cast<Int>(status.st_ino);
}

std::string stat_line(int pid) {
  return std::to_string(pid) + " (x) S 1 1 1 0 -1 0 0 0 0 0 5 3 0 0 20 0 1 0 250 0 0\n";
}

ProcessSource below(const test::Directory& root) {
  ProcessSource source;
  source.root = root.path();
  return source;
}

} // namespace

TEST_CASE("the children of a process are read, those that ended too") {
  const pid_t ended = fork();
  if (ended == 0)
    _exit(0);
  const pid_t sleeping = fork();
  if (sleeping == 0) {
    pause();
    _exit(0);
  }
  siginfo_t information{};
  waitid(P_PID, static_cast<id_t>(ended), &information, WEXITED | WNOWAIT);
  Answer<Process> answer;
  read_processes({{}, getpid(), {}}, {}, answer.delivery());
  Answer<Process> zombies;
  read_processes({{}, getpid(), "zombie"}, {}, zombies.delivery());
  kill(sleeping, SIGKILL);
  waitpid(sleeping, nullptr, 0);
  waitpid(ended, nullptr, 0);
  REQUIRE(answer.rows.size() == 2);
  for (const auto& row : answer.rows) {
    CHECK(row.parent_pid.is(getpid()));
    CHECK((row.pid.is(sleeping) || (row.pid.is(ended) && row.state.is("zombie"))));
  }
  REQUIRE(zombies.rows.size() == 1);
  CHECK(zombies.rows.front().pid.is(ended));
}

TEST_CASE("a process that is gone has no children") {
  Answer<Process> answer;
  read_processes({{}, INT32_MAX, {}}, {}, answer.delivery());
  CHECK(answer.rows.empty());
}

TEST_CASE("the test's own process is read as it is") {
  prctl(PR_SET_NAME, "sk )( test");
  const auto answer = processes(getpid());
  REQUIRE(answer.rows.size() == 1);
  const auto& row = answer.rows[0];
  CHECK(row.pid.is(getpid()));
  CHECK(row.name.is("sk )( test"));
  CHECK(row.uid.is(geteuid()));
  CHECK(row.parent_pid.is(getppid()));
  CHECK(row.tracer_pid.absent());
  CHECK(row.state.is("running"));
  CHECK(row.netns.is(own_netns()));
  CHECK(row.executable.value_or("").find("processes_test") != Text::npos);
  CHECK(row.executable_deleted.is(false));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  CHECK(row.descriptor_limit.is(static_cast<Int>(limit.rlim_cur)));
  CHECK(row.descriptors.value_or(0) >= 3);
  const Int now = static_cast<Int>(time(nullptr)) * 1000;
  CHECK(row.started_at.value_or(0) > now - 600000);
  CHECK(row.started_at.value_or(0) < now + 2000);
  CHECK(row.threads.value_or(0) >= 1);
  CHECK(answer.gap("owners") == nullptr);
}

TEST_CASE("a stopped child is stopped, a dead one is a zombie, a reaped one is gone") {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  kill(child, SIGSTOP);
  waitpid(child, nullptr, WUNTRACED);
  CHECK(processes(child).rows.at(0).state.is("stopped"));
  kill(child, SIGKILL);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  const auto zombie = processes(child);
  REQUIRE(zombie.rows.size() == 1);
  CHECK(zombie.rows[0].state.is("zombie"));
  CHECK(zombie.rows[0].executable.absent());
  waitpid(child, nullptr, 0);
  CHECK(processes(child).rows.empty());
}

TEST_CASE("without a key all processes are read, each once") {
  const auto answer = processes(std::nullopt);
  CHECK(answer.rows.size() >= 2);
  std::set<Int> pids;
  for (const auto& row : answer.rows)
    pids.insert(row.pid.value());
  CHECK(pids.size() == answer.rows.size());
  CHECK(pids.contains(getpid()));
  CHECK(pids.contains(1));
}

TEST_CASE("a recorded process is read below its root") {
  const test::Directory root;
  root.file("proc/stat", "btime 1000\n");
  root.file("etc/passwd", "web:x:33:33::/:/bin/sh\n");
  root.file("proc/50/stat", stat_line(50));
  root.file("proc/50/status", "Uid:\t0\t33\t33\t33\nTracerPid:\t9\nSeccomp:\t2\nCapEff:\t00ff\n");
  root.file("proc/50/cmdline", std::string_view("a\0b\0", 4));
  root.link("proc/50/exe", "/usr/bin/a (deleted)");
  root.link("proc/50/ns/net", "net:[4026531840]");
  root.file("proc/50/cgroup", "0::/system.slice/a.service\n");
  root.file("proc/50/wchan", "do_signal_stop");
  root.file("proc/50/limits", "Max open files            16    32   files\n");
  root.link("proc/50/fd/0", "/dev/null");
  root.link("proc/50/fd/12", "/dev/null");
  root.file("proc/self/mountinfo", "1 1 0:1 / /cg rw - cgroup2 cgroup2 rw\n");
  root.file("cg/system.slice/a.service/cgroup.events", "frozen 1\n");
  root.folder("proc/51");
  const auto answer = processes(std::nullopt, below(root));
  REQUIRE(answer.rows.size() == 1);
  const auto& row = answer.rows[0];
  CHECK(row.user.is("web"));
  CHECK(row.uid.is(33));
  CHECK(row.tracer_pid.is(9));
  CHECK(row.seccomp.is(2));
  CHECK(row.capabilities.is("00ff"));
  CHECK(row.command_line.is("a b"));
  CHECK(row.executable.is("/usr/bin/a"));
  CHECK(row.executable_deleted.is(true));
  CHECK(row.netns.is(4026531840));
  CHECK(row.unit.is("a.service"));
  CHECK(row.cgroup.is("/system.slice/a.service"));
  CHECK(row.frozen.is(true));
  CHECK(row.wait_channel.is("do_signal_stop"));
  CHECK(row.descriptor_limit.is(16));
  CHECK(row.descriptors.is(2));
  CHECK(row.started_at.is(1000 * 1000 + 250 * 1000 / sysconf(_SC_CLK_TCK)));
  CHECK(answer.gaps.empty());
}

TEST_CASE("what is missing around a process becomes unknown, with a gap that says why") {
  const test::Directory root;
  root.file("proc/50/stat", stat_line(50));
  root.file("proc/50/status", "Uid:\t0\t33\t33\t33\n");
  root.file("proc/50/cgroup", "0::/system.slice/a.service\n");
  const auto answer = processes(50, below(root));
  REQUIRE(answer.rows.size() == 1);
  CHECK(answer.rows[0].user.gap() == "user_names");
  CHECK(answer.rows[0].frozen.gap() == "cgroups");
  CHECK(answer.rows[0].started_at.gap() == "boot_time");
  CHECK(answer.gap("boot_time") != nullptr);
  CHECK(answer.gap("user_names") != nullptr);
  CHECK(answer.gap("cgroups") != nullptr);
}

TEST_CASE("without /proc the processes and the namespaces are gaps") {
  ProcessSource nowhere;
  nowhere.root = "/nonexistent";
  CHECK(processes(std::nullopt, nowhere).gap("owners") != nullptr);
  CHECK(processes(1, nowhere).rows.empty());
  CHECK(namespaces(nowhere).gap("netns") != nullptr);
}

TEST_CASE("another user sees neither the executable nor the namespace of a process") {
  if (geteuid() != 0)
    return; // the test needs root to become somebody else
  int answer_pipe[2];
  REQUIRE(pipe(answer_pipe) == 0);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    const bool other = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
    const auto answer = processes(parent);
    const auto found = namespaces();
    const bool right = other && answer.rows.size() == 1 && answer.rows[0].uid.is(0) &&
                       answer.rows[0].executable.gap() == "owners" &&
                       answer.rows[0].netns.unknown() && answer.rows[0].wait_channel.unknown() &&
                       answer.gap("owners") != nullptr && found.gap("netns") != nullptr;
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

TEST_CASE("the own network namespace is found, with a process that opens it") {
  const auto answer = namespaces();
  bool found = false;
  for (const auto& row : answer.rows) {
    CHECK(row.inode.known());
    CHECK(row.path.known());
    if (row.inode.is(own_netns())) {
      found = true;
      CHECK(row.pid.known());
      struct stat status{};
      REQUIRE(stat(row.path.value().c_str(), &status) == 0);
      CHECK(static_cast<Int>(status.st_ino) == own_netns());
    }
  }
  CHECK(found);
}

TEST_CASE("namespaces of recorded processes are told apart, each with its lowest process") {
  const test::Directory root;
  for (const auto* pid : {"7", "12", "9"})
    root.link("proc/" + std::string(pid) + "/ns/net", "net:[100]");
  root.link("proc/30/ns/net", "net:[200]");
  root.file("proc/30/cgroup", "0::/lxc.payload.web/system.slice/nginx.service\n");
  root.file("run/netns/blue", "not a namespace");
  const auto answer = namespaces(below(root));
  REQUIRE(answer.rows.size() == 2);
  CHECK(answer.rows[0].inode.is(100));
  CHECK(answer.rows[0].pid.is(7));
  CHECK(answer.rows[1].container.is("lxc:web"));
  CHECK(answer.rows[1].unit.is("nginx.service"));
  CHECK(answer.rows[1].name.absent());
}

TEST_CASE("services of a root are read, and a missing file is a gap") {
  const test::Directory root;
  Answer<ServiceName> missing;
  read_service_names(below(root), missing.delivery());
  CHECK(missing.rows.empty());
  CHECK(missing.gap("service_names") != nullptr);
  root.file("etc/services", "https 443/tcp\n");
  Answer<ServiceName> answer;
  read_service_names(below(root), answer.delivery());
  REQUIRE(answer.rows.size() == 1);
  CHECK(answer.rows[0].port.is(443));
}
