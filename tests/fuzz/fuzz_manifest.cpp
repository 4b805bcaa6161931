// Feeds manifests: nothing may crash or hang, every error names a place, and what was accepted can
// be resolved against a schema.
#include <cstdint>
#include <cstdlib>

#include "core/facts/tables.h"
#include "core/plugin/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  auto manifest = parse_manifest({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!manifest) {
    if (!manifest.error().where.starts_with("fuzz:") || manifest.error().detail.empty())
      std::abort();
    return 0;
  }
  Schema schema;
  if (!add_core_tables(schema))
    std::abort();
  const Status resolved = resolve_tables(*manifest, schema);
  for (const auto& table : manifest->tables)
    if (resolved && schema.find(table.spec.name) == nullptr)
      std::abort();
  return 0;
}
