#include "platform/linux/netfilter/queues.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>

#include <unistd.h>

namespace synfate {
namespace {

constexpr auto doing = "reading the queues of netfilter";

/// The first numbers of a line; false if there are fewer.
bool numbers_of(std::string_view line, std::array<Int, 7>& numbers) {
  const char* at = line.data();
  const char* const end = line.data() + line.size();
  for (auto& number : numbers) {
    while (at != end && *at == ' ')
      ++at;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc())
      return false;
    at = next;
  }
  return true;
}

} // namespace

Result<std::vector<NetfilterQueue>> parse_netfilter_queues(std::string_view text) {
  std::vector<NetfilterQueue> queues;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    ++number;
    std::array<Int, 7> values{};
    if (!numbers_of(line, values))
      return Error{ErrorCode::damaged,        doing, "line " + std::to_string(number), 0,
                   "it is not seven numbers", {}};
    NetfilterQueue queue;
    queue.number = values[0];
    queue.port_id = values[1];
    queue.waiting = values[2];
    queue.dropped = values[5];
    queue.user_dropped = values[6];
    queues.push_back(queue);
  }
  return queues;
}

Result<std::vector<NetfilterQueue>> read_netfilter_queues(const std::string& root, Int netns) {
  const std::string path = root + "/proc/thread-self/net/netfilter/nfnetlink_queue";
  std::ifstream file(path);
  if (!file) {
    const int error = errno;
    if (error == ENOENT)
      return std::vector<NetfilterQueue>();
    return Error{
        error == EACCES ? ErrorCode::denied : ErrorCode::system, doing, path, error, {}, {}};
  }
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad())
    return Error{ErrorCode::system, doing, path, errno, {}, {}};
  auto queues = parse_netfilter_queues(text.view());
  if (queues)
    for (auto& queue : *queues)
      queue.netns = netns;
  return queues;
}

} // namespace synfate
