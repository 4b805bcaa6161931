#include "platform/linux/processes/unhashed.h"

#include <algorithm>
#include <optional>

#include <fcntl.h>

#include "platform/linux/file.h"
#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/process_links.h"
#include "platform/linux/processes/read_processes.h"
#include "platform/linux/routing/counters.h"

namespace synfate {

namespace {

struct Counted {
  std::int64_t here = 0;      ///< TCP sockets in the tables of one network namespace
  std::int64_t allocated = 0; ///< of all
  friend bool operator==(const Counted&, const Counted&) = default;
};

/// A number of sockstat or sockstat6.
std::optional<std::int64_t> number(const Result<std::string>& text, std::string_view name) {
  const auto counters = text ? linux_routing::parse_sockstat(*text, "sockstat") : text.error();
  if (!counters)
    return std::nullopt;
  const auto found = std::ranges::find(*counters, name, &linux_routing::NamedCount::name);
  return found == counters->end() ? std::nullopt : std::optional(found->value);
}

/// `net` is the namespace's folder in /proc.
std::optional<Counted> count(const std::string& net) {
  const auto v4 = read_file(net + "/sockstat");
  const auto here = number(v4, "sockstat.TCP.inuse");
  const auto allocated = number(v4, "sockstat.TCP.alloc");
  if (!here || !allocated)
    return std::nullopt;
  // sockstat6 is not there where IPv6 is not.
  const auto v6 = number(read_file(net + "/sockstat6"), "sockstat.TCP6.inuse");
  return Counted{*here + v6.value_or(0), *allocated};
}

/// Of the other network namespaces that processes are in.
std::int64_t in_use_elsewhere(const ProcessSource& source) {
  const auto link = read_link_at(AT_FDCWD, (source.proc() + "/thread-self/ns/net").c_str());
  const auto own = link ? parse_inode_link(*link, "net") : std::nullopt;
  std::int64_t sum = 0;
  const auto add = [&](const NetworkNamespace& other) {
    if (other.pid.known() && own && !other.inode.is(*own))
      sum += count(source.proc() + "/" + std::to_string(other.pid.value()) + "/net")
                 .value_or(Counted())
                 .here;
    return true;
  };
  read_namespaces(source, {add, [](const Gap&) {}});
  return sum;
}

} // namespace

bool all_tcp_sockets_hashed(const std::string& root, std::int64_t worth) {
  ProcessSource source;
  source.root = root;
  const std::string own = source.proc() + "/thread-self/net";
  const auto before = count(own);
  if (!before || before->here < worth)
    return false;
  const std::int64_t elsewhere = before->here == before->allocated ? 0 : in_use_elsewhere(source);
  return before->here + elsewhere == before->allocated && count(own) == before;
}

} // namespace synfate
