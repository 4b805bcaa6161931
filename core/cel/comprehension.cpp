// The macros that go through a list or map, evaluated without the fold they stand for.
//
// Over a table, a condition of the form `s.column == value && …`, or `s.column in values && …`, is
// first put to the table's index. Rows that the index leaves out are certainly unequal, so their
// condition is certainly false, whatever the other conjuncts are: leaving them out changes no
// result, error or unknown.
#include "core/cel/compare.h"
#include "core/cel/evaluation.h"
#include "core/cel/operators.h"

#include <algorithm>
#include <iterator>

namespace synfate::cel {

/// One comprehension while it runs.
class Loop {
public:
  Loop(Evaluation& evaluation, NodeIndex index, const Value& range)
      : evaluation_(evaluation), ast_(evaluation.ast_), index_(index), node_(ast_.node(index)),
        range_(range) {}

  Value run() {
    if (!range_.is(Kind::list) && !range_.is(Kind::map))
      return no_overload(macro_name(node_.macro()), std::span(&range_, 1));
    switch (node_.macro()) {
    case Macro::all:
      return quantify(false);
    case Macro::exists:
      return quantify(true);
    case Macro::exists_one:
      return exists_one();
    case Macro::filter:
      return filter();
    case Macro::map:
    case Macro::transform_list:
      return transform_list();
    case Macro::transform_map:
    case Macro::transform_map_entry:
      return transform_map();
    case Macro::sort_by:
      return sort_by();
    case Macro::opt_map:
    case Macro::opt_flat_map:
      break;
    }
    return {};
  }

private:
  /// Calls `body` for every element with the loop variables set, until it returns false.
  template <typename Body> void each(Body body) {
    if (range_.is(Kind::map)) {
      for (const auto& entry : range_.as_map().entries())
        if (!step(entry.key, entry.value, body))
          return;
      return;
    }
    const auto& list = range_.as_list();
    if (const auto rows = indexed_rows(list)) {
      for (const auto row : *rows)
        if (!step(list.at(row), {}, body))
          return;
      return;
    }
    const bool two = node_.has_flag(flag_two_variables);
    for (std::size_t at = 0; at < list.size(); ++at) {
      const bool more = two ? step(Value::integer(static_cast<std::int64_t>(at)), list.at(at), body)
                            : step(list.at(at), {}, body);
      if (!more)
        return;
    }
  }

  template <typename Body> bool step(Value first, Value second, Body& body) {
    evaluation_.charge(1);
    if (evaluation_.exhausted())
      return false;
    evaluation_.locals_[node_.slot] = std::move(first);
    if (node_.has_flag(flag_two_variables))
      evaluation_.locals_[node_.slot + 1] = std::move(second);
    return body();
  }

  const Value& first_variable() const { return evaluation_.locals_[node_.slot]; }

  /// The values that a plan asks for; nothing if they cannot be told.
  std::optional<std::vector<Value>> values_of(const IndexPlan& plan) {
    auto value = evaluation_.eval(plan.value);
    if (!value.is_known() || (plan.one_of && !value.is(Kind::list)))
      return std::nullopt;
    if (!plan.one_of)
      return std::vector{std::move(value)};
    const auto& list = value.as_list();
    std::vector<Value> values;
    for (std::size_t at = 0; at < list.size(); ++at)
      values.push_back(list.at(at));
    return values;
  }

  static std::optional<std::size_t> estimate(const RecordSet& records, std::size_t column,
                                             const std::vector<Value>& values) {
    std::size_t sum = 0;
    for (const auto& value : values) {
      const auto rows = records.estimate(column, value);
      if (!rows)
        return std::nullopt;
      sum += *rows;
    }
    return sum;
  }

  /// The rows that can matter, from the index that leaves the fewest; nothing without one.
  std::optional<std::vector<std::uint32_t>> indexed_rows(const List& list) {
    const auto* records = list.records();
    const auto* plans = records == nullptr ? nullptr : evaluation_.program_.plans(index_);
    if (plans == nullptr)
      return std::nullopt;
    std::optional<std::size_t> least;
    std::size_t best_column = 0;
    std::vector<Value> best_values;
    for (const auto& plan : *plans) {
      const auto column = records->type().find(ast_.text(plan.column_text));
      auto values = column ? values_of(plan) : std::nullopt;
      if (!values)
        continue;
      const auto rows = estimate(*records, *column, *values);
      if (!rows || (least && *least <= *rows))
        continue;
      least = rows;
      best_column = *column;
      best_values = std::move(*values);
    }
    return least ? std::optional(find(*records, best_column, best_values)) : std::nullopt;
  }

  /// In their order, each once: a row whose cell is unknown is found for every value.
  static std::vector<std::uint32_t> find(const RecordSet& records, std::size_t column,
                                         const std::vector<Value>& values) {
    std::vector<std::uint32_t> rows;
    for (const auto& value : values)
      std::ranges::copy(records.find(column, value), std::back_inserter(rows));
    if (values.size() > 1) {
      std::ranges::sort(rows);
      rows.erase(std::ranges::unique(rows).begin(), rows.end());
    }
    return rows;
  }

  NodeIndex last() const { return ast_.child(index_, node_.count - 1); }
  bool has_condition() const { return node_.count == 3; }

  Value not_bool(const Value& value) const {
    return no_overload(macro_name(node_.macro()), std::span(&value, 1));
  }

  /// The condition for the current element: true, false, or gathered into `strict`.
  bool holds(NodeIndex condition, Strict& strict) {
    const auto value = evaluation_.eval(condition);
    if (strict.see(value) && !value.is(Kind::boolean))
      strict.see(not_bool(value).located(condition));
    return value.is_true();
  }

  Value quantify(bool decisive) {
    Strict others;
    bool decided = false;
    each([&] {
      const auto value = evaluation_.eval(last());
      if (value.is(Kind::boolean))
        decided = value.as_bool() == decisive;
      else if (others.see(value))
        others.see(not_bool(value).located(last()));
      return !decided;
    });
    if (decided)
      return Value::boolean(decisive);
    return others.failed() ? others.take() : Value::boolean(!decisive);
  }

  Value exists_one() {
    Strict strict;
    std::size_t matches = 0;
    each([&] {
      matches += holds(last(), strict) ? 1 : 0;
      return true;
    });
    return strict.failed() ? strict.take() : Value::boolean(matches == 1);
  }

  Value filter() {
    Strict strict;
    std::vector<Value> kept;
    each([&] {
      if (holds(last(), strict))
        kept.push_back(first_variable());
      return true;
    });
    return strict.failed() ? strict.take() : Value::list(std::move(kept));
  }

  Value transform_list() {
    Strict strict;
    std::vector<Value> results;
    each([&] {
      if (has_condition() && !holds(ast_.child(index_, 1), strict))
        return true;
      auto value = evaluation_.eval(last());
      if (strict.see(value))
        results.push_back(std::move(value));
      return true;
    });
    return strict.failed() ? strict.take() : Value::list(std::move(results));
  }

  void add_entry(MapBuilder& builder, Value value, Strict& strict) {
    if (node_.macro() == Macro::transform_map) {
      if (const auto refused = builder.add(first_variable(), std::move(value)))
        strict.see(*refused);
      return;
    }
    if (!value.is(Kind::map)) {
      strict.see(not_bool(value).located(last()));
      return;
    }
    for (const auto& entry : value.as_map().entries())
      if (const auto refused = builder.add(entry.key, entry.value))
        strict.see(*refused);
  }

  Value transform_map() {
    Strict strict;
    MapBuilder builder;
    each([&] {
      if (has_condition() && !holds(ast_.child(index_, 1), strict))
        return true;
      auto value = evaluation_.eval(last());
      if (strict.see(value))
        add_entry(builder, std::move(value), strict);
      return true;
    });
    return strict.failed() ? strict.take() : builder.build();
  }

  Value sort_by() {
    if (!range_.is(Kind::list))
      return not_bool(range_);
    Strict strict;
    std::vector<std::pair<Value, Value>> keyed;
    each([&] {
      auto key = evaluation_.eval(last());
      if (!strict.see(key))
        return true;
      const auto& against = keyed.empty() ? key : keyed.front().first;
      if (key.kind() != against.kind() || !compare(against, key))
        strict.see(not_bool(key).located(last()));
      keyed.emplace_back(std::move(key), first_variable());
      return true;
    });
    if (strict.failed())
      return strict.take();
    std::ranges::stable_sort(keyed, [](const auto& left, const auto& right) {
      return *compare(left.first, right.first) < 0;
    });
    std::vector<Value> sorted;
    for (auto& [key, value] : keyed)
      sorted.push_back(std::move(value));
    return Value::list(std::move(sorted));
  }

  Evaluation& evaluation_;
  const Ast& ast_;
  NodeIndex index_;
  const Node& node_;
  const Value& range_;
};

Value Evaluation::comprehension(NodeIndex index) {
  const auto macro = ast_.node(index).macro();
  if (macro == Macro::opt_map || macro == Macro::opt_flat_map)
    return optional_map(index);
  const auto range = eval(ast_.child(index, 0));
  return range.is_known() ? Loop(*this, index, range).run() : range;
}

Value Evaluation::optional_map(NodeIndex index) {
  auto range = eval(ast_.child(index, 0));
  const auto& node = ast_.node(index);
  if (!range.is_known())
    return range;
  if (!range.is(Kind::optional))
    return no_overload(macro_name(node.macro()), std::span(&range, 1));
  if (range.as_optional() == nullptr)
    return range;
  locals_[node.slot] = *range.as_optional();
  auto mapped = eval(ast_.child(index, 1));
  if (!mapped.is_known())
    return mapped;
  if (node.macro() == Macro::opt_map)
    return Value::optional_of(std::move(mapped));
  return mapped.is(Kind::optional) ? mapped
                                   : no_overload(macro_name(node.macro()), std::span(&mapped, 1));
}

} // namespace synfate::cel
