// The writing side of snapshot_file.h.
#include <ostream>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/base/text_encoding.h"
#include "core/facts/cell_json.h"
#include "core/facts/snapshot_file.h"
#include "core/facts/snapshot_format.h"

namespace synfate {
namespace {

constexpr std::size_t buffer_size = std::size_t{64} << 10U;

/// `"name":"text"`; a text that is no UTF-8 as a cell is.
void append_member(std::string& out, std::string_view name, const std::string& text) {
  append_json_string(out, name);
  out += ':';
  append_cell(out, text);
}

void append_list(std::string& out, const std::vector<std::string>& texts) {
  out += '[';
  const char* joint = "";
  for (const auto& text : texts) {
    out += joint;
    append_json_string(out, to_valid_utf8(text));
    joint = ",";
  }
  out += ']';
}

void append_host(std::string& out, const HostFacts& host) {
  out += '{';
  const char* joint = "";
  const auto begin = [&](std::string_view name) {
    out += joint;
    joint = ",";
    append_json_string(out, name);
    out += ':';
  };
  for (const auto& [name, member] : host_texts) {
    begin(name);
    append_cell(out, host.*member);
  }
  for (const auto& [name, member] : host_numbers) {
    begin(name);
    append_cell(out, host.*member);
  }
  begin(initial_netns_name);
  append_cell(out, host.initial_netns);
  out += '}';
}

void append_column(std::string& out, const ColumnSpec& column) {
  out += '{';
  append_member(out, "name", column.name);
  out += ',';
  append_member(out, "type", std::string(to_string(column.type)));
  for (const auto& [name, text] :
       {std::pair<std::string_view, const std::string&>{"unit", column.unit},
        {"meaning", column.meaning},
        {"refers_to", column.refers_to}}) {
    if (text.empty())
      continue;
    out += ',';
    append_member(out, name, text);
  }
  out += column.key ? ",\"key\":true}" : "}";
}

void append_table(std::string& out, const TableSpec& table) {
  out += '{';
  append_member(out, "name", table.name);
  out += ',';
  append_member(out, "meaning", table.meaning);
  out += ",\"columns\":[";
  for (std::size_t index = 0; index < table.columns.size(); ++index) {
    out += index == 0 ? "" : ",";
    append_column(out, table.columns[index]);
  }
  out += "]}";
}

void append_key(std::string& out, const Key& key) {
  out += "{\"column\":";
  append_json_string(out, key.column);
  out += ",\"type\":";
  append_json_string(out, key_type_name(key.value));
  out += ",\"value\":";
  append_cell(out, key.value);
  out += '}';
}

} // namespace

SnapshotWriter::SnapshotWriter(std::ostream& out, const Schema& schema,
                               const SnapshotHeader& header)
    : out_(out) {
  buffer_ += "{";
  append_member(buffer_, "format", std::string(snapshot_format));
  buffer_ += ',';
  append_member(buffer_, "tool", header.tool);
  buffer_ += ",\"host\":";
  append_host(buffer_, header.host);
  buffer_ += ",\"tables\":[";
  const char* joint = "";
  for (const auto& [name, table] : schema.tables()) {
    buffer_ += joint;
    append_table(buffer_, table);
    joint = ",";
  }
  buffer_ += "]}\n";
}

void SnapshotWriter::flush() {
  sum_.add(buffer_);
  out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.clear();
}

void SnapshotWriter::flush_if_large() {
  if (buffer_.size() >= buffer_size)
    flush();
}

void SnapshotWriter::add_row(const TableSpec& table, std::vector<Cell>&& cells) {
  buffer_ += "{\"row\":";
  append_json_string(buffer_, table.name);
  buffer_ += ",\"cells\":";
  append_cells(buffer_, cells);
  buffer_ += "}\n";
  ++rows_;
  flush_if_large();
}

void SnapshotWriter::add_gap(const Gap& gap) {
  if (!gaps_.insert(gap.id).second)
    return;
  buffer_ += "{\"gap\":{";
  const char* joint = "";
  for (const auto& [name, member] : gap_texts) {
    buffer_ += joint;
    append_member(buffer_, name, gap.*member);
    joint = ",";
  }
  buffer_ += "}}\n";
  flush_if_large();
}

void SnapshotWriter::answered(const Request& request, const std::vector<std::string>& gaps) {
  buffer_ += "{\"answered\":{";
  append_member(buffer_, "table", request.table);
  buffer_ += ",\"keys\":[";
  const char* joint = "";
  for (const auto& key : request.keys) {
    buffer_ += joint;
    append_key(buffer_, key);
    joint = ",";
  }
  buffer_ += "],\"gaps\":";
  append_list(buffer_, gaps);
  buffer_ += "}}\n";
  ++answers_;
  flush_if_large();
}

Status SnapshotWriter::finish() {
  flush();
  buffer_ +=
      fmt::format("{{\"end\":{{\"rows\":{},\"gaps\":{},\"answers\":{},\"sum\":\"{:016x}\"}}}}\n",
                  rows_, gaps_.size(), answers_, sum_.value());
  flush();
  out_.flush();
  if (out_)
    return Done{};
  return Error{.code = ErrorCode::system,
               .doing = "writing the snapshot",
               .detail = "not everything could be written; is the disk full?"};
}

void copy_facts(const Snapshot& snapshot, FactSink& sink) {
  for (const auto& gap : snapshot.gaps())
    sink.add_gap(gap);
  for (const auto& [name, spec] : snapshot.schema().tables())
    if (const Table* table = snapshot.table(name))
      for (std::size_t row = 0; row < table->size(); ++row)
        sink.add_row(spec, table->row(row));
  for (const auto& answer : snapshot.answers())
    sink.answered(answer.request, answer.gaps);
}

Status save_snapshot(const Snapshot& snapshot, const std::string& tool, const std::string& path) {
  SYNFATE_TRY(file, NewFile::create(path));
  SnapshotWriter writer(file->stream(), snapshot.schema(), {tool, snapshot.host()});
  copy_facts(snapshot, writer);
  SYNFATE_TRY(finished, writer.finish());
  static_cast<void>(finished);
  return file->commit();
}

} // namespace synfate
