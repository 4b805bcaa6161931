// Fitting types to each other: type parameters are given types, and widened, as calls are checked.
//
// Inference is by substitution, gradual: dyn fits everything, and a parameter that met both int and
// dyn becomes dyn. Tested by tests/unit/core/cel/checker_test.cpp.
#pragma once

#include "core/cel/type.h"

#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

namespace synfate::cel {

class Substitution {
public:
  /// Whether a value of type `given` may stand where `wanted` is expected. Remembers what that says
  /// about type parameters when it does, and nothing when it does not.
  bool assign(const Type& given, const Type& wanted);
  /// The same for several at once: all fit or nothing is remembered.
  bool assign_all(std::span<const Type> given, std::span<const Type> wanted);
  /// `type` with every known parameter replaced; unknown ones stay, or become dyn.
  Type apply(const Type& type, bool unknown_to_dyn) const;
  /// A parameter that is used nowhere else.
  Type fresh();
  /// Replaces the parameters of a signature by fresh ones.
  Signature instantiate(const Signature& signature);

private:
  bool fits(const Type& given, const Type& wanted);
  enum class Bound : std::uint8_t { fits, conflict, no };
  Bound bind(const Type& type, const Type& variable);
  bool free_of(const Type& variable, const Type& within) const;
  void set(const std::string& variable, const Type& type);
  void undo();

  std::unordered_map<std::string, Type> bindings_;
  /// What an attempt changed, and the types before, so that a failed one leaves no trace.
  std::vector<std::pair<std::string, std::optional<Type>>> changes_;
  unsigned next_ = 0;
};

/// The wider of two types that fit each other: the one with dyn, or a parameter, in more places.
const Type& wider(const Type& left, const Type& right);

} // namespace synfate::cel
