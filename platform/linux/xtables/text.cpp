#include "platform/linux/xtables/text.h"

#include <algorithm>
#include <array>

#include "platform/linux/xtables/extensions.h"
#include "platform/linux/xtables/printing.h"

namespace synfate::xt {
namespace {

struct ProtoName {
  std::uint16_t number;
  std::string_view name;
};
constexpr std::array<ProtoName, 18> proto_names{{{1, "icmp"},
                                                 {2, "igmp"},
                                                 {4, "ipencap"},
                                                 {6, "tcp"},
                                                 {17, "udp"},
                                                 {33, "dccp"},
                                                 {41, "ipv6"},
                                                 {47, "gre"},
                                                 {50, "esp"},
                                                 {51, "ah"},
                                                 {58, "ipv6-icmp"},
                                                 {89, "ospf"},
                                                 {94, "ipip"},
                                                 {108, "ipcomp"},
                                                 {115, "l2tp"},
                                                 {132, "sctp"},
                                                 {135, "mobility-header"},
                                                 {136, "udplite"}}};

/// Length of the well-formed UTF-8 sequence of a printable character at the start; 0 if there is
/// none. C1 controls count as not printable.
std::size_t printable_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80)
    return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first >= 0xf5 || text.size() < length)
    return 0;
  for (std::size_t at = 1; at < length; ++at)
    if ((byte(at) & 0xc0) != 0x80)
      return 0;
  const bool surrogate = first == 0xed && byte(1) >= 0xa0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool control = first == 0xc2 && byte(1) < 0xa0;
  const bool direction = first == 0xe2 && byte(1) == 0x80 && byte(2) >= 0x8b; // U+200B … U+203F
  const bool beyond = first == 0xf4 && byte(1) >= 0x90;
  return surrogate || overlong || control || direction || beyond ? 0 : length;
}

bool is_plain(std::string_view word) {
  constexpr std::string_view plain =
      "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !word.empty() && word.find_first_not_of(plain) == std::string_view::npos;
}

/// Number of leading ones of a contiguous mask; nothing for any other.
std::optional<unsigned> prefix_length(ByteView mask) {
  unsigned length = 0;
  bool ended = false;
  for (const auto byte : mask) {
    for (int bit = 7; bit >= 0; --bit) {
      const bool one = ((byte >> bit) & std::byte{1}) != std::byte{0};
      if (one && ended)
        return std::nullopt;
      ended = ended || !one;
      length += one ? 1 : 0;
    }
  }
  return length;
}

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

void print_address(std::string& out, std::string_view name, bool inverted, ByteView address,
                   ByteView mask) {
  if (all_zero(mask) && all_zero(address) && !inverted)
    return;
  option(out, inverted, name);
  append(out, " {}", masked_address(address, mask));
}

void print_interface(std::string& out, std::string_view name, bool inverted, ByteView text,
                     ByteView mask) {
  const InterfacePattern pattern = pattern_of(text, mask);
  if (pattern.any() && !inverted)
    return;
  option(out, inverted, name);
  out += ' ';
  for (const char letter : pattern.name)
    out += letter > ' ' && letter < 0x7f ? letter : '?';
  out += pattern.wildcard ? "+" : "";
}

void print_ip(std::string& out, const IpPart& ip) {
  print_address(out, "-s", (ip.invert & wire::invert_source) != 0, ip.source, ip.source_mask);
  print_address(out, "-d", (ip.invert & wire::invert_destination) != 0, ip.destination,
                ip.destination_mask);
  print_interface(out, "-i", (ip.invert & wire::invert_in) != 0, ip.in_name, ip.in_mask);
  print_interface(out, "-o", (ip.invert & wire::invert_out) != 0, ip.out_name, ip.out_mask);
  const bool inverted = (ip.invert & wire::invert_proto) != 0;
  if (ip.proto != 0 || inverted) {
    option(out, inverted, "-p");
    append(out, " {}", proto_name(ip.proto));
  }
  if (ip.family == IpFamily::v4 && (ip.flags & wire::flag_fragment) != 0)
    option(out, (ip.invert & wire::invert_fragment) != 0, "-f");
}

std::string printable_name(std::string_view name) {
  return is_plain(name) ? std::string(name) : in_quotes(name);
}

/// The options, or a note that this kind or revision is not known.
void print_options(std::string& out, const ExtensionKind* kind, const PrintCall& call) {
  if (kind == nullptr)
    append(out, " [unknown revision {}]", call.revision);
  else if (kind->print != nullptr)
    kind->print(out, call);
}

} // namespace

std::string proto_name(std::uint16_t proto) {
  for (const auto& known : proto_names)
    if (known.number == proto)
      return std::string(known.name);
  return std::to_string(proto);
}

std::string in_quotes(std::string_view word) {
  std::string out = "\"";
  while (!word.empty()) {
    const std::size_t length = printable_length(word);
    if (length == 0)
      append(out, "\\x{:02x}", static_cast<unsigned char>(word.front()));
    else if (word.front() == '"' || word.front() == '\\' || word.front() == '\'')
      append(out, "\\{}", word.front());
    else
      out += word.substr(0, length);
    word.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out + "\"";
}

std::string quoted(std::string_view word) {
  return is_plain(word) ? std::string(word) : in_quotes(word);
}

std::string masked_address(ByteView address, ByteView mask) {
  std::vector<std::byte> masked(address.begin(), address.end());
  for (std::size_t at = 0; at < masked.size(); ++at)
    masked[at] &= mask[at];
  const auto length = prefix_length(mask);
  if (length)
    return fmt::format("{}/{}", address_of(masked).to_string(), *length);
  return fmt::format("{}/{}", address_of(masked).to_string(), address_of(mask).to_string());
}

std::string bit_names(std::uint32_t bits, std::span<const BitName> names) {
  std::string out;
  for (const auto& [bit, name] : names)
    if ((bits & bit) != 0)
      append(out, "{}{}", out.empty() ? "" : ",", name);
  return out;
}

std::string match_text(const Extension& match, IpFamily family, const TextNames& names) {
  const ExtensionKind* kind = find_match(match, family);
  std::string out = "-m ";
  out += printable_name(shown_name(match));
  print_options(out, kind, {match.info, match.revision, family, names});
  return out;
}

std::string target_text(const Extension& target, IpFamily family, const TextNames& names) {
  const ExtensionKind* kind = find_target(target, family);
  std::string out = "-j ";
  out += printable_name(shown_name(target));
  print_options(out, kind, {target.info, target.revision, family, names});
  return out;
}

namespace {

/// With a blank in front of each part.
std::string parts_text(const Entry& entry, std::string_view jump, const TextNames& names) {
  std::string out;
  print_ip(out, entry.ip);
  for (const auto& match : entry.matches)
    append(out, " {}", match_text(match, entry.ip.family, names));
  switch (verdict_of(entry.target).kind) {
  case StandardVerdict::accept:
    return out + " -j ACCEPT";
  case StandardVerdict::drop:
    return out + " -j DROP";
  case StandardVerdict::queue:
    return out + " -j QUEUE";
  case StandardVerdict::returns:
    return out + " -j RETURN";
  case StandardVerdict::jump:
    if (!jump.empty()) // a jump to the next rule is how "no target" is written
      append(out, " {} {}", entry.is_goto ? "-g" : "-j", printable_name(jump));
    return out;
  case StandardVerdict::error:
    return out + " -j ERROR";
  case StandardVerdict::other:
    break;
  }
  return fmt::format("{} {}", out, target_text(entry.target, entry.ip.family, names));
}

} // namespace

std::string rule_text(const Entry& entry, std::string_view jump, const TextNames& names) {
  const std::string parts = parts_text(entry, jump, names);
  return parts.empty() ? parts : parts.substr(1);
}

} // namespace synfate::xt
