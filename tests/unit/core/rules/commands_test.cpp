#include "tests/unit/catch.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/rules/builtin.h"
#include "core/rules/commands.h"
#include "core/rules/rule_test.h"
#include "core/rules/trace.h"
#include "tests/unit/core/rules/fixtures.h"

using namespace synfate;
using namespace synfate::rules;

namespace {

struct Printed {
  int status = 0;
  std::string out;
  std::string err;
};

template <typename Command> Printed run(const Command& command) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = command(Output{out, err});
  return {status, out.str(), err.str()};
}

class File {
public:
  explicit File(const std::string& text) {
    path_ =
        std::filesystem::temp_directory_path() /
        ("synfate-commands-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".toml");
    std::ofstream(path_) << text;
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

const std::string rule = "[[rule]]\nid = \"my.rule\"\ntitle = \"t\"\nseverity = \"note\"\n"
                         "explain = \"e\"\non = { outcome = [\"refused\"] }\n"
                         "when = 'it.to.port == 80 && size(socket) > 0'\n";
const std::string fires = "[[rule.test]]\nname = \"n\"\nexpect = \"fires\"\n"
                          "flow = { to = \"10.0.0.1:80\", outcome = \"refused\" }\n"
                          "tables.socket = [{ local_port = 80 }]\n";

Printed test(const std::string& text, bool coverage) {
  const File file(fixtures::pack(text));
  return run([&](const Output& output) {
    return test_files({file.path()}, fixtures::schema(), true, coverage, output);
  });
}

} // namespace

TEST_CASE("check is silent about a sound pack and exits 0") {
  const File file(fixtures::pack(rule));
  const auto printed = run([&](const Output& output) {
    return check_files({file.path()}, fixtures::schema(), true, output);
  });
  CHECK(printed.status == 0);
  CHECK(printed.out.empty());
  CHECK(printed.err.empty());
}

TEST_CASE("check exits 2 for any error and prints it with its place") {
  const File file(fixtures::pack("[[rule]]\nid = \"x\"\n"));
  const auto printed = run([&](const Output& output) {
    return check_files({file.path()}, fixtures::schema(), true, output);
  });
  CHECK(printed.status == 2);
  CHECK(printed.err.find(file.path().string() + ":2:1: error[pack.missing_key]: ") !=
        std::string::npos);
}

TEST_CASE("test passes, fails with the values of each part, and demands coverage") {
  CHECK(test(rule + fires, false).status == 0);
  const auto failed = test(rule + "[[rule.test]]\nname = \"n\"\nexpect = \"fires\"\n"
                                  "flow = { to = \"10.0.0.1:81\", outcome = \"refused\" }\n",
                           false);
  CHECK(failed.status == 1);
  CHECK(failed.out.find("expected fires, it is quiet") != std::string::npos);
  CHECK(failed.out.find("it.to.port == 80") != std::string::npos);
  CHECK(failed.out.find("81") != std::string::npos);
  CHECK(failed.out.find("1 tests, 1 failed") != std::string::npos);
  const auto holes = test(rule + fires, true);
  CHECK(holes.status == 1);
  CHECK(holes.out.find("never false: size(socket) > 0") != std::string::npos);
  const auto untested = test(rule, true);
  CHECK(untested.status == 1);
  CHECK(untested.out.find("my.rule: has no tests") != std::string::npos);
  CHECK(test(rule, false).status == 0);
}

TEST_CASE("a test compares the rendered texts") {
  const auto printed = test(rule + fires + "title = \"other\"\n", false);
  CHECK(printed.status == 1);
  CHECK(printed.out.find("title: expected\n    other\n  it is\n    t") != std::string::npos);
}

TEST_CASE("show and explain know what was meant") {
  const auto printed =
      run([&](const Output& output) { return show_rule(builtin_rules(), "listen.nine", output); });
  CHECK(printed.status == 2);
  CHECK(printed.err.find("did you mean 'listen.none'?") != std::string::npos);
}

TEST_CASE("explain prints the condition as a tree of values") {
  Snapshot snapshot = fixtures::snapshot();
  snapshot.add(fixtures::listener("127.0.0.1", 80));
  Inquiry inquiry(snapshot);
  const Target target;
  const std::vector<FlowReport> flows{fixtures::flow(Outcome::refused)};
  const auto printed = run([&](const Output& output) {
    return explain_rule(inquiry, builtin_rules(), "listen.loopback_only", {target, flows}, output);
  });
  CHECK(printed.status == 0);
  CHECK(printed.out.starts_with("listen.loopback_only: fires\n"));
  CHECK(printed.out.find("near = [socket tcp/127.0.0.1:80]") != std::string::npos);
  CHECK(printed.out.find("\n  size(usual) > 0") != std::string::npos);
  CHECK(printed.out.find("it.final.address.isLoopback()") != std::string::npos);
}

TEST_CASE("list names every rule once") {
  const auto printed =
      run([&](const Output& output) { return list_rules(builtin_rules(), output); });
  CHECK(static_cast<std::size_t>(std::count(printed.out.begin(), printed.out.end(), '\n')) ==
        builtin_rules().rules.size());
}

TEST_CASE("the schema is JSON and knows every key of a rule") {
  const auto printed = run([&](const Output& output) { return write_schema(output); });
  const auto schema = nlohmann::json::parse(printed.out);
  const auto& properties = schema["$defs"]["rule"]["properties"];
  for (const char* key : {"id", "when", "for_each", "let", "collect", "folds", "test"})
    CHECK(properties.contains(key));
  CHECK(schema["$defs"]["rule"]["additionalProperties"] == false);
}

TEST_CASE("eval answers one expression") {
  const auto printed =
      run([&](const Output& output) { return evaluate_expression("x + 1", "{\"x\": 2}", output); });
  CHECK(printed.status == 0);
  CHECK(printed.out.find("\"3\"") != std::string::npos);
  CHECK(run([&](const Output& output) { return evaluate_expression("1 +", "", output); }).status ==
        2);
}

TEST_CASE("rules test without files runs the tests of the built-in packs") {
  const auto printed = run(
      [](const Output& output) { return test_files({}, fixtures::schema(), true, false, output); });
  CHECK(printed.err == "");
  CHECK(printed.status == 0);
  std::istringstream last(printed.out);
  std::size_t tests = 0;
  last >> tests;
  CHECK(tests > 100);
}

TEST_CASE("who defines a built-in rule anew is told of [[override]]") {
  const File file(fixtures::pack(
      "[[rule]]\nid = \"fw.drop\"\ntitle = \"t\"\nseverity = \"note\"\nexplain = \"e\"\n"
      "when = 'true'\n"));
  const auto printed = run([&](const Output& output) {
    return check_files({file.path()}, fixtures::schema(), true, output);
  });
  CHECK(printed.status == 2);
  CHECK(printed.err.find("[[override]]") != std::string::npos);
}
