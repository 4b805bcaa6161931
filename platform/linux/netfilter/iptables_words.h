// Rules that iptables-nft made, in the words of iptables-save: who wrote them knows them so.
//
//   iifname "eth*" tcp dport != 22-80 limit rate 3/minute counter … accept      what nft shows
//   -i eth+ -p tcp -m tcp ! --dport 22:80 -m limit --limit 3/min -j ACCEPT      what iptables-save
//   shows
//
// Tested by tests/lab/xtables_texts.py against iptables-nft-save itself.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "platform/linux/netfilter/rule_text.h"

namespace synfate {

/// True for the tables that iptables-nft keeps, as far as names tell it.
bool is_iptables_table(std::string_view family, std::string_view table);
/// INPUT and the like: the chains at the hooks.
bool is_iptables_chain(std::string_view chain);

/// The rule without its chain; nothing if a phrase is none that iptables-nft writes.
std::optional<std::string> iptables_words(std::span<const Phrase> phrases,
                                          std::string_view comment);

} // namespace synfate
