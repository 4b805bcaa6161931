#include "core/cel/evaluator.h"

#include "core/cel/evaluation.h"
#include "core/cel/operators.h"

#include <algorithm>
#include <array>

namespace synfate::cel {
namespace {

constexpr std::int64_t steps_between_clock_checks = 2048;

Value budget_error() {
  return Value::error(Failure::budget, "evaluation budget exceeded");
}

/// Whether a run-time value fits a declared parameter; element types are not looked at.
bool accepts(const Type& type, const Value& value) {
  switch (type.kind) {
  case TypeKind::dyn:
  case TypeKind::error:
  case TypeKind::variable:
    return true;
  case TypeKind::null:
    return value.is(Kind::null);
  case TypeKind::boolean:
    return value.is(Kind::boolean);
  case TypeKind::integer:
    return value.is(Kind::integer);
  case TypeKind::unsigned_integer:
    return value.is(Kind::unsigned_integer);
  case TypeKind::floating:
    return value.is(Kind::floating);
  case TypeKind::string:
    return value.is(Kind::string);
  case TypeKind::bytes:
    return value.is(Kind::bytes);
  case TypeKind::timestamp:
    return value.is(Kind::timestamp);
  case TypeKind::duration:
    return value.is(Kind::duration);
  case TypeKind::type:
    return value.is(Kind::type);
  case TypeKind::list:
    return value.is(Kind::list);
  case TypeKind::map:
    return value.is(Kind::map);
  case TypeKind::opaque:
  case TypeKind::record:
    return type.name == type_name(value);
  }
  return false;
}

bool accepts_all(const Signature& signature, std::span<const Value> arguments) {
  for (std::size_t index = 0; index < arguments.size(); ++index)
    if (!accepts(signature.parameters[index], arguments[index]))
      return false;
  return true;
}

} // namespace

const Value* Bindings::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found != values_.end())
    return &found->second;
  return below_ == nullptr ? nullptr : below_->find(name);
}

void Trace::record(NodeIndex node, const Value& value) {
  if (values_.size() <= node)
    values_.resize(node + 1);
  values_[node] = value;
}

const Value* Trace::value(NodeIndex node) const {
  return node < values_.size() && values_[node] ? &*values_[node] : nullptr;
}

void Strict::keep(const Value& value) {
  if (value.is_unknown() && kept_.is_unknown())
    kept_ = merge_unknowns(kept_, value);
  else if (value.is_unknown() || kept_.is_known())
    kept_ = value;
}

Evaluation::Evaluation(const Program& program, const Bindings& bindings,
                       const EvaluateOptions& options)
    : program_(program), ast_(program.ast()), options_(options),
      steps_left_(static_cast<std::int64_t>(std::min(options.step_limit, most_weight))),
      next_clock_check_(steps_left_), locals_(program.slots()), columns_(ast_.size()) {
  for (const auto& name : program.variables())
    globals_.push_back(bindings.find(name));
}

Value Evaluation::run() {
  auto value = eval(ast_.root);
  return exhausted() ? budget_error() : value;
}

void Evaluation::charge(std::size_t steps) {
  steps_left_ -= static_cast<std::int64_t>(std::min<std::uint64_t>(steps, most_weight));
  if (options_.deadline && steps_left_ < next_clock_check_)
    check_deadline();
}

void Evaluation::check_deadline() {
  next_clock_check_ = steps_left_ - steps_between_clock_checks;
  if (std::chrono::steady_clock::now() >= *options_.deadline)
    steps_left_ = -1;
}

std::shared_ptr<const Regex> Evaluation::regex(std::string_view pattern, std::string& problem) {
  constexpr std::size_t most_kept = 64;
  if (auto linked = program_.regex(pattern))
    return linked;
  const std::string key(pattern);
  if (const auto found = regexes_.find(key); found != regexes_.end())
    return found->second;
  charge(1000 + pattern.size());
  auto compiled = Regex::compile(pattern, problem);
  if (compiled && regexes_.size() < most_kept)
    regexes_.emplace(key, compiled);
  return compiled;
}

Value Evaluation::eval(NodeIndex index) {
  charge(1);
  if (exhausted())
    return budget_error();
  Value value = dispatch(index);
  if (value.is_error())
    value = value.located(index);
  if (options_.trace != nullptr)
    options_.trace->record(index, value);
  return value;
}

Value Evaluation::dispatch(NodeIndex index) {
  const auto& node = ast_.node(index);
  switch (node.kind) {
  case NodeKind::literal:
    return ast_.constant(node);
  case NodeKind::variable:
    if (const auto* value = stored(index))
      return *value;
    return Value::error(Failure::undeclared, "unknown variable '" + ast_.text_of(index) + "'");
  case NodeKind::select:
    return select(index);
  case NodeKind::has:
    return has(index);
  case NodeKind::call:
    return call(index);
  case NodeKind::operation:
    return operation(index);
  case NodeKind::list:
    return list(index);
  case NodeKind::map:
    return map(index);
  case NodeKind::comprehension:
    return comprehension(index);
  case NodeKind::bind:
    return bind(index);
  case NodeKind::block:
    return block(index);
  case NodeKind::optional_entry:
    return eval(ast_.child(index, 0));
  case NodeKind::message:
    return Value::error(Failure::undeclared, "unknown type '" + ast_.text_of(index) + "'");
  }
  return {};
}

const Value* Evaluation::stored(NodeIndex index) const {
  const auto& node = ast_.node(index);
  if (node.kind == NodeKind::literal)
    return &ast_.constant(node);
  if (node.kind != NodeKind::variable)
    return nullptr;
  return node.has_flag(flag_local) ? &locals_[node.slot] : globals_[node.extra];
}

const Value& Evaluation::operand(NodeIndex index, Value& storage) {
  const auto* value = options_.trace == nullptr ? stored(index) : nullptr;
  if (value != nullptr)
    return *value;
  return storage = eval(index);
}

Value Evaluation::operation(NodeIndex index) {
  const auto which = ast_.node(index).operation();
  switch (which) {
  case Operator::logical_or:
    return logical(index, true);
  case Operator::logical_and:
    return logical(index, false);
  case Operator::conditional:
    return conditional(index);
  case Operator::negate:
  case Operator::logical_not: {
    Value storage;
    const auto& value = operand(ast_.child(index, 0), storage);
    return value.is_known() ? apply_unary(which, value) : value;
  }
  default:
    return binary(index);
  }
}

/// || when `decisive` is true, && when it is false: an operand of that value decides alone.
Value Evaluation::logical(NodeIndex index, bool decisive) {
  Strict others;
  for (const auto child : ast_.children(index)) {
    Value storage;
    const auto& value = operand(child, storage);
    if (value.is(Kind::boolean)) {
      if (value.as_bool() == decisive)
        return value;
    } else if (others.see(value)) {
      others.see(no_overload(decisive ? "_||_" : "_&&_", std::span(&value, 1)));
    }
    if (exhausted())
      return budget_error();
  }
  return others.failed() ? others.take() : Value::boolean(!decisive);
}

Value Evaluation::conditional(NodeIndex index) {
  Value storage;
  const auto& condition = operand(ast_.child(index, 0), storage);
  if (!condition.is_known())
    return condition;
  if (!condition.is(Kind::boolean))
    return no_overload("_?_:_", std::span(&condition, 1));
  return eval(ast_.child(index, condition.as_bool() ? 1 : 2));
}

Value Evaluation::binary(NodeIndex index) {
  Value left_storage;
  Value right_storage;
  const auto& left = operand(ast_.child(index, 0), left_storage);
  const auto& right = operand(ast_.child(index, 1), right_storage);
  Strict strict;
  strict.see(left);
  strict.see(right);
  if (strict.failed())
    return strict.take();
  const auto which = ast_.node(index).operation();
  if (which == Operator::equal || which == Operator::not_equal)
    charge(std::min(left.weight(), right.weight()));
  else if (which == Operator::in || which == Operator::add)
    charge(left.weight() + (right.is(Kind::map) ? 1 : right.weight()));
  return exhausted() ? budget_error() : apply_binary(which, left, right);
}

std::optional<std::size_t> Evaluation::column(NodeIndex index, const RecordSet& records) {
  auto& cache = columns_[index];
  const auto& type = records.type();
  if (cache.type != &type) {
    const auto found = type.find(ast_.text_of(index));
    if (!found)
      return std::nullopt;
    cache = {&type, *found};
  }
  return cache.column;
}

Value Evaluation::select(NodeIndex index) {
  Value storage;
  const auto& value = operand(ast_.child(index, 0), storage);
  if (!value.is_known())
    return value;
  if (!value.is(Kind::optional) && !ast_.node(index).has_flag(flag_optional))
    return select_from(index, value);
  const auto* inner = value.is(Kind::optional) ? value.as_optional() : &value;
  if (inner == nullptr)
    return value;
  auto present = has_in(index, *inner);
  if (!present.is_true())
    return present.is_false() ? Value::optional_none() : present;
  auto selected = select_from(index, *inner);
  return selected.is_known() ? Value::optional_of(std::move(selected)) : selected;
}

Value Evaluation::select_from(NodeIndex index, const Value& value) {
  const auto& field = ast_.text_of(index);
  if (value.is(Kind::record)) {
    const auto& records = value.as_record_set();
    if (const auto found = column(index, records))
      return records.field(value.row(), *found);
    return Value::error(Failure::no_such_field, "no such field: '" + field + "'");
  }
  if (value.is(Kind::map)) {
    const auto* found = value.as_map().find(Value::borrowed_string(field));
    return found != nullptr ? *found
                            : Value::error(Failure::no_such_key, "no such key: '" + field + "'");
  }
  return Value::error(Failure::no_such_overload, "a value of type " +
                                                     std::string(type_name(value)) +
                                                     " has no field '" + field + "'");
}

Value Evaluation::has(NodeIndex index) {
  Value storage;
  const auto& value = operand(ast_.child(index, 0), storage);
  if (!value.is_known())
    return value;
  if (!value.is(Kind::optional))
    return has_in(index, value);
  return value.as_optional() == nullptr ? Value::boolean(false)
                                        : has_in(index, *value.as_optional());
}

Value Evaluation::has_in(NodeIndex index, const Value& value) {
  const auto& field = ast_.text_of(index);
  if (value.is(Kind::map))
    return Value::boolean(value.as_map().find(Value::borrowed_string(field)) != nullptr);
  if (!value.is(Kind::record))
    return select_from(index, value); // the error for a value without fields
  const auto& records = value.as_record_set();
  if (const auto found = column(index, records))
    return records.has(value.row(), *found);
  return Value::error(Failure::no_such_field, "no such field: '" + field + "'");
}

Value Evaluation::call(NodeIndex index) {
  constexpr std::size_t most_in_place = 3;
  const auto children = ast_.children(index);
  std::array<Value, most_in_place> in_place;
  std::vector<Value> many;
  if (children.size() > most_in_place)
    many.resize(children.size());
  const std::span<Value> arguments =
      many.empty() ? std::span(in_place).first(children.size()) : std::span(many);
  Strict strict;
  for (std::size_t at = 0; at < children.size(); ++at) {
    arguments[at] = eval(children[at]);
    strict.see(arguments[at]);
  }
  if (exhausted())
    return budget_error();
  return strict.failed() ? strict.take() : invoke(index, arguments);
}

Value Evaluation::invoke(NodeIndex index, std::span<const Value> arguments) {
  for (const auto* overload : program_.overloads(ast_.node(index)))
    if (overload->native && accepts_all(overload->signature, arguments)) {
      auto result = overload->native(*this, arguments);
      return exhausted() ? budget_error() : result;
    }
  return no_overload(ast_.text_of(index), arguments);
}

Value Evaluation::list(NodeIndex index) {
  Strict strict;
  std::vector<Value> elements;
  elements.reserve(ast_.node(index).count);
  for (const auto child : ast_.children(index)) {
    auto value = eval(child);
    if (!strict.see(value))
      continue;
    if (ast_.node(child).kind != NodeKind::optional_entry)
      elements.push_back(std::move(value));
    else if (!value.is(Kind::optional))
      strict.see(Value::error(Failure::no_such_overload, "an element after '?' is no optional"));
    else if (value.as_optional() != nullptr)
      elements.push_back(*value.as_optional());
  }
  return strict.failed() ? strict.take() : Value::list(std::move(elements));
}

Value Evaluation::map(NodeIndex index) {
  Strict strict;
  MapBuilder builder;
  const auto children = ast_.children(index);
  for (std::size_t at = 0; at + 1 < children.size(); at += 2) {
    auto key = eval(children[at]);
    auto value = eval(children[at + 1]);
    const bool usable = strict.see(key);
    if (!strict.see(value) || !usable)
      continue;
    if (ast_.node(children[at]).kind == NodeKind::optional_entry) {
      if (!value.is(Kind::optional)) {
        strict.see(Value::error(Failure::no_such_overload, "a value after '?' is no optional"));
        continue;
      }
      if (value.as_optional() == nullptr)
        continue;
      value = Value(*value.as_optional());
    }
    if (auto refused = builder.add(std::move(key), std::move(value)))
      strict.see(refused->located(children[at]));
  }
  return strict.failed() ? strict.take() : builder.build();
}

Value Evaluation::bind(NodeIndex index) {
  auto bound = eval(ast_.child(index, 0));
  locals_[ast_.node(index).slot] = std::move(bound);
  return eval(ast_.child(index, 1));
}

Value Evaluation::block(NodeIndex index) {
  const auto& node = ast_.node(index);
  for (std::uint32_t at = 0; at + 1 < node.count; ++at)
    locals_[node.slot + at] = eval(ast_.child(index, at));
  return eval(ast_.child(index, node.count - 1));
}

Value evaluate(const Program& program, const Bindings& bindings, const EvaluateOptions& options) {
  return Evaluation(program, bindings, options).run();
}

} // namespace synfate::cel
