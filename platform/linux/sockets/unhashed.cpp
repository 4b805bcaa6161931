#include "platform/linux/sockets/unhashed.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <set>

#include <dirent.h>
#include <unistd.h>

#include "platform/linux/file.h"

namespace synfate {

namespace {

struct Counted {
  std::int64_t here = 0;      ///< TCP sockets in the tables of one network namespace
  std::int64_t allocated = 0; ///< of all
  friend bool operator==(const Counted&, const Counted&) = default;
};

/// `net` is the namespace's folder in /proc.
std::optional<Counted> count(const std::string& net) {
  const auto v4 = read_file(net + "/sockstat");
  const auto v6 = read_file(net + "/sockstat6"); // is not there where IPv6 is not
  const auto here = v4 ? sockstat_number(*v4, "TCP", "inuse") : std::nullopt;
  const auto allocated = v4 ? sockstat_number(*v4, "TCP", "alloc") : std::nullopt;
  if (!here || !allocated)
    return std::nullopt;
  return Counted{*here + (v6 ? sockstat_number(*v6, "TCP6", "inuse").value_or(0) : 0), *allocated};
}

/// Of the other network namespaces that processes are in.
std::int64_t in_use_elsewhere(const std::string& proc) {
  struct Close {
    void operator()(DIR* directory) const { closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(opendir(proc.c_str()));
  if (!directory)
    return 0;
  std::array<char, 64> link;
  const auto netns_of = [&](const std::string& process) {
    const auto size =
        readlink((proc + "/" + process + "/ns/net").c_str(), link.data(), link.size());
    return std::string(link.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  };
  std::set<std::string> seen{"", netns_of("thread-self")};
  std::int64_t sum = 0;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string process = entry->d_name;
    if (process.find_first_not_of("0123456789") == std::string::npos &&
        seen.insert(netns_of(process)).second)
      sum += count(proc + "/" + process + "/net").value_or(Counted()).here;
  }
  return sum;
}

} // namespace

std::optional<std::int64_t> sockstat_number(std::string_view text, std::string_view line,
                                            std::string_view name) {
  std::optional<std::int64_t> found;
  for_each_line(text, [&](std::string_view words) {
    if (!words.starts_with(line) || !words.substr(line.size()).starts_with(": "))
      return true;
    const auto at = words.find(" " + std::string(name) + " ");
    if (at == std::string_view::npos)
      return false;
    const auto number = words.substr(at + name.size() + 2);
    std::int64_t value = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc())
      found = value;
    return false;
  });
  return found;
}

bool all_tcp_sockets_hashed(const std::string& root, std::int64_t worth) {
  const std::string proc = root + "/proc";
  const std::string own = proc + "/thread-self/net";
  const auto before = count(own);
  if (!before || before->here < worth)
    return false;
  const std::int64_t elsewhere = before->here == before->allocated ? 0 : in_use_elsewhere(proc);
  return before->here + elsewhere == before->allocated && count(own) == before;
}

} // namespace synfate
