#include "core/rules/words.h"

namespace synfate::rules {
namespace {

// The enumerators from the first to the last, by their names.
template <typename T, typename Name> std::vector<std::string> names(T last, Name name) {
  std::vector<std::string> list;
  for (unsigned value = 0; value <= static_cast<unsigned>(last); ++value)
    if (const std::string_view word = name(static_cast<T>(value)); !word.empty())
      list.emplace_back(word);
  return list;
}

template <typename T, typename Name>
std::optional<T> value_of(T last, Name name, std::string_view wanted) {
  for (unsigned value = 0; value <= static_cast<unsigned>(last); ++value)
    if (name(static_cast<T>(value)) == wanted)
      return static_cast<T>(value);
  return std::nullopt;
}

constexpr auto name_of = [](auto value) { return to_string(value); };

} // namespace

std::string_view severity_name(Severity severity) {
  switch (severity) {
  case Severity::error:
    return "error";
  case Severity::warning:
    return "warning";
  case Severity::note:
    return "note";
  }
  return "";
}

std::string_view expect_name(RuleTest::Expect expect) {
  switch (expect) {
  case RuleTest::Expect::fires:
    return "fires";
  case RuleTest::Expect::quiet:
    return "quiet";
  case RuleTest::Expect::unknown:
    return "unknown";
  }
  return "";
}

std::optional<Severity> severity_from(std::string_view name) {
  return value_of(Severity::note, severity_name, name);
}

std::optional<RuleTest::Expect> expect_from(std::string_view name) {
  return value_of(RuleTest::Expect::unknown, expect_name, name);
}

std::optional<Proto> proto_from(std::string_view name) {
  return value_of(Proto::unix_socket, name_of, name);
}

std::optional<Packet> packet_from(std::string_view name) {
  return value_of(Packet::neighbour, name_of, name);
}

std::optional<Verdict> verdict_from(std::string_view name) {
  return value_of(Verdict::assumed, name_of, name);
}

std::vector<std::string> stage_names() {
  return names(Stage::service, name_of);
}
std::vector<std::string> outcome_names() {
  return names(Outcome::unknown, name_of);
}
std::vector<std::string> icmp_names() {
  return names(Icmp::reject_route, name_of);
}
std::vector<std::string> severity_names() {
  return names(Severity::note, severity_name);
}
std::vector<std::string> certainty_names() {
  return names(Certainty::possible, name_of);
}
std::vector<std::string> proto_names() {
  return names(Proto::unix_socket, name_of);
}
std::vector<std::string> expect_names() {
  return names(RuleTest::Expect::unknown, expect_name);
}
std::vector<std::string> packet_names() {
  return names(Packet::neighbour, name_of);
}
std::vector<std::string> verdict_names() {
  return names(Verdict::assumed, name_of);
}

} // namespace synfate::rules
