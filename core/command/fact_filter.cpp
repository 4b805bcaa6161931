#include "core/command/fact_filter.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "core/cel/checker.h"
#include "core/cel/evaluator.h"
#include "core/cel/parser.h"
#include "core/cel/program.h"
#include "core/cel/unparse.h"
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

/// The value of an expression without variables; nothing where it has some, or fails.
std::optional<cel::Value> constant(const cel::Ast& ast, cel::NodeIndex index) {
  const cel::Environment nothing;
  auto parsed = cel::parse(cel::unparse(ast, index));
  if (!parsed.ok())
    return std::nullopt;
  auto checked = cel::check(std::move(parsed.ast), nothing);
  if (!checked.ok())
    return std::nullopt;
  cel::Value value =
      cel::evaluate(cel::link(std::move(checked.expression.ast), nothing), cel::Bindings());
  return value.is_known() ? std::optional(std::move(value)) : std::nullopt;
}

/// Both sides of an equality may be the column.
void add_key(std::vector<Key>& keys, const TableSpec& spec, const cel::Ast& ast,
             cel::NodeIndex equality) {
  for (const std::size_t side : {0, 1}) {
    const cel::NodeIndex index = ast.child(equality, side);
    const auto column = ast.node(index).kind == cel::NodeKind::variable
                            ? spec.column(ast.text_of(index))
                            : std::nullopt;
    if (!column || !spec.columns[*column].key)
      continue;
    const auto value = constant(ast, ast.child(equality, 1 - side));
    auto cell = value ? rules::to_cell(*value, spec.columns[*column].type) : std::nullopt;
    if (cell && std::ranges::find(keys, spec.columns[*column].name, &Key::column) == keys.end())
      keys.push_back({spec.columns[*column].name, std::move(*cell)});
  }
}

std::vector<Key> keys_of(const TableSpec& spec, const cel::Ast& ast, cel::NodeIndex index) {
  std::vector<Key> keys;
  std::vector<cel::NodeIndex> open = {index};
  while (!open.empty()) {
    const cel::NodeIndex at = open.back();
    open.pop_back();
    if (ast.node(at).kind != cel::NodeKind::operation)
      continue;
    if (ast.node(at).operation() == cel::Operator::logical_and)
      std::ranges::copy(ast.children(at), std::back_inserter(open));
    else if (ast.node(at).operation() == cel::Operator::equal)
      add_key(keys, spec, ast, at);
  }
  return keys;
}

} // namespace

Result<FactFilter> FactFilter::parse(const TableSpec& spec, const std::string& condition) {
  const cel::Environment environment = columns_of(spec);
  auto parsed = cel::parse(condition);
  if (!parsed.ok())
    return wrong(condition, parsed.errors.front());
  auto keys = keys_of(spec, parsed.ast, parsed.ast.root);
  auto checked = cel::check(std::move(parsed.ast), environment);
  if (!checked.ok())
    return wrong(condition, checked.errors.front());
  return FactFilter(spec, cel::link(std::move(checked.expression.ast), environment),
                    std::move(keys));
}

FilteredRows FactFilter::apply(const Snapshot& snapshot,
                               const std::vector<std::size_t>& rows) const {
  const rules::TableRecords records(rules::record_type(*spec_), *spec_,
                                    snapshot.table(spec_->name));
  FilteredRows filtered;
  for (const auto row : rows) {
    cel::Bindings bindings;
    for (std::size_t column = 0; column < spec_->columns.size(); ++column)
      bindings.set(spec_->columns[column].name, records.field(row, column));
    const cel::Value value = cel::evaluate(program_, bindings);
    if (value.is(cel::Kind::unknown))
      ++filtered.undecided;
    else if (value.is(cel::Kind::boolean) && value.as_bool())
      filtered.rows.push_back(row);
  }
  return filtered;
}

} // namespace synfate
