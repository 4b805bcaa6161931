#include "platform/linux/xtables/proc_lists.h"

#include <filesystem>

#include <fmt/format.h>

#include "platform/linux/file.h"

namespace synfate::xt {
namespace {

std::string path_of(const std::string& root, std::string_view folder) {
  return fmt::format("{}/proc/thread-self/net/{}", root, folder);
}

} // namespace

Result<std::vector<std::string>> proc_lists(const std::string& root, std::string_view folder) {
  const std::string path = path_of(root, folder);
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename());
  if (error && error != std::errc::no_such_file_or_directory)
    return Error{error == std::errc::permission_denied ? ErrorCode::denied : ErrorCode::system,
                 fmt::format("listing {}", folder),
                 path,
                 error.value(),
                 {},
                 {}};
  return names;
}

Result<std::string> read_proc_list(const std::string& root, std::string_view folder,
                                   const std::string& name) {
  if (name.empty() || name.starts_with('.') || name.find('/') != std::string::npos)
    return Error{
        ErrorCode::not_found, fmt::format("reading a list of {}", folder), name, 0, {}, {}};
  return read_file(fmt::format("{}/{}", path_of(root, folder), name));
}

} // namespace synfate::xt
