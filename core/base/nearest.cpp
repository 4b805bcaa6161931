#include "core/base/nearest.h"

#include "core/base/text.h"

namespace synfate {

std::string nearest(std::string_view word, std::span<const std::string> words) {
  return nearest_word(word, words).value_or("");
}

} // namespace synfate
