// A pack's text, and where the parts of its strings stand in it.
//
// TOML decodes strings before anyone sees them: escapes become one code point, a line that ends in
// a backslash joins the next, CRLF becomes LF, the first newline of a multi-line string vanishes.
// An error inside a condition must still point at the very character in the file, so the literal is
// scanned again from where it starts:
//
//   when = "s.name == \"é\"  && x"      offset 15 of the decoded text is column 26 of this line
//
// Tested by tests/unit/core/rules/source_test.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synfate::rules {

/// A place in a file: 1-based, columns count code points.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend auto operator<=>(const Place&, const Place&) = default;
};

/// The text of one pack.
class SourceFile {
public:
  SourceFile(std::string name, std::string text);

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  /// One line without its end; empty past the last one.
  std::string_view line(std::uint32_t number) const;
  Place place(std::size_t byte) const;
  /// The byte at a place; the end of the line when the column is past it.
  std::size_t byte(Place place) const;

private:
  std::string name_;
  std::string text_;
  std::vector<std::size_t> line_starts_;
};

/// A string literal, decoded, with the byte each code point comes from.
struct Literal {
  std::string text;
  std::vector<std::uint32_t> bytes; ///< per code point, and one more for the end
};

/// Decodes the TOML string whose opening quote is at `byte`; nothing if there is none.
std::optional<Literal> decode_literal(std::string_view text, std::size_t byte);

/// A string of a pack that remembers where it was written.
struct Words {
  std::string text;
  std::shared_ptr<const SourceFile> file; ///< null for a built-in pack
  Place start;                            ///< the opening quote

  /// Where code point number `offset` of the text stands in the file.
  Place place(std::size_t offset = 0) const;
  bool empty() const { return text.empty(); }
};

} // namespace synfate::rules
