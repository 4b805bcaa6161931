// What is wrong in a pack, and where: one value for every kind of error.
//
//   rules.d/site.toml:12:19: error[cel.undeclared]: 'sokcet' is not declared
//      12 | when = "size(sokcet) > 0"
//         |              ^ did you mean 'socket'?
//
// Tested by tests/unit/core/rules/pack_errors_test.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/rules/source.h"

namespace synfate::rules {

/// The stable codes of what is wrong in a pack; those of conditions are in core/cel/diagnostic.h.
namespace code {
inline constexpr std::string_view unreadable = "pack.unreadable"; ///< the file cannot be read
inline constexpr std::string_view unsafe =
    "pack.unsafe"; ///< others could write it, and we are root
inline constexpr std::string_view syntax = "toml.syntax";
inline constexpr std::string_view unknown_key = "pack.unknown_key";
inline constexpr std::string_view missing_key = "pack.missing_key";
inline constexpr std::string_view wrong_type = "pack.wrong_type";
inline constexpr std::string_view bad_value = "pack.bad_value";
inline constexpr std::string_view duplicate_id = "pack.duplicate_id";
inline constexpr std::string_view unknown_rule = "pack.unknown_rule";
inline constexpr std::string_view cyclic_folds = "pack.cyclic_folds";
inline constexpr std::string_view placeholder = "pack.placeholder";
inline constexpr std::string_view unknown_table = "pack.unknown_table";
inline constexpr std::string_view unknown_column = "pack.unknown_column";
inline constexpr std::string_view fixture = "pack.fixture";
inline constexpr std::string_view not_a_condition =
    "pack.not_a_condition"; ///< type of an expression
} // namespace code

struct PackError {
  std::string file;
  Place place;
  std::string code;
  std::string message;
  std::string suggestion; ///< what was probably meant; may be empty
  std::string line;       ///< the line of the file; may be empty
  std::string hint;       ///< a command or a sentence that helps; may be empty
};

/// The error for people, with its line and a caret; ends in a newline.
std::string to_string(const PackError& error);

/// Collects the errors of all packs.
class Errors {
public:
  /// At a place of a file.
  PackError& add(const SourceFile& file, Place place, std::string_view code, std::string message,
                 std::string suggestion = {});
  /// At code point `offset` of some words.
  PackError& add(const Words& words, std::size_t offset, std::string_view code, std::string message,
                 std::string suggestion = {});
  void add(PackError error) { errors_.push_back(std::move(error)); }

  bool empty() const { return errors_.empty(); }
  std::size_t size() const { return errors_.size(); }
  /// In the order of files as first met, then of places.
  std::vector<PackError> take();

private:
  std::vector<PackError> errors_;
};

} // namespace synfate::rules
