#include "core/rules/diagnostic.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/base/utf8.h"

namespace synfate::rules {
namespace {

// The caret stands under its letter also where tabs come before it.
std::string caret_indent(std::string_view line, std::uint32_t column) {
  std::string indent;
  std::size_t left = column - 1;
  for (std::size_t at = 0; at < line.size() && left > 0; --left) {
    indent += line[at] == '\t' ? '\t' : ' ';
    at += std::max(1U, decode_utf8(line, at).length);
  }
  return indent + std::string(left, ' ');
}

} // namespace

std::string to_string(const PackError& error) {
  std::string text = fmt::format("{}:{}:{}: error[{}]: {}\n", error.file, error.place.line,
                                 error.place.column, error.code, error.message);
  const auto meant =
      error.suggestion.empty() ? "" : fmt::format(" did you mean '{}'?", error.suggestion);
  if (!error.line.empty()) {
    text += fmt::format("{:>6} | {}\n", error.place.line, error.line);
    text += fmt::format("       | {}^{}\n", caret_indent(error.line, error.place.column), meant);
  } else if (!meant.empty()) {
    text += fmt::format("       |{}\n", meant);
  }
  if (!error.hint.empty())
    text += fmt::format("       = {}\n", error.hint);
  return text;
}

PackError& Errors::add(const SourceFile& file, Place place, std::string_view code,
                       std::string message, std::string suggestion) {
  errors_.push_back({file.name(),
                     place,
                     std::string(code),
                     std::move(message),
                     std::move(suggestion),
                     std::string(file.line(place.line)),
                     {}});
  return errors_.back();
}

PackError& Errors::add(const Words& words, std::size_t offset, std::string_view code,
                       std::string message, std::string suggestion) {
  if (words.file != nullptr)
    return add(*words.file, words.place(offset), code, std::move(message), std::move(suggestion));
  errors_.push_back({"built-in",
                     words.start,
                     std::string(code),
                     std::move(message),
                     std::move(suggestion),
                     words.text,
                     {}});
  return errors_.back();
}

std::vector<PackError> Errors::take() {
  std::map<std::string, std::size_t> order;
  for (const auto& error : errors_)
    order.emplace(error.file, order.size());
  std::ranges::stable_sort(errors_, [&](const PackError& left, const PackError& right) {
    return std::pair(order[left.file], left.place) < std::pair(order[right.file], right.place);
  });
  return std::exchange(errors_, {});
}

} // namespace synfate::rules
