// An example of a site's plugin in C++: who answers for which port.
//
// It reads a register in CSV, one port a line:
//
//   # proto,port,team,contact
//   tcp,8080,payments,payments@acme.example
//
// and fills the table acme_port_owner of its manifest. A rule can then name the team in its
// message. See docs/plugin-guide.md. Tested by tests/unit/core/plugin/example_test.cpp.
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/sdk.h"

namespace {

using synfate::sdk::Collection;

struct Entry {
  std::string_view proto;
  std::int64_t port = 0;
  std::string_view team;
  std::string_view contact; ///< empty if there is none
};

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const auto comma = line.find(',');
    fields.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos)
      return fields;
    line.remove_prefix(comma + 1);
  }
}

/// Nothing for a line that is no entry. Points into `line`.
std::optional<Entry> parse_entry(std::string_view line) {
  const auto fields = split(line);
  if (fields.size() < 3 || fields.size() > 4)
    return std::nullopt;
  Entry entry{fields[0], 0, fields[2], fields.size() == 4 ? fields[3] : std::string_view()};
  const auto [end, code] =
      std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), entry.port);
  if (code != std::errc{} || end != fields[1].data() + fields[1].size())
    return std::nullopt;
  return entry;
}

class PortOwners {
public:
  void collect(Collection& collection) {
    const std::string path = collection.root() + collection.parameter("register").value_or("");
    std::ifstream file(path);
    if (!file) // "could not look" is a gap, never an empty table
      return collection.gap({"register", "the site's register of ports",
                             path + ": " + std::strerror(errno), "teams are not named",
                             "let this user read it"});
    std::string line;
    for (int number = 1; std::getline(file, line); ++number)
      if (!line.empty() && line.front() != '#' && !deliver(collection, path, line, number))
        return;
  }

private:
  /// False when the host wants no more rows.
  static bool deliver(Collection& collection, const std::string& path, const std::string& line,
                      int number) {
    const auto entry = parse_entry(line);
    if (!entry) {
      collection.gap({"register.line", "a line of the site's register of ports",
                      path + ":" + std::to_string(number) + " is not proto,port,team,contact",
                      "the team of one port is not named", "mend the line"});
      return true;
    }
    // The keys of a request are there to save work: what was not asked for is left out.
    if (collection.integer_key("port").value_or(entry->port) != entry->port)
      return true;
    auto row = collection.row("acme_port_owner");
    row.set("proto", entry->proto).set("port", entry->port).set("team", entry->team);
    if (!entry->contact.empty())
      row.set("contact", entry->contact);
    return row.end();
  }
};

} // namespace

SYNFATE_PLUGIN(acme_port_owners, "1.0", PortOwners)
