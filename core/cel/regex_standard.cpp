// Regular expressions by the standard library, where RE2 cannot be linked.
//
// It knows less than RE2, and some of what it knows means something else there. What both read
// alike is let through; the rest is refused when a pattern is compiled, so that no pattern is
// answered wrongly: groups of the form (?...), back references, escapes but those of
// `known_escapes`, and all beyond ASCII. In the text that is searched a character beyond ASCII
// counts as its bytes. libstdc++ follows all alternatives at once when asked for `__polynomial`
// (bits/regex_executor.h), without which hostile patterns take time without end.
#include <regex>

#include "core/cel/regex.h"

namespace synfate::cel {
namespace {

constexpr std::string_view known_escapes = "bBdDwWnrtfv.^$*+?()[]{}|\\/-\"'#&,:;<=>@_~! ";
constexpr std::size_t longest_pattern = 4096; // bytes
constexpr auto syntax = std::regex::ECMAScript | std::regex::optimize |
                        std::regex_constants::__polynomial | std::regex::nosubs;

/// What of the pattern is not let through; empty if nothing is.
std::string_view refusal_of(std::string_view pattern) {
  if (pattern.size() > longest_pattern)
    return "the pattern is too long";
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (static_cast<unsigned char>(pattern[at]) >= 0x80)
      return "this build's regular expressions are of ASCII only";
    if (pattern.substr(at).starts_with("(?"))
      return "this build's regular expressions have no (?...)";
    if (pattern.substr(at).starts_with("[["))
      return "this build's regular expressions have no [[:classes:]]";
    if (pattern[at] != '\\')
      continue;
    ++at;
    if (at < pattern.size() && known_escapes.find(pattern[at]) == std::string_view::npos)
      return "this build's regular expressions do not have this escape";
  }
  return {};
}

class StandardRegex final : public Regex {
public:
  explicit StandardRegex(std::string_view pattern)
      : expression_(pattern.data(), pattern.size(), syntax) {}
  bool find(std::string_view text) const override {
    return std::regex_search(text.begin(), text.end(), expression_);
  }

private:
  std::regex expression_;
};

} // namespace

std::shared_ptr<const Regex> Regex::compile(std::string_view pattern, std::string& problem) {
  problem = refusal_of(pattern);
  if (!problem.empty())
    return nullptr;
  try { // the only way in which the library says that a pattern is not valid
    return std::make_shared<const StandardRegex>(pattern);
  } catch (const std::regex_error& error) {
    problem = error.what();
    return nullptr;
  }
}

} // namespace synfate::cel
