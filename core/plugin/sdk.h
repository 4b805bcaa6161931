// The C++ side of the plugin boundary: header-only, needs nothing but abi.h and the standard
// library.
//
//   class Licences {
//   public:
//     void collect(synfate::sdk::Collection& collection) {
//       collection.row("acme_licence").set("product", "db").set("seats", 12).end();
//     }
//   };
//   SYNFATE_PLUGIN(acme_licences, "1.0", Licences)
//
// builds the plugin `acme-licences`: underscores of the name become dashes. Whatever collect throws
// is caught here and becomes a gap of the plugin's own tables; nothing crosses the C boundary.
// Tested by tests/unit/core/plugin/host_test.cpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/plugin/abi.h"

namespace synfate::sdk {

inline synfate_text text_of(std::string_view view) {
  return {view.data(), view.size()};
}
inline std::string_view view_of(synfate_text text) {
  return {text.data, text.size};
}

/// Cells for Collection::row().
inline synfate_cell absent_cell() {
  return {sizeof(synfate_cell), SYNFATE_ABSENT, 0, 0, {}};
}
inline synfate_cell unknown_cell(std::string_view gap) {
  return {sizeof(synfate_cell), SYNFATE_UNKNOWN, 0, 0, text_of(gap)};
}
inline synfate_cell cell_of(std::int64_t value) {
  return {sizeof(synfate_cell), SYNFATE_INT, value, 0, {}};
}
inline synfate_cell cell_of(double value) {
  return {sizeof(synfate_cell), SYNFATE_DOUBLE, 0, value, {}};
}
inline synfate_cell cell_of(bool value) {
  return {sizeof(synfate_cell), SYNFATE_BOOL, value ? 1 : 0, 0, {}};
}
inline synfate_cell cell_of(std::string_view value) {
  return {sizeof(synfate_cell), SYNFATE_STRING, 0, 0, text_of(value)};
}
/// An address as 4 or 16 bytes in network order; the bytes must outlive the call they go into.
inline synfate_cell ip_cell(std::string_view bytes) {
  return {sizeof(synfate_cell), SYNFATE_IP, 0, 0, text_of(bytes)};
}
inline synfate_cell bytes_cell(std::string_view bytes) {
  return {sizeof(synfate_cell), SYNFATE_BYTES, 0, 0, text_of(bytes)};
}

/// What could not be read.
struct Gap {
  std::string id;
  std::string what;
  std::string why;
  std::string effect;
  std::string remedy;
};

/// One row that is being written. Columns that are not set are absent.
class RowWriter {
public:
  RowWriter(const synfate_host& host, std::string_view table) : host_(host), table_(table) {
    open_ = host_.begin_row(host_.context, text_of(table_)) == 0;
  }

  RowWriter& set(std::string_view column, const synfate_cell& cell) {
    if (open_)
      host_.put(host_.context, host_.column(host_.context, text_of(table_), text_of(column)),
                &cell);
    return *this;
  }
  template <typename T>
    requires(!std::is_same_v<T, synfate_cell>)
  RowWriter& set(std::string_view column, const T& value) {
    if constexpr (std::is_same_v<T, bool>)
      return set(column, cell_of(value));
    else if constexpr (std::is_integral_v<T>)
      return set(column, cell_of(static_cast<std::int64_t>(value)));
    else if constexpr (std::is_floating_point_v<T>)
      return set(column, cell_of(static_cast<double>(value)));
    else
      return set(column, cell_of(std::string_view(value)));
  }
  /// By the column's position in its table: for rows written in great numbers.
  RowWriter& put(std::int32_t column, const synfate_cell& cell) {
    if (open_)
      host_.put(host_.context, column, &cell);
    return *this;
  }
  /// False when the host wants no more rows.
  bool end() { return open_ && host_.end_row(host_.context) == 0; }

private:
  const synfate_host& host_;
  std::string_view table_;
  bool open_ = false;
};

/// One request and the way to answer it; lives for one call of collect.
class Collection {
public:
  Collection(const synfate_request& request, const synfate_host& host)
      : request_(request), host_(host) {}

  /// The table that is asked for.
  std::string_view table() const { return view_of(request_.table); }
  /// Inode of the network namespace the calling thread is in.
  std::int64_t netns() const { return request_.netns; }
  /// The keys of the request; nothing if the column is not among them or of another type.
  std::optional<std::int64_t> integer_key(std::string_view column) const {
    const auto* cell = key(column);
    if (cell == nullptr || (cell->type != SYNFATE_INT && cell->type != SYNFATE_BOOL))
      return std::nullopt;
    return cell->integer;
  }
  std::optional<std::string_view> text_key(std::string_view column) const {
    return text_of_type(column, SYNFATE_STRING);
  }
  /// 4 or 16 bytes in network order.
  std::optional<std::string_view> ip_key(std::string_view column) const {
    return text_of_type(column, SYNFATE_IP);
  }
  std::optional<std::string_view> bytes_key(std::string_view column) const {
    return text_of_type(column, SYNFATE_BYTES);
  }

  /// More rows than this are not wanted: tell that many, and report a gap if there are more.
  std::optional<std::int64_t> limit() const { return integer_key("limit"); }

  RowWriter row(std::string_view table) { return {host_, table}; }
  void gap(const Gap& gap) {
    const synfate_gap reported{sizeof(synfate_gap), 0,
                               text_of(gap.id),     text_of(gap.what),
                               text_of(gap.why),    text_of(gap.effect),
                               text_of(gap.remedy)};
    host_.gap(host_.context, &reported);
  }
  std::int64_t milliseconds_left() const { return host_.milliseconds_left(host_.context); }
  /// Put before absolute paths of the system's files; "" on a live host.
  std::string root() const { return std::string(view_of(host_.root(host_.context))); }
  std::optional<std::string> parameter(std::string_view name) const {
    const auto value = host_.parameter(host_.context, text_of(name));
    if (value.data == nullptr)
      return std::nullopt;
    return std::string(view_of(value));
  }
  const synfate_host& host() const { return host_; }

private:
  const synfate_cell* key(std::string_view column) const {
    for (std::uint32_t index = 0; index < request_.key_count; ++index)
      if (view_of(request_.keys[index]->column) == column)
        return &request_.keys[index]->value;
    return nullptr;
  }
  std::optional<std::string_view> text_of_type(std::string_view column, std::uint32_t type) const {
    const auto* cell = key(column);
    if (cell == nullptr || cell->type != type)
      return std::nullopt;
    return view_of(cell->text);
  }

  const synfate_request& request_;
  const synfate_host& host_;
};

/// The functions behind a plugin's entry; every one catches.
template <typename Collector> struct Trampolines {
  static void* create() {
    try {
      return new Collector;
    } catch (...) {
      return nullptr;
    }
  }
  static void destroy(void* self) {
    try {
      delete static_cast<Collector*>(self);
    } catch (...) { // a destructor that throws has nobody to tell
      return;
    }
  }
  static std::int32_t collect(void* self, const synfate_request* request,
                              const synfate_host* host) {
    Collection collection(*request, *host);
    try {
      if (self == nullptr)
        return failed(collection, "the plugin could not be created");
      static_cast<Collector*>(self)->collect(collection);
      return 0;
    } catch (const std::exception& exception) {
      return failed(collection, exception.what());
    } catch (...) {
      return failed(collection, "it threw something that is no std::exception");
    }
  }

private:
  static std::int32_t failed(Collection& collection, const char* why) {
    try {
      const std::string table(collection.table());
      collection.gap({"plugin." + table, "the table " + table, why,
                      "what depends on this table cannot be told",
                      "report it to the plugin's author"});
    } catch (...) { // out of memory: the return value says enough
      return -1;
    }
    return -1;
  }
};

/// "linux_sockets" as "linux-sockets".
template <std::size_t n> struct PluginId {
  char text[n]{};
  constexpr PluginId(const char (&identifier)[n]) {
    for (std::size_t at = 0; at < n; ++at)
      text[at] = identifier[at] == '_' ? '-' : identifier[at];
  }
};

} // namespace synfate::sdk

#if defined(__ELF__)
#define SYNFATE_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define SYNFATE_EXPORT extern "C" __declspec(dllexport)
#endif

/// Emits the plugin's entry: `synfate_plugin`, or `synfate_plugin_<name>` when it is linked into
/// the host (SYNFATE_STATIC_PLUGINS).
#if defined(SYNFATE_STATIC_PLUGINS)
#define SYNFATE_PLUGIN_ENTRY(name) synfate_plugin_##name
#else
#define SYNFATE_PLUGIN_ENTRY(name) synfate_plugin
#endif
#define SYNFATE_PLUGIN(name, version, Collector)                                                   \
  SYNFATE_EXPORT const synfate_plugin_description* SYNFATE_PLUGIN_ENTRY(name)() {                  \
    using Calls = synfate::sdk::Trampolines<Collector>;                                            \
    static constexpr synfate::sdk::PluginId id(#name);                                             \
    static constexpr synfate_plugin_description description{sizeof(synfate_plugin_description),    \
                                                            SYNFATE_ABI_VERSION,                   \
                                                            id.text,                               \
                                                            version,                               \
                                                            Calls::create,                         \
                                                            Calls::collect,                        \
                                                            Calls::destroy};                       \
    return &description;                                                                           \
  }
