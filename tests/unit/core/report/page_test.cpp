#include "core/report/page.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

TextOptions narrow(std::size_t width) {
  TextOptions options;
  options.width = width;
  return options;
}

} // namespace

TEST_CASE("a paragraph hangs under its text") {
  Page page(narrow(20));
  page.paragraph("fix    ", "restart the service now");
  CHECK(page.text() == "fix    restart the\n"
                       "       service now\n");
}

TEST_CASE("a command stays on one line however narrow the page is") {
  Page page(narrow(20));
  page.one_line("fix  ", "nft delete rule inet filter input handle 14");
  CHECK(page.text() == "fix  nft delete rule inet filter input handle 14\n");
}

TEST_CASE("a process cannot smuggle an escape or a line of its own into the page") {
  Page page(narrow(0));
  page.paragraph("", "evil\x1b[31m\nfake line");
  page.one_line("", "evil\nfake");
  page.table(0, {{{"\x1b]0;x\a", Style::plain}, {"b", Style::plain}}});
  CHECK(page.text() == "evil\\x1b[31m fake line\n"
                       "evil\\nfake\n"
                       "\\x1b]0;x\\x07  b\n");
}

TEST_CASE("columns are aligned by what a terminal shows, and lines end without blanks") {
  Page page(narrow(80));
  page.table(2, {{{"日本", Style::plain}, {"x", Style::plain}},
                 {{"a", Style::plain}, {"", Style::plain}},
                 {{"abc", Style::plain}, {"y", Style::plain}}});
  CHECK(page.text() == "  日本  x\n"
                       "  a\n"
                       "  abc   y\n");
}

TEST_CASE("a table wider than the page goes on in further lines and loses nothing") {
  Page page(narrow(24));
  page.table(0, {{{"2001:db8:1:2:3:4:5:6", Style::plain}, {"refused", Style::plain}}});
  CHECK(page.text() == "2001:db8:1:2:3:  refused\n"
                       "4:5:6\n");
}

TEST_CASE("colour appears only when it is asked for") {
  Page plain(narrow(80));
  plain.paragraph("x ", "text", Style::bad, Style::good);
  CHECK(plain.text() == "x text\n");
  auto options = narrow(80);
  options.colour = true;
  Page coloured(options);
  coloured.paragraph("x ", "text", Style::bad, Style::good);
  CHECK(coloured.text() == "\x1b[32mx \x1b[0m\x1b[1;31mtext\x1b[0m\n");
}

TEST_CASE("empty lines are never doubled and never first") {
  Page page(narrow(80));
  page.blank();
  page.paragraph("", "a");
  page.blank();
  page.blank();
  page.paragraph("", "b");
  CHECK(page.text() == "a\n\nb\n");
}
