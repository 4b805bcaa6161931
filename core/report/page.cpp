#include "core/report/page.h"

#include <algorithm>
#include <numeric>

namespace synfate {
namespace {

constexpr std::size_t column_gap = 2;
constexpr std::size_t narrowest_column = 8;

std::string_view colour_code(Style style) {
  switch (style) {
  case Style::plain:
    return "";
  case Style::strong:
    return "\x1b[1m";
  case Style::faint:
    return "\x1b[2m";
  case Style::good:
    return "\x1b[32m";
  case Style::bad:
    return "\x1b[1;31m";
  case Style::doubtful:
    return "\x1b[33m";
  }
  return "";
}

std::size_t room_beside(std::size_t width, std::size_t lead) {
  if (width == 0)
    return 0;
  return width > lead + narrowest_column ? width - lead : narrowest_column;
}

/// Takes columns away from the widest ones until the row fits.
void shrink(std::vector<std::size_t>& widths, std::size_t room) {
  const auto gaps = column_gap * (widths.size() - 1);
  auto total = std::accumulate(widths.begin(), widths.end(), gaps);
  while (total > room) {
    const auto widest = std::ranges::max_element(widths);
    if (*widest <= narrowest_column)
      return;
    --*widest;
    --total;
  }
}

std::vector<std::size_t> column_widths(const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], display_width(row[column].text));
  }
  return widths;
}

} // namespace

std::string Page::clean(std::string_view text) const {
  return escape_for_terminal(text, options_.charset);
}

std::string Page::painted(const std::string& text, Style style) const {
  if (!options_.colour || style == Style::plain || text.empty())
    return text;
  return std::string(colour_code(style)).append(text).append("\x1b[0m");
}

void Page::end_line() {
  while (text_.ends_with(' '))
    text_.pop_back();
  text_ += '\n';
}

void Page::blank() {
  if (!text_.empty() && !text_.ends_with("\n\n"))
    text_ += '\n';
}

void Page::paragraph(std::string_view lead, std::string_view text, Style text_style,
                     Style lead_style) {
  const auto head = clean(lead);
  const auto indent = display_width(head);
  // Line breaks are breaks between words here; every other control character is shown.
  std::string words(text);
  std::ranges::replace(words, '\n', ' ');
  bool first = true;
  for (const auto& line : wrap_to_width(clean(words), room_beside(options_.width, indent))) {
    text_ += first ? painted(head, lead_style) : std::string(indent, ' ');
    text_ += painted(line, text_style);
    end_line();
    first = false;
  }
}

void Page::one_line(std::string_view lead, std::string_view text, Style text_style,
                    Style lead_style) {
  text_ += painted(clean(lead), lead_style);
  text_ += painted(clean(text), text_style);
  end_line();
}

void Page::table(std::size_t indent, std::vector<TableRow> rows) {
  for (auto& row : rows)
    for (auto& cell : row)
      cell.text = clean(cell.text);
  auto widths = column_widths(rows);
  if (widths.empty())
    return;
  if (options_.width > 0)
    shrink(widths, room_beside(options_.width, indent));
  for (const auto& row : rows)
    table_row(indent, row, widths);
}

void Page::table_row(std::size_t indent, const TableRow& row,
                     const std::vector<std::size_t>& widths) {
  std::vector<std::vector<std::string>> cells;
  std::size_t height = 1;
  for (std::size_t column = 0; column < row.size(); ++column) {
    cells.push_back(wrap_to_width(row[column].text, widths[column]));
    height = std::max(height, cells.back().size());
  }
  for (std::size_t line = 0; line < height; ++line) {
    text_.append(indent, ' ');
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const auto shown = line < cells[column].size() ? cells[column][line] : std::string();
      text_ += painted(shown, row[column].style);
      if (column + 1 < cells.size())
        text_.append(widths[column] - display_width(shown) + column_gap, ' ');
    }
    end_line();
  }
}

std::size_t table_width(const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], display_width(row[column].text));
  std::size_t total = 2 * widths.size();
  for (const auto width : widths)
    total += width;
  return total;
}

} // namespace synfate
