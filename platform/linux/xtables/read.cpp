#include "platform/linux/xtables/read.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include "platform/linux/file.h"
#include "platform/linux/xtables/wire.h"

namespace synfate::xt {
namespace {

constexpr int get_info = 64;    // IPT_SO_GET_INFO, IP6T_SO_GET_INFO
constexpr int get_entries = 65; // IPT_SO_GET_ENTRIES, IP6T_SO_GET_ENTRIES
constexpr int most_tries = 20;

Error failed(std::string_view name, int error) {
  const ErrorCode code = error == EPERM || error == EACCES         ? ErrorCode::denied
                         : error == EAGAIN                         ? ErrorCode::interrupted
                         : error == ENOENT || error == ENOPROTOOPT ? ErrorCode::not_found
                                                                   : ErrorCode::system;
  return {code, "reading a table of iptables-legacy", std::string(name), error, {}, {}};
}

Result<wire::TableInfo> ask_info(int socket, int level, const std::string& name) {
  wire::TableInfo info{};
  if (name.size() >= sizeof info.name)
    return failed(name, EINVAL);
  std::memcpy(info.name, name.data(), name.size());
  socklen_t size = sizeof info;
  if (getsockopt(socket, level, get_info, &info, &size) != 0)
    return failed(name, errno);
  return info;
}

/// struct ipt_get_entries: char name[32], u32 size, padding, the entries.
Result<std::string> ask_entries(int socket, int level, const wire::TableInfo& info) {
  constexpr std::size_t head = 40;
  std::string answer; // of megabytes: not filled before the kernel does
  answer.resize_and_overwrite(head + info.size, [](char*, std::size_t size) { return size; });
  std::memset(answer.data(), 0, head);
  std::memcpy(answer.data(), info.name, sizeof info.name);
  std::memcpy(answer.data() + sizeof info.name, &info.size, sizeof info.size);
  auto size = static_cast<socklen_t>(answer.size());
  if (getsockopt(socket, level, get_entries, answer.data(), &size) != 0)
    return failed(info.name, errno);
  answer.erase(0, head);
  return answer;
}

XtTable row_of(Int netns, bool v6, const wire::TableInfo& info, std::string entries) {
  XtTable row;
  row.netns = netns;
  row.family = Text(v6 ? "ip6" : "ip");
  row.name = Text(info.name);
  row.hooks = Int{info.valid_hooks};
  row.rules = Int{info.num_entries};
  row.size = Int{info.size};
  row.info = Bytes{{reinterpret_cast<const char*>(&info), sizeof info}};
  row.entries = Bytes{std::move(entries)};
  return row;
}

} // namespace

std::vector<std::string> parse_table_names(std::string_view text) {
  std::vector<std::string> names;
  for_each_line(text, [&](std::string_view line) {
    if (!line.empty())
      names.emplace_back(line);
    return true;
  });
  return names;
}

Result<std::vector<std::string>> read_table_names(const std::string& root, bool v6) {
  const auto text =
      read_file(root + "/proc/thread-self/net/" + (v6 ? "ip6_tables_names" : "ip_tables_names"));
  if (text)
    return parse_table_names(*text);
  if (text.error().code == ErrorCode::not_found)
    return std::vector<std::string>{}; // no such kernel module: no tables
  return text.error();
}

Result<XtTable> read_table(Int netns, bool v6, const std::string& name) {
  const FileDescriptor socket(
      ::socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket.valid())
    return failed(name, errno);
  const int level = v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP};
  for (int tries = 1;; ++tries) {
    SYNFATE_TRY(info, ask_info(socket.get(), level, name));
    auto entries = ask_entries(socket.get(), level, info);
    if (entries)
      return row_of(netns, v6, info, std::move(*entries));
    if (entries.error().code != ErrorCode::interrupted || tries == most_tries)
      return entries.error();
  }
}

Result<std::vector<XtTable>> read_tables(Int netns, const std::string& root) {
  std::vector<XtTable> tables;
  for (const bool v6 : {false, true}) {
    SYNFATE_TRY(names, read_table_names(root, v6));
    for (const auto& name : names) {
      auto table = read_table(netns, v6, name);
      if (!table && table.error().code == ErrorCode::not_found)
        continue; // gone since its name was read
      if (!table)
        return table.error();
      tables.push_back(std::move(*table));
    }
  }
  return tables;
}

} // namespace synfate::xt
