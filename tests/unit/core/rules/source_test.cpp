#include "tests/unit/catch.h"

#include <sstream>

#include <toml++/toml.h>

#include "core/rules/expression.h"
#include "core/rules/source.h"

using namespace synfate::rules;

namespace {

/// The words of `key` in a one-table document, as the loader makes them.
Words words_of(const std::string& text, std::string_view key) {
  const auto file = std::make_shared<SourceFile>("f", text);
  const toml::table root = toml::parse(std::string_view(file->text()), std::string("f"));
  const auto& node = *root.get(key);
  const auto at = node.source().begin;
  return {node.as_string()->get(),
          file,
          {static_cast<std::uint32_t>(at.line), static_cast<std::uint32_t>(at.column)}};
}

} // namespace

TEST_CASE("an offset behind an escape points behind the escape in the file") {
  const Words words = words_of("k = \"a\\\"b\\u00e9c\"", "k");
  CHECK(words.text == "a\"b\u00e9c");
  CHECK(words.place(0) == Place{1, 6});
  CHECK(words.place(1) == Place{1, 7});  // the backslash of \"
  CHECK(words.place(2) == Place{1, 9});  // b
  CHECK(words.place(3) == Place{1, 10}); // the backslash of \u00e9
  CHECK(words.place(4) == Place{1, 16}); // c
  CHECK(words.place(5) == Place{1, 17}); // the closing quote
  CHECK(words.place(99) == Place{1, 17});
}

TEST_CASE("columns count code points, not bytes") {
  const Words words = words_of("k = \"\u00e9\u4e2dx\"", "k");
  CHECK(words.place(2) == Place{1, 8});
}

TEST_CASE("the first newline of a multi-line string is no part of it") {
  const Words words = words_of("k = \"\"\"\nab\r\n  cd\"\"\"", "k");
  CHECK(words.text == "ab\n  cd");
  CHECK(words.place(0) == Place{2, 1});
  CHECK(words.place(5) == Place{3, 3});
}

TEST_CASE("a backslash at a line's end joins what follows the white space") {
  const Words words = words_of("k = \"\"\"a \\  \n \n   b\\tc\"\"\"\"", "k");
  CHECK(words.text == "a b\tc\"");
  CHECK(words.place(2) == Place{3, 4});
  CHECK(words.place(3) == Place{3, 5});
  CHECK(words.place(5) == Place{3, 8}); // a quote that belongs to the text
}

TEST_CASE("literal strings have no escapes") {
  const Words words = words_of("k = '''\n\\n'x' \\\ny'''", "k");
  CHECK(words.place(0) == Place{2, 1});
  CHECK(words.place(8) == Place{3, 1});
  CHECK(words_of("k = 'a\\b'", "k").place(2) == Place{1, 8});
}

TEST_CASE("the scanner decodes every literal as the TOML library does") {
  for (const char* literal :
       {"\"\"", "''", "\"\"\"\"\"\"", "\"\\\\ \\t \\U0001F600\"",
        "\"\"\"\r\n\r\nx\\\r\n\r\n y\"\"\"", "'''a''b'''", "\"\"\"\"\"a\"\"\"", "\"\"\"a\\\"\"\"\"",
        "\"\"\"x\\   \n\t \n\\u0041\"\"\""}) {
    const std::string text = std::string("k = ") + literal;
    INFO(text);
    const auto scanned = decode_literal(text, 4);
    REQUIRE(scanned);
    CHECK(scanned->text == words_of(text, "k").text);
  }
}

TEST_CASE("what is no string has no literal") {
  CHECK_FALSE(decode_literal("k = 5", 4));
  CHECK_FALSE(decode_literal("k", 9));
  CHECK(decode_literal("k = \"open", 4)->text == "open");
}

TEST_CASE("a byte order mark takes no column") {
  const SourceFile file("f", "\xef\xbb\xbfk = 1\n");
  CHECK(file.line(1) == "k = 1");
  CHECK(file.byte({1, 1}) == 3);
  CHECK(file.place(3) == Place{1, 1});
}

TEST_CASE("placeholders end at their own brace") {
  std::vector<TemplateProblem> problems;
  const Template made = parse_template({"a {{x}} {f({'k': '}'})[\"k\"]} z", nullptr, {}}, problems);
  CHECK(problems.empty());
  REQUIRE(made.pieces.size() == 3);
  CHECK(made.pieces[0].text == "a {x} ");
  CHECK(made.pieces[1].expression->text() == "f({'k': '}'})[\"k\"]");
  CHECK(made.pieces[1].expression->offset() == 9);
  CHECK(made.pieces[2].text == " z");
}

TEST_CASE("a raw string in a placeholder may end in a backslash") {
  std::vector<TemplateProblem> problems;
  const Template made = parse_template({"{r'\\'}b", nullptr, {}}, problems);
  CHECK(problems.empty());
  CHECK(made.pieces.size() == 2);
}

TEST_CASE("lone and empty braces are problems, at their place") {
  std::vector<TemplateProblem> problems;
  parse_template({"\u00e9 } { }", nullptr, {}}, problems);
  parse_template({"x {y", nullptr, {}}, problems);
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].offset == 2);
  CHECK(problems[1].offset == 4);
  CHECK(problems[2].offset == 2);
}
