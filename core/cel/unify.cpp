#include "core/cel/unify.h"

#include <algorithm>
#include <map>

namespace synfate::cel {
namespace {

/// Types that null fits, as earlier checkers had it.
bool is_nullable(const Type& type) {
  return type.is(TypeKind::null) || type.is(TypeKind::opaque) || type.is(TypeKind::record) ||
         type.is(TypeKind::timestamp) || type.is(TypeKind::duration);
}

bool as_wide(const Type& left, const Type& right) {
  if (left.is_dynamic() || left.is(TypeKind::variable))
    return true;
  if (right.is_dynamic() || right.is(TypeKind::variable))
    return false;
  return left.kind == right.kind && left.name == right.name &&
         std::ranges::equal(left.parameters, right.parameters, as_wide);
}

void rename(Type& type, std::map<std::string, Type>& renamed, Substitution& substitution) {
  if (type.is(TypeKind::variable)) {
    const auto found = renamed.find(type.name);
    type = found != renamed.end() ? found->second
                                  : renamed.emplace(type.name, substitution.fresh()).first->second;
    return;
  }
  for (auto& parameter : type.parameters)
    rename(parameter, renamed, substitution);
}

} // namespace

const Type& wider(const Type& left, const Type& right) {
  if (left.is(TypeKind::null) || right.is(TypeKind::null))
    return left.is(TypeKind::null) ? right : left;
  return as_wide(left, right) ? left : right;
}

Type Substitution::fresh() {
  return Type::variable("%" + std::to_string(next_++));
}

Signature Substitution::instantiate(const Signature& signature) {
  Signature copy = signature;
  std::map<std::string, Type> renamed;
  for (auto& parameter : copy.parameters)
    rename(parameter, renamed, *this);
  rename(copy.result, renamed, *this);
  return copy;
}

bool Substitution::assign(const Type& given, const Type& wanted) {
  return assign_all(std::span(&given, 1), std::span(&wanted, 1));
}

bool Substitution::assign_all(std::span<const Type> given, std::span<const Type> wanted) {
  changes_.clear();
  const bool fit = given.size() == wanted.size() &&
                   std::ranges::equal(given, wanted, [this](const Type& left, const Type& right) {
                     return fits(left, right);
                   });
  if (!fit)
    undo();
  return fit;
}

void Substitution::set(const std::string& variable, const Type& type) {
  const auto [at, added] = bindings_.try_emplace(variable, type);
  if (added) {
    changes_.emplace_back(variable, std::nullopt);
    return;
  }
  changes_.emplace_back(variable, std::move(at->second));
  at->second = type;
}

void Substitution::undo() {
  for (auto at = changes_.rbegin(); at != changes_.rend(); ++at)
    if (at->second)
      bindings_.insert_or_assign(at->first, std::move(*at->second));
    else
      bindings_.erase(at->first);
  changes_.clear();
}

bool Substitution::fits(const Type& given, const Type& wanted) {
  if (wanted.is(TypeKind::variable)) {
    const auto bound = bind(given, wanted);
    if (bound != Bound::no)
      return bound == Bound::fits;
  }
  if (given.is(TypeKind::variable))
    return bind(wanted, given) == Bound::fits;
  if (given.is_dynamic() || wanted.is_dynamic())
    return true;
  if (given.is(TypeKind::null) || wanted.is(TypeKind::null))
    return is_nullable(given.is(TypeKind::null) ? wanted : given);
  return given.kind == wanted.kind && given.name == wanted.name &&
         std::ranges::equal(
             given.parameters, wanted.parameters,
             [this](const Type& left, const Type& right) { return fits(left, right); });
}

/// Tries `type` for `variable`; a conflict is with what it is known to be already.
Substitution::Bound Substitution::bind(const Type& type, const Type& variable) {
  if (type == variable)
    return Bound::fits;
  const auto known = bindings_.find(variable.name);
  if (known == bindings_.end()) {
    if (!free_of(variable, type))
      return Bound::no;
    set(variable.name, type);
    return Bound::fits;
  }
  const Type current = known->second;
  if (type == current)
    return Bound::fits;
  if (!fits(type, current))
    return Bound::conflict;
  const Type& chosen = wider(type, current);
  if (free_of(variable, chosen))
    set(variable.name, chosen);
  return Bound::fits;
}

bool Substitution::free_of(const Type& variable, const Type& within) const {
  if (within == variable)
    return false;
  if (within.is(TypeKind::variable)) {
    const auto known = bindings_.find(within.name);
    return known == bindings_.end() || free_of(variable, known->second);
  }
  return std::ranges::all_of(within.parameters,
                             [&](const Type& parameter) { return free_of(variable, parameter); });
}

Type Substitution::apply(const Type& type, bool unknown_to_dyn) const {
  if (type.is(TypeKind::variable)) {
    const auto known = bindings_.find(type.name);
    if (known != bindings_.end())
      return apply(known->second, unknown_to_dyn);
    return unknown_to_dyn ? Type{} : type;
  }
  Type result = type;
  for (auto& parameter : result.parameters)
    parameter = apply(parameter, unknown_to_dyn);
  return result;
}

} // namespace synfate::cel
