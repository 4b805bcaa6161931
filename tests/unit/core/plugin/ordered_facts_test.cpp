#include "core/plugin/ordered_facts.h"

#include <thread>

#include "tests/unit/catch.h"

namespace {

using namespace synfate;

/// Writes down what comes, in words.
struct Notes final : FactSink {
  void add_row(const TableSpec& table, std::vector<Cell>&& cells) override {
    lines.push_back(table.name + " " + std::to_string(std::get<Int>(cells.front())));
  }
  void add_gap(const Gap& gap) override { lines.push_back("gap " + gap.id); }
  bool has_gap(std::string_view id) const override {
    return std::ranges::find(lines, "gap " + std::string(id)) != lines.end();
  }
  void answered(const Request& request, const std::vector<std::string>&) override {
    lines.push_back("answered " + request.table);
  }
  std::vector<std::string> lines;
};

const TableSpec table{.name = "row",
                      .meaning = "",
                      .columns = {{.name = "value",
                                   .type = ColumnType::integer,
                                   .unit = "",
                                   .meaning = "",
                                   .refers_to = ""}}};

Gap gap(std::string id) {
  return {std::move(id), "what", "why", "", ""};
}

struct Stage {
  explicit Stage(std::size_t parts)
      : facts(notes, parts,
              [this](std::size_t at) { notes.lines.push_back("end " + std::to_string(at)); }) {}
  void row(std::size_t part, Int value) { facts.part(part).add_row(table, {Cell(value)}); }

  Notes notes;
  OrderedFacts facts;
};

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("facts come in the order of their parts, whoever is quicker") {
  Stage stage(3);
  stage.row(2, 20);
  stage.row(1, 10);
  stage.facts.part(1).add_gap(gap("g"));
  stage.facts.written(2);
  stage.facts.written(1);
  CHECK(stage.notes.lines.empty());
  stage.row(0, 0);
  stage.facts.written(0);
  CHECK(stage.notes.lines ==
        Lines{"row 0", "end 0", "row 10", "gap g", "end 1", "row 20", "end 2"});
}

TEST_CASE("the part whose turn it is writes straight through, also what it kept before") {
  Stage stage(2);
  stage.row(1, 10);
  stage.row(0, 0);
  CHECK(stage.notes.lines == Lines{"row 0"});
  stage.facts.written(0);
  CHECK(stage.notes.lines == Lines{"row 0", "end 0"});
  stage.row(1, 11);
  CHECK(stage.notes.lines == Lines{"row 0", "end 0", "row 10", "row 11"});
}

TEST_CASE("of many rows that wait for their turn none is lost, and their order stays") {
  Stage stage(2);
  Lines expected{"end 0"};
  for (Int row = 0; row < 500; ++row) {
    stage.row(1, row % 7);
    expected.push_back("row " + std::to_string(row % 7));
  }
  stage.facts.written(0);
  stage.facts.written(1);
  expected.emplace_back("end 1");
  CHECK(stage.notes.lines == expected);
}

TEST_CASE("a part knows its own gaps, and at its end those of all before it") {
  Stage stage(2);
  stage.facts.part(1).add_gap(gap("own"));
  stage.facts.part(0).add_gap(gap("earlier"));
  CHECK(stage.facts.part(1).has_gap("own"));
  CHECK_FALSE(stage.facts.part(1).has_gap("earlier"));
  stage.facts.written(0);
  CHECK(stage.facts.part(1).has_gap("earlier"));
}

TEST_CASE("many threads write what one thread would have written") {
  constexpr Int rows = 2000;
  constexpr std::size_t parts = 6;
  Stage stage(parts);
  {
    std::vector<std::jthread> threads;
    for (std::size_t part = 0; part < parts; ++part)
      threads.emplace_back([&stage, part] {
        for (Int row = 0; row < rows; ++row)
          stage.row(part, row);
        stage.facts.written(part);
      });
  }
  Lines expected;
  for (std::size_t part = 0; part < parts; ++part) {
    for (Int row = 0; row < rows; ++row)
      expected.push_back("row " + std::to_string(row));
    expected.push_back("end " + std::to_string(part));
  }
  CHECK(stage.notes.lines == expected);
}
