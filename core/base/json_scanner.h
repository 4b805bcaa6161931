// Reads JSON text piece by piece without building a tree: for lines that come by the hundred
// thousand, as in a snapshot file, and from plugins.
//
// The caller says what it expects next; the first thing that is not so makes the scanner fail, and
// it stays failed. Strict RFC 8259; strings must be UTF-8. Tested by
// tests/unit/core/json_scanner_test.cpp, fuzzed through tests/fuzz/fuzz_snapshot.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synfate {

class JsonScanner {
public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  enum class Kind : std::uint8_t { null, boolean, number, string, array, object, end, other };
  /// What comes next, after white space.
  Kind peek();

  bool null();
  std::optional<bool> boolean();
  std::optional<std::int64_t> integer(); ///< a number without fraction that fits
  std::optional<double> real();
  std::optional<std::string> string();

  /// Takes an opening bracket; then call next_element() or next_key() until it says no more.
  bool begin_array();
  bool begin_object();
  /// True if another element follows. False at the closing bracket, which it takes, or if failed.
  bool next_element();
  /// The key of the next member, or nothing at the closing brace, which it takes, or if failed.
  std::optional<std::string> next_key();
  /// Passes over one value of any kind.
  bool skip();

  /// True if only white space is left and nothing failed.
  bool at_end();
  bool failed() const { return failed_; }
  /// Where it stands, from 0: where it failed, if it did.
  std::size_t position() const { return at_; }

private:
  void skip_space();
  bool take(char letter);
  bool take_word(std::string_view word);
  bool fail();
  std::string_view number_token();
  bool append_escape(std::string& out);
  std::optional<std::uint32_t> hex4();

  std::string_view text_;
  std::size_t at_ = 0;
  bool first_ = false; ///< directly behind an opening bracket
  bool failed_ = false;
  unsigned depth_ = 0; ///< of skip()
};

} // namespace synfate
