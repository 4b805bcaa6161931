#include "tests/unit/catch.h"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/core/rules/fixtures.h"

using namespace synfate;
using namespace synfate::rules;

namespace {

const std::string base = "[[rule]]\nid = \"a.b\"\ntitle = \"t\"\nseverity = \"error\"\n"
                         "explain = \"e\"\nfor_each = 'socket'\nlet.p = 'it.local_port'\n"
                         "when = 'p > 10 || p == 1'\n";

/// `base`, then a site's file on top of it.
Loaded with_site(const std::string& site) {
  return load_packs({fixtures::file(fixtures::pack(base)),
                     fixtures::file("pack = { id = \"s\", title = \"t\" }\n" + site, "site.toml")},
                    fixtures::schema());
}

std::size_t findings(const RuleSet& rules, Int port) {
  Snapshot snapshot = fixtures::snapshot();
  snapshot.add(fixtures::listener("0.0.0.0", port));
  Inquiry inquiry(snapshot);
  const Target target;
  return evaluate(inquiry, rules, {target, {}}).findings.size();
}

class Folder {
public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "synfate-rules-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }

private:
  std::filesystem::path path_;
};

std::string rule_file(const std::string& id) {
  return "pack = { id = \"" + id + "\", title = \"t\" }\n[[rule]]\nid = \"" + id +
         "\"\ntitle = \"t\"\nseverity = \"note\"\nexplain = \"e\"\n";
}

} // namespace

TEST_CASE("an override changes single fields and leaves the rest") {
  const auto loaded =
      with_site("[[override]]\nid = \"a.b\"\nseverity = \"note\"\ntitle = \"{p}\"\n");
  REQUIRE(loaded.errors.empty());
  const Rule& rule = *loaded.rules.find("a.b");
  CHECK(rule.severity == Severity::note);
  CHECK(rule.title.words.text == "{p}");
  CHECK(rule.explain.words.text == "e");
  CHECK(rule.overridden_by == std::vector<std::string>{"site.toml"});
}

TEST_CASE("a rule can be switched off") {
  const auto loaded = with_site("[[override]]\nid = \"a.b\"\nenabled = false\n");
  CHECK(findings(loaded.rules, 80) == 0);
}

TEST_CASE("when_and narrows a condition as a tree, never as text") {
  const auto loaded = with_site("[[override]]\nid = \"a.b\"\nwhen_and = 'p != 80 || false'\n");
  REQUIRE(loaded.errors.empty());
  CHECK(findings(loaded.rules, 80) == 0);
  CHECK(findings(loaded.rules, 1) == 1); // as text, || would have bound differently
  CHECK(findings(loaded.rules, 5) == 0);
}

TEST_CASE("when_and is checked in the rule's own terms") {
  const auto loaded = with_site("[[override]]\nid = \"a.b\"\nwhen_and = 'q == 1'\n");
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].code == "cel.undeclared");
  CHECK(loaded.errors[0].file == "site.toml");
  CHECK(loaded.errors[0].place == Place{4, 13});
}

TEST_CASE("an override or waiver of a rule that does not exist is an error") {
  auto loaded = with_site("[[override]]\nid = \"a.c\"\nenabled = false\n");
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].code == "pack.unknown_rule");
  CHECK(loaded.errors[0].suggestion == "a.b");
  loaded = with_site("[[waiver]]\nid = \"zzz\"\nreason = \"r\"\nexpires = 2030-01-01\n");
  CHECK(loaded.errors.size() == 1);
}

TEST_CASE("a waiver without a reason or a date is an error") {
  CHECK(with_site("[[waiver]]\nid = \"a.b\"\nexpires = 2030-01-01\n").errors.size() == 1);
  CHECK(with_site("[[waiver]]\nid = \"a.b\"\nreason = \"r\"\n").errors.size() == 1);
  CHECK(with_site("[[waiver]]\nid = \"a.b\"\nreason = \"r\"\nexpires = \"soon\"\n").errors.size() ==
        1);
}

TEST_CASE("layers are read in their order, folders by the names of their files") {
  const Folder folder;
  folder.write("usr/share/synfate/rules/x.toml", rule_file("first"));
  folder.write("etc/synfate/rules.d/20.toml", rule_file("third"));
  folder.write("etc/synfate/rules.d/10.toml", rule_file("second"));
  folder.write("etc/synfate/rules.d/10.toml.bak", "no pack");
  const auto last = folder.write("mine.toml", rule_file("last"));
  const auto loaded =
      load_layers(fixtures::schema(), {.builtin = false, .root = folder.path(), .rules = {last}});
  REQUIRE(loaded.errors.empty());
  REQUIRE(loaded.rules.rules.size() == 4);
  CHECK(loaded.rules.rules[0].id.text == "first");
  CHECK(loaded.rules.rules[1].id.text == "second");
  CHECK(loaded.rules.rules[2].id.text == "third");
  CHECK(loaded.rules.rules[3].id.text == "last");
}

TEST_CASE("a site file may refer to built-in rules") {
  const Folder folder;
  const auto site = folder.write("s.toml", "pack = { id = \"s\", title = \"t\" }\n[[override]]\n"
                                           "id = \"listen.none\"\nseverity = \"warning\"\n");
  const auto loaded = load_layers(fixtures::schema(), {.root = folder.path(), .rules = {site}});
  REQUIRE(loaded.errors.empty());
  CHECK(loaded.rules.find("listen.none")->severity == Severity::warning);
}

TEST_CASE("a file that is not there is an error") {
  const auto loaded =
      load_layers(fixtures::schema(), {.root = "/nowhere", .rules = {"/nowhere/x"}});
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].code == "pack.unreadable");
}

namespace {

std::optional<Writers> writers_of(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return std::nullopt;
  return Writers{status.st_uid, (status.st_mode & (S_IWGRP | S_IWOTH)) != 0};
}

} // namespace

TEST_CASE("root refuses files that others can write, with the command that mends it") {
  if (::geteuid() != 0)
    return; // only root can make a file of root
  const Folder folder;
  const auto site = folder.write("s.toml", rule_file("s"));
  const LayerOptions options{
      .builtin = false, .root = folder.path(), .rules = {site}, .writers_of = writers_of};
  CHECK(load_layers(fixtures::schema(), options).errors.empty());
  REQUIRE(::chmod(site.c_str(), 0666) == 0);
  const auto writable = load_layers(fixtures::schema(), options);
  REQUIRE(writable.errors.size() == 1);
  CHECK(writable.errors[0].code == "pack.unsafe");
  CHECK(writable.errors[0].hint == "chmod go-w '" + site.string() + "'");
  CHECK(writable.rules.rules.empty());
  REQUIRE(::chmod(site.c_str(), 0644) == 0);
  REQUIRE(::chown(site.c_str(), 65534, 65534) == 0);
  const auto foreign = load_layers(fixtures::schema(), options);
  REQUIRE(foreign.errors.size() == 1);
  CHECK(foreign.errors[0].hint == "chown root:root '" + site.string() + "'");
}
