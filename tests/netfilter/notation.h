// Expressions in the notation of `nft --debug=netlink`, for comparison with it.
#pragma once

#include <string>
#include <vector>

#include "platform/linux/netfilter/expression.h"

namespace synfate::test {

/// One line for each expression, as "payload load 2b @ transport header + 2 => reg 1".
std::vector<std::string> notation_of(const nft::Expressions& expressions);

} // namespace synfate::test
