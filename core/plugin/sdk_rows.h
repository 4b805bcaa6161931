// Typed rows through the plugin boundary, for the plugins of this project.
#pragma once

#include "core/facts/row.h"
#include "core/facts/snapshot.h"
#include "core/plugin/sdk.h"

namespace synfate::sdk {

/// The C form of a cell; points into `cell`.
inline synfate_cell to_abi(const Cell& cell) {
  if (const auto* value = std::get_if<Int>(&cell))
    return cell_of(*value);
  if (const auto* value = std::get_if<double>(&cell))
    return cell_of(*value);
  if (const auto* value = std::get_if<Text>(&cell))
    return cell_of(std::string_view(*value));
  if (const auto* value = std::get_if<bool>(&cell))
    return cell_of(*value);
  if (const auto* value = std::get_if<IpAddress>(&cell)) {
    const auto bytes = value->bytes();
    return ip_cell({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  if (const auto* value = std::get_if<Bytes>(&cell))
    return bytes_cell(value->data);
  if (const auto* value = std::get_if<Unknown>(&cell))
    return unknown_cell(value->gap);
  return absent_cell();
}

/// The C form of a fact; points into it.
template <typename T> synfate_cell to_abi(const Fact<T>& fact) {
  if constexpr (std::is_same_v<T, Text>) {
    if (fact.known())
      return cell_of(std::string_view(fact.value()));
  } else if constexpr (std::is_same_v<T, Bytes>) {
    if (fact.known())
      return bytes_cell(fact.value().data);
  } else if constexpr (std::is_same_v<T, IpAddress>) {
    if (fact.known()) {
      const auto bytes = fact.value().bytes();
      return ip_cell({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  } else {
    if (fact.known())
      return cell_of(fact.value());
  }
  return fact.unknown() ? unknown_cell(fact.gap()) : absent_cell();
}

/// Hands one typed row to the host; false when it wants no more.
template <typename Row> bool put(Collection& collection, const Row& row) {
  RowWriter writer = collection.row(table_name<Row>());
  std::int32_t index = 0;
  const auto write = [&](const auto& description) {
    const auto& fact = row.*(description.member);
    if (!fact.absent())
      writer.put(index, to_abi(fact));
    ++index;
  };
  std::apply([&](const auto&... columns) { (write(columns), ...); }, description_of<Row>.columns);
  return writer.end();
}

/// An address key of the request.
inline std::optional<IpAddress> address_key(const Collection& collection, std::string_view column) {
  const auto bytes = collection.ip_key(column);
  if (!bytes)
    return std::nullopt;
  return IpAddress::from_bytes(std::as_bytes(std::span(bytes->data(), bytes->size())));
}

inline void report(Collection& collection, const synfate::Gap& gap) {
  collection.gap({gap.id, gap.what, gap.why, gap.effect, gap.remedy});
}

} // namespace synfate::sdk
