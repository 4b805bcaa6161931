#include "tests/unit/core/cel/expressions.h"

#include "core/cel/parser.h"
#include "core/cel/resolve.h"
#include "core/cel/unparse.h"

#include <stdexcept>

namespace synfate::cel::test {
namespace {

std::string describe(const Diagnostic& diagnostic) {
  auto text = std::string(diagnostic.code) + " at " + std::to_string(diagnostic.position.line) +
              ":" + std::to_string(diagnostic.position.column);
  if (!diagnostic.suggestion.empty())
    text += " (" + diagnostic.suggestion + "?)";
  return text;
}

} // namespace

std::string eval(std::string_view source, const Bindings& bindings,
                 const Environment& environment) {
  auto parsed = parse(source);
  if (!parsed.ok())
    return describe(parsed.errors.front());
  auto checked = check(std::move(parsed.ast), environment);
  if (!checked.ok())
    return describe(checked.errors.front());
  return to_text(evaluate(link(std::move(checked.expression.ast), environment), bindings));
}

std::string eval_unchecked(std::string_view source, const Bindings& bindings) {
  auto parsed = parse(source);
  if (!parsed.ok())
    return describe(parsed.errors.front());
  const Environment environment;
  resolve_names(parsed.ast, environment,
                [&bindings](std::string_view name) { return bindings.find(name) != nullptr; });
  return to_text(evaluate(link(std::move(parsed.ast), environment), bindings));
}

std::string type_of(std::string_view source, const Environment& environment) {
  auto parsed = parse(source);
  if (!parsed.ok())
    return describe(parsed.errors.front());
  const auto checked = check(std::move(parsed.ast), environment);
  return checked.ok() ? to_string(checked.expression.type) : describe(checked.errors.front());
}

std::string reparsed(std::string_view source) {
  const auto parsed = parse(source);
  return parsed.ok() ? unparse(parsed.ast) : describe(parsed.errors.front());
}

Program compile(std::string_view source, const Environment& environment) {
  auto checked = check(parse(source).ast, environment);
  if (!checked.ok())
    throw std::invalid_argument(checked.errors.front().message);
  return link(std::move(checked.expression.ast), environment);
}

bool is_true(std::string_view source) {
  return eval(source) == "true";
}

} // namespace synfate::cel::test
