// Did you mean …: the declared name that is closest to what was written.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace synfate::cel {

/// The closest of `names` when it is close enough to be a slip, otherwise an empty string.
std::string suggest(std::string_view written, std::span<const std::string> names);

} // namespace synfate::cel
