#include <algorithm>

#include <utf8proc.h>

#include "core/base/characters.h"

namespace synfate {

bool is_printable(char32_t code_point) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code_point))) {
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_CS:
  case UTF8PROC_CATEGORY_CO:
  case UTF8PROC_CATEGORY_CN:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
    return false;
  default:
    return true;
  }
}

unsigned columns_of(char32_t code_point) {
  const int columns = utf8proc_charwidth(static_cast<utf8proc_int32_t>(code_point));
  return static_cast<unsigned>(std::max(0, columns));
}

} // namespace synfate
