#include "core/facts/cell_json.h"

#include <cmath>
#include <limits>

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

std::optional<Cell> there_and_back(const Cell& cell, ColumnType type) {
  std::string text;
  append_cell(text, cell);
  JsonScanner scanner(text);
  auto back = scan_cell(scanner, type);
  return scanner.at_end() ? back : std::nullopt;
}

std::optional<Cell> scan(std::string_view text, ColumnType type) {
  JsonScanner scanner(text);
  return scan_cell(scanner, type);
}

} // namespace

TEST_CASE("cells survive JSON exactly") {
  struct Example {
    Cell cell;
    ColumnType type;
  };
  const Example examples[] = {
      {Absent{}, ColumnType::text},
      {Unknown{"owners"}, ColumnType::integer},
      {Cell(Int{-1}), ColumnType::integer},
      {Cell(std::numeric_limits<Int>::max()), ColumnType::integer},
      {Cell(0.1), ColumnType::real},
      {Cell(5.0), ColumnType::real},
      {Cell(-0.0), ColumnType::real},
      {Cell(1e300), ColumnType::real},
      {Cell(std::numeric_limits<double>::infinity()), ColumnType::real},
      {Cell(std::string()), ColumnType::text},
      {Cell(std::string("a\0\n\"\xc3\xa9", 6)), ColumnType::text},
      {Cell(std::string("\xff\x00unknown", 9)), ColumnType::text},
      {Cell(true), ColumnType::boolean},
      {Cell(*IpAddress::parse("10.0.0.1")), ColumnType::ip},
      {Cell(*IpAddress::parse("::ffff:10.0.0.1")), ColumnType::ip},
      {Cell(*IpAddress::parse("2001:db8::1")), ColumnType::ip},
      {Cell(Bytes{}), ColumnType::bytes},
      {Cell(Bytes{std::string("\x00\xff\x7f", 3)}), ColumnType::bytes},
  };
  for (const auto& example : examples)
    CHECK(there_and_back(example.cell, example.type) == example.cell);
  const auto nan = there_and_back(Cell(std::nan("")), ColumnType::real);
  REQUIRE(nan);
  CHECK(std::isnan(std::get<double>(*nan)));
}

TEST_CASE("a value of another type is refused") {
  CHECK_FALSE(scan("\"5\"", ColumnType::integer));
  CHECK_FALSE(scan("5.5", ColumnType::integer));
  CHECK_FALSE(scan("5", ColumnType::text));
  CHECK_FALSE(scan("1", ColumnType::boolean));
  CHECK_FALSE(scan("\"10.0.0\"", ColumnType::ip));
  CHECK_FALSE(scan("\"!\"", ColumnType::bytes));
  CHECK_FALSE(scan("[1]", ColumnType::integer));
  CHECK_FALSE(scan(R"({"unknown":""})", ColumnType::integer));
  CHECK_FALSE(scan(R"({"other":"x"})", ColumnType::integer));
  CHECK_FALSE(scan(R"({"base64":"AA=="})", ColumnType::integer));
  CHECK_FALSE(scan(R"({"unknown":"a","more":"b"})", ColumnType::integer));
}

TEST_CASE("an int is good for a double column") {
  CHECK(scan("5", ColumnType::real) == Cell(5.0));
}

TEST_CASE("absent cells at the end of a row are left out") {
  std::string text;
  append_cells(text, {Absent{}, Cell(Int{1}), Absent{}, Absent{}});
  CHECK(text == "[null,1]");
}
