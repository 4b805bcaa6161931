#include "platform/linux/routing/counters.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace synfate::linux_routing {
namespace {

constexpr std::string_view folder = "/proc/thread-self/net/";

Error damaged(std::string_view what, std::string_view line) {
  return {.code = ErrorCode::damaged,
          .doing = "reading network counters",
          .where = {},
          .os_error = 0,
          .detail = fmt::format("{}: {}", what, line.substr(0, 80)),
          .hint = {}};
}

/// Takes the next part up to `separator` off the front.
std::string_view cut(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto start = std::min(line.find_first_not_of(" \t"), line.size());
    line.remove_prefix(start);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    if (end != 0)
      words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

/// Counters are 64 bits without sign; those beyond the signed range wrap, as no reader will see
/// one.
std::optional<Int> number_of(std::string_view word, int radix = 10) {
  std::uint64_t value = 0;
  const bool negative = word.starts_with('-');
  if (negative)
    word.remove_prefix(1);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, radix);
  if (error != std::errc() || end != word.data() + word.size() || word.empty())
    return std::nullopt;
  return static_cast<Int>(negative ? 0 - value : value);
}

/// "Ip6InReceives" as "Ip6.InReceives", "XfrmInError" as "Xfrm.InError".
std::string split_group(std::string_view name) {
  static constexpr std::array<std::string_view, 5> groups{"Ip6", "Icmp6", "Udp6", "UdpLite6",
                                                          "Xfrm"};
  for (const auto group : groups)
    if (name.starts_with(group) && name.size() > group.size())
      return fmt::format("{}.{}", group, name.substr(group.size()));
  return std::string(name);
}

} // namespace

Result<std::vector<NamedCount>> parse_counter_pairs(std::string_view text) {
  std::vector<NamedCount> counters;
  while (!text.empty()) {
    const auto names_line = cut(text, '\n');
    const auto values_line = cut(text, '\n');
    const auto names = words_of(names_line);
    const auto values = words_of(values_line);
    if (names.empty() && values.empty())
      continue;
    if (names.size() != values.size() || names.front() != values.front() ||
        !names.front().ends_with(':'))
      return damaged("names and values do not go together", names_line);
    const auto group = names.front().substr(0, names.front().size() - 1);
    for (std::size_t at = 1; at < names.size(); ++at) {
      const auto value = number_of(values[at]);
      if (!value)
        return damaged("no number", values[at]);
      counters.push_back({fmt::format("{}.{}", group, names[at]), *value});
    }
  }
  return counters;
}

Result<std::vector<NamedCount>> parse_counter_lines(std::string_view text) {
  std::vector<NamedCount> counters;
  while (!text.empty()) {
    const auto line = cut(text, '\n');
    const auto words = words_of(line);
    if (words.empty())
      continue;
    const auto value = words.size() == 2 ? number_of(words[1]) : std::nullopt;
    if (!value)
      return damaged("not a name and a number", line);
    counters.push_back({split_group(words[0]), *value});
  }
  return counters;
}

Result<std::vector<NamedCount>> parse_sockstat(std::string_view text, std::string_view group) {
  std::vector<NamedCount> counters;
  while (!text.empty()) {
    const auto line = cut(text, '\n');
    const auto words = words_of(line);
    if (words.empty())
      continue;
    if (!words[0].ends_with(':') || words.size() % 2 == 0)
      return damaged("not a group with names and numbers", line);
    const auto part = words[0].substr(0, words[0].size() - 1);
    for (std::size_t at = 1; at < words.size(); at += 2) {
      const auto value = number_of(words[at + 1]);
      if (!value)
        return damaged("no number", line);
      counters.push_back({fmt::format("{}.{}.{}", group, part, words[at]), *value});
    }
  }
  return counters;
}

Result<std::vector<NamedCount>> parse_cpu_counters(std::string_view text, std::string_view group) {
  const auto names = words_of(cut(text, '\n'));
  std::vector<NamedCount> counters;
  for (const auto name : names)
    counters.push_back({fmt::format("{}.{}", group, name), 0});
  for (bool first = true; !text.empty(); first = false) {
    const auto line = cut(text, '\n');
    const auto values = words_of(line);
    // Some files have more values than names; never fewer.
    if (values.size() < names.size())
      return damaged("fewer numbers than names", line);
    for (std::size_t at = 0; at < names.size(); ++at) {
      const auto value = number_of(values[at], 16);
      if (!value)
        return damaged("no hexadecimal number", values[at]);
      if (first || names[at] != "entries")
        counters[at].value = static_cast<Int>(static_cast<std::uint64_t>(counters[at].value) +
                                              static_cast<std::uint64_t>(*value));
    }
  }
  return counters;
}

std::vector<std::string> counter_files(const std::string& root,
                                       std::optional<std::string_view> name) {
  if (name) {
    const std::string_view group = name->substr(0, name->find('.'));
    if (group.find('/') != group.npos || group.empty() || group.starts_with('.'))
      return {};
    if (group == "TcpExt" || group == "IpExt" || group == "MPTcpExt")
      return {"netstat"};
    if (group == "Xfrm")
      return {"xfrm_stat"};
    if (group == "sockstat" || group == "sockstat6")
      return {std::string(group)};
    if (group.ends_with('6'))
      return {"snmp6"};
    static constexpr std::array<std::string_view, 6> in_snmp{"Ip",  "Icmp", "IcmpMsg",
                                                             "Tcp", "Udp",  "UdpLite"};
    if (std::ranges::find(in_snmp, group) != in_snmp.end())
      return {"snmp"};
    return {"stat/" + std::string(group)};
  }
  std::vector<std::string> files{"snmp", "netstat", "snmp6", "sockstat", "sockstat6", "xfrm_stat"};
  std::error_code ignored; // a kernel without the folder has no such counters
  for (const auto& entry :
       std::filesystem::directory_iterator(root + std::string(folder) + "stat", ignored))
    files.push_back("stat/" + entry.path().filename().string());
  return files;
}

Result<std::vector<NamedCount>> read_counters(const std::string& root, const std::string& file) {
  const std::string path = root + std::string(folder) + file;
  errno = 0;
  std::ifstream stream(path);
  if (!stream && errno == ENOENT)
    return std::vector<NamedCount>{};
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream)
    return Error{.code = errno == EACCES ? ErrorCode::denied : ErrorCode::system,
                 .doing = "reading network counters",
                 .where = path,
                 .os_error = errno,
                 .detail = {},
                 .hint = {}};
  if (file.starts_with("stat/"))
    return parse_cpu_counters(text.str(), file.substr(5));
  if (file.starts_with("sockstat"))
    return parse_sockstat(text.str(), file);
  if (file == "snmp6" || file == "xfrm_stat")
    return parse_counter_lines(text.str());
  return parse_counter_pairs(text.str());
}

} // namespace synfate::linux_routing
