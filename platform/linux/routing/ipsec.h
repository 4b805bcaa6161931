// Policies of IPsec: XFRM_MSG_GETPOLICY, the answer of net/xfrm/xfrm_user.c: dump_one_policy().
//
//   xfrm_userpolicy_info { selector, lifetimes, priority, index, dir, action, flags }
//   XFRMA_TMPL (xfrm_user_tmpl, one after another) · XFRMA_POLICY_TYPE · XFRMA_MARK · XFRMA_IF_ID
//
// All of it needs CAP_NET_ADMIN. The dump begins with the newest policy (__xfrm_policy_link()); of
// equal priority the oldest one counts (__xfrm_policy_eval_candidates()); Linux 6.12.
// Tested by tests/unit/platform/linux/routing/ipsec_test.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/linux/netlink.h"
#include "platform/linux/routing/tables.h"

namespace synfate::linux_routing {

/// One XFRM_MSG_NEWPOLICY message as a row, without its position.
Result<IpsecPolicy> decode_ipsec_policy(const netlink::Message& message, Int netns);

/// The oldest first. Empty where the kernel has no IPsec, or has not loaded it: `root` is put
/// before paths.
Result<std::vector<IpsecPolicy>> read_ipsec_policies(Int netns, const std::string& root = {});

/// Nothing in the same cases.
Result<std::optional<Ipsec>> read_ipsec(Int netns, const std::string& root = {});

} // namespace synfate::linux_routing
