// Limits of recorded processes below another root, and of the test itself.
#include "platform/linux/processes/resources.h"

#include <vector>

#include <unistd.h>

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/directory.h"

using namespace synfate;

namespace {

struct Answer {
  std::vector<Resource> rows;
  std::vector<Gap> gaps;

  const Resource* find(std::string_view name, std::string_view scope) const {
    for (const auto& row : rows)
      if (row.name.is(std::string(name)) && row.scope.is(std::string(scope)))
        return &row;
    return nullptr;
  }
};

Answer resources(const std::string& root, Int pid = 12) {
  Answer answer;
  read_resources(pid, {root},
                 {[&](const Resource& row) {
                    answer.rows.push_back(row);
                    return true;
                  },
                  [&](const Gap& gap) { answer.gaps.push_back(gap); }});
  return answer;
}

constexpr auto unified = "30 1 0:1 / /cg rw - cgroup2 cgroup2 rw\n";

/// A process in /app.slice/app.service, with the files of a user that has `tasks` in two processes.
void record(const test::Directory& root, std::string_view mounts, std::string_view cgroup) {
  root.file("proc/self/mountinfo", mounts);
  root.file("proc/self/status", "CapEff:\t000001ffffffffff\n");
  root.file("proc/12/cgroup", cgroup);
  root.file("proc/12/status", "Uid:\t33\t33\t33\t33\nThreads:\t3\nCapEff:\t0000000000000000\n");
  root.file("proc/13/status", "Uid:\t33\t0\t0\t0\nThreads:\t1\n");
  root.file("proc/14/status", "Uid:\t0\t33\t33\t33\nThreads:\t9\n");
  root.file("proc/12/limits", "Limit  Soft Limit  Hard Limit  Units\nMax processes             4   "
                              "                 unlimited            processes \n");
  root.file("proc/loadavg", "0.00 0.00 0.00 1/200 99\n");
}

} // namespace

TEST_CASE("limits of a v2 cgroup and of those above it are rows of their own") {
  const test::Directory root;
  record(root, unified, "0::/app.slice/app.service\n");
  root.file("cg/app.slice/pids.max", "max\n");
  root.file("cg/app.slice/memory.max", "4096\n");
  root.file("cg/app.slice/memory.current", "1024\n");
  root.file("cg/app.slice/app.service/pids.max", "7\n");
  root.file("cg/app.slice/app.service/pids.current", "7\n");
  root.file("cg/app.slice/app.service/pids.events", "max 2\n");
  root.file("cg/app.slice/app.service/memory.max", "max\n");
  root.file("cg/app.slice/app.service/memory.events", "low 0\noom 1\noom_kill 3\n");
  root.file("cg/app.slice/app.service/cpu.max", "50000 100000\n");
  root.file("cg/app.slice/app.service/cpu.stat", "usage_usec 1\nnr_periods 9\nnr_throttled 8\n");
  const auto answer = resources(root.path());
  CHECK(answer.gaps.empty());
  const auto* tasks = answer.find("tasks", "/app.slice/app.service");
  REQUIRE(tasks);
  CHECK(tasks->limit.is(7));
  CHECK(tasks->used.is(7));
  CHECK(tasks->failures.is(2));
  CHECK(tasks->file.is("/cg/app.slice/app.service/pids.max"));
  const auto* memory = answer.find("memory", "/app.slice");
  REQUIRE(memory);
  CHECK(memory->limit.is(4096));
  CHECK(memory->used.is(1024));
  const auto* killed = answer.find("memory", "/app.slice/app.service");
  REQUIRE(killed);
  CHECK(killed->limit.absent());
  CHECK(killed->failures.is(3));
  const auto* processors = answer.find("cpu", "/app.slice/app.service");
  REQUIRE(processors);
  CHECK(processors->limit.is(500));
  CHECK(processors->attempts.is(9));
  CHECK(processors->failures.is(8));
  CHECK_FALSE(answer.find("tasks", "/app.slice"));
}

TEST_CASE("limits of v1 cgroups are read in the hierarchy of each controller") {
  const test::Directory root;
  record(root,
         "31 1 0:2 / /cg/pids rw - cgroup cgroup rw,pids\n"
         "32 1 0:3 / /cg/memory rw - cgroup cgroup rw,memory\n"
         "33 1 0:4 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
         "3:cpu,cpuacct:/c\n2:memory:/m\n1:pids:/p\n0::/\n");
  root.file("cg/pids/p/pids.max", "5\n");
  root.file("cg/pids/p/pids.current", "4\n");
  root.file("cg/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
  root.file("cg/memory/m/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  root.file("cg/memory/m/memory.kmem.tcp.limit_in_bytes", "4096\n");
  root.file("cg/memory/m/memory.kmem.tcp.usage_in_bytes", "12288\n");
  root.file("cg/memory/memory.oom_control", "oom_kill 5\n");
  root.file("cg/cpu/c/cpu.cfs_quota_us", "-1\n");
  root.file("cg/cpu/c/cpu.cfs_period_us", "100000\n");
  const auto answer = resources(root.path());
  CHECK(answer.gaps.empty());
  REQUIRE(answer.find("tasks", "/p"));
  CHECK(answer.find("tasks", "/p")->used.is(4));
  REQUIRE(answer.find("memory", "/m"));
  CHECK(answer.find("memory", "/m")->limit.absent());
  CHECK(answer.find("memory", "/m")->failures.is(1));
  REQUIRE(answer.find("tcp_memory", "/m"));
  CHECK(answer.find("tcp_memory", "/m")->used.is(12288));
  CHECK_FALSE(answer.find("memory", "/"));
  CHECK_FALSE(answer.find("cpu", "/c"));
}

TEST_CASE("a container sees the limit of its own cgroup at the mount") {
  const test::Directory root;
  record(root, unified, "0::/\n");
  root.file("cg/pids.max", "9\n");
  root.file("cg/pids.current", "1\n");
  const auto answer = resources(root.path());
  REQUIRE(answer.find("tasks", "/"));
  CHECK(answer.find("tasks", "/")->limit.is(9));
}

TEST_CASE("a cgroup that cannot be seen is a gap, not a process without limits") {
  const test::Directory root;
  record(root, unified, "0::/../elsewhere\n");
  const auto answer = resources(root.path());
  REQUIRE(answer.gaps.size() == 1);
  CHECK(answer.gaps.front().id == "resources");
}

TEST_CASE("the tasks of the real user are counted against RLIMIT_NPROC") {
  const test::Directory root;
  record(root, unified, "0::/\n");
  root.folder("cg");
  const auto answer = resources(root.path());
  const auto* tasks = answer.find("user_tasks", "33");
  REQUIRE(tasks);
  CHECK(tasks->limit.is(4));
  CHECK(tasks->used.is(4));
}

TEST_CASE("tasks are not counted where the machine has fewer than the limit") {
  const test::Directory root;
  record(root, unified, "0::/\n");
  root.folder("cg");
  root.file("proc/loadavg", "0.00 0.00 0.00 1/3 99\n");
  const auto answer = resources(root.path());
  REQUIRE(answer.find("user_tasks", "33"));
  CHECK(answer.find("user_tasks", "33")->used.absent());
}

TEST_CASE("root and who has CAP_SYS_RESOURCE have no limit of tasks") {
  const test::Directory root;
  record(root, unified, "0::/\n");
  root.folder("cg");
  SECTION("root") {
    root.file("proc/12/status", "Uid:\t0\t33\t33\t33\nThreads:\t3\n");
  }
  SECTION("the capability") {
    root.file("proc/12/status", "Uid:\t33\t33\t33\t33\nCapEff:\t0000000001000000\n");
  }
  CHECK_FALSE(resources(root.path()).find("user_tasks", "33"));
  CHECK_FALSE(resources(root.path()).find("user_tasks", "0"));
}

TEST_CASE("a process that is gone has no limits and is no gap") {
  const test::Directory root;
  root.file("proc/self/mountinfo", unified);
  const auto answer = resources(root.path());
  CHECK(answer.rows.empty());
  CHECK(answer.gaps.empty());
}

TEST_CASE("the limits of a running process can be read") {
  const auto answer = resources("", static_cast<Int>(getpid()));
  for (const auto& row : answer.rows)
    CHECK(row.pid.is(static_cast<Int>(getpid())));
}
