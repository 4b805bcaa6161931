#include "core/cel/checker.h"

#include "core/cel/resolve.h"
#include "core/cel/suggest.h"
#include "core/cel/unify.h"

#include <algorithm>

namespace synfate::cel {
namespace {

const Type bool_type() {
  return {TypeKind::boolean, {}, {}};
}
const Type int_type() {
  return {TypeKind::integer, {}, {}};
}
const Type error_type() {
  return {TypeKind::error, {}, {}};
}

constexpr std::size_t largest_type = 2000; // parts; what is larger was written to exhaust us

std::size_t size_of(const Type& type) {
  std::size_t size = 1;
  for (const auto& parameter : type.parameters)
    size += size_of(parameter);
  return size;
}

Type type_of(const Value& constant) {
  switch (constant.kind()) {
  case Kind::null:
    return {TypeKind::null, {}, {}};
  case Kind::boolean:
    return bool_type();
  case Kind::integer:
    return int_type();
  case Kind::unsigned_integer:
    return {TypeKind::unsigned_integer, {}, {}};
  case Kind::floating:
    return {TypeKind::floating, {}, {}};
  case Kind::string:
    return {TypeKind::string, {}, {}};
  case Kind::bytes:
    return {TypeKind::bytes, {}, {}};
  case Kind::type:
    return {TypeKind::type, {}, {}};
  default:
    return {};
  }
}

std::string list_of(const std::vector<Type>& types, std::size_t from) {
  std::string text;
  for (std::size_t index = from; index < types.size(); ++index)
    text += (index > from ? ", " : "") + to_string(types[index]);
  return text;
}

class Checker {
public:
  Checker(Ast& ast, const Environment& environment)
      : ast_(ast), environment_(environment), types_(ast.size()) {}

  void run() { visit(ast_.root); }
  Type result() const { return substitution_.apply(types_[ast_.root], true); }
  std::vector<Type> types() const {
    std::vector<Type> finished;
    for (const auto& type : types_)
      finished.push_back(substitution_.apply(type, true));
    return finished;
  }
  std::vector<Diagnostic> diagnostics;

private:
  void report(std::string_view code, NodeIndex index, std::string message,
              std::string suggestion = {}) {
    diagnostics.push_back(
        {code, std::move(message), ast_.position_of(index), std::move(suggestion)});
  }

  const Type& visit(NodeIndex index) {
    Type type = type_node(index);
    if (size_of(type) > largest_type) {
      report(code::too_deep, index, "the type of this expression is too large");
      type = error_type();
    }
    return types_[index] = std::move(type);
  }

  Type type_node(NodeIndex index) {
    const auto& node = ast_.node(index);
    switch (node.kind) {
    case NodeKind::literal:
      return type_of(ast_.constant(node));
    case NodeKind::variable:
      return variable(index);
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
      return visit(ast_.child(index, 0));
    case NodeKind::message:
      return error_type(); // reported when names were resolved
    }
    return error_type();
  }

  Type variable(NodeIndex index) {
    const auto& node = ast_.node(index);
    if (node.has_flag(flag_local))
      return locals_[node.slot];
    const auto* declared = environment_.variable(ast_.text_of(index));
    return declared == nullptr ? error_type() : environment_.resolve(*declared);
  }

  /// The type of field `index` selects from a value of `operand`.
  Type field(NodeIndex index, const Type& operand) {
    switch (operand.kind) {
    case TypeKind::dyn:
      return {};
    case TypeKind::error:
      return error_type();
    case TypeKind::variable:
      substitution_.assign(Type{}, operand);
      return {};
    case TypeKind::map:
      return operand.parameters[1];
    case TypeKind::record:
      return record_field(index, operand);
    default:
      report(code::not_selectable, index,
             "a value of type " + to_string(operand) + " has no fields");
      return error_type();
    }
  }

  Type record_field(NodeIndex index, const Type& operand) {
    const auto* record = environment_.record(operand.name);
    const auto& name = ast_.text_of(index);
    if (const auto at = record->find(name))
      return environment_.resolve(record->fields()[*at].type);
    std::vector<std::string> names;
    for (const auto& field : record->fields())
      names.push_back(field.name);
    report(code::no_such_field, index, "no field '" + name + "' in " + operand.name,
           suggest(name, names));
    return error_type();
  }

  Type select(NodeIndex index) {
    auto operand = substitution_.apply(visit(ast_.child(index, 0)), false);
    const bool chained = operand.is_optional();
    if (chained)
      operand = substitution_.apply(operand.parameters[0], false);
    Type selected = field(index, operand);
    if (selected.is(TypeKind::error))
      return selected;
    if (chained || ast_.node(index).has_flag(flag_optional))
      return Type::optional(std::move(selected));
    return selected;
  }

  Type has(NodeIndex index) {
    auto operand = substitution_.apply(visit(ast_.child(index, 0)), false);
    if (operand.is_optional())
      operand = substitution_.apply(operand.parameters[0], false);
    field(index, operand);
    return bool_type();
  }

  std::vector<Type> visit_children(NodeIndex index) {
    std::vector<Type> types;
    for (std::size_t at = 0; at < ast_.node(index).count; ++at)
      types.push_back(visit(ast_.child(index, at)));
    return types;
  }

  Type call(NodeIndex index) {
    const auto arguments = visit_children(index);
    const bool member = ast_.node(index).has_flag(flag_member);
    return resolve_overload(index, ast_.text_of(index), ast_.text_of(index), arguments, member);
  }

  Type resolve_overload(NodeIndex index, std::string_view function, std::string_view shown,
                        const std::vector<Type>& arguments, bool member) {
    std::optional<Type> result;
    bool declared = false;
    for (const auto* overload : environment_.overloads(function)) {
      if (overload->signature.member != member)
        continue;
      declared = true;
      const auto signature = substitution_.instantiate(overload->signature);
      if (!substitution_.assign_all(arguments, signature.parameters))
        continue;
      auto type = substitution_.apply(signature.result, false);
      if (!result)
        result = std::move(type);
      else if (!(type == *result))
        result = Type{};
    }
    if (result)
      return *result;
    if (declared)
      report_overload(index, shown, arguments, member);
    return error_type();
  }

  void report_overload(NodeIndex index, std::string_view function, std::vector<Type> arguments,
                       bool member) {
    for (auto& argument : arguments)
      argument = substitution_.apply(argument, true);
    const auto receiver = member ? to_string(arguments.front()) + "." : std::string();
    report(code::no_such_overload, index,
           "found no matching overload for '" + std::string(function) + "' applied to '" +
               receiver + "(" + list_of(arguments, member ? 1 : 0) + ")'");
  }

  Type operation(NodeIndex index) {
    const auto which = ast_.node(index).operation();
    const auto operands = visit_children(index);
    if (which != Operator::logical_and && which != Operator::logical_or)
      return resolve_overload(index, operator_function(which), operator_function(which), operands,
                              false);
    for (std::size_t at = 0; at < operands.size(); ++at)
      if (!substitution_.assign(operands[at], bool_type())) {
        report_overload(index, operator_function(which), operands, false);
        break;
      }
    return bool_type();
  }

  /// The type of one element, which an optional entry takes out of its optional.
  Type element(NodeIndex child) {
    const auto type = substitution_.apply(visit(child), false);
    if (ast_.node(child).kind != NodeKind::optional_entry)
      return type;
    return unwrapped(child, type);
  }

  Type unwrapped(NodeIndex index, const Type& type) {
    if (type.is_dynamic())
      return {};
    const auto inner = substitution_.fresh();
    if (substitution_.assign(type, Type::optional(inner)))
      return substitution_.apply(inner, false);
    report(code::type_mismatch, index, "expected an optional, found " + to_string(type));
    return error_type();
  }

  /// What a list holds that holds both; different types join to dyn.
  Type join(const std::optional<Type>& before, const Type& next) {
    if (!before)
      return next;
    if (substitution_.assign(*before, next))
      return wider(substitution_.apply(*before, false), substitution_.apply(next, false));
    return {};
  }

  Type joined_or_fresh(const std::optional<Type>& joined) {
    return joined ? *joined : substitution_.fresh();
  }

  Type list(NodeIndex index) {
    std::optional<Type> joined;
    for (std::size_t at = 0; at < ast_.node(index).count; ++at)
      joined = join(joined, element(ast_.child(index, at)));
    return Type::list(joined_or_fresh(joined));
  }

  Type map(NodeIndex index) {
    std::optional<Type> keys;
    std::optional<Type> values;
    for (std::size_t at = 0; at + 1 < ast_.node(index).count; at += 2) {
      const auto key = ast_.child(index, at);
      keys = join(keys, substitution_.apply(visit(key), false));
      auto value = substitution_.apply(visit(ast_.child(index, at + 1)), false);
      if (ast_.node(key).kind == NodeKind::optional_entry)
        value = unwrapped(ast_.child(index, at + 1), value);
      values = join(values, value);
    }
    auto key_type = joined_or_fresh(keys);
    return Type::map(std::move(key_type), joined_or_fresh(values));
  }

  void require_bool(NodeIndex index) {
    const auto& type = types_[index];
    if (!substitution_.assign(type, bool_type()))
      report(code::type_mismatch, index,
             "expected bool, found " + to_string(substitution_.apply(type, true)));
  }

  struct LoopTypes {
    Type first;
    Type second;
  };

  /// What the loop variables are when `range` is gone through.
  LoopTypes loop_types(NodeIndex range, bool two) {
    const auto type = substitution_.apply(types_[range], false);
    if (type.is(TypeKind::list))
      return two ? LoopTypes{int_type(), type.parameters[0]} : LoopTypes{type.parameters[0], {}};
    if (type.is(TypeKind::map))
      return {type.parameters[0], type.parameters[1]};
    if (type.is(TypeKind::variable))
      substitution_.assign(Type{}, type);
    else if (!type.is_dynamic())
      report(code::not_a_range, range,
             "a value of type " + to_string(type) + " is no list or map to go through");
    return {};
  }

  Type comprehension(NodeIndex index) {
    const auto node = ast_.node(index);
    const auto range = ast_.child(index, 0);
    visit(range);
    if (node.macro() == Macro::opt_map || node.macro() == Macro::opt_flat_map)
      return optional_map(index);
    const bool two = node.has_flag(flag_two_variables);
    const auto variables = loop_types(range, two);
    const auto before = locals_.size();
    locals_.push_back(variables.first);
    if (two)
      locals_.push_back(variables.second);
    for (std::size_t at = 1; at < node.count; ++at)
      visit(ast_.child(index, at));
    locals_.resize(before);
    return comprehension_result(index, variables);
  }

  Type comprehension_result(NodeIndex index, const LoopTypes& variables) {
    const auto& node = ast_.node(index);
    const auto last = ast_.child(index, node.count - 1);
    if (node.count == 3)
      require_bool(ast_.child(index, 1));
    switch (node.macro()) {
    case Macro::all:
    case Macro::exists:
    case Macro::exists_one:
      require_bool(last);
      return bool_type();
    case Macro::filter:
      require_bool(last);
      return Type::list(variables.first);
    case Macro::sort_by:
      return Type::list(variables.first);
    case Macro::map:
    case Macro::transform_list:
      return Type::list(types_[last]);
    case Macro::transform_map: {
      const auto range = substitution_.apply(types_[ast_.child(index, 0)], false);
      return Type::map(range.is(TypeKind::list) ? int_type() : variables.first, types_[last]);
    }
    case Macro::transform_map_entry:
      return entry_map(last);
    case Macro::opt_map:
    case Macro::opt_flat_map:
      break;
    }
    return error_type();
  }

  Type entry_map(NodeIndex body) {
    const auto entry = Type::map(substitution_.fresh(), substitution_.fresh());
    if (substitution_.assign(types_[body], entry))
      return substitution_.apply(entry, false);
    report(code::type_mismatch, body, "transformMapEntry() takes a map of one entry");
    return error_type();
  }

  Type optional_map(NodeIndex index) {
    const auto range = ast_.child(index, 0);
    const auto body = ast_.child(index, 1);
    locals_.push_back(unwrapped(range, substitution_.apply(types_[range], false)));
    visit(body);
    locals_.pop_back();
    if (ast_.node(index).macro() == Macro::opt_map)
      return Type::optional(types_[body]);
    return Type::optional(unwrapped(body, substitution_.apply(types_[body], false)));
  }

  Type bind(NodeIndex index) {
    locals_.push_back(visit(ast_.child(index, 0)));
    Type type = visit(ast_.child(index, 1));
    locals_.pop_back();
    return type;
  }

  Type block(NodeIndex index) {
    const auto before = locals_.size();
    const auto count = ast_.node(index).count;
    for (std::size_t at = 0; at + 1 < count; ++at)
      locals_.push_back(visit(ast_.child(index, at)));
    Type type = visit(ast_.child(index, count - 1));
    locals_.resize(before);
    return type;
  }

  Ast& ast_;
  const Environment& environment_;
  Substitution substitution_;
  std::vector<Type> types_;
  std::vector<Type> locals_;
};

} // namespace

CheckResult check(Ast ast, const Environment& environment) {
  CheckResult result;
  result.errors = resolve_names(ast, environment, [&environment](std::string_view name) {
    return environment.variable(name) != nullptr;
  });
  Checker checker(ast, environment);
  checker.run();
  result.errors.insert(result.errors.end(), checker.diagnostics.begin(), checker.diagnostics.end());
  std::ranges::stable_sort(result.errors, {}, [](const Diagnostic& diagnostic) {
    return std::pair(diagnostic.position.source, diagnostic.position.offset);
  });
  result.types = checker.types();
  result.expression.type = checker.result();
  result.expression.ast = std::move(ast);
  return result;
}

} // namespace synfate::cel
