// The sets extension: lists taken as sets, compared by CEL equality.
#include "core/cel/compare.h"
#include "core/cel/library/tables.h"

#include <array>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;

bool holds(const List& list, const Value& wanted) {
  for (std::size_t index = 0; index < list.size(); ++index)
    if (equal(list.at(index), wanted))
      return true;
  return false;
}

bool holds_all(const List& list, const List& wanted) {
  for (std::size_t index = 0; index < wanted.size(); ++index)
    if (!holds(list, wanted.at(index)))
      return false;
  return true;
}

bool holds_any(const List& list, const List& wanted) {
  for (std::size_t index = 0; index < wanted.size(); ++index)
    if (holds(list, wanted.at(index)))
      return true;
  return false;
}

/// Charges for comparing all with all; false when that alone breaks the budget.
bool affordable(CallContext& context, Arguments arguments) {
  constexpr std::uint64_t most = 50'000'000;
  const auto pairs = std::min(arguments[0].weight(), most) * std::min(arguments[1].weight(), most);
  context.charge(pairs);
  return pairs <= most;
}

Value too_much() {
  return Value::error(Failure::budget, "evaluation budget exceeded");
}

Value contains(CallContext& context, Arguments arguments) {
  if (!affordable(context, arguments))
    return too_much();
  return Value::boolean(holds_all(arguments[0].as_list(), arguments[1].as_list()));
}
Value equivalent(CallContext& context, Arguments arguments) {
  if (!affordable(context, arguments))
    return too_much();
  const auto& left = arguments[0].as_list();
  const auto& right = arguments[1].as_list();
  return Value::boolean(holds_all(left, right) && holds_all(right, left));
}
Value intersects(CallContext& context, Arguments arguments) {
  if (!affordable(context, arguments))
    return too_much();
  return Value::boolean(holds_any(arguments[0].as_list(), arguments[1].as_list()));
}

constexpr std::array table{
    Declaration{"sets.contains", "(list(T), list(T)) -> bool", contains},
    Declaration{"sets.equivalent", "(list(T), list(T)) -> bool", equivalent},
    Declaration{"sets.intersects", "(list(T), list(T)) -> bool", intersects},
};

} // namespace

std::span<const Declaration> sets() {
  return table;
}

} // namespace synfate::cel::library
