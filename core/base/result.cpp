#include "core/base/result.h"

#include <system_error>

namespace synfate {

std::string to_string(const Error& error) {
  std::string text = error.doing;
  const auto append = [&text](std::string_view part) {
    if (part.empty())
      return;
    if (!text.empty())
      text += ": ";
    text += part;
  };
  append(error.where);
  append(error.detail);
  if (error.os_error != 0)
    append(std::generic_category().message(error.os_error));
  if (!error.hint.empty()) {
    text += text.ends_with('.') ? " " : ". ";
    text += error.hint;
  }
  return text;
}

} // namespace synfate
