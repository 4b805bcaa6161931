// Text for people and for machines, whatever bytes a process put into its name.
//
// Names, paths and arguments come from processes that may be hostile: nothing but printable
// characters may reach a terminal, and nothing but valid UTF-8 may reach JSON. Widths are those a
// terminal gives to characters (East Asian wide ones take two columns, combining marks none).
// Tested by tests/unit/core/report/text_test.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace synfate {

/// What the place we print to can show.
enum class Charset : unsigned char { utf8, ascii };

/// Only printable characters: control bytes as \n or \x1b, bytes that are no UTF-8 as \xff, C1
/// controls, bidirectional overrides and other invisible characters as \u{202e}. With
/// Charset::ascii everything past 0x7e is written so, but for common punctuation that has a plain
/// form.
std::string escape_for_terminal(std::string_view text, Charset charset = Charset::utf8);

/// A JSON document in which what a terminal would act on, or not show, stands as \u009b: C1
/// controls, bidirectional overrides and other invisible characters. Its meaning stays the same.
std::string escape_json_for_terminal(std::string document);

/// Valid UTF-8: each byte that is no part of a character becomes U+FFFD.
std::string to_valid_utf8(std::string_view text);

/// Columns that printable text takes on a terminal.
std::size_t display_width(std::string_view text);

/// At most `width` columns; what was cut shows as an ellipsis.
std::string truncate_to_width(std::string_view text, std::size_t width,
                              Charset charset = Charset::utf8);

/// Lines of at most `width` columns, broken at spaces, and inside words that are longer than a
/// line. Runs of white space count as one space. 0: one line. Never empty.
std::vector<std::string> wrap_to_width(std::string_view text, std::size_t width);

/// Edits (insert, delete, replace, swap of neighbours) between two words; bytes, not characters.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The candidate a user most likely meant: nearest by edit_distance() and no further than a third
/// of the word (at least one edit). The first of equals.
std::optional<std::string> nearest_word(std::string_view word,
                                        std::span<const std::string> candidates);

} // namespace synfate
