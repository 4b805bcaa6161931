// Feeds the CEL engine text and bytes: nothing may crash, hang or read out of bounds, and what is
// written back must parse to the same text.
#include "core/cel/evaluator.h"
#include "core/cel/parser.h"
#include "core/cel/resolve.h"
#include "core/cel/serialise.h"
#include "core/cel/unparse.h"

#include <cstdint>
#include <cstdlib>

using namespace synfate::cel;

namespace {

void run(Ast ast, const Environment& environment) {
  EvaluateOptions options;
  options.step_limit = 20'000;
  to_text(evaluate(link(std::move(ast), environment), Bindings(), options));
}

void fuzz_text(std::string_view text, const Environment& environment) {
  auto parsed = parse(text);
  if (!parsed.ok())
    return;
  const auto written = unparse(parsed.ast);
  const auto again = parse(written);
  if (again.ok() && unparse(again.ast) != written)
    std::abort();
  if (auto checked = check(parsed.ast, environment); checked.ok()) {
    auto read = deserialise(serialise(checked.expression));
    if (!read.ok())
      std::abort();
    run(std::move(read->ast), environment);
  }
  resolve_names(parsed.ast, environment, [](std::string_view) { return false; });
  run(std::move(parsed.ast), environment);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Environment environment;
  fuzz_text({reinterpret_cast<const char*>(data), size}, environment);
  if (auto read = deserialise(std::as_bytes(std::span(data, size))); read.ok())
    run(std::move(read->ast), environment);
  return 0;
}
