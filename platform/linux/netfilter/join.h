// Parts of a class of many clients that a hook's function let pass: who did is noted, and parts
// that go on in the same state are one part again, however many rules accepted them.
// Tested by tests/unit/platform/linux/netfilter/join_test.cpp.
#pragma once

#include <vector>

#include "platform/linux/netfilter/hooks.h"

namespace synfate {

/// Everything but what tells members of a class apart is the same.
bool same_but_class(const PacketClass& a, const PacketClass& b);

/// Two equal classes with opposite answers to one question make one without it: the conditions that
/// both have. Nothing if they are not such a pair.
std::optional<std::vector<Condition>> without_question(const std::vector<Condition>& a,
                                                       const std::vector<Condition>& b);

/// Those that hang on the address of each client.
std::vector<Condition> conditions_of_address(const std::vector<Condition>& conditions);

/// Whatever answers the questions have, one of the ways is taken.
bool cover_all(std::vector<std::vector<Condition>> ways);

/// Moves the culprits of `branches`, which all passed, to `passages` and joins branches.
void join_passed(Branches& branches, std::vector<Passage>& passages);

} // namespace synfate
