// The rules in the bytes of a dump, found where they lie.
//
//   struct nlmsghdr (length, type 0x0a06, …) | struct nfgenmsg | NFTA_RULE_TABLE "filter\0" …
//
// Twenty thousand rules are ten megabytes: they are kept once, as the kernel sent them, and a rule
// is a view into them. net/netfilter/nf_tables_api.c: nf_tables_fill_rule_info(), Linux 6.12. Pure.
// Tested by tests/unit/platform/linux/netfilter/rule_messages_test.cpp, fuzzed by
// tests/fuzz/fuzz_nft_message.cpp.
#pragma once

#include <optional>
#include <string_view>

#include "core/facts/cell.h"
#include "platform/linux/netfilter/attributes.h"

namespace synfate {

/// One NFT_MSG_NEWRULE; the views lie in the bytes it was found in.
struct RuleMessage {
  Int handle = 0;
  std::string_view expressions; ///< payload of NFTA_RULE_EXPRESSIONS
  std::string_view userdata;    ///< payload of NFTA_RULE_USERDATA; empty: none
};

/// The next rule, or nothing at the end or at damage. `bytes` is moved on behind it.
std::optional<RuleMessage> next_rule_message(std::string_view& bytes, ByteOrder order);

} // namespace synfate
