// Reading rules that may change meanwhile, over a socket that may lose what the kernel says.
//
// nf_tables counts the changes of its rules (NFT_MSG_GETGEN). What was read while the number stayed
// the same is of one version; otherwise it is read again. net/netlink/af_netlink.c: netlink_dump()
// gives ENOBUFS where there is no memory for the answer, or no room in the socket; Linux 6.12.
// Tested by tests/unit/platform/linux/netfilter/consistent_read_test.cpp.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/result.h"
#include "core/facts/snapshot.h"

namespace synfate {

/// The kernel's answer did not get through whole.
bool is_lost(const Error& error);
/// What is said after the last try: the rules never were at rest.
Error rules_changed(std::string_view doing);
/// The same: every answer was lost, though nothing changed.
Error answers_lost(std::string_view doing);

/// Why rules could not be read, for the operator.
Gap gap_of_unread_rules(const Error& error);

/// Calls `read` until it gives rows and `ask` the generation that it gave before, a few times. Both
/// give Results; other errors than `interrupted` end it at once. `generation` is what was seen
/// last.
template <typename Generation, typename Read, typename Ask>
auto read_consistent(std::string_view doing, Generation& generation, Read read, Ask ask)
    -> decltype(read()) {
  constexpr int tries = 5;
  bool changed = false;
  for (int attempt = 0; attempt < tries; ++attempt) {
    auto rows = read();
    if (!rows && rows.error().code != ErrorCode::interrupted)
      return rows;
    auto after = ask();
    if (!after && is_lost(after.error()))
      continue;
    if (!after)
      return std::move(after).error();
    // Still the number of an earlier time: it did not move in between either.
    const bool same = generation.generation == after->generation;
    generation = std::move(*after);
    if (rows && same)
      return rows;
    changed = changed || !same || !is_lost(rows.error());
  }
  return changed ? rules_changed(doing) : answers_lost(doing);
}

} // namespace synfate
