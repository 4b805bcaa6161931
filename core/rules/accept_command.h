// The command that lets a flow past the firewall rule or policy that stops it, in the words of the
// tool whose table it is.
//
//   nft_rule, nft_chain   nft insert rule FAMILY TABLE CHAIN [position HANDLE] MATCH accept
//   the same, of iptables-nft   ip[6]tables-nft -t TABLE -I CHAIN MATCH -j ACCEPT
//   xt_rule, xt_policy    ip[6]tables-legacy -t TABLE -I CHAIN [NUMBER] MATCH -j ACCEPT
//
// It goes ahead of the culprit, never behind: a policy is also met by what returned before the
// chain's end. The match is what the stopped packet carries at that hook: before or after NAT, the
// client as source or, of an answer, as destination. Of neighbour discovery it is the message.
// Tested by tests/unit/core/rules/accept_command_test.cpp and tests/twin/fix.py.
#pragma once

#include <string>

#include "core/model/flow.h"

namespace synfate::rules {

/// Empty where no such command is known: other culprits, other packets.
std::string accept_command(const FlowReport& flow);

/// The same for the answer, where a rule or policy on the way out is the next in its way and NAT
/// has changed nothing.
std::string answer_command(const FlowReport& flow);

} // namespace synfate::rules
