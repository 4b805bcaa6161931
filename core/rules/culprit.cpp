// Rows as culprits: the kinds and ids of the contract, by table.
#include <array>

#include <fmt/format.h>

#include "core/rules/vocabulary.h"

namespace synfate::rules {
namespace {

class Row {
public:
  Row(const TableSpec& spec, const Table& table, std::size_t row)
      : spec_(spec), table_(table), row_(row) {}

  std::string text(std::string_view column) const {
    const auto at = spec_.column(column);
    return at ? cell_text(table_.cell(row_, *at)) : std::string();
  }

  std::optional<IpAddress> address(std::string_view column) const {
    const auto at = spec_.column(column);
    if (!at)
      return std::nullopt;
    const Cell cell = table_.cell(row_, *at);
    const auto* address = std::get_if<IpAddress>(&cell);
    return address == nullptr ? std::nullopt : std::optional(*address);
  }

  bool flag(std::string_view column) const { return text(column) == "true"; }

  /// The known key cells except the namespace, joined by slashes.
  std::string key_id() const {
    std::string id;
    for (std::size_t at = 0; at < spec_.columns.size(); ++at)
      if (spec_.columns[at].key && spec_.columns[at].name != "netns")
        id.append(id.empty() ? "" : "/").append(id_part(cell_text(table_.cell(row_, at))));
    return id;
  }

private:
  static std::string cell_text(const Cell& cell) {
    if (const auto* words = std::get_if<std::string>(&cell))
      return *words;
    if (const auto* number = std::get_if<std::int64_t>(&cell))
      return std::to_string(*number);
    if (const auto* address = std::get_if<IpAddress>(&cell))
      return address->to_string();
    if (const auto* flag = std::get_if<bool>(&cell))
      return *flag ? "true" : "false";
    if (const auto* number = std::get_if<double>(&cell))
      return fmt::format("{}", *number);
    return {};
  }

  const TableSpec& spec_;
  const Table& table_;
  std::size_t row_;
};

Culprit socket(const Row& row) {
  const auto address = row.address("local_address").value_or(IpAddress());
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  const std::string where = host + ":" + row.text("local_port");
  const std::string device = row.text("interface");
  return {"socket", row.text("proto") + "/" + where,
          fmt::format("{} {}{} ({})", row.text("proto"), where, device.empty() ? "" : "%" + device,
                      row.text("state"))};
}

Culprit unix_socket(const Row& row) {
  const std::string name = (row.flag("abstract") ? "@" : "") + row.text("path");
  return {"socket", "unix/" + id_part(name), name};
}

Culprit process(const Row& row) {
  return {"process", row.text("pid"), row.text("name")};
}

Culprit interface(const Row& row) {
  return {"interface", id_part(row.text("name")), row.text("name")};
}

Culprit address(const Row& row) {
  return {"address", row.text("address"),
          fmt::format("{}/{} on {}", row.text("address"), row.text("prefix_length"),
                      row.text("interface"))};
}

Culprit route(const Row& row) {
  const std::string prefix = row.text("destination") + "/" + row.text("prefix_length");
  const std::string gateway = row.text("gateway");
  return {
      "route", row.text("table") + "/" + id_part(prefix),
      fmt::format("{} {}{}", row.text("type"), prefix, gateway.empty() ? "" : " via " + gateway)};
}

Culprit neighbour(const Row& row) {
  return {"neighbour", row.text("address"), row.text("address") + " " + row.text("state")};
}

Culprit setting(const Row& row) {
  return {"sysctl", id_part(row.text("name")), row.text("name") + " = " + row.text("value")};
}

Culprit netns(const Row& row) {
  const std::string name = row.text("name");
  return {"netns", id_part(name.empty() ? row.text("inode") : name), row.text("path")};
}

struct Naming {
  std::string_view table;
  Culprit (*name)(const Row&);
};

constexpr std::array namings{
    Naming{"socket", socket},       Naming{"unix_socket", unix_socket}, Naming{"process", process},
    Naming{"interface", interface}, Naming{"address", address},         Naming{"route", route},
    Naming{"neighbour", neighbour}, Naming{"setting", setting},         Naming{"netns", netns},
};

Culprit culprit_of_row(const RowReference& reference) {
  const TableSpec& spec = reference.records->spec();
  const Row row(spec, *reference.records->table(), reference.row);
  for (const auto& naming : namings)
    if (naming.table == spec.name)
      return naming.name(row);
  return {spec.name, row.key_id(), row.text("text")};
}

} // namespace

std::optional<Culprit> culprit_of(const cel::Value& value) {
  if (const auto reference = row_of(value))
    return culprit_of_row(*reference);
  if (const auto* flow = flow_of(value))
    return flow->report->fate.culprit;
  if (!value.is(cel::Kind::record))
    return std::nullopt;
  const auto& records = value.as_record_set();
  if (const auto* owned = dynamic_cast<const OwnedRecord<Culprit>*>(&records))
    return owned->value();
  if (const auto* viewed = dynamic_cast<const StructRecords<Culprit>*>(&records))
    return viewed->at(value.row());
  return std::nullopt;
}

} // namespace synfate::rules
