// The keys a pack may have: the one description that the loader, the JSON Schema and the reference
// page come from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace synfate::rules {

/// What a key's value must be.
enum class ValueKind : std::uint8_t {
  text,
  texts, ///< a list of strings
  boolean,
  integer,
  date,       ///< a TOML date
  condition,  ///< CEL of type bool
  expression, ///< CEL of any type
  expressions,
  message, ///< text with {CEL} placeholders
  messages,
  severity,
  certainty,
  stage,
  expectation, ///< fires, quiet, unknown
  table,       ///< a table whose keys are described by `section`
  tables,      ///< a list of those
  names,       ///< a table of names to CEL expressions
  rows,        ///< a table of table names to lists of rows
};

struct KeySpec {
  std::string_view name;
  ValueKind kind;
  bool required;
  std::string_view meaning;
  std::string_view section; ///< for table and tables: the name of the section that describes it
};

struct Section {
  std::string_view name;
  std::string_view meaning;
  std::span<const KeySpec> keys;

  const KeySpec* find(std::string_view key) const;
};

/// Every section: file, pack, rule, on, collect, test, flow, culprit, step, miss, host, override,
/// waiver.
std::span<const Section> sections();
/// The section of that name, which must exist.
const Section& section(std::string_view name);
/// "a string", "a list of strings", "a condition (CEL, bool)" …
std::string_view describe(ValueKind kind);

} // namespace synfate::rules
