#include "core/cel/record.h"

#include "core/cel/compare.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using namespace synfate::cel;

namespace {

/// Rows of (port, state), where some ports are unknown or errors; counts what it is asked.
class Ports final : public RecordSet {
public:
  Ports(std::vector<Value> ports, bool indexed)
      : type_("port_row", fields()), ports_(std::move(ports)), indexed_(indexed) {}

  static std::vector<Field> fields() {
    std::vector<Field> fields;
    fields.push_back({"port", *parse_type("int")});
    fields.push_back({"state", *parse_type("string")});
    return fields;
  }

  const RecordType& type() const override { return type_; }
  std::size_t size() const override { return ports_.size(); }
  Value field(std::size_t row, std::size_t column) const override {
    ++reads;
    return column == 0 ? ports_[row] : Value::borrowed_string(row % 2 == 0 ? "listen" : "closed");
  }
  std::optional<std::size_t> estimate(std::size_t column, const Value& value) const override {
    return indexed_ && column == 0 ? std::optional(find(column, value).size()) : std::nullopt;
  }
  std::vector<std::uint32_t> find(std::size_t, const Value& value) const override {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < ports_.size(); ++row)
      if (!ports_[row].is_known() || equal(ports_[row], value))
        rows.push_back(row);
    return rows;
  }

  mutable std::size_t reads = 0;

private:
  RecordType type_;
  std::vector<Value> ports_;
  bool indexed_;
};

std::vector<Value> numbers(std::int64_t count) {
  std::vector<Value> values;
  for (std::int64_t number = 0; number < count; ++number)
    values.push_back(Value::integer(number % 100));
  return values;
}

/// Evaluates over the same rows with and without an index; both must agree.
std::string both_ways(std::string_view source, const std::vector<Value>& rows) {
  Environment environment;
  environment.declare_record(std::make_shared<const RecordType>("port_row", Ports::fields()));
  environment.declare_variable("rows", *parse_type("list(port_row)"));
  environment.declare_variable("wanted", {});
  std::string outcomes[2];
  for (const bool indexed : {false, true}) {
    Bindings bindings;
    bindings.set("rows", Value::records(make_shared_object<const Ports>(rows, indexed)));
    bindings.set("wanted", Value::unknown(UnknownReason{3, "wanted is unknown"}));
    outcomes[indexed ? 1 : 0] = test::eval(source, bindings, environment);
  }
  CAPTURE(source);
  CHECK(outcomes[0] == outcomes[1]);
  return outcomes[1];
}

} // namespace

TEST_CASE("an index answers as a full scan does") {
  auto rows = numbers(20);
  CHECK(both_ways("rows.exists(r, r.port == 8 && r.state == 'listen')", rows) == "true");
  CHECK(both_ways("rows.exists(r, r.state == 'closed' && 8 == r.port)", rows) == "false");
  CHECK(both_ways("rows.all(r, r.port != 8 || r.state == 'listen')", rows) == "true");
  CHECK(both_ways("rows.all(r, !(r.port == 9) || r.state == 'listen')", rows) == "false");
  CHECK(both_ways("rows.all(r, !(r.port == 9 && r.state == 'closed'))", rows) == "false");
  CHECK(both_ways("rows.exists_one(r, r.port == 8)", rows) == "true");
  CHECK(both_ways("rows.filter(r, r.port == 8).map(r, r.state)", rows) == "['listen']");
  CHECK(both_ways("rows.map(r, r.port == 7, r.state)", rows) == "['closed']");
  CHECK(both_ways("[3, 4].map(p, rows.exists(r, r.port == p && r.state == 'listen'))", rows) ==
        "[false, true]");
  CHECK(both_ways("rows.exists(r, r.port == r.port + 0 && r.port == 3)", rows) == "true");
  CHECK(both_ways("rows.exists(r, r.port == 3 || r.port == 400)", rows) == "true");
  CHECK(both_ways("rows.exists(r, !(r.port != 5))", rows) == "true");
  CHECK(both_ways("rows.exists(r, r.port == dyn(8.0))", rows) == "true");
  CHECK(both_ways("rows.filter(r, r.port in [9, 3, 9, 70]).map(r, r.port)", rows) == "[3, 9]");
  CHECK(both_ways("rows.exists(r, r.port in [] || r.port in [300])", rows) == "false");
  CHECK(both_ways("rows.all(r, !(r.port in [8, 9]) || r.state == 'listen')", rows) == "false");
  CHECK(both_ways("rows.exists(r, r.port in [r.port])", rows) == "true");
  CHECK(both_ways("rows.exists(r, r.port in {8: true})", rows) == "true");
}

TEST_CASE("an index keeps errors and unknowns as a full scan does") {
  auto rows = numbers(10);
  rows[4] = Value::unknown(UnknownReason{7, "port not readable"});
  CHECK(both_ways("rows.exists(r, r.port == 3)", rows) == "true");
  CHECK(both_ways("rows.exists(r, r.port == 300)", rows) == "unknown(port not readable)");
  CHECK(both_ways("rows.exists(r, r.port == 300 && r.state == 'closed')", rows) == "false");
  CHECK(both_ways("rows.all(r, r.port != 300)", rows) == "unknown(port not readable)");
  CHECK(both_ways("rows.filter(r, r.port == 3)", rows) == "unknown(port not readable)");
  CHECK(both_ways("rows.exists_one(r, r.port == 3)", rows) == "unknown(port not readable)");
  rows[5] = Value::error(Failure::host, "bad cell");
  CHECK(both_ways("rows.exists(r, r.port == 3)", rows) == "true");
  CHECK(both_ways("rows.filter(r, r.port == 3)", rows) == "unknown(port not readable)");
  rows[4] = Value::integer(4);
  CHECK(both_ways("rows.exists(r, r.port == 300)", rows) == "error(bad cell)");
  CHECK(both_ways("rows.exists(r, r.port == 1 / 0)", rows) == "error(divide by zero)");
  CHECK(both_ways("rows.exists(r, r.port == wanted)", rows) == "unknown(wanted is unknown)");
  rows[4] = Value::unknown(UnknownReason{7, "port not readable"});
  CHECK(both_ways("rows.exists(r, r.port in [3, 300])", rows) == "true");
  CHECK(both_ways("rows.exists(r, r.port in [200, 300] && r.state == 'closed')", rows) ==
        "error(bad cell)");
}

TEST_CASE("over a large table an index costs what it matches") {
  Environment environment;
  environment.declare_record(std::make_shared<const RecordType>("port_row", Ports::fields()));
  environment.declare_variable("rows", *parse_type("list(port_row)"));
  const auto table = make_shared_object<const Ports>(numbers(1000), true);
  Bindings bindings;
  bindings.set("rows", Value::records(table));
  CHECK(test::eval("rows.filter(r, r.port == 7 && r.state == 'closed').size()", bindings,
                   environment) == "10");
  CHECK(table->reads <= 20);
  CHECK(test::eval("rows.filter(r, r.port in [7, 8] && r.state == 'closed').size()", bindings,
                   environment) == "10");
  CHECK(table->reads <= 80);
}

TEST_CASE("records compare by the row they name") {
  Environment environment;
  environment.declare_record(std::make_shared<const RecordType>("port_row", Ports::fields()));
  environment.declare_variable("rows", *parse_type("list(port_row)"));
  Bindings bindings;
  bindings.set("rows", Value::records(make_shared_object<const Ports>(numbers(3), false)));
  CHECK(test::eval("rows[0] == rows[0] && rows[0] != rows[1]", bindings, environment) == "true");
  CHECK(test::eval("rows[1] in rows.filter(r, r.port == 1)", bindings, environment) == "true");
  CHECK(test::eval("type(rows[0]) == port_row", bindings, environment) == "true");
  CHECK(test::eval("rows[1]", bindings, environment) == "port_row{port: 1, state: 'closed'}");
  CHECK(test::eval("rows[5]", bindings, environment).starts_with("error(invalid_argument"));
}

TEST_CASE("a cell without a value is null, absent for has, and no error") {
  Environment environment;
  environment.declare_record(std::make_shared<const RecordType>("port_row", Ports::fields()));
  environment.declare_variable("rows", *parse_type("list(port_row)"));
  Bindings bindings;
  bindings.set("rows", Value::records(make_shared_object<const Ports>(
                           std::vector<Value>{Value(), Value::integer(5)}, false)));
  CHECK(test::eval("has(rows[0].port)", bindings, environment) == "false");
  CHECK(test::eval("has(rows[1].port)", bindings, environment) == "true");
  CHECK(test::eval("rows[0].?port.orValue(3)", bindings, environment) == "3");
  CHECK(test::eval("rows.map(r, r.?port.orValue(0))", bindings, environment) == "[0, 5]");
  CHECK(test::eval("dyn(rows[0]).nothing", bindings, environment) ==
        "error(no such field: 'nothing')");
}
