// What the kernel's matches and targets do with a packet class, each on its own.
//
// A rule of iptables-legacy is walked by walk.h; a rule of nf_tables may carry the same extensions
// (NFT_COMPAT). Both call evaluate_match() and evaluate_target(). What a read cannot pin down (a
// limit's tokens, a random choice, a payload) gives two equal classes with opposite conditions.
// Follows net/netfilter/xt_*.c, net/ipv4/netfilter/ipt_*.c, net/ipv6/netfilter/ip6t_*.c;
// Linux 6.12. Tested by tests/twin/firewall.py, tests/lab/cases_fw.py.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/linux/netfilter/hooks.h"
#include "platform/linux/netfilter/split.h"
#include "platform/linux/xtables/entry.h"

namespace synfate::xt {

/// The rule that asks, made only when somebody wants to name it.
using NameRule = std::function<Culprit()>;

/// One match and the class it is put to.
struct MatchCall {
  HookContext& context;
  const HookRequest& request;
  const PacketClass& packet;
  const Extension& extension;
  const NameRule& rule;
  TransportInfo transport; ///< thoff, fragoff of struct xt_action_param

  /// The private data; the registry has checked its size.
  template <typename Wire> Wire as() const { return *load<Wire>(extension.info); }
  /// The same match for a part of the class.
  MatchCall with(const PacketClass& part) const {
    return {context, request, part, extension, rule, transport};
  }
};

/// A part of the class and what became of it. The packet may have changed (a mark).
struct MatchPart {
  PacketClass packet;
  bool matched = false;
  bool dropped = false; ///< hotdrop: the table ends with DROP
};

/// `depends`: see the parts, which cover the class. Otherwise all of it matched, or none did.
struct MatchAnswer {
  Truth truth = Truth::no;
  bool dropped = false; ///< Truth::no by hotdrop
  std::vector<MatchPart> parts;
  std::string field; ///< what was tested when it did not match, in nft syntax: "tcp dport"
};

/// Puts a match to a class. Nothing if its name, revision or size is not known.
std::optional<MatchAnswer> evaluate_match(HookContext& context, const HookRequest& request,
                                          const Extension& match, const PacketClass& packet,
                                          const NameRule& rule);

/// One target and the class that reached it.
struct TargetCall {
  HookContext& context;
  const HookRequest& request;
  const PacketClass& packet;
  const Extension& extension;
  const NameRule& rule;
  TransportInfo transport;

  template <typename Wire> Wire as() const { return *load<Wire>(extension.info); }
};

using TargetPart = XtTables::TargetBranch;
struct TargetAnswer {
  std::vector<TargetPart> parts;
};

/// Runs a target that is an extension. Nothing if its name, revision or size is not known.
std::optional<TargetAnswer> evaluate_target(HookContext& context, const HookRequest& request,
                                            const Extension& target, const PacketClass& packet,
                                            const NameRule& rule);

} // namespace synfate::xt
