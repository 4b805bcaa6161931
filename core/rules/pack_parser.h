// TOML text to a Pack: structure, words and fixtures are checked here; conditions are only cut out
// (checker.h gives them their trees).
//
// Tested by tests/unit/core/rules/loader_test.cpp, pack_errors_test.cpp; fuzzed by
// tests/fuzz/fuzz_pack.cpp.
#pragma once

#include <memory>

#include "core/rules/diagnostic.h"
#include "core/rules/pack.h"

namespace synfate::rules {

class TableReader;

/// Nothing when the file is no TOML; otherwise whatever could be read, beside its errors.
std::optional<Pack> parse_pack(const std::shared_ptr<const SourceFile>& file, const Schema& schema,
                               Errors& errors);

/// One [[waiver]], of a pack or of a test.
Waiver parse_waiver(const TableReader& reader);

/// One [[rule.test]], its rows laid out as the schema's tables have them.
RuleTest parse_test(const TableReader& reader, const Schema& schema);

} // namespace synfate::rules
