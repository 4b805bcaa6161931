// From the kernel's bytes of a rule, a set element or an object to values. Pure; tested on bytes by
// tests/unit/platform/linux/netfilter/decode_test.cpp and fuzzed by tests/fuzz/fuzz_nft_rule.cpp.
//
// NFTA_RULE_EXPRESSIONS is a list of NFTA_LIST_ELEM, each with a name and the expression's own
// attributes:
//   24 00 01 00  0c 00 01 00 "payload\0"  14 00 02 00  08 00 01 00 00 00 00 01 …
// What is not known, or damaged, stays in the list by its name: a rule is never shortened.
#pragma once

#include <string_view>

#include "platform/linux/netfilter/attributes.h"
#include "platform/linux/netfilter/expression.h"

namespace synfate::nft {

/// The expressions of a rule from the payload of NFTA_RULE_EXPRESSIONS.
Expressions decode_expressions(std::string_view bytes, ByteOrder order);

/// One expression from the payload of a list element (NFTA_EXPR_NAME, NFTA_EXPR_DATA).
Expression decode_expression(std::string_view bytes, ByteOrder order);

/// The operation of a name from its own attributes (NFTA_EXPR_DATA, NFTA_OBJ_DATA).
Operation decode_operation(std::string_view name, std::string_view raw, ByteOrder order);

/// The payload of an NFTA_DATA nest: a value's bytes or a verdict.
struct DataOrVerdict {
  Data value;
  std::optional<Verdict> verdict;
};
DataOrVerdict decode_data(std::string_view nest, ByteOrder order);

/// The comment in NFTA_RULE_USERDATA or NFTA_SET_ELEM_USERDATA (type 0 of libnftnl's TLVs);
/// empty if there is none.
std::string decode_comment(std::string_view userdata);

} // namespace synfate::nft
