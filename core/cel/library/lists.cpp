// The lists extension: slice(), flatten(), distinct(), sort(), reverse(), first(), last(), range().
// (sortBy() is a macro.)
#include "core/cel/compare.h"
#include "core/cel/library/tables.h"

#include <algorithm>
#include <array>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;

Value refuse(std::string message) {
  return Value::error(Failure::invalid_argument, std::move(message));
}

std::vector<Value> elements(const List& list) {
  std::vector<Value> copied;
  copied.reserve(list.size());
  for (std::size_t index = 0; index < list.size(); ++index)
    copied.push_back(list.at(index));
  return copied;
}

Value slice(CallContext& context, Arguments arguments) {
  const auto& list = arguments[0].as_list();
  const auto start = arguments[1].as_int();
  const auto end = arguments[2].as_int();
  if (start < 0 || end < start || static_cast<std::uint64_t>(end) > list.size())
    return refuse("cannot slice(" + std::to_string(start) + ", " + std::to_string(end) +
                  ") a list of " + std::to_string(list.size()));
  context.charge(static_cast<std::size_t>(end - start));
  std::vector<Value> part;
  for (auto index = start; index < end; ++index)
    part.push_back(list.at(static_cast<std::size_t>(index)));
  return Value::list(std::move(part));
}

void flatten_into(const List& list, std::int64_t depth, std::vector<Value>& flat) {
  for (std::size_t index = 0; index < list.size(); ++index) {
    auto element = list.at(index);
    if (element.is(Kind::list) && depth > 0)
      flatten_into(element.as_list(), depth - 1, flat);
    else
      flat.push_back(std::move(element));
  }
}

Value flatten(CallContext& context, Arguments arguments) {
  constexpr std::uint64_t most = 10'000'000;
  const auto depth = arguments.size() > 1 ? arguments[1].as_int() : 1;
  if (depth < 0)
    return refuse("flatten() takes no negative depth");
  context.charge(arguments[0].weight());
  if (arguments[0].weight() > most)
    return Value::error(Failure::budget, "evaluation budget exceeded");
  std::vector<Value> flat;
  flatten_into(arguments[0].as_list(), depth, flat);
  return Value::list(std::move(flat));
}

Value distinct(CallContext& context, Arguments arguments) {
  const auto& list = arguments[0].as_list();
  std::vector<Value> kept;
  for (std::size_t index = 0; index < list.size(); ++index) {
    auto element = list.at(index);
    context.charge(kept.size() + element.weight());
    if (std::ranges::none_of(kept, [&](const Value& other) { return equal(other, element); }))
      kept.push_back(std::move(element));
  }
  return Value::list(std::move(kept));
}

Value sort(CallContext& context, Arguments arguments) {
  auto sorted = elements(arguments[0].as_list());
  context.charge(4 * arguments[0].weight());
  for (const auto& element : sorted)
    if (element.kind() != sorted.front().kind() || !compare(element, sorted.front()))
      return Value::error(Failure::no_such_overload, "no such overload: sort() of a list of " +
                                                         std::string(type_name(sorted.front())) +
                                                         " and " + std::string(type_name(element)));
  std::ranges::stable_sort(
      sorted, [](const Value& left, const Value& right) { return *compare(left, right) < 0; });
  return Value::list(std::move(sorted));
}

Value reverse(CallContext& context, Arguments arguments) {
  context.charge(arguments[0].as_list().size());
  auto reversed = elements(arguments[0].as_list());
  std::ranges::reverse(reversed);
  return Value::list(std::move(reversed));
}

Value first(CallContext&, Arguments arguments) {
  const auto& list = arguments[0].as_list();
  return list.size() == 0 ? Value::optional_none() : Value::optional_of(list.at(0));
}
Value last(CallContext&, Arguments arguments) {
  const auto& list = arguments[0].as_list();
  return list.size() == 0 ? Value::optional_none() : Value::optional_of(list.at(list.size() - 1));
}

Value range(CallContext& context, Arguments arguments) {
  constexpr std::int64_t most = 10'000'000;
  const auto count = arguments[0].as_int();
  if (count > most)
    return refuse("lists.range() takes no more than " + std::to_string(most));
  context.charge(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
  std::vector<Value> numbers;
  for (std::int64_t number = 0; number < count; ++number)
    numbers.push_back(Value::integer(number));
  return Value::list(std::move(numbers));
}

constexpr std::array table{
    Declaration{"slice", "list(T).(int, int) -> list(T)", slice},
    Declaration{"flatten", "list(list(T)).() -> list(T)", flatten},
    Declaration{"flatten", "list(dyn).(int) -> list(dyn)", flatten},
    Declaration{"distinct", "list(T).() -> list(T)", distinct},
    Declaration{"sort", "list(T).() -> list(T)", sort},
    Declaration{"reverse", "list(T).() -> list(T)", reverse},
    Declaration{"first", "list(T).() -> optional_type(T)", first},
    Declaration{"last", "list(T).() -> optional_type(T)", last},
    Declaration{"lists.range", "(int) -> list(int)", range},
};

} // namespace

std::span<const Declaration> lists() {
  return table;
}

} // namespace synfate::cel::library
