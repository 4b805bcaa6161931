// libFuzzer: any bytes as a rule pack. Loading must end in rules or in errors whose places lie in
// the file; sound packs are decided once over an empty snapshot.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "core/facts/tables.h"
#include "core/rules/engine.h"
#include "core/rules/loader.h"

using namespace synfate;

namespace {

void decide(const rules::RuleSet& rules, const Schema& schema) {
  Snapshot snapshot(schema);
  for (const auto& [name, spec] : schema.tables())
    snapshot.answered({name, {}});
  Inquiry inquiry(snapshot);
  const Target target;
  rules::Options options;
  options.budget.steps = 10'000;
  (void)rules::evaluate(inquiry, rules, {target, {}}, options);
}

Schema core_schema() {
  Schema schema;
  (void)add_core_tables(schema);
  return schema;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Schema schema = core_schema();
  const auto file = std::make_shared<rules::SourceFile>(
      "fuzz.toml", std::string(reinterpret_cast<const char*>(data), size));
  const auto loaded = rules::load_packs({file}, schema);
  for (const auto& error : loaded.errors) {
    (void)rules::to_string(error);
    if (error.place.line == 0 || error.place.column == 0)
      std::abort();
  }
  if (loaded.errors.empty())
    decide(loaded.rules, schema);
  return 0;
}
