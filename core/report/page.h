// A page of text: escaping, colour, wrapping and tables in one place, so that no renderer can
// forget one of them. Tested by tests/unit/core/report/page_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/text.h"

namespace synfate {

/// What the place we print to can do.
struct TextOptions {
  std::size_t width = 80; ///< columns; 0: no limit (a pipe, a file)
  bool colour = false;    ///< ANSI colours
  Charset charset = Charset::utf8;
  bool verbose = false; ///< -v: every decision of every flow
};

enum class Style : std::uint8_t { plain, strong, faint, good, bad, doubtful };

/// A piece of a table.
struct TableCell {
  std::string text;
  Style style = Style::plain;
};
using TableRow = std::vector<TableCell>;

/// The width in columns that a table needs.
std::size_t table_width(const std::vector<TableRow>& rows);

/// Collects lines. Every text that comes in is escaped here; callers pass it as they have it.
class Page {
public:
  explicit Page(const TextOptions& options) : options_(options) {}

  const TextOptions& options() const { return options_; }
  /// One of two marks: the first where UTF-8 can be shown, else the second.
  std::string_view mark(std::string_view utf8, std::string_view ascii) const {
    return options_.charset == Charset::utf8 ? utf8 : ascii;
  }

  void blank(); ///< an empty line, unless the page is empty or the last line already is
  /// `lead` once, then the words of `text` wrapped, each further line indented as wide as `lead`.
  void paragraph(std::string_view lead, std::string_view text, Style text_style = Style::plain,
                 Style lead_style = Style::plain);
  /// The same on one line whatever its width: a command that somebody will copy.
  void one_line(std::string_view lead, std::string_view text, Style text_style = Style::plain,
                Style lead_style = Style::plain);
  /// Columns aligned, separated by two spaces; where the page is too narrow, the widest columns
  /// go on in further lines, so that nothing is lost.
  void table(std::size_t indent, std::vector<TableRow> rows);

  const std::string& text() const { return text_; }

private:
  std::string clean(std::string_view text) const;
  std::string painted(const std::string& text, Style style) const;
  void table_row(std::size_t indent, const TableRow& row, const std::vector<std::size_t>& widths);
  void end_line();

  TextOptions options_;
  std::string text_;
};

} // namespace synfate
