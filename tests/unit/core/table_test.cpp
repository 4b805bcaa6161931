#include "core/facts/table.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

const TableSpec spec{"t",
                     "",
                     {{"id", ColumnType::integer, "", "", "", true},
                      {"text", ColumnType::text, "", "", "", false},
                      {"address", ColumnType::ip, "", "", "", false}}};

std::vector<Cell> row(Int id, Cell text = Absent{}, Cell address = Absent{}) {
  return {Cell(id), std::move(text), std::move(address)};
}

using Rows = std::vector<std::size_t>;

} // namespace

TEST_CASE("a table gives back what was put in") {
  Table table(spec);
  table.add(row(1, Text("a"), *IpAddress::parse("10.0.0.1")));
  table.add(row(2, Unknown{"g"}, *IpAddress::parse("::1")));
  table.add(row(3, Text("")));
  CHECK(table.row(0) == row(1, Text("a"), *IpAddress::parse("10.0.0.1")));
  CHECK(table.row(1) == row(2, Unknown{"g"}, *IpAddress::parse("::1")));
  CHECK(table.row(2) == row(3, Text("")));
  CHECK(table.text(0, 1) == "a");
  CHECK(table.integer(1, 0) == 2);
  CHECK(table.is_unknown(1, 1));
  CHECK_FALSE(table.is_unknown(2, 1));
}

TEST_CASE("the same key again is the same row, and the first one stays") {
  Table table(spec);
  CHECK(table.add(row(1, Text("first"))));
  CHECK_FALSE(table.add(row(1, Text("second"))));
  CHECK(table.size() == 1);
  CHECK(table.text(0, 1) == "first");
}

TEST_CASE("rows without key columns are all kept") {
  Table table({"t", "", {{"x", ColumnType::integer, "", "", "", false}}});
  CHECK(table.add({Cell(Int{1})}));
  CHECK(table.add({Cell(Int{1})}));
  CHECK(table.size() == 2);
}

TEST_CASE("a question finds equal cells and unknown ones, absent ones only if asked") {
  Table table(spec);
  table.add(row(1, Text("a")));
  table.add(row(2, Unknown{"g"}));
  table.add(row(3));
  table.add(row(4, Text("b")));
  CHECK(table.find(1, Text("a")) == Rows{0, 1});
  CHECK(table.find(1, Absent{}) == Rows{1, 2});
  CHECK(table.find(1, Text("none")) == Rows{1});
}

TEST_CASE("rows that come after the first question are found as well") {
  Table table(spec);
  table.add(row(1, Text("a")));
  CHECK(table.find(1, Text("a")) == Rows{0});
  table.add(row(2, Text("a")));
  CHECK(table.find(1, Text("a")) == Rows{0, 1});
}

TEST_CASE("text stays where it is while the table grows") {
  Table table(spec);
  table.add(row(0, Text("steady")));
  const auto view = table.text(0, 1);
  for (Int id = 1; id < 20'000; ++id)
    table.add(row(id, Text(std::string(static_cast<std::size_t>(id % 300), 'x'))));
  CHECK(view == "steady");
  CHECK(view.data() == table.text(0, 1).data());
  CHECK(table.text(299, 1).size() == 299);
}

TEST_CASE("a cell fits a column of its type, and absent and unknown fit all") {
  CHECK(fits(Cell(Int{1}), ColumnType::integer));
  CHECK_FALSE(fits(Cell(Int{1}), ColumnType::real));
  CHECK_FALSE(fits(Cell(Text("x")), ColumnType::bytes));
  CHECK_FALSE(fits(Cell(Bytes{"x"}), ColumnType::text));
  CHECK_FALSE(fits(Cell(true), ColumnType::integer));
  for (const auto type : {ColumnType::integer, ColumnType::real, ColumnType::text,
                          ColumnType::boolean, ColumnType::ip, ColumnType::bytes}) {
    CHECK(fits(Absent{}, type));
    CHECK(fits(Unknown{"g"}, type));
  }
}

TEST_CASE("long bytes stay where they came in, and every row keeps its own") {
  Table table({"t", "", {{"x", ColumnType::bytes, "", "", "", false}}});
  std::vector<const char*> came_in;
  for (char letter = 'a'; letter < 'z'; ++letter) {
    std::vector<Cell> cells{Cell(Bytes{std::string(100000, letter)})};
    came_in.push_back(std::get<Bytes>(cells.front()).data.data());
    table.add(std::move(cells));
  }
  for (std::size_t row = 0; row < came_in.size(); ++row) {
    CHECK(table.text(row, 0).data() == came_in[row]);
    CHECK(table.text(row, 0) == std::string(100000, static_cast<char>('a' + row)));
  }
}

TEST_CASE("a row that was there already is not taken from") {
  Table table({"t",
               "",
               {{"key", ColumnType::integer, "", "", "", true},
                {"x", ColumnType::bytes, "", "", "", false}}});
  const std::vector<Cell> cells{Cell(Int{1}), Cell(Bytes{std::string(100000, 'a')})};
  CHECK(table.add(cells));
  CHECK(std::get<Bytes>(cells[1]).data.size() == 100000);
  CHECK_FALSE(table.add(cells));
  CHECK(table.row(0) == cells);
}
