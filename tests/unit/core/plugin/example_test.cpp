// The examples of docs/plugin-guide.md do what the guide says.
#include "core/plugin/host.h"
#include "core/plugin/worker.h"
#include "platform/linux/worker/worker_process.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/plugin/plugin_fixture.h"

namespace {

using namespace synfate;
using namespace synfate::test;
namespace fs = std::filesystem;

/// The examples as a site's plugins, with a directory in the place of the system's root.
struct Examples {
  Examples() {
    system.root_ = root.path().string();
    fs::create_directories(root.path() / "etc/acme");
    fs::permissions(site.path(), fs::perms(0755));
    fs::copy(SYNFATE_EXAMPLE_PLUGINS, site.path(), fs::copy_options::recursive);
    for (const auto& entry : fs::recursive_directory_iterator(site.path()))
      fs::permissions(entry.path(), fs::perms(0755)); // whatever the umask of the build was
    const PluginDirectory place{site.path().string(), Origin::site};
    LoadOptions options;
    options.worker = worker_factory(SYNFATE_TEST_WORKER, *launcher);
    loaded = load_plugins({&place, 1}, {}, schema, system, options).value();
  }

  /// The gaps of the answer.
  std::vector<std::string> ask(const Request& request) {
    Host host(std::move(loaded.collectors), system, {});
    snapshot.emplace(schema);
    host.collect(*snapshot, request);
    return snapshot->answers().back().gaps;
  }
  std::size_t rows(const char* table) const {
    return snapshot->table(table) == nullptr ? 0 : snapshot->table(table)->size();
  }

  TemporaryDirectory root;
  TemporaryDirectory site;
  Schema schema;
  TestSystem system;
  std::unique_ptr<WorkerLauncher> launcher = make_worker_launcher();
  LoadedPlugins loaded;
  std::optional<Snapshot> snapshot;
};

using Gaps = std::vector<std::string>;

} // namespace

TEST_CASE("the examples load and are healthy") {
  Examples examples;
  check_plugins(examples.loaded.collectors, examples.loaded);
  CHECK(examples.loaded.plugins.size() == 2);
  CHECK(examples.loaded.gaps.empty());
}

TEST_CASE("the example in C++ names the team of a port") {
  Examples examples;
  write_file(examples.root.path() / "etc/acme/ports.csv",
             "# proto,port,team,contact\ntcp,8080,payments,pay@acme.example\ntcp,22,base\n");
  CHECK(examples.ask({"acme_port_owner", {{"port", Cell(Int{8080})}}}).empty());
  REQUIRE(examples.rows("acme_port_owner") == 1);
  CHECK(examples.snapshot->table("acme_port_owner")->cell(0, 2) == Cell(Text("payments")));
}

TEST_CASE("the example in C++ tells a register it cannot read from an empty one") {
  Examples examples;
  CHECK(examples.ask({"acme_port_owner", {}}) == Gaps{"acme-port-owners.register"});
}

TEST_CASE("the example in C++ reports a line it does not understand and goes on") {
  Examples examples;
  write_file(examples.root.path() / "etc/acme/ports.csv", "nonsense\ntcp,22,base\n");
  CHECK(examples.ask({"acme_port_owner", {}}) == Gaps{"acme-port-owners.register.line"});
  CHECK(examples.rows("acme_port_owner") == 1);
}

TEST_CASE("the example in Python lists what is down on purpose") {
  Examples examples;
  write_file(examples.root.path() / "etc/acme/maintenance.json",
             R"([{"service":"shop.service","until":1789000000,"reason":"migration"},
                 {"service":"mail.service"}])");
  CHECK(examples.ask({"acme_maintenance", {}}).empty());
  REQUIRE(examples.rows("acme_maintenance") == 2);
  const Table& table = *examples.snapshot->table("acme_maintenance");
  CHECK(table.cell(0, 1) == Cell(Int{1789000000}));
  CHECK(table.cell(1, 1) == Cell(Absent{}));
}

TEST_CASE("the example in Python tells a broken file from none") {
  Examples examples;
  write_file(examples.root.path() / "etc/acme/maintenance.json", "[{");
  CHECK(examples.ask({"acme_maintenance", {}}) == Gaps{"acme-maintenance.file"});
}

TEST_CASE("the example in Python takes a missing file for no maintenance") {
  Examples examples;
  CHECK(examples.ask({"acme_maintenance", {}}).empty());
  CHECK(examples.rows("acme_maintenance") == 0);
}
