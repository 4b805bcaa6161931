#include "tests/unit/catch.h"

#include "tests/unit/core/rules/fixtures.h"

using namespace synfate;
using namespace synfate::rules;

namespace {

/// A sound rule with `lines` added.
std::string rule(const std::string& lines, const std::string& id = "a.b") {
  return "[[rule]]\nid = \"" + id + "\"\ntitle = \"t\"\nseverity = \"error\"\nexplain = \"e\"\n" +
         lines + "\n";
}

std::vector<PackError> errors_of(const std::string& rules) {
  return fixtures::load(rules).errors;
}

PackError only_error(const std::string& rules) {
  const auto errors = errors_of(rules);
  for (const auto& error : errors)
    INFO(to_string(error));
  REQUIRE(errors.size() == 1);
  return errors.front();
}

} // namespace

TEST_CASE("a sound rule has no errors") {
  CHECK(errors_of(rule("when = \"size(socket) > 0\"")).empty());
}

TEST_CASE("an undeclared name is reported where it stands, with what was meant") {
  const auto error = only_error(rule("when = \"size(sokcet) > 0\""));
  CHECK(error.code == "cel.undeclared");
  CHECK(error.place == Place{7, 14});
  CHECK(error.suggestion == "socket");
  const std::string text = to_string(error);
  CHECK(text.starts_with("p.toml:7:14: error[cel.undeclared]: "));
  CHECK(text.find("     7 | when = \"size(sokcet) > 0\"\n       |              ^ did you mean "
                  "'socket'?\n") != std::string::npos);
}

TEST_CASE("places hold inside multi-line strings and behind escapes") {
  const auto error = only_error(
      rule("when = \"\"\"\ntrue &&\n  \\\"\u00e9\\\" == \\u0022e\\u0022 && nothing\n\"\"\""));
  CHECK(error.code == "cel.undeclared");
  CHECK(error.place == Place{9, 29});
}

TEST_CASE("an unknown column is an unknown field") {
  const auto error = only_error(rule("when = 'socket.exists(s, s.local_prot == 80)'"));
  CHECK(error.code == "cel.no_such_field");
  CHECK(error.suggestion == "local_port");
}

TEST_CASE("types are checked against the tables") {
  CHECK(only_error(rule("when = 'socket.exists(s, s.local_port == \"80\")'")).code ==
        "cel.no_such_overload");
  CHECK(only_error(rule("when = 'size(socket)'")).code == "pack.not_a_condition");
  CHECK(only_error(rule("for_each = 'target.port'\nwhen = 'true'")).code == "pack.not_a_condition");
}

TEST_CASE("placeholders are parsed and checked where they stand") {
  const auto error = only_error("[[rule]]\nid = \"a\"\ntitle = \"port {target.porrt} {{x}}\"\n"
                                "severity = \"note\"\nexplain = \"e\"\n");
  CHECK(error.code == "cel.no_such_field");
  CHECK(error.place == Place{4, 23});
  CHECK(error.suggestion == "port");
  CHECK(only_error("[[rule]]\nid = \"a\"\ntitle = \"{target.port\"\nseverity = \"note\"\n"
                   "explain = \"e\"\n")
            .code == "pack.placeholder");
}

TEST_CASE("a row has no text of its own") {
  const auto error = only_error(rule("fix = [\"x {socket[0]}\"]"));
  CHECK(error.code == "pack.not_a_condition");
  CHECK(error.place == Place{7, 12});
}

TEST_CASE("unknown keys, missing keys and wrong types are errors, all at once") {
  const auto errors =
      errors_of("[[rule]]\nid = \"a\"\ntitel = \"t\"\nseverity = 3\nexplain = \"e\"\n");
  REQUIRE(errors.size() == 3);
  CHECK(errors[0].code == "pack.missing_key");
  CHECK(errors[1].code == "pack.unknown_key");
  CHECK(errors[1].suggestion == "title");
  CHECK(errors[1].place == Place{4, 1});
  CHECK(errors[2].code == "pack.wrong_type");
  CHECK(errors[2].place == Place{5, 12});
}

TEST_CASE("words of closed lists have a did-you-mean") {
  const auto error = only_error(rule("on = { outcome = [\"refuesd\"] }"));
  CHECK(error.code == "pack.bad_value");
  CHECK(error.suggestion == "refused");
  CHECK(error.place == Place{7, 20});
}

TEST_CASE("an id is defined once") {
  const auto error = only_error(rule("") + rule(""));
  CHECK(error.code == "pack.duplicate_id");
  CHECK(error.place == Place{9, 7});
}

TEST_CASE("folds must exist and must not lead in a circle") {
  CHECK(only_error(rule("folds = [\"a.c\"]")).code == "pack.unknown_rule");
  const auto errors =
      errors_of(rule("folds = [\"x.y\"]", "x.z") + rule("folds = [\"x.z\"]", "x.y"));
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].code == "pack.cyclic_folds");
  CHECK(only_error(rule("folds = [\"a.b\"]")).code == "pack.cyclic_folds");
}

TEST_CASE("fixtures must fit the schema") {
  const auto test = [](const std::string& tables) {
    return rule("[[rule.test]]\nname = \"n\"\nexpect = \"quiet\"\n" + tables);
  };
  CHECK(errors_of(test("tables.socket = [{ local_port = 80 }]")).empty());
  CHECK(only_error(test("tables.sockets = []")).code == "pack.unknown_table");
  const auto column = only_error(test("tables.socket = [{ local_prot = 80 }]"));
  CHECK(column.code == "pack.unknown_column");
  CHECK(column.suggestion == "local_port");
  const auto type = only_error(test("tables.socket = [{ local_port = \"80\" }]"));
  CHECK(type.code == "pack.fixture");
  CHECK(type.place == Place{10, 33});
  CHECK(only_error(test("tables.socket = [{ local_address = \"1.2.3\" }]")).code == "pack.fixture");
  CHECK(errors_of(test("tables.socket = [{ inode = { unknown = \"g\" } }]")).empty());
  CHECK(only_error(test("flow = { to = \"10.0.0.1\", outcome = \"open\" }")).code ==
        "pack.bad_value");
}

TEST_CASE("what a rule collects must be columns of that table") {
  const auto error =
      only_error(rule("collect = [{ table = \"socket\", keys = { prot = \"'tcp'\" } }]"));
  CHECK(error.code == "pack.unknown_column");
  CHECK(error.suggestion == "proto");
  CHECK(only_error(rule("needs = [\"scoket\"]")).code == "pack.unknown_table");
}

TEST_CASE("let names see those before them, and no others") {
  CHECK(errors_of(rule("let.b = '1'\nlet.a = 'b + 1'\nwhen = 'a == 2'")).empty());
  const auto error = only_error(rule("let.a = 'b + 1'\nlet.b = '1'"));
  CHECK(error.code == "cel.undeclared");
  CHECK(error.place == Place{7, 10});
}

TEST_CASE("TOML errors name the place, and other files are still checked") {
  const auto loaded = load_packs({fixtures::file("a = \"x\nb = 1\n", "one.toml"),
                                  fixtures::file(fixtures::pack(rule("when = 'x'")), "two.toml")},
                                 fixtures::schema());
  REQUIRE(loaded.errors.size() == 2);
  CHECK(loaded.errors[0].code == "toml.syntax");
  CHECK(loaded.errors[0].file == "one.toml");
  CHECK(loaded.errors[0].place.line == 1);
  CHECK(loaded.errors[1].file == "two.toml");
}

TEST_CASE("all errors of one expression are reported") {
  CHECK(errors_of(rule("when = 'aaa && bbb && target.xxx'")).size() == 3);
}
