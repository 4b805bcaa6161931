#include "core/command/fact_filter.h"

#include <fmt/format.h>

#include "core/cel/checker.h"
#include "core/cel/evaluator.h"
#include "core/cel/parser.h"
#include "core/cel/program.h"
#include "core/rules/table_records.h"

namespace synfate {
namespace {

Error wrong(const std::string& condition, const cel::Diagnostic& diagnostic) {
  return {.code = ErrorCode::invalid_input,
          .doing = "reading --where",
          .where = fmt::format("{}:{}:{}", condition, diagnostic.position.line,
                               diagnostic.position.column),
          .detail = diagnostic.message,
          .hint = diagnostic.suggestion.empty()
                      ? std::string("The columns of the table are the variables; see --schema.")
                      : fmt::format("Did you mean '{}'?", diagnostic.suggestion)};
}

cel::Environment columns_of(const TableSpec& spec) {
  cel::Environment environment;
  for (const auto& column : spec.columns)
    environment.declare_variable(column.name, rules::cel_type(column.type));
  return environment;
}

} // namespace

Result<FilteredRows> filter_rows(const Snapshot& snapshot, const std::string& table,
                                 const std::vector<std::size_t>& rows,
                                 const std::string& condition) {
  const TableSpec& spec = *snapshot.schema().find(table);
  const cel::Environment environment = columns_of(spec);
  auto parsed = cel::parse(condition);
  if (!parsed.ok())
    return wrong(condition, parsed.errors.front());
  auto checked = cel::check(std::move(parsed.ast), environment);
  if (!checked.ok())
    return wrong(condition, checked.errors.front());
  const cel::Program program = cel::link(std::move(checked.expression.ast), environment);
  const rules::TableRecords records(rules::record_type(spec), spec, snapshot.table(table));
  FilteredRows filtered;
  for (const auto row : rows) {
    cel::Bindings bindings;
    for (std::size_t column = 0; column < spec.columns.size(); ++column)
      bindings.set(spec.columns[column].name, records.field(row, column));
    const cel::Value value = cel::evaluate(program, bindings);
    if (value.is(cel::Kind::unknown))
      ++filtered.undecided;
    else if (value.is(cel::Kind::boolean) && value.as_bool())
      filtered.rows.push_back(row);
  }
  return filtered;
}

} // namespace synfate
