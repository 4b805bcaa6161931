#include <array>
#include <charconv>

#include "platform/linux/file.h"
#include "platform/linux/xtables/read_hashlimit.h"

namespace synfate::xt {
namespace {

template <typename Number> std::optional<Number> number(std::string_view digits) {
  Number value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return code == std::errc{} && end == digits.data() + digits.size() ? std::optional(value)
                                                                     : std::nullopt;
}

/// Takes what stands before `mark`; the whole rest where it does not stand there.
std::string_view take(std::string_view& line, std::string_view mark) {
  const auto at = line.find(mark);
  const auto taken = line.substr(0, at);
  line.remove_prefix(at == std::string_view::npos ? line.size() : at + mark.size());
  return taken;
}

/// "10.0.0.9:0"; IPv6 addresses are written in full and without brackets.
bool read_end(std::string_view text, Fact<IpAddress>& address, Fact<Int>& port) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return false;
  const auto read_address = IpAddress::parse(text.substr(0, colon));
  const auto read_port = number<std::uint16_t>(text.substr(colon + 1));
  if (!read_address || !read_port)
    return false;
  address = *read_address;
  port = Int{*read_port};
  return true;
}

} // namespace

std::vector<HashlimitEntry> parse_hashlimit(std::string_view text, Int netns,
                                            std::string_view family, const std::string& list) {
  std::vector<HashlimitEntry> entries;
  for_each_line(text, [&](std::string_view line) {
    HashlimitEntry entry;
    entry.netns = netns;
    entry.family = std::string(family);
    entry.list = list;
    const auto seconds = number<Int>(take(line, " "));
    const auto source = take(line, "->");
    const auto destination = take(line, " ");
    if (!seconds || !read_end(source, entry.source, entry.source_port) ||
        !read_end(destination, entry.destination, entry.destination_port))
      return true;
    entry.expires_in = *seconds;
    for (auto* fact : {&entry.credit, &entry.credit_cap, &entry.cost}) {
      const auto digits = take(line, " ");
      if (!number<std::uint64_t>(digits))
        return true;
      if (const auto value = number<Int>(digits))
        *fact = *value;
    }
    entries.push_back(std::move(entry));
    return true;
  });
  return entries;
}

} // namespace synfate::xt
