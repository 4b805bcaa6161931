#include "platform/linux/model/unix_path.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"

namespace synfate {
namespace {

constexpr unsigned cap_dac_override = 1;
constexpr unsigned cap_dac_read_search = 2;
constexpr int may_read = 4;
constexpr int may_write = 2;
constexpr int may_search = 1;
constexpr Int group_bits = 0070;
constexpr Int sticky_and_open = 01002;

enum class AclTag : std::uint16_t {
  owner = 1,
  user = 2,
  owning_group = 4,
  group = 8,
  mask = 16,
  other = 32,
};

struct AclEntry {
  std::uint16_t tag = 0;
  int permissions = 0;
  Int id = 0;
};

std::uint32_t little_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t byte = 0; byte < size; ++byte)
    value |= std::uint32_t{static_cast<unsigned char>(bytes[at + byte])} << (8 * byte);
  return value;
}

/// Nothing if the bytes are no list.
std::optional<std::vector<AclEntry>> decode_acl(std::string_view bytes) {
  if (bytes.size() < 4 || (bytes.size() - 4) % 8 != 0 || little_endian(bytes, 0, 4) != 2)
    return std::nullopt;
  std::vector<AclEntry> entries;
  for (std::size_t at = 4; at < bytes.size(); at += 8)
    entries.push_back({static_cast<std::uint16_t>(little_endian(bytes, at, 2)),
                       static_cast<int>(little_endian(bytes, at + 2, 2)),
                       Int{little_endian(bytes, at + 4, 4)}});
  return entries;
}

bool in_group(const FileUser& user, Int group) {
  return std::ranges::find(user.groups, group) != user.groups.end();
}

bool is(const AclEntry& entry, AclTag tag) {
  return entry.tag == static_cast<std::uint16_t>(tag);
}

bool grants(int permissions, int wanted) {
  return (permissions & wanted) == wanted;
}

/// posix_acl_permission() for a user that does not own the file.
bool acl_grants(const std::vector<AclEntry>& acl, const FileUser& user, Int owning_group,
                int wanted) {
  int mask = may_read | may_write | may_search;
  for (const auto& entry : acl)
    if (is(entry, AclTag::mask))
      mask = entry.permissions;
  bool in_some_group = false;
  for (const auto& entry : acl) {
    if (is(entry, AclTag::user) && entry.id == user.uid)
      return grants(entry.permissions & mask, wanted);
    const bool group = (is(entry, AclTag::owning_group) && in_group(user, owning_group)) ||
                       (is(entry, AclTag::group) && in_group(user, entry.id));
    if (group) {
      in_some_group = true;
      if (grants(entry.permissions, wanted))
        return grants(entry.permissions & mask, wanted);
    }
    if (is(entry, AclTag::other))
      return !in_some_group && grants(entry.permissions, wanted);
  }
  return false;
}

/// acl_permission_check(); nothing where a list decides that cannot be read.
std::optional<bool> mode_grants(const FileUser& user, const PathStepFacts& file, int wanted) {
  const Int mode = file.mode.value_or(0);
  if (file.uid.is(user.uid))
    return grants(static_cast<int>(mode >> 6), wanted);
  if ((mode & group_bits) != 0 && !file.acl.absent()) {
    const auto acl = file.acl.known() ? decode_acl(file.acl.value().data) : std::nullopt;
    if (!acl)
      return std::nullopt;
    return acl_grants(*acl, user, file.gid.value_or(-1), wanted);
  }
  const bool group = file.gid.known() && in_group(user, file.gid.value());
  return grants(static_cast<int>(group ? mode >> 3 : mode), wanted);
}

std::string mode_words(const PathStepFacts& file) {
  return fmt::format("{} (mode {:04o}, uid {}, gid {}{})", file.resolved.value_or(""),
                     file.mode.value_or(0), file.uid.value_or(0), file.gid.value_or(0),
                     file.acl.absent() ? "" : ", with an access control list");
}

PathEnd ended(PathEnd end, std::string error, Culprit culprit, std::string note) {
  end.error = std::move(error);
  end.culprit = std::move(culprit);
  end.note = std::move(note);
  return end;
}

Culprit missing_culprit(const PathStepFacts& step, std::string text) {
  return {"file", id_part(step.resolved.value_or("")), std::move(text)};
}

/// What a step that is no file means.
std::optional<PathEnd> end_without_file(const PathEnd& end, const PathStepFacts& step) {
  const std::string name = step.resolved.value_or("");
  if (step.type.is("missing"))
    return ended(end, "ENOENT", missing_culprit(step, name + " does not exist"),
                 "there is no such file");
  if (step.type.is("too_long"))
    return ended(end, "ENAMETOOLONG", missing_culprit(step, "a name on the way is too long"),
                 "a name on the path is too long");
  if (step.type.is("loop"))
    return ended(end, "ELOOP", missing_culprit(step, name + ": too many links"),
                 "the links lead in a circle");
  if (step.type.known())
    return std::nullopt;
  PathEnd unknown = end;
  unknown.unknown = true;
  unknown.note = "the way to it cannot be looked at";
  return unknown;
}

/// may_follow_link(): in a sticky directory that all may write to, only links of the user itself or
/// of the directory's owner are followed.
bool link_is_refused(Inquiry& inquiry, const FileUser& user, const PathStepFacts& link,
                     const PathStepFacts& parent) {
  if (!link.last.is(true) || link.uid.is(user.uid) || link.uid == parent.uid ||
      (parent.mode.value_or(0) & sticky_and_open) != sticky_and_open)
    return false;
  return ask_number(inquiry, inquiry.snapshot().host().netns, "fs.protected_symlinks")
             .value_or(0) != 0;
}

/// Search permission for a directory that more is looked up in.
std::optional<PathEnd> refused_search(PathEnd& end, const FileUser& user,
                                      const PathStepFacts& directory) {
  const auto may = may_access(user, directory, may_search);
  end.doubtful = end.doubtful || !may;
  if (may.value_or(true))
    return std::nullopt;
  return ended(end, "EACCES", file_culprit(directory),
               fmt::format("{} may not search this directory", user.name));
}

bool ends_in_dot(std::string_view path) {
  const auto end = path.find_last_not_of('/');
  return end != path.npos && path[end] == '.' && end > 0 && path[end - 1] == '/';
}

/// lookup_last(): what stands before a slash, or before ".", must be a directory.
bool wants_directory(std::string_view path) {
  return path.ends_with('/') || path == "." || ends_in_dot(path);
}

enum class Following : std::uint8_t { whole_path, last_name_not };

PathEnd walk_path(Inquiry& inquiry, const std::string& path, Int root_pid, const FileUser& user,
                  Following following) {
  PathEnd end;
  bool directory_wanted = wants_directory(path) && following == Following::whole_path;
  const Request request{
      std::string(table_name<PathStepFacts>()),
      {{"root_pid", root_pid > 0 ? Cell(root_pid) : Cell(Absent{})}, {"path", path}}};
  for (const auto row : inquiry.find(request)) {
    const auto step = read_row<PathStepFacts>(*inquiry.snapshot().table(request.table), row);
    if (!step.position.is(0))
      end.evidence.push_back({request.table, row});
    if (auto nothing = end_without_file(end, step))
      return std::move(*nothing);
    const bool link = step.type.is("link");
    if (link && step.last.is(true) && following == Following::last_name_not) {
      end.file = step;
      return end;
    }
    if (link) {
      if (end.parent && link_is_refused(inquiry, user, step, *end.parent))
        return ended(end, "EACCES", file_culprit(step),
                     "fs.protected_symlinks: a link of another user in a directory open to all");
      directory_wanted = directory_wanted ||
                         (step.last.is(true) && wants_directory(step.link_target.value_or("")));
      continue;
    }
    if (step.last.is(true)) {
      end.file = step;
      if (directory_wanted && !step.type.is("directory"))
        return ended(end, "ENOTDIR",
                     file_culprit(step, step.resolved.value_or("") + " is no directory"),
                     "it is no directory");
      return end;
    }
    if (!step.type.is("directory"))
      return ended(end, "ENOTDIR",
                   file_culprit(step, step.resolved.value_or("") + " is no directory"),
                   "it is no directory");
    end.parent = step;
    if (auto refused = refused_search(end, user, step))
      return std::move(*refused);
  }
  end.unknown = !inquiry.pending();
  return end;
}

bool has_bit(std::string_view hexadecimal, unsigned bit) {
  std::uint64_t bits = 0;
  std::from_chars(hexadecimal.data(), hexadecimal.data() + hexadecimal.size(), bits, 16);
  return ((bits >> bit) & 1U) != 0;
}

std::vector<Int> numbers_of(std::string_view text) {
  std::vector<Int> numbers;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find(' ', begin), text.size());
    Int number = 0;
    std::from_chars(text.data() + begin, text.data() + end, number);
    numbers.push_back(number);
    begin = end + 1;
  }
  return numbers;
}

} // namespace

std::optional<FileUser> file_user(Inquiry& inquiry, const std::optional<Identity>& identity) {
  FileUser user;
  if (identity && identity->uid != 0) {
    user.uid = identity->uid;
    user.groups = identity->groups;
    user.name = identity->name.empty() ? fmt::format("uid {}", user.uid) : identity->name;
    return user;
  }
  const auto callers = inquiry.rows<Caller>({{"netns", inquiry.snapshot().host().netns}});
  if (callers.empty() || !callers.front().uid.known())
    return std::nullopt;
  const Caller& caller = callers.front();
  const bool as_root = identity && !caller.uid.is(0);
  user.uid = identity ? 0 : caller.uid.value();
  user.groups = identity ? identity->groups : numbers_of(caller.groups.value_or(""));
  const std::string capabilities = caller.capabilities.value_or("");
  user.overrides = as_root || has_bit(capabilities, cap_dac_override);
  user.searches = as_root || has_bit(capabilities, cap_dac_read_search);
  user.name = user.uid == 0 ? "root" : fmt::format("uid {}", user.uid);
  return user;
}

std::optional<bool> may_access(const FileUser& user, const PathStepFacts& file, int wanted) {
  if (user.overrides)
    return true;
  if (file.type.is("directory") && user.searches && (wanted & may_write) == 0)
    return true;
  return mode_grants(user, file, wanted);
}

PathEnd follow_path(Inquiry& inquiry, const std::string& path, Int root_pid, const FileUser& user) {
  return walk_path(inquiry, path, root_pid, user, Following::whole_path);
}

PathEnd find_last_name(Inquiry& inquiry, const std::string& path, Int root_pid,
                       const FileUser& user) {
  const bool dot = ends_in_dot(path); // LAST_DOT: there is no name to make
  PathEnd end = walk_path(inquiry, path, root_pid, user,
                          dot ? Following::whole_path : Following::last_name_not);
  const bool last_is_missing =
      end.error == "ENOENT" && end.culprit &&
      std::ranges::any_of(end.evidence, [&](const Evidence& one) {
        const auto step = read_row<PathStepFacts>(*inquiry.snapshot().table(one.table), one.row);
        return step.type.is("missing") && step.last.is(true);
      });
  if (last_is_missing && !path.ends_with('/') && !dot) {
    end.error.clear();
    end.culprit.reset();
  }
  return end;
}

Culprit file_culprit(const PathStepFacts& file, std::string text) {
  return {"file", id_part(file.resolved.value_or("")),
          text.empty() ? mode_words(file) : std::move(text)};
}

} // namespace synfate
