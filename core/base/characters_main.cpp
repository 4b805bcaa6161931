// The build's tool: synfate-write-characters FILE.cpp
//
// Writes what utf8proc says of every character as a table, for builds that cannot link utf8proc.
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "core/base/characters.h"

namespace {

using namespace synfate;

constexpr char32_t end_of_characters = 0x110000;

bool alike(char32_t left, char32_t right) {
  return is_printable(left) == is_printable(right) && columns_of(left) == columns_of(right);
}

void write_table(std::ostream& file) {
  file << "// Written by synfate-write-characters.\n#include \"core/base/character_ranges.h\"\n\n"
          "namespace synfate {\nnamespace {\n\nconstexpr CharacterRange ranges[] = {\n";
  for (char32_t code = 0; code < end_of_characters; ++code)
    if (code == 0 || !alike(code - 1, code))
      file << fmt::format("    {{0x{:x}, {}, {}}},\n", static_cast<unsigned>(code),
                          is_printable(code), columns_of(code));
  file << "};\n\n} // namespace\n\nstd::span<const CharacterRange> character_ranges() {\n"
          "  return ranges;\n}\n\n} // namespace synfate\n";
}

} // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: synfate-write-characters FILE\n";
    return 2;
  }
  std::ofstream file(words[1], std::ios::binary);
  write_table(file);
  file.close();
  if (file)
    return 0;
  std::cerr << "cannot write " << words[1] << "\n";
  return 1;
}
