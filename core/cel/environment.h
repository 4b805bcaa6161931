// What an expression may refer to: variables, functions, record types, and the container that
// qualifies names.
//
// A Library is a set of functions, built once and shared; an Environment adds the declarations of
// one embedding program. Tested by tests/unit/core/cel/environment_test.cpp.
#pragma once

#include "core/base/result.h"
#include "core/cel/record.h"
#include "core/cel/type.h"
#include "core/cel/value.h"

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace synfate::cel {

class Regex;

/// What a native function may ask of the evaluation that calls it.
class CallContext {
public:
  virtual ~CallContext() = default;
  /// Counts `steps` against the budget, for work that grows with its arguments.
  virtual void charge(std::size_t steps) = 0;
  /// The compiled pattern, or nothing when it is no valid one (then `problem` says why).
  virtual std::shared_ptr<const Regex> regex(std::string_view pattern, std::string& problem) = 0;
};

/// Evaluates a call whose arguments fit the overload. Arguments are never errors or unknowns.
using Native = std::function<Value(CallContext&, std::span<const Value>)>;

/// One declared overload; without a native it is known to the checker alone.
struct Overload {
  Signature signature;
  Native native;
};

/// Overloads by function name; names may be qualified ("math.abs").
using FunctionTable = std::map<std::string, std::vector<Overload>, std::less<>>;

/// A row of the tables the standard library is made of.
struct Declaration {
  std::string_view name;
  std::string_view signature;
  Value (*native)(CallContext&, std::span<const Value>);
};

/// The standard functions and the extension libraries.
class Library {
public:
  /// Everything the language definition has, and strings, math, lists, sets, optionals, encoders
  /// and network.
  static std::shared_ptr<const Library> standard();
  const FunctionTable& functions() const { return functions_; }

private:
  void add(std::span<const Declaration> declarations);
  FunctionTable functions_;
};

class Environment {
public:
  explicit Environment(std::shared_ptr<const Library> library = Library::standard());

  /// The scope that unqualified names are first looked up in: "a.b" tries a.b.x, a.x, x.
  void set_container(std::string container) { container_ = std::move(container); }
  /// Declares a variable; the name may be qualified. A second declaration replaces the first.
  void declare_variable(std::string name, Type type);
  /// Declares a record type under its name.
  void declare_record(std::shared_ptr<const RecordType> type);
  /// Adds an overload, for instance "(socket) -> string"; fails when the signature is not valid or
  /// the same arguments are taken already.
  Status declare_function(const std::string& name, std::string_view signature, Native native = {});

  /// The full names `name` may mean, most qualified first; a root name means itself.
  std::vector<std::string> candidates(std::string_view name, bool root) const;
  const Type* variable(std::string_view name) const;
  const RecordType* record(std::string_view name) const;
  /// Whether `name` has an overload of that call style.
  bool has_function(std::string_view name, bool member) const;
  /// All overloads of `name`: the standard ones first.
  std::vector<const Overload*> overloads(std::string_view name) const;
  /// An opaque type that names a declared record becomes that record's type, at any depth.
  Type resolve(Type type) const;

  std::vector<std::string> variable_names() const;
  std::vector<std::string> function_names(bool member) const;
  const std::shared_ptr<const Library>& library() const { return library_; }
  const std::map<std::string, Type, std::less<>>& variables() const { return variables_; }

private:
  std::shared_ptr<const Library> library_;
  std::string container_;
  std::map<std::string, Type, std::less<>> variables_;
  std::map<std::string, std::shared_ptr<const RecordType>, std::less<>> records_;
  FunctionTable functions_;
};

} // namespace synfate::cel
