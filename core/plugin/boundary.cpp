#include "core/plugin/boundary.h"

#include <cstddef>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "core/plugin/sdk_rows.h"

namespace synfate {
namespace {

/// Whether the writer of a struct knew a member: its struct_size covers it.
template <typename Struct, typename Member>
bool covers(const Struct& object, const Member& member) {
  const auto end = reinterpret_cast<const char*>(&member + 1);
  return static_cast<std::size_t>(end - reinterpret_cast<const char*>(&object)) <=
         object.struct_size;
}

/// What the functions of synfate_host see as their context.
struct Call {
  RowReceiver& rows;
  const Manifest& manifest;
};

Call& call_of(void* context) {
  return *static_cast<Call*>(context);
}

/// Runs `work` and keeps our own exceptions on this side of the boundary.
template <typename Work, typename Answer> Answer guarded(Call& call, Answer failed, Work work) {
  try {
    return work();
  } catch (const std::exception& exception) {
    call.rows.fault(fmt::format("the host could not take what it delivered: {}", exception.what()));
    return failed;
  }
}

bool is_sound(synfate_text text) {
  return text.data != nullptr || text.size == 0;
}

std::string copy_of(synfate_text text) {
  return is_sound(text) ? std::string(text.data, text.size) : std::string();
}

std::optional<Cell> ip_cell_of(std::string_view bytes) {
  if (const auto address = IpAddress::from_bytes(std::as_bytes(std::span(bytes))))
    return Cell(*address);
  return std::nullopt;
}

/// Nothing for a cell that means nothing.
std::optional<Cell> cell_from(const synfate_cell& cell) {
  if (!covers(cell, cell.text) || !is_sound(cell.text))
    return std::nullopt;
  const std::string_view text(cell.text.data, cell.text.size);
  switch (cell.type) {
  case SYNFATE_ABSENT:
    return Absent{};
  case SYNFATE_UNKNOWN:
    return Unknown{std::string(text)};
  case SYNFATE_INT:
    return Cell(std::in_place_type<Int>, cell.integer);
  case SYNFATE_DOUBLE:
    return Cell(cell.real);
  case SYNFATE_STRING:
    return Cell(std::string(text));
  case SYNFATE_BOOL:
    return Cell(cell.integer != 0);
  case SYNFATE_IP:
    return ip_cell_of(text);
  case SYNFATE_BYTES:
    return Bytes{std::string(text)};
  }
  return std::nullopt;
}

std::int32_t host_column(void* context, synfate_text table, synfate_text column) {
  Call& call = call_of(context);
  return guarded(call, std::int32_t{-1}, [&]() -> std::int32_t {
    const auto position = call.rows.column(copy_of(table), copy_of(column));
    return position ? static_cast<std::int32_t>(*position) : -1;
  });
}

std::int32_t host_begin_row(void* context, synfate_text table) {
  Call& call = call_of(context);
  return guarded(call, std::int32_t{-1},
                 [&]() -> std::int32_t { return call.rows.begin_row(copy_of(table)) ? 0 : -1; });
}

std::int32_t host_put(void* context, std::int32_t column, const synfate_cell* cell) {
  Call& call = call_of(context);
  return guarded(call, std::int32_t{-1}, [&]() -> std::int32_t {
    auto value = cell == nullptr ? std::nullopt : cell_from(*cell);
    if (!value) {
      call.rows.fault(cell != nullptr && cell->type == SYNFATE_IP
                          ? fmt::format("it put an address of {} bytes", cell->text.size)
                          : fmt::format("it put a cell of the unknown type {}",
                                        cell == nullptr ? 0 : cell->type));
      return -1;
    }
    const auto position =
        column < 0 ? std::nullopt : std::optional<std::size_t>(static_cast<std::size_t>(column));
    return call.rows.put(position, std::move(*value)) ? 0 : -1;
  });
}

std::int32_t host_end_row(void* context) {
  Call& call = call_of(context);
  return guarded(call, std::int32_t{-1},
                 [&]() -> std::int32_t { return call.rows.end_row() ? 0 : -1; });
}

void host_gap(void* context, const synfate_gap* gap) {
  Call& call = call_of(context);
  guarded(call, 0, [&] {
    if (gap == nullptr || !covers(*gap, gap->remedy)) {
      call.rows.fault("it reported a gap that is too short to be one");
      return 0;
    }
    call.rows.gap({copy_of(gap->id), copy_of(gap->what), copy_of(gap->why), copy_of(gap->effect),
                   copy_of(gap->remedy)});
    return 0;
  });
}

std::int64_t host_milliseconds_left(void* context) {
  return call_of(context).rows.milliseconds_left();
}

synfate_text host_root(void* context) {
  return sdk::text_of(call_of(context).rows.root());
}

synfate_text host_parameter(void* context, synfate_text name) {
  const auto& parameters = call_of(context).manifest.parameters;
  if (!is_sound(name))
    return {nullptr, 0};
  const auto at = parameters.find(std::string_view(name.data, name.size));
  return at == parameters.end() ? synfate_text{nullptr, 0} : sdk::text_of(at->second);
}

synfate_host host_for(Call& call) {
  return {sizeof(synfate_host),
          SYNFATE_ABI_VERSION,
          &call,
          host_column,
          host_begin_row,
          host_put,
          host_end_row,
          host_gap,
          host_milliseconds_left,
          host_root,
          host_parameter};
}

/// The C form of a request's keys, and pointers to them.
class AbiKeys {
public:
  explicit AbiKeys(const std::vector<Key>& keys) {
    keys_.reserve(keys.size());
    for (const auto& key : keys)
      keys_.push_back({sizeof(synfate_key), 0, sdk::text_of(key.column), sdk::to_abi(key.value)});
    for (const auto& key : keys_)
      pointers_.push_back(&key);
  }
  const synfate_key* const* data() const { return pointers_.data(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(pointers_.size()); }

private:
  std::vector<synfate_key> keys_;
  std::vector<const synfate_key*> pointers_;
};

Error mismatch(const Manifest& manifest, std::string detail, std::string hint) {
  return {.code = ErrorCode::unsupported,
          .doing = "loading the plugin " + manifest.id,
          .detail = std::move(detail),
          .hint = std::move(hint)};
}

} // namespace

Result<const synfate_plugin_description*> describe_plugin(synfate_plugin_entry entry,
                                                          const Manifest& manifest) {
  const auto* description = entry();
  if (description == nullptr)
    return mismatch(manifest, "its entry returns nothing", "Report it to the plugin's author.");
  if (!covers(*description, description->abi_version) ||
      description->abi_version != SYNFATE_ABI_VERSION)
    return mismatch(manifest,
                    fmt::format("the plugin is built for ABI version {}, this program speaks "
                                "version {}",
                                description->abi_version, SYNFATE_ABI_VERSION),
                    "Build the plugin again with this program's plugin SDK.");
  if (!covers(*description, description->collect) || description->collect == nullptr ||
      description->id == nullptr || description->version == nullptr)
    return mismatch(manifest, "its description lacks an id, a version or the function collect",
                    "Report it to the plugin's author.");
  if (manifest.id != description->id)
    return mismatch(manifest,
                    fmt::format("the manifest says it is '{}', the library says '{}'", manifest.id,
                                description->id),
                    "Put each plugin's own manifest beside its library.");
  if (manifest.version != description->version)
    return mismatch(manifest,
                    fmt::format("the manifest is of version {}, the library of version {}",
                                manifest.version, description->version),
                    "Install manifest and library of the same version.");
  return description;
}

PluginInstance::PluginInstance(const synfate_plugin_description& description,
                               const Manifest& manifest)
    : description_(description), manifest_(manifest) {
  if (description.create != nullptr)
    self_ = description.create();
}

PluginInstance::~PluginInstance() {
  if (covers(description_, description_.destroy) && description_.destroy != nullptr)
    description_.destroy(self_);
}

Status PluginInstance::collect(const Request& request, std::int64_t netns, RowReceiver& rows) {
  const AbiKeys keys(request.keys);
  const synfate_request asked{sizeof(synfate_request), keys.size(), sdk::text_of(request.table),
                              keys.data(), netns};
  Call call{rows, manifest_};
  const synfate_host host = host_for(call);
  const Error failed{.code = ErrorCode::system,
                     .doing = "collecting " + to_string(request),
                     .detail = fmt::format("the plugin {} failed", manifest_.id)};
  try {
    if (description_.collect(self_, &asked, &host) == 0)
      return Done{};
    return failed;
  } catch (const std::exception& exception) {
    Error error = failed;
    error.detail +=
        fmt::format(" with an exception that crossed its boundary: {}", exception.what());
    return error;
  } catch (...) {
    Error error = failed;
    error.detail += " with an exception of an unknown type that crossed its boundary";
    return error;
  }
}

} // namespace synfate
