#include "platform/linux/system/file_owner.h"

#include <cerrno>

#include <sys/stat.h>

namespace synfate {

Result<FileOwner> read_file_owner(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return Error{.code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::system,
                 .doing = "looking at the owner of a file",
                 .where = path,
                 .os_error = errno};
  return FileOwner{.uid = status.st_uid,
                   .gid = status.st_gid,
                   .group_writable = (status.st_mode & S_IWGRP) != 0,
                   .others_writable = (status.st_mode & S_IWOTH) != 0};
}

} // namespace synfate
