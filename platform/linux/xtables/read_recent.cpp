#include "platform/linux/xtables/read_recent.h"

#include "platform/linux/xtables/proc_lists.h"

namespace synfate::xt {
namespace {

constexpr std::string_view folder = "xt_recent";

} // namespace

Result<std::vector<std::string>> recent_lists(const std::string& root) {
  return proc_lists(root, folder);
}

Result<std::vector<RecentEntry>> read_recent(const std::string& root, Int netns,
                                             const std::string& list) {
  SYNFATE_TRY(text, read_proc_list(root, folder, list));
  return parse_recent(text, netns, list);
}

} // namespace synfate::xt
