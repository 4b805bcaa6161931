#include "platform/linux/xtables/read_recent.h"

#include <filesystem>

#include "platform/linux/file.h"

namespace synfate::xt {
namespace {

std::string folder(const std::string& root) {
  return root + "/proc/thread-self/net/xt_recent";
}

} // namespace

Result<std::vector<std::string>> recent_lists(const std::string& root) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(folder(root), error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename());
  if (error && error != std::errc::no_such_file_or_directory)
    return Error{error == std::errc::permission_denied ? ErrorCode::denied : ErrorCode::system,
                 "listing the lists of the match recent",
                 folder(root),
                 error.value(),
                 {},
                 {}};
  return names;
}

Result<std::vector<RecentEntry>> read_recent(const std::string& root, Int netns,
                                             const std::string& list) {
  if (list.empty() || list.starts_with('.') || list.find('/') != std::string::npos)
    return Error{ErrorCode::not_found, "reading a list of the match recent", list, 0, {}, {}};
  SYNFATE_TRY(text, read_file(folder(root) + "/" + list));
  return parse_recent(text, netns, list);
}

} // namespace synfate::xt
