// A whole table of iptables-legacy: the entries one after another, and where its hooks begin.
//
//   INPUT's rules … INPUT's policy | FORWARD … | ERROR "mychain", its rules …, RETURN | ERROR
//   "ERROR"
//
// Built-in chains begin at hook_entry and end with the policy at underflow. A user chain begins
// after an ERROR entry that carries its name and ends with an unconditional RETURN. The last entry
// is an ERROR too. Follows net/ipv4/netfilter/ip_tables.c: translate_table(),
// get_chainname_rulenum(), Linux 6.12. Pure. Tested by
// tests/lab/xtables_texts.py, tests/fuzz/fuzz_xt_blob.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/linux/xtables/entry.h"
#include "platform/linux/xtables/tables.h"
#include "platform/linux/xtables/text.h"

namespace synfate::xt {

/// Netfilter hooks as bit numbers: NF_INET_PRE_ROUTING … NF_INET_POST_ROUTING.
inline constexpr std::array<std::string_view, 5> hook_names{"PREROUTING", "INPUT", "FORWARD",
                                                            "OUTPUT", "POSTROUTING"};

/// What an entry is in its chain.
enum class PlaceKind : std::uint8_t { rule, policy, chain_head, chain_end };

struct Place {
  std::uint32_t offset = 0;
  std::uint32_t chain = 0;  ///< index into BlobIndex::chains
  std::uint32_t number = 0; ///< as iptables -L --line-numbers counts, from 1
  PlaceKind kind = PlaceKind::rule;
};

struct BlobIndex {
  std::vector<Place> places;            ///< in the order of offsets
  std::vector<std::string_view> chains; ///< names; point into the blob or to constants
  /// The entry that starts at an offset.
  const Place* find(std::uint32_t offset) const;
};

class Blob {
public:
  /// `entries` must outlive the blob. Errors: damaged.
  static Result<Blob> decode(ByteView info, ByteView entries, IpFamily family);

  IpFamily family() const { return family_; }
  std::uint32_t valid_hooks() const { return info_.valid_hooks; }
  bool has_hook(unsigned hook) const { return (info_.valid_hooks >> hook & 1U) != 0; }
  std::uint32_t hook_entry(unsigned hook) const { return info_.hook_entry[hook]; }
  std::uint32_t underflow(unsigned hook) const { return info_.underflow[hook]; }

  /// The bytes of the entry at an offset, to the end of the table; empty past the end.
  ByteView at(std::uint32_t offset) const;
  /// Chain and number of every entry; one pass over the table.
  BlobIndex index() const;

private:
  wire::TableInfo info_{};
  ByteView entries_;
  IpFamily family_ = IpFamily::v4;
};

/// Rules and policies as rows. `only_chain` empty: every chain; `only_number` 0: every rule.
struct BlobRows {
  std::vector<XtRule> rules;
  std::vector<XtPolicy> policies;
};
struct RowFilter {
  std::string chain;
  std::uint32_t number = 0;
};
BlobRows rows_of(const Blob& blob, const XtTable& table, const TextNames& names,
                 const RowFilter& filter);

} // namespace synfate::xt
