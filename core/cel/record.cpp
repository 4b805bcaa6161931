#include "core/cel/record.h"

#include <numeric>

namespace synfate::cel {

RecordType::RecordType(std::string name, std::vector<Field> fields)
    : name_(std::move(name)), fields_(std::move(fields)) {
  for (std::size_t index = 0; index < fields_.size(); ++index)
    by_name_.emplace(fields_[index].name, index);
}

std::optional<std::size_t> RecordType::find(std::string_view field) const {
  const auto found = by_name_.find(field);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

Value RecordSet::has(std::size_t row, std::size_t column) const {
  auto cell = field(row, column);
  return cell.is_known() ? Value::boolean(!cell.is(Kind::null)) : cell;
}

std::optional<std::size_t> RecordSet::estimate(std::size_t, const Value&) const {
  return std::nullopt;
}

std::vector<std::uint32_t> RecordSet::find(std::size_t, const Value&) const {
  std::vector<std::uint32_t> all(size());
  std::iota(all.begin(), all.end(), std::uint32_t{0});
  return all;
}

} // namespace synfate::cel
