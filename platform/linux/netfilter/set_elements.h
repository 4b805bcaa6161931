// The elements of a set as the kernel's dump brings them, read where they lie.
//
//   24 00 01 80              NFTA_LIST_ELEM, nested
//     0c 00 01 80            NFTA_SET_ELEM_KEY
//       08 00 01 00 0a 4d 00 02    NFTA_DATA_VALUE: 10.77.0.2
//     08 00 03 00 00 00 00 01      NFTA_SET_ELEM_FLAGS: the end of an interval
//
// A set may have hundreds of thousands of them: nothing is copied. Numbers of attributes are those
// of include/uapi/linux/netfilter/nf_tables.h, Linux 6.12.
// Tested by tests/unit/platform/linux/netfilter/set_index_test.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/linux/netfilter/attributes.h"

namespace synfate {

/// One element; views into the dump.
struct RawElement {
  std::string_view key;
  std::string_view key_end;
  std::string_view data;        ///< payload of NFTA_SET_ELEM_DATA
  std::string_view object;      ///< without its NUL
  std::string_view expression;  ///< the one of NFTA_SET_ELEM_EXPR
  std::string_view expressions; ///< the list of NFTA_SET_ELEM_EXPRESSIONS
  bool interval_end = false;
  bool catchall = false;
};

/// The element at the front of a list, which is moved on; nothing at the end or at damage.
std::optional<RawElement> next_element(std::string_view& list, ByteOrder order);

/// The element's own expressions as a list; empty if it has none.
std::string expressions_of(const RawElement& element, ByteOrder order);

} // namespace synfate
