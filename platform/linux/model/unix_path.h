// Does a path lead to a file, and may this user go there? The kernel's checks over recorded steps.
//
// fs/namei.c: link_path_walk(), may_lookup(), may_follow_link(), generic_permission(),
// acl_permission_check(); fs/posix_acl.c: posix_acl_permission(); net/unix/af_unix.c:
// unix_find_bsd(), unix_bind_bsd(). Linux 6.12. An access control list is a header of 4 bytes and
// entries of 8, little endian (include/uapi/linux/posix_acl_xattr.h):
//
//   02 00 00 00 | 01 00 07 00 ff ff ff ff | 02 00 06 00 e8 03 00 00 | …
//   version       owner  rwx                user  rw-   uid 1000
//
// Tested by tests/unit/platform/linux/model/unix_test.cpp and, against the kernel, by
// tests/twin/unix.py.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "platform/linux/files/tables.h"

namespace synfate {

/// Who asks for a file.
struct FileUser {
  Int uid = 0;
  std::vector<Int> groups;
  bool overrides = false; ///< CAP_DAC_OVERRIDE
  bool searches = false;  ///< CAP_DAC_READ_SEARCH
  std::string name;       ///< for messages
};

/// `identity`, or who runs this tool; nothing if that is not known.
std::optional<FileUser> file_user(Inquiry& inquiry, const std::optional<Identity>& identity);

/// r = 4, w = 2, x = 1; true if `user` has all of `wanted` for the file. Nothing where the list
/// that decides cannot be read.
std::optional<bool> may_access(const FileUser& user, const PathStepFacts& file, int wanted);

/// Where a path ends.
struct PathEnd {
  std::string error; ///< errno by name; empty if it leads to a file
  std::optional<Culprit> culprit;
  std::string note;
  std::optional<PathStepFacts> file;   ///< what it leads to
  std::optional<PathStepFacts> parent; ///< the directory that the last name was looked up in
  bool unknown = false;                ///< the way could not be read
  bool doubtful = false;               ///< something on the way cannot be told
  std::vector<Evidence> evidence;
};

/// Follows `path` with all its links, as connect() does.
PathEnd follow_path(Inquiry& inquiry, const std::string& path, Int root_pid, const FileUser& user);
/// Follows it up to its last name, which is not followed, as bind() does. No error if it is there.
PathEnd find_last_name(Inquiry& inquiry, const std::string& path, Int root_pid,
                       const FileUser& user);

/// A file as a culprit: "/run/app.sock (mode 0700, uid 0, gid 0)".
Culprit file_culprit(const PathStepFacts& file, std::string text = {});

} // namespace synfate
