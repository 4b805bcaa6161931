// Processes that are read ahead are told as those that are asked for alone.
#include "platform/linux/processes/expected_processes.h"

#include <algorithm>
#include <array>
#include <numeric>

#include <sys/wait.h>
#include <unistd.h>

#include "platform/linux/processes/read_processes.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/child.h"
#include "tests/unit/platform/linux/processes/directory.h"

using namespace synfate;

namespace {

std::optional<Process> alone(Int pid) {
  std::optional<Process> found;
  read_processes({pid, {}, {}}, {},
                 {[&](const Process& row) {
                    found = row;
                    return true;
                  },
                  [](const Gap&) {}});
  return found;
}

} // namespace

TEST_CASE("a process that was expected is told as one asked for alone, and once") {
  const std::array<test::Child, 3> sleepers;
  std::vector<std::int32_t> pids{static_cast<std::int32_t>(getpid())};
  for (const auto& sleeper : sleepers)
    pids.push_back(sleeper.pid());
  std::ranges::sort(pids);
  ExpectedProcesses expected;
  expected.expect(pids);
  for (const auto& sleeper : sleepers) {
    const auto row = expected.take(sleeper.pid(), {});
    const auto other = alone(sleeper.pid());
    REQUIRE(row);
    REQUIRE(other);
    CHECK(row->pid == other->pid);
    CHECK(row->parent_pid == other->parent_pid);
    CHECK(row->command_line == other->command_line);
    CHECK(row->descriptor_limit == other->descriptor_limit);
    CHECK(row->frozen == other->frozen);
    CHECK(row->children == other->children);
    CHECK(row->children.is(0));
    CHECK_FALSE(expected.take(sleeper.pid(), {}));
  }
  const auto self = expected.take(getpid(), {});
  REQUIRE(self);
  CHECK(self->children.is(3));
  CHECK_FALSE(expected.take(1, {}));
}

TEST_CASE("of thousands that are expected, in any order, those that exist are found") {
  const test::Child sleeper;
  std::vector<std::int32_t> pids(5000); // most of them nobody's
  std::iota(pids.begin(), pids.end(), std::max<std::int32_t>(1, sleeper.pid() - 2500));
  ExpectedProcesses expected;
  expected.expect(pids);
  CHECK_FALSE(expected.take(pids.back(), {}));
  CHECK(expected.take(sleeper.pid(), {}));
  CHECK_FALSE(expected.take(pids.front() - 1, {}));
  expected.expect(pids); // and again, while the next ones are being read
  CHECK(expected.take(sleeper.pid(), {}));
}

TEST_CASE("what nobody may see of expected processes is counted over all of them") {
  if (geteuid() != 0)
    return;
  const test::Child first;
  const test::Child second;
  const pid_t child = fork();
  if (child == 0) {
    const bool nobody = setgid(65534) == 0 && setuid(65534) == 0;
    ExpectedProcesses expected;
    expected.expect({std::min(first.pid(), second.pid()), std::max(first.pid(), second.pid())});
    const auto row = expected.take(second.pid(), {});
    const bool hidden = row && row->executable.unknown();
    const Gap* gap = expected.gap("owners", {});
    _exit(nobody && hidden && gap != nullptr && gap->why.find("2 of 2") != std::string::npos ? 0
                                                                                             : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("without /proc nothing is found of what was expected") {
  const test::Directory nothing;
  ProcessSource source;
  source.root = nothing.path();
  ExpectedProcesses expected;
  expected.expect({static_cast<std::int32_t>(getpid())});
  CHECK_FALSE(expected.take(getpid(), source));
}
