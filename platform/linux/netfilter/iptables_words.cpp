#include "platform/linux/netfilter/iptables_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace synfate {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

/// Takes `prefix` off; false if it is not there.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string_view take_word(std::string_view& text) {
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

std::optional<std::uint64_t> number(std::string_view text) {
  const int base = take(text, "0x") ? 16 : 10;
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return code == std::errc{} && !text.empty() && end == text.data() + text.size()
             ? std::optional(value)
             : std::nullopt;
}

bool is_counter(std::string_view text) {
  return text == "counter" || text.starts_with("counter packets ");
}

/// The parts of a rule, in the order of iptables-save.
struct Words {
  std::string source, destination, in, out, protocol;
  std::string protocol_name;
  std::string matches;
  bool ports = false; ///< "-m tcp" stands in the matches, and nothing after it yet
  std::string target;
};

std::string option(bool inverted, std::string_view name, std::string_view value) {
  return fmt::format("{}{} {}", inverted ? "! " : "", name, value);
}

/// "10.0.0.1" is what iptables-save writes with its length.
std::string address(std::string_view value) {
  if (value.find('/') != std::string_view::npos || value.find('-') != std::string_view::npos)
    return std::string(value);
  return fmt::format("{}/{}", value, value.find(':') == std::string_view::npos ? 32 : 128);
}

/// "eth*" is eth+ in iptables, and needs no quotes.
std::optional<std::string> interface_name(std::string_view quoted) {
  if (quoted.size() < 2 || quoted.front() != '"' || quoted.back() != '"')
    return std::nullopt;
  std::string name(quoted.substr(1, quoted.size() - 2));
  if (!name.empty() && name.back() == '*')
    name.back() = '+';
  return name;
}

std::string upper(std::string_view text) {
  std::string large(text);
  std::ranges::transform(large, large.begin(), [](unsigned char letter) {
    return static_cast<char>(std::toupper(letter));
  });
  return large;
}

void add(std::string& text, std::string_view words) {
  text += text.empty() ? "" : " ";
  text += words;
}

/// A test of the TCP or UDP header belongs into the match of that name.
void add_port_match(Words& words, std::string_view proto, std::string_view what) {
  if (!words.ports)
    add(words.matches, fmt::format("-m {}", proto));
  words.ports = true;
  add(words.matches, what);
}

void add_match(Words& words, std::string_view what) {
  words.ports = false;
  add(words.matches, what);
}

/// A test of a field: "ip saddr" with "10.0.0.0/8".
bool add_field(Words& words, std::string_view field, bool inverted, std::string_view value) {
  if (field == "ip saddr" || field == "ip6 saddr") {
    words.source = option(inverted, "-s", address(value));
  } else if (field == "ip daddr" || field == "ip6 daddr") {
    words.destination = option(inverted, "-d", address(value));
  } else if (field == "iifname" || field == "oifname") {
    auto name = interface_name(value);
    if (!name)
      return false;
    // A name that no interface can have stands for "! -i +", which no packet meets.
    const bool none = *name == "INVAL/D" && !inverted;
    (field == "iifname" ? words.in : words.out) =
        option(inverted || none, field == "iifname" ? "-i" : "-o", none ? "+" : *name);
  } else if (field == "meta l4proto" || field == "ip protocol") {
    words.protocol = option(inverted, "-p", value);
    words.protocol_name = value;
  } else if (field == "meta mark") {
    const auto mark = number(value);
    if (!mark)
      return false;
    add_match(words, fmt::format("-m mark {}--mark {:#x}", inverted ? "! " : "", *mark));
  } else if (const auto space = field.find(' ');
             field.ends_with(" sport") || field.ends_with(" dport")) {
    const auto proto = field.substr(0, space);
    std::string ports(value);
    std::ranges::replace(ports, '-', ':');
    if (proto != "tcp" && proto != "udp")
      return false;
    if (words.protocol.empty())
      words.protocol = option(false, "-p", proto);
    add_port_match(words, proto,
                   option(inverted, field.ends_with("sport") ? "--sport" : "--dport", ports));
  } else {
    return false;
  }
  return true;
}

/// "limit rate 3/minute burst 7 packets"
bool add_limit(Words& words, std::string_view text) {
  static constexpr std::array<Pair, 4> units{
      {{"second", "sec"}, {"minute", "min"}, {"hour", "hour"}, {"day", "day"}}};
  const auto rate = take_word(text);
  const auto slash = rate.find('/');
  const auto* const unit = std::ranges::find(
      units, slash == std::string_view::npos ? rate : rate.substr(slash + 1), &Pair::first);
  if (unit == units.end() || !number(rate.substr(0, slash)))
    return false;
  std::string match = fmt::format("-m limit --limit {}/{}", rate.substr(0, slash), unit->second);
  if (take(text, "burst ")) {
    match += fmt::format(" --limit-burst {}", take_word(text));
    if (text != "packets")
      return false;
  } else if (!text.empty()) {
    return false;
  }
  add_match(words, match);
  return true;
}

/// "tcp flags syn / fin,syn,rst,ack"; "tcp flags fin,syn": any of them.
bool add_flags(Words& words, std::string_view text) {
  bool inverted = take(text, "!= ");
  const bool none = take(text, "! ");
  std::string_view wanted = take_word(text);
  if (text.empty()) {
    inverted = !none;
    text = std::exchange(wanted, "none");
  } else if (none || !take(text, "/ ") || text.find(' ') != std::string_view::npos) {
    return false;
  }
  if (words.protocol.empty())
    words.protocol = "-p tcp";
  add_port_match(words, "tcp",
                 option(inverted, "--tcp-flags", fmt::format("{} {}", upper(text), upper(wanted))));
  return true;
}

/// "log prefix "a b" group 3 queue-threshold 10", which NFLOG makes.
bool add_log(Words& words, std::string_view text) {
  std::string target = "-j NFLOG";
  if (take(text, "prefix \"")) {
    const auto end = text.rfind('"');
    if (end == std::string_view::npos)
      return false;
    const auto prefix = text.substr(0, end);
    const bool plain = !prefix.empty() && std::ranges::all_of(prefix, [](unsigned char letter) {
      return std::isalnum(letter) != 0 || letter == '_' || letter == '-';
    });
    target += plain ? fmt::format(" --nflog-prefix {}", prefix)
                    : fmt::format(" --nflog-prefix \"{}\"", prefix);
    text.remove_prefix(std::min(text.size(), end + 2));
  }
  for (const auto& [ours, theirs] :
       {Pair{"group ", "--nflog-group"}, Pair{"snaplen ", "--nflog-size"},
        Pair{"queue-threshold ", "--nflog-threshold"}})
    if (take(text, ours))
      if (const auto value = take_word(text); ours != "group " || value != "0")
        target += fmt::format(" {} {}", theirs, value);
  words.target = target;
  return text.empty();
}

/// "meta mark & 0x000000ff == 0x00000001"
bool add_masked_mark(Words& words, std::string_view text) {
  const auto mask = number(take_word(text));
  const bool inverted = text.starts_with("!= ");
  if (!mask || (!take(text, "== ") && !take(text, "!= ")))
    return false;
  const auto mark = number(text);
  if (!mark)
    return false;
  add_match(words, fmt::format("-m mark {}--mark {:#x}/{:#x}", inverted ? "! " : "", *mark, *mask));
  return true;
}

/// "ip saddr & 255.0.255.0 == 10.0.12.0": a mask that no length can say.
bool add_masked_address(Words& words, std::string_view text) {
  const auto field = text.substr(0, text.find(" & "));
  if (field != "ip saddr" && field != "ip daddr" && field != "ip6 saddr" && field != "ip6 daddr")
    return false;
  text.remove_prefix(field.size() + std::string_view(" & ").size());
  const auto mask = take_word(text);
  const bool inverted = take(text, "!= ");
  if ((!inverted && !take(text, "== ")) || text.find(' ') != std::string_view::npos)
    return false;
  return add_field(words, field, inverted, fmt::format("{}/{}", text, mask));
}

/// What stands without a field, or with one that is no plain comparison.
bool add_text(Words& words, std::string_view text) {
  static constexpr std::array<Pair, 3> verdicts{
      {{"accept", "-j ACCEPT"}, {"drop", "-j DROP"}, {"return", "-j RETURN"}}};
  const auto* const verdict = std::ranges::find(verdicts, text, &Pair::first);
  if (verdict != verdicts.end())
    words.target = verdict->second;
  else if (take(text, "jump "))
    words.target = fmt::format("-j {}", text);
  else if (take(text, "goto "))
    words.target = fmt::format("-g {}", text);
  else if (text.starts_with("-j "))
    words.target = text;
  else if (text.starts_with("-m "))
    add_match(words, text);
  else if (text == "ip frag-off & 8191 != 0")
    words.protocol += words.protocol.empty() ? "-f" : " -f";
  else if (text == "ip frag-off & 8191 == 0")
    words.protocol += words.protocol.empty() ? "! -f" : " ! -f";
  else if (text == "meta nftrace set 1")
    words.target = "-j TRACE";
  else if (take(text, "log "))
    return add_log(words, text);
  else if (take(text, "limit rate "))
    return add_limit(words, text);
  else if (take(text, "tcp flags "))
    return add_flags(words, text);
  else if (take(text, "meta mark & "))
    return add_masked_mark(words, text);
  else if (text.find(" & ") != std::string_view::npos)
    return add_masked_address(words, text);
  else
    return is_counter(text);
  return true;
}

bool add_phrase(Words& words, const Phrase& phrase);

/// "tcp sport 1 tcp dport 2": one comparison of both, which iptables-nft makes of them.
std::optional<bool> add_both_ports(Words& words, const Phrase& phrase) {
  for (const auto* field : {"tcp dport", "udp dport"}) {
    const auto second = phrase.text.find(fmt::format(" {} ", field));
    if (second == std::string::npos || !phrase.text.starts_with(fmt::format("{:.3} sport ", field)))
      continue;
    Phrase source = phrase;
    source.field = fmt::format("{:.3} sport", field);
    source.text = phrase.text.substr(0, second);
    Phrase destination = phrase;
    destination.field = field;
    destination.text = phrase.text.substr(second + 1);
    return add_phrase(words, source) && add_phrase(words, destination);
  }
  return std::nullopt;
}

bool add_phrase(Words& words, const Phrase& phrase) {
  if (const auto done = add_both_ports(words, phrase))
    return *done;
  // An implied test of the protocol is what -p says.
  if (phrase.implied && phrase.field != "meta l4proto" && phrase.field != "ip protocol")
    return true;
  std::string_view text = phrase.text;
  if (!phrase.field.empty() && take(text, phrase.field) && take(text, " ")) {
    const bool inverted = take(text, "!= ");
    std::string range; // iptables has no open ends
    if (take(text, "<= "))
      range = fmt::format("0-{}", text);
    else if (take(text, ">= "))
      range = fmt::format("{}-65535", text);
    if (!range.empty())
      text = range;
    if (text.find(' ') == std::string_view::npos && text.find_first_of("{@") != 0 &&
        add_field(words, phrase.field, inverted, text))
      return true;
  }
  return add_text(words, phrase.text);
}

} // namespace

bool is_iptables_table(std::string_view family, std::string_view table) {
  static constexpr std::array<std::string_view, 5> tables{"filter", "nat", "mangle", "raw",
                                                          "security"};
  return (family == "ip" || family == "ip6") && std::ranges::find(tables, table) != tables.end();
}

bool is_iptables_chain(std::string_view chain) {
  static constexpr std::array<std::string_view, 5> chains{"PREROUTING", "INPUT", "FORWARD",
                                                          "OUTPUT", "POSTROUTING"};
  return std::ranges::find(chains, chain) != chains.end();
}

std::optional<std::string> iptables_words(std::span<const Phrase> phrases,
                                          std::string_view comment) {
  if (std::ranges::none_of(phrases, is_counter, &Phrase::text)) // iptables-nft counts in every rule
    return std::nullopt;
  Words words;
  for (const auto& phrase : phrases)
    if (!add_phrase(words, phrase))
      return std::nullopt;
  if (!comment.empty())
    add_match(words, fmt::format("-m comment --comment \"{}\"", comment));
  std::string text;
  for (const auto* part : {&words.source, &words.destination, &words.in, &words.out,
                           &words.protocol, &words.matches, &words.target})
    if (!part->empty())
      add(text, *part);
  return text;
}

} // namespace synfate
