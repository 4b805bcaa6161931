// Rules as text, in the words and order of iptables-save.
//
//   -A INPUT -p tcp -m tcp --dport 22 -m comment --comment "two words" -j ACCEPT
//
// It is what a culprit shows, so bytes that a terminal might obey are written as \xHH inside
// quotes. Pure. Tested by tests/lab/xtables_texts.py against iptables-save itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "platform/linux/xtables/entry.h"

namespace synfate::xt {

/// What a rule's bytes do not say.
struct TextNames {
  /// The name of an ipset by its index, or "" if it is not known.
  std::function<std::string(std::uint16_t)> set;
};

/// "-p tcp -m tcp --dport 22 -j ACCEPT": everything after the chain's name, or "" for a rule
/// without matches and target. `jump` names the chain of a jump or goto.
std::string rule_text(const Entry& entry, std::string_view jump, const TextNames& names);

/// "-m tcp --dport 22".
std::string match_text(const Extension& match, IpFamily family, const TextNames& names);
/// "-j REJECT --reject-with tcp-reset".
std::string target_text(const Extension& target, IpFamily family, const TextNames& names);

/// The name of a protocol as iptables prints it, or its number.
std::string proto_name(std::uint16_t proto);

/// A word as iptables-save writes it: bare if it is a plain one, otherwise quoted and escaped.
std::string quoted(std::string_view word);
/// Always in quotes.
std::string in_quotes(std::string_view word);

/// "10.0.0.0/8", "10.0.0.0/255.0.255.0".
std::string masked_address(ByteView address, ByteView mask);

} // namespace synfate::xt
