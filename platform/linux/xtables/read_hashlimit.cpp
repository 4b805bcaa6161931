#include "platform/linux/xtables/read_hashlimit.h"

#include "platform/linux/xtables/proc_lists.h"

namespace synfate::xt {
namespace {

std::string_view folder_of(std::string_view family) {
  return family == "ip6" ? "ip6t_hashlimit" : "ipt_hashlimit";
}

} // namespace

Result<std::vector<std::string>> hashlimit_tables(const std::string& root,
                                                  std::string_view family) {
  return proc_lists(root, folder_of(family));
}

Result<std::vector<HashlimitEntry>> read_hashlimit(const std::string& root, Int netns,
                                                   std::string_view family,
                                                   const std::string& list) {
  SYNFATE_TRY(text, read_proc_list(root, folder_of(family), list));
  return parse_hashlimit(text, netns, family, list);
}

} // namespace synfate::xt
