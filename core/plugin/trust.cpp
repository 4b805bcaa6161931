#include "core/plugin/trust.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace synfate {
namespace {

constexpr std::string_view plain_characters = "%+,-./:=@_";

Error untrusted(const std::string& path, std::string detail, const std::string& command) {
  return {.code = ErrorCode::denied,
          .doing = "checking who may change a plugin",
          .where = path,
          .detail = std::move(detail),
          .hint = fmt::format("If you trust its content: {} {}", command, shell_word(path))};
}

} // namespace

std::string shell_word(const std::string& path) {
  const auto plain = [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
           plain_characters.find(letter) != std::string_view::npos;
  };
  if (!path.empty() && std::ranges::all_of(path, plain))
    return path;
  std::string quoted = "'";
  for (const char letter : path) {
    if (letter == '\'')
      quoted += "'\\''";
    else
      quoted += letter;
  }
  return quoted + "'";
}

Status check_trust(System& system, const std::string& path,
                   const std::optional<FileOwner>& program) {
  SYNFATE_TRY(owner, system.file_owner(path));
  const auto user = system.effective_uid();
  if (owner.uid != 0 && owner.uid != user && (!program || owner.uid != program->uid))
    return untrusted(path, fmt::format("user {} owns it and could change it", owner.uid),
                     user == 0 ? "chown root:" : fmt::format("sudo chown {}:", user));
  if (owner.others_writable && (!program || !program->others_writable))
    return untrusted(path, "everybody may write it", "chmod go-w");
  const bool same_group = program && program->group_writable && program->gid == owner.gid;
  if (owner.group_writable && !same_group)
    return untrusted(path, fmt::format("group {} may write it", owner.gid), "chmod go-w");
  return Done{};
}

} // namespace synfate
