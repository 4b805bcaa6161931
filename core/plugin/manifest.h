// A plugin's manifest: what it is, which tables it fills and what it needs, readable without
// running any of its code.
//
// It lies beside the plugin as DIR/<id>/manifest.toml:
//
//   platforms = ["linux"]
//
//   [plugin]
//   id = "acme-licences"
//   version = "1.0"
//   abi = 1
//   title = "Licences in use"
//
//   [[privileges]]
//   capability = "CAP_DAC_READ_SEARCH"
//   why = "reads the licence manager's spool"
//
//   [[table]]                # a table that synfate describes: the name is enough
//   name = "service"
//
//   [[table]]                # a table of the plugin's own
//   name = "acme_licence"
//   meaning = "One product's licences."
//   [[table.column]]
//   name = "product"
//   type = "string"          # int, double, string, bool, ip or bytes
//   meaning = "The product."
//   key = true
//
//   [parameters]
//   spool = "/var/spool/acme"
//
//   [limits]
//   seconds = 5
//   memory_mib = 64
//
// Instead of the library plugin.so a plugin may name a program: `executable = "check.py"` in
// [plugin]. With `parallel = true` there several threads may ask a library of the program's own at
// once, each an instance of its own: create() is then called for each. Tested by
// tests/unit/core/plugin/manifest_test.cpp, fuzzed by tests/fuzz.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/facts/schema.h"

namespace synfate {

/// A privilege without which some of a plugin's facts become gaps.
struct Privilege {
  std::string capability; ///< CAP_NET_ADMIN
  std::string why;
};

/// A table that a plugin fills.
struct ManifestTable {
  TableSpec spec;
  bool own = false;  ///< the manifest describes the columns itself
  std::string where; ///< path:line:column
};

struct Manifest {
  std::string path; ///< of the manifest itself
  std::string id;
  std::string version;
  std::string title;
  std::int64_t abi = 0;
  std::string executable; ///< a program beside the manifest; empty for a library
  bool parallel = false;  ///< several instances may be asked at once
  std::vector<std::string> platforms;
  std::vector<Privilege> privileges;
  std::vector<ManifestTable> tables;
  std::map<std::string, std::string, std::less<>> parameters;
  std::int64_t limit_seconds = 10; ///< of one collection, for plugins that run in a worker
  std::int64_t limit_memory_mib = 512;

  bool provides(std::string_view table) const;
  bool runs_on(std::string_view platform) const;
};

/// Reads the text of a manifest. Errors name path:line:column.
Result<Manifest> parse_manifest(std::string_view text, const std::string& path);

/// Adds the plugin's own tables to the schema and completes the description of those the schema
/// knows already. An error leaves the schema unchanged.
Status resolve_tables(Manifest& manifest, Schema& schema);

} // namespace synfate
