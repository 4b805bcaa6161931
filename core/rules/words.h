// The closed lists of words that packs use: stages, outcomes and their like, for error messages.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/rules/pack.h"

namespace synfate::rules {

std::vector<std::string> stage_names();
std::vector<std::string> outcome_names();
std::vector<std::string> icmp_names();
std::vector<std::string> severity_names();
std::vector<std::string> certainty_names();
std::vector<std::string> proto_names();
std::vector<std::string> expect_names();
std::vector<std::string> packet_names();
std::vector<std::string> verdict_names();
std::optional<Packet> packet_from(std::string_view name);
std::optional<Verdict> verdict_from(std::string_view name);

} // namespace synfate::rules
