// The program that keeps a firewall rule, and what it is told to let a connection in: a change past
// it would be undone.
//
// Nothing in the kernel says who made a rule; programs are known by the names that they give to
// tables and chains. Those that keep the whole firewall of a host also own what bears no name of
// theirs where the packet came through a chain of theirs: the policy of INPUT, a chain "reject".
// Tested by tests/unit/core/rules/rule_keeper_test.cpp.
#pragma once

#include <string>
#include <string_view>

#include "core/model/flow.h"

namespace synfate::rules {

/// By the names of its own table and chain; "" if they do not tell.
std::string_view keeper_of(const Culprit& culprit);
/// The same of a flow's culprit, and by the chains that the packet has passed in that table.
std::string_view keeper_of(const FlowReport& flow);

/// What the keeper of the flow's culprit is told; "" where no words are known.
std::string keeper_command(const FlowReport& flow);

} // namespace synfate::rules
