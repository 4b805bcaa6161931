// Names that the writer and the reader of snapshot files share.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/facts/snapshot.h"

namespace synfate {

constexpr std::string_view snapshot_format = "synfate.snapshot/1";
constexpr std::string_view snapshot_family = "synfate.snapshot/";

constexpr std::array<std::pair<std::string_view, std::string HostFacts::*>, 6> host_texts{{
    {"name", &HostFacts::name},
    {"os", &HostFacts::os},
    {"kernel", &HostFacts::kernel},
    {"architecture", &HostFacts::architecture},
    {"byte_order", &HostFacts::byte_order},
    {"container", &HostFacts::container},
}};
constexpr std::array<std::pair<std::string_view, Int HostFacts::*>, 4> host_numbers{{
    {"netns", &HostFacts::netns},
    {"word_bits", &HostFacts::word_bits},
    {"taken_at", &HostFacts::taken_at},
    {"uid", &HostFacts::uid},
}};
constexpr std::string_view initial_netns_name = "initial_netns";

constexpr std::array<std::pair<std::string_view, std::string Gap::*>, 5> gap_texts{{
    {"id", &Gap::id},
    {"what", &Gap::what},
    {"why", &Gap::why},
    {"effect", &Gap::effect},
    {"remedy", &Gap::remedy},
}};

/// FNV-1a over the bytes of a file as they come. Each step can be undone, so that one changed byte
/// always shows; it keeps nobody from changing a file on purpose.
class SnapshotSum {
public:
  void add(std::string_view bytes) {
    for (const char byte : bytes)
      sum_ = (sum_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  std::uint64_t value() const { return sum_; }

private:
  std::uint64_t sum_ = 0xcbf29ce484222325;
};

/// The type of a key's value: that of a column, or "none" for an absent or unknown cell.
inline std::string_view key_type_name(const Cell& cell) {
  constexpr std::array<std::string_view, std::variant_size_v<Cell>> names{
      "none", "none", "int", "double", "string", "bool", "ip", "bytes"};
  return names[cell.index()];
}

} // namespace synfate
