#include <algorithm>
#include <charconv>

#include "platform/linux/file.h"
#include "platform/linux/xtables/read_recent.h"

namespace synfate::xt {
namespace {

/// The text between `label` and the next space; empty if the label is not there.
std::string_view after(std::string_view line, std::string_view label) {
  const auto at = line.find(label);
  if (at == std::string_view::npos)
    return {};
  line.remove_prefix(at + label.size());
  return line.substr(0, line.find(' '));
}

std::optional<Int> number(std::string_view digits) {
  Int value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return code == std::errc{} && end == digits.data() + digits.size() ? std::optional(value)
                                                                     : std::nullopt;
}

} // namespace

std::vector<RecentEntry> parse_recent(std::string_view text, Int netns, const std::string& list) {
  std::vector<RecentEntry> entries;
  for_each_line(text, [&](std::string_view line) {
    const auto address = IpAddress::parse(after(line, "src="));
    const auto ttl = number(after(line, "ttl: "));
    if (!address || !ttl)
      return true;
    RecentEntry entry;
    entry.netns = netns;
    entry.list = list;
    entry.address = *address;
    entry.ttl = *ttl;
    // "last_seen: A oldest_pkt: B C, D": as many times as commas after the first
    const auto times = line.substr(std::min(line.size(), line.find("oldest_pkt: ")));
    entry.stamps = Int{std::ranges::count(times, ' ') < 2 ? 0 : std::ranges::count(times, ',') + 1};
    entries.push_back(std::move(entry));
    return true;
  });
  return entries;
}

} // namespace synfate::xt
