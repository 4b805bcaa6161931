// What it takes to see what the kernel shows the privileged alone.
#pragma once

#include <string>
#include <string_view>

namespace synfate {

/// True if the text of /proc/self/uid_map is that of the first user namespace: in any other one a
/// capability counts only for what belongs to that namespace.
bool is_first_user_namespace(std::string_view uid_map);

/// The remedy of a gap where `capability` is missing. In a user namespace of its own a process may
/// well be root and have it (ns_capable() in kernel/capability.c, Linux 6.12, asks for it in the
/// namespace that owns the thing), so there it has to be run outside.
std::string remedy_with(std::string_view capability);
/// The same where it is known whether this is the first user namespace.
std::string remedy_with(std::string_view capability, bool first_users);

} // namespace synfate
