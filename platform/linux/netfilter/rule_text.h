// Rules in nft's words, for people: culprits, near misses and conditions carry these texts.
//
// nft merges fields that lie side by side into one load and hides conditions that another implies;
// the text says what the kernel tests, so a merged compare is told apart again field by field.
// Tested by tests/unit/platform/linux/netfilter/hooks_test.cpp.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/linux/netfilter/attributes.h"
#include "platform/linux/netfilter/expression.h"
#include "platform/linux/netfilter/set_index.h"

namespace synfate {

/// What one expression says.
struct Phrase {
  std::size_t at = 0;   ///< position of the expression that tests or acts
  std::string field;    ///< "tcp dport"; empty for actions
  std::string value;    ///< "8080", "@trusted", "10.0.0.0/8"
  std::string text;     ///< the whole: "tcp dport 8080"
  bool implied = false; ///< a later phrase says it too: not part of the rule's text
};

/// What the printer asks for; each may be missing.
struct TextSources {
  /// Sets by name; null if not read.
  std::function<const SetIndex*(const std::string& set)> elements;
  std::function<const SetShape*(const std::string& set)> shape;
  /// The name of an interface by its index; empty if there is none.
  std::function<std::string(std::uint32_t index)> interface;
  std::function<std::string(const nft::Compat& extension)> extension;
  ByteOrder order = ByteOrder::little;
};

std::vector<Phrase> phrases_of(const nft::Expressions& expressions, std::string_view family,
                               const TextSources& sources);

/// The rule on one line.
std::string rule_text(std::span<const Phrase> phrases, std::string_view comment);

/// A verdict: "accept", "jump web".
std::string verdict_text(const nft::Verdict& verdict);

/// Bytes as a field of that name shows them: "10.0.0.7" for "ip saddr".
std::string value_text(std::string_view field, std::string_view bytes, ByteOrder order);

} // namespace synfate
