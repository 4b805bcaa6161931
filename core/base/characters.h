// What a terminal makes of a character, behind a seam: where utf8proc is, characters_utf8proc.cpp
// asks it; elsewhere the build writes what it says into a table (characters_main.cpp) that
// characters_table.cpp looks into. Both answer the same for every character.
#pragma once

namespace synfate {

/// Not for control, format (bidirectional overrides are of this class), private and unassigned
/// characters, surrogates and line separators: what moves a cursor, hides or reorders text.
bool is_printable(char32_t code_point);

/// Columns it takes: two for East Asian wide ones, none for combining marks.
unsigned columns_of(char32_t code_point);

} // namespace synfate
