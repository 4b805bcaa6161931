#include "core/plugin/worker.h"

#include <chrono>
#include <fstream>

#include <unistd.h>

#include "core/plugin/host.h"
#include "platform/linux/worker/worker_process.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/plugin/plugin_fixture.h"

namespace {

using namespace synfate;
using namespace synfate::test;
namespace fs = std::filesystem;

/// A site directory with one plugin, which runs in a worker.
struct Site {
  Site() {
    fs::permissions(directory.path(), fs::perms(0755));
    options.worker = worker_factory(SYNFATE_TEST_WORKER, *launcher);
  }

  void library(const std::string& id, const std::string& name) {
    directory.plugin(id, licence_manifest(id), name);
  }
  /// A program in the manifest of `acme-script`.
  void script(std::string_view text) {
    std::string manifest = licence_manifest("acme-script");
    manifest.replace(manifest.find("title"), 0, "executable = \"check.sh\"\n");
    const auto file = directory.plugin("acme-script", manifest) / "check.sh";
    write_file(file, text);
    fs::permissions(file, fs::perms(0755));
  }

  LoadedPlugins load() {
    const PluginDirectory place{directory.path().string(), Origin::site};
    return load_plugins({&place, 1}, {}, schema, system, options).value();
  }
  /// The gaps of one request's answer; the snapshot holds its rows.
  std::vector<std::string> ask(const std::string& product, std::int64_t deadline_ms = 10'000) {
    auto loaded = load();
    REQUIRE(loaded.gaps.empty());
    Host host(std::move(loaded.collectors), system, {.home_netns = 7, .deadline_ms = deadline_ms});
    snapshot.emplace(schema);
    host.collect(*snapshot, Request{"acme_licence", {{"product", Cell(product)}}});
    return snapshot->answers().back().gaps;
  }
  std::size_t rows() const {
    const Table* table = snapshot->table("acme_licence");
    return table == nullptr ? 0 : table->size();
  }
  std::string why(std::string_view gap) const {
    const Gap* found = snapshot->gap(gap);
    return found == nullptr ? "no such gap" : found->why;
  }

  TemporaryDirectory directory;
  Schema schema;
  TestSystem system;
  std::unique_ptr<WorkerLauncher> launcher = make_worker_launcher();
  LoadOptions options;
  std::optional<Snapshot> snapshot;
};

using Gaps = std::vector<std::string>;

} // namespace

TEST_CASE("a site's library delivers through its worker what it would deliver in the process") {
  Site site;
  site.library("acme-licences", "good");
  CHECK(site.ask("db").empty());
  REQUIRE(site.rows() == 1);
  const std::vector<Cell> expected{Cell(std::string("db")),
                                   Cell(Int{1}),
                                   Cell(0.5),
                                   Cell(true),
                                   Cell(*IpAddress::parse("10.0.0.1")),
                                   Cell(Bytes{std::string("\x00\xff", 2)}),
                                   Cell(std::string("blue")),
                                   Cell(Int{7})};
  CHECK(site.snapshot->table("acme_licence")->row(0) == expected);
}

TEST_CASE("gaps of a site's plugin carry its id, in its cells too") {
  Site site;
  site.library("acme-licences", "good");
  CHECK(site.ask("nowhere") == Gaps{"acme-licences.licence.server"});
  CHECK(site.ask("secret") == Gaps{});
  CHECK(site.snapshot->gap("acme-licences.licence.locked") != nullptr);
  CHECK(site.snapshot->table("acme_licence")->cell(0, 1) ==
        Cell(Unknown{"acme-licences.licence.locked"}));
}

TEST_CASE("text that is no UTF-8 survives the way through the worker") {
  Site site;
  site.library("acme-licences", "good");
  const std::string product = "d\xff\x01 \"b\\";
  CHECK(site.ask(product).empty());
  CHECK(site.snapshot->table("acme_licence")->cell(0, 0) == Cell(product));
}

TEST_CASE("a crash in a worker is a gap that names the signal") {
  Site site;
  site.library("acme-faulty", "faulty");
  CHECK(site.ask("crash") == Gaps{"plugin.acme-faulty"});
  CHECK(site.why("plugin.acme-faulty").find("ended before it was done (") != std::string::npos);
}

TEST_CASE("a worker that hangs is stopped at its own limit") {
  Site site;
  site.library("acme-faulty", "faulty");
  const auto began = std::chrono::steady_clock::now();
  CHECK(site.ask("hang") == Gaps{"plugin.acme-faulty"});
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(4));
  CHECK(site.why("plugin.acme-faulty").find("longer than its limit of 2 s") != std::string::npos);
}

TEST_CASE("a library that breaks a rule in its worker is named as in the process") {
  Site site;
  site.library("acme-faulty", "faulty");
  CHECK(site.ask("undeclared column") == Gaps{"plugin.acme-faulty"});
  CHECK(site.why("plugin.acme-faulty").find("'colour' of the table 'acme_licence'") !=
        std::string::npos);
  CHECK(site.rows() == 1);
}

TEST_CASE("what is wrong with a site's library is found by its check") {
  Site site;
  site.library("acme-licences", "old_abi");
  auto loaded = site.load();
  check_plugins(loaded.collectors, loaded);
  REQUIRE(loaded.gaps.size() == 1);
  CHECK(loaded.gaps[0].why.find("built for ABI version 999") != std::string::npos);
}

TEST_CASE("a sound site library passes its check") {
  Site site;
  site.library("acme-licences", "good");
  auto loaded = site.load();
  check_plugins(loaded.collectors, loaded);
  CHECK(loaded.plugins[0].health == PluginHealth::healthy);
}

TEST_CASE("a program in any language delivers rows and gaps") {
  Site site;
  site.script(R"(#!/bin/sh
read request
echo '{"row":"acme_licence","cells":{"product":"db","seats":3,"server":"10.0.0.9"}}'
echo '{"row":"acme_licence","cells":["web",{"unknown":"file"}]}'
echo '{"gap":{"id":"file","what":"seats of web","why":"no file","effect":"-","remedy":"-"}}'
echo '{"done":true}'
)");
  CHECK(site.ask("db") == Gaps{}); // only a cell hangs on the gap
  CHECK(site.snapshot->gap("acme-script.file") != nullptr);
  REQUIRE(site.rows() == 2);
  CHECK(site.snapshot->table("acme_licence")->cell(0, 4) == Cell(*IpAddress::parse("10.0.0.9")));
  CHECK(site.snapshot->table("acme_licence")->cell(1, 1) == Cell(Unknown{"acme-script.file"}));
}

TEST_CASE("a program gets the request as one line of JSON") {
  Site site;
  site.script(R"(#!/bin/sh
read -r request
case $request in
*'"table":"acme_licence","keys":{"product":"db"},"netns":7,'*'"parameters":{"pool":"blue"}}')
  echo '{"row":"acme_licence","cells":{"product":"asked well"}}' ;;
esac
echo '{"done":true}'
)");
  CHECK(site.ask("db").empty());
  CHECK(site.rows() == 1);
}

TEST_CASE("what a program may not do costs its facts and says why") {
  struct Wrong {
    const char* text;
    const char* why;
  };
  const auto wrong = GENERATE(
      Wrong{"echo hello", "wrote a line that is not of the row protocol: hello"},
      Wrong{"echo '{\"row\":\"socket\",\"cells\":[]}'", "a row of the table 'socket', which its"},
      Wrong{"echo '{\"row\":\"acme_licence\",\"cells\":{\"seats\":\"x\"}}'",
            "into the column 'seats' of the table 'acme_licence', which holds int"},
      Wrong{"echo '{\"row\":\"acme_licence\",\"cells\":{\"colour\":1}}'",
            "a column that does not exist: 'colour'"},
      Wrong{"exit 3", "(exit status 3)"}, Wrong{"echo oh no >&2; exit 1", "(exit status 1): oh no"},
      Wrong{"kill -SEGV $$", "(signal 11, Segmentation fault)"},
      Wrong{"echo '{\"failed\":\"no server\"}'", "it says: no server"},
      Wrong{"printf '{\"done\":tr'", "is not of the row protocol"},
      Wrong{"head -c 20000000 /dev/zero", "a line of more than 16 MiB"});
  Site site;
  site.script(std::string("#!/bin/sh\n") + wrong.text + "\n");
  CHECK(site.ask("db") == Gaps{"plugin.acme-script"});
  CHECK(site.why("plugin.acme-script").find(wrong.why) != std::string::npos);
  CHECK(site.rows() == 0);
}

TEST_CASE("a file that cannot be started is a gap") {
  Site site;
  site.script("no interpreter here");
  fs::permissions(site.directory.path() / "acme-script/check.sh", fs::perms(0644));
  CHECK(site.ask("db") == Gaps{"plugin.acme-script"});
  CHECK(site.why("plugin.acme-script").find("Permission denied") != std::string::npos);
}

TEST_CASE("a program's children die with it") {
  Site site;
  const auto pid_file = site.directory.path() / "pid";
  site.script("#!/bin/sh\nsleep 60 & echo $! > " + pid_file.string() + "\nsleep 60\n");
  CHECK(site.ask("db", 500) == Gaps{"plugin.acme-script"});
  std::ifstream file(pid_file);
  pid_t pid = 0;
  REQUIRE(file >> pid);
  const auto alive = [pid] { // a zombie that nobody reaped is dead
    std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    return static_cast<bool>(status >> number >> name >> state) && state != "Z";
  };
  for (int attempt = 0; attempt < 100 && alive(); ++attempt)
    ::usleep(10'000);
  CHECK_FALSE(alive());
}

TEST_CASE("a program inherits no descriptor and a small environment") {
  Site site;
  site.script(R"(#!/bin/sh
count=$(ls /proc/self/fd | wc -l)
echo "{\"row\":\"acme_licence\",\"cells\":{\"product\":\"$(env | grep -c SECRET)\",\"seats\":$count}}"
echo '{"done":true}'
)");
  ::setenv("SYNFATE_TEST_SECRET", "x", 1);
  const int stray = ::dup(2);
  CHECK(site.ask("db").empty());
  ::close(stray);
  REQUIRE(site.rows() == 1);
  CHECK(site.snapshot->table("acme_licence")->cell(0, 0) == Cell(std::string("0")));
  CHECK(site.snapshot->table("acme_licence")->cell(0, 1) == Cell(Int{4})); // and ls's own
}

TEST_CASE("a program that takes more memory than its limit loses its facts") {
  Site site;
  site.script("#!/bin/sh\nread line\nx=$(head -c 400000000 /dev/zero | tr '\\0' a)\n"
              "echo '{\"done\":true}'\n");
#if defined(SYNFATE_SANITIZED)
  SUCCEED("the sanitizer allows no limit of the address space");
#else
  CHECK(site.ask("db") == Gaps{"plugin.acme-script"});
#endif
}
