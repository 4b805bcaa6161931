// Static types: what the checker reasons about, and how they are written.
//
//   bool  int  list(string)  map(string, dyn)  optional_type(T)  google.protobuf.Duration
//
// A single capital letter is a type parameter; any other unknown name is an opaque type.
// Tested by tests/unit/core/cel/type_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synfate::cel {

enum class TypeKind : std::uint8_t {
  dyn,
  error, ///< of an expression that has been reported already; fits everywhere
  null,
  boolean,
  integer,
  unsigned_integer,
  floating,
  string,
  bytes,
  timestamp,
  duration,
  type,
  list,     ///< one parameter
  map,      ///< two parameters
  opaque,   ///< by name, with any number of parameters: net.IP, optional_type(T)
  record,   ///< by name, with declared fields
  variable, ///< a type parameter, by name
};

struct Type {
  TypeKind kind = TypeKind::dyn;
  std::string name; ///< of opaque, record and variable types
  std::vector<Type> parameters;

  static Type list(Type element);
  static Type map(Type key, Type value);
  static Type optional(Type value);
  static Type record(std::string name);
  static Type variable(std::string name);
  static Type opaque(std::string name, std::vector<Type> parameters = {});

  bool is(TypeKind other) const { return kind == other; }
  bool is_optional() const { return kind == TypeKind::opaque && name == "optional_type"; }
  bool is_dynamic() const { return kind == TypeKind::dyn || kind == TypeKind::error; }
  friend bool operator==(const Type&, const Type&) = default;
};

/// The declared shape of one overload: "(string, int) -> bool", "list(T).(T) -> int".
struct Signature {
  std::vector<Type> parameters; ///< the receiver first, if there is one
  Type result;
  bool member = false;
};

/// The type as written above; what is left of type parameters prints as they are named.
std::string to_string(const Type& type);
/// "(string, int) -> bool"
std::string to_string(const Signature& signature);
std::optional<Type> parse_type(std::string_view text);
std::optional<Signature> parse_signature(std::string_view text);

/// The names that mean a type when used as a value: "int", "list", "net.IP", …
bool is_type_name(std::string_view name);

} // namespace synfate::cel
