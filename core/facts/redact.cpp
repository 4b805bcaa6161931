#include "core/facts/redact.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <random>

#include <fmt/format.h>

namespace synfate {
namespace {

/// A block of addresses with a meaning. What is `fixed` stays bit for bit; of the others only the
/// block itself does.
struct Block {
  std::string_view prefix;
  bool fixed;
};

// RFC 6890 and its registries.
constexpr std::array<Block, 25> blocks{{
    {"0.0.0.0/8", true},      {"10.0.0.0/8", false},     {"100.64.0.0/10", false},
    {"127.0.0.0/8", true},    {"169.254.0.0/16", true},  {"172.16.0.0/12", false},
    {"192.0.0.0/24", true},   {"192.0.2.0/24", true},    {"192.168.0.0/16", false},
    {"198.18.0.0/15", false}, {"198.51.100.0/24", true}, {"203.0.113.0/24", true},
    {"224.0.0.0/4", true},    {"240.0.0.0/4", true},     {"::/96", true},
    {"::ffff:0:0/96", false}, {"64:ff9b::/96", false},   {"2000::/3", false},
    {"2001:db8::/32", true},  {"2002::/16", false},      {"fc00::/7", false},
    {"fe80::/10", false},     {"fe80::/64", false},      {"fec0::/10", true},
    {"ff00::/8", true},
}};

struct ParsedBlock {
  IpPrefix prefix;
  bool fixed;
};

const std::vector<ParsedBlock>& parsed_blocks() {
  static const std::vector<ParsedBlock> parsed = [] {
    std::vector<ParsedBlock> list;
    for (const auto& block : blocks)
      list.push_back({IpPrefix::parse(block.prefix).value(), block.fixed});
    return list;
  }();
  return parsed;
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of short messages.
class SipHash {
public:
  explicit SipHash(const Pseudonyms::Key& key)
      : v_{key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
           key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL} {}

  std::uint64_t operator()(std::string_view text) {
    const std::uint64_t length = text.size();
    for (; text.size() >= 8; text.remove_prefix(8))
      compress(word(text.substr(0, 8)));
    compress(word(text) | (length << 56U));
    v_[2] ^= 0xffU;
    for (int round = 0; round < 4; ++round)
      mix();
    return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  }

private:
  static std::uint64_t word(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at)
      value |= std::uint64_t{static_cast<unsigned char>(bytes[at])} << (8 * at);
    return value;
  }
  void compress(std::uint64_t message) {
    v_[3] ^= message;
    mix();
    mix();
    v_[0] ^= message;
  }
  void half(int a, int b, int turn_b, int c, int d, int turn_d) {
    v_[a] += v_[b];
    v_[b] = std::rotl(v_[b], turn_b) ^ v_[a];
    v_[a] = std::rotl(v_[a], 32);
    v_[c] += v_[d];
    v_[d] = std::rotl(v_[d], turn_d) ^ v_[c];
  }
  void mix() {
    half(0, 1, 13, 2, 3, 16);
    v_[0] += v_[3];
    v_[3] = std::rotl(v_[3], 21) ^ v_[0];
    v_[2] += v_[1];
    v_[1] = std::rotl(v_[1], 17) ^ v_[2];
    v_[2] = std::rotl(v_[2], 32);
  }

  std::uint64_t v_[4];
};

/// True where the first `length` bits lead to a block: flipping the next one would lead away from
/// it, or somebody else into it.
bool leads_to_block(const IpPrefix& path) {
  return std::ranges::any_of(parsed_blocks(), [&](const ParsedBlock& block) {
    return block.prefix.address().family() == path.address().family() &&
           block.prefix.length() > path.length() && path.contains(block.prefix);
  });
}

bool is_fixed(const IpAddress& address) {
  return std::ranges::any_of(parsed_blocks(), [&](const ParsedBlock& block) {
    return block.fixed && block.prefix.contains(address);
  });
}

bool is_address_letter(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f') ||
         (letter >= 'A' && letter <= 'F') || letter == '.' || letter == ':';
}

bool is_word_letter(char letter) {
  return is_address_letter(letter) || (letter >= 'g' && letter <= 'z') ||
         (letter >= 'G' && letter <= 'Z') || letter == '_' || letter == '-';
}

/// Text columns that tell who or what runs.
struct NamedColumn {
  std::string_view place;
  std::string_view kind;
};
constexpr std::array<NamedColumn, 6> named_columns{{
    {"process.command_line", "command"},
    {"process.user", "user"},
    {"port_mention.text", "command"},
    {"nft_rule.comment", "comment"},
    {"nft_element.comment", "comment"},
    {"ipset_element.comment", "comment"},
}};

/// 02:fc:00:00:00:01 and longer ones, as `ip link` prints them.
bool is_hardware_address(std::string_view text) {
  if (text.size() < 17 || text.size() % 3 != 2)
    return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool digit = text[at] != '.' && text[at] != ':' && is_address_letter(text[at]);
    if (at % 3 == 2 ? text[at] != ':' : !digit)
      return false;
  }
  return true;
}

/// None, everybody, or a group: told by the octets themselves, not by whose they are.
bool is_common(std::string_view hardware_address) {
  const auto group_bit = std::string_view("13579bdfBDF").find(hardware_address[1]);
  return group_bit != std::string_view::npos ||
         hardware_address.find_first_not_of("0:") == std::string_view::npos;
}

bool ends_instance(char letter) {
  return letter == '/' || letter == ' ' || letter == '\n' || letter == '"' || letter == '\'';
}

/// How many characters of "customer.service …" are the instance of a unit; 0 if it is none, or one
/// that only counts.
std::size_t instance_length(std::string_view text) {
  constexpr std::string_view kinds[] = {".service", ".socket", ".slice", ".scope", ".mount",
                                        ".timer",   ".target", ".path",  ".device"};
  const auto word = text.substr(0, std::ranges::find_if(text, ends_instance) - text.begin());
  for (const auto kind : kinds) {
    const auto end = word.find(kind);
    if (end != std::string_view::npos)
      return word.find_first_not_of("0123456789") < end ? end : 0;
  }
  return 0;
}

/// Addresses that are networks: the column with their length.
constexpr std::array<std::array<std::string_view, 2>, 3> network_columns{{
    {"route.destination", "prefix_length"},
    {"route.from_address", "from_prefix_length"},
    {"route_lookup.prefix", "prefix_length"},
}};

/// The length of the network in `column` of this row, if it holds one.
std::optional<unsigned> network_length(const TableSpec& table, const ColumnSpec& column,
                                       const std::vector<Cell>& cells) {
  const std::string place = table.name + "." + column.name;
  for (const auto& [address, length] : network_columns) {
    if (address != place)
      continue;
    const auto position = table.column(length);
    const auto* value = position ? std::get_if<Int>(&cells[*position]) : nullptr;
    if (value != nullptr)
      return static_cast<unsigned>(*value);
  }
  return std::nullopt;
}

constexpr const char* redacted_gap = "redacted";

Gap gap_for_bytes() {
  return {redacted_gap, "raw bytes that may hold addresses",
          "the snapshot was redacted and their addresses could not be replaced",
          "what they decide cannot be told from this snapshot",
          "take a snapshot without --redact, or ask whoever has one"};
}

} // namespace

Pseudonyms::Key Pseudonyms::random_key() {
  std::random_device random;
  const auto word = [&] { return std::uint64_t{random()} << 32U | random(); };
  return {word(), word()};
}

IpAddress Pseudonyms::address(const IpAddress& address) const {
  if (is_fixed(address))
    return address;
  std::array<std::byte, 16> bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  for (unsigned bit = 0; bit < address.width(); ++bit) {
    const IpPrefix path(address, bit);
    if (leads_to_block(path))
      continue;
    std::string message = fmt::format("{}/", bit);
    const auto before = path.address().bytes();
    message.append(reinterpret_cast<const char*>(before.data()), before.size());
    if ((SipHash(key_)(message) & 1U) != 0)
      bytes[bit / 8] ^= std::byte{0x80} >> (bit % 8);
  }
  return IpAddress::from_bytes(std::span(bytes).first(address.bytes().size())).value();
}

IpPrefix Pseudonyms::prefix(const IpPrefix& prefix) const {
  return {address(prefix.address()), prefix.length()};
}

std::string Pseudonyms::word(std::string_view kind, std::string_view text) const {
  if (text.empty() || text == "root" || text == "nobody")
    return std::string(text);
  return fmt::format("{}-{:08x}", kind, SipHash(key_)(text) >> 32U);
}

std::string Pseudonyms::hardware_address(std::string_view text) const {
  if (is_common(text))
    return std::string(text);
  std::string out;
  for (std::size_t octet = 0; octet * 3 < text.size(); ++octet) {
    const auto value =
        octet == 0 ? 0x02U : SipHash(key_)(fmt::format("{}/{}", octet, text)) & 0xffU;
    out += fmt::format("{}{:02x}", octet == 0 ? "" : ":", value);
  }
  return out;
}

std::string Pseudonyms::names_in(std::string_view text) const {
  constexpr std::string_view home = "/home/";
  std::string out;
  while (!text.empty()) {
    std::size_t kept = 1;
    std::size_t length = 0;
    if (text.starts_with(home)) {
      kept = home.size();
      length = std::ranges::find_if(text.substr(kept), ends_instance) - text.begin() - kept;
    } else if (text.front() == '@') {
      length = instance_length(text.substr(1));
    }
    out += text.substr(0, kept);
    out += word(kept > 1 ? "user" : "instance", text.substr(kept, length));
    text.remove_prefix(kept + length);
  }
  return out;
}

std::string Pseudonyms::text(std::string_view text) const {
  return addresses_in(names_in(text));
}

std::string Pseudonyms::addresses_in(std::string_view text) const {
  std::string out;
  while (!text.empty()) {
    std::size_t length = 0;
    while (length < text.size() && is_word_letter(text[length]))
      ++length;
    std::string_view token = text.substr(0, length);
    while (token.ends_with('.') || (token.ends_with(':') && !token.ends_with("::")))
      token.remove_suffix(1);
    if (is_hardware_address(token)) {
      out += hardware_address(token);
      text.remove_prefix(token.size());
      continue;
    }
    auto found = IpAddress::parse(token);
    if (!found && std::ranges::count(token, ':') == 1) { // ADDRESS:PORT
      token = token.substr(0, token.find(':'));
      found = IpAddress::parse(token);
    }
    if (!found) {
      out += text.substr(0, std::max<std::size_t>(length, 1));
      text.remove_prefix(std::max<std::size_t>(length, 1));
      continue;
    }
    text.remove_prefix(token.size());
    unsigned bits = found->width();
    if (text.starts_with('/'))
      std::from_chars(text.data() + 1, text.data() + text.size(), bits);
    const bool network = IpPrefix(*found, bits).address() == *found;
    out += (network ? prefix(IpPrefix(*found, bits)).address() : address(*found)).to_string();
  }
  return out;
}

RedactingSink::RedactingSink(FactSink& next, Pseudonyms pseudonyms, BytesRedactions bytes)
    : next_(next), pseudonyms_(pseudonyms), bytes_(std::move(bytes)) {}

Cell RedactingSink::redacted_bytes(const std::string& place, const Bytes& bytes) {
  const auto at = bytes_.find(place);
  if (at != bytes_.end())
    if (auto replaced = at->second(pseudonyms_, bytes.data))
      return Bytes{std::move(*replaced)};
  blinded_.insert(place.substr(0, place.find('.')));
  next_.add_gap(gap_for_bytes());
  return Unknown{redacted_gap};
}

Cell RedactingSink::redacted(std::string_view table, std::string_view column, const Cell& cell) {
  const std::string place = fmt::format("{}.{}", table, column);
  if (const auto* ip = std::get_if<IpAddress>(&cell))
    return pseudonyms_.address(*ip);
  if (const auto* bytes = std::get_if<Bytes>(&cell))
    return redacted_bytes(place, *bytes);
  const auto* text = std::get_if<Text>(&cell);
  if (text == nullptr)
    return cell;
  const auto named = std::ranges::find(named_columns, place, &NamedColumn::place);
  return named != named_columns.end() ? pseudonyms_.word(named->kind, *text)
                                      : pseudonyms_.text(*text);
}

void RedactingSink::add_row(const TableSpec& table, std::vector<Cell>&& cells) {
  std::vector<Cell> out;
  out.reserve(cells.size());
  for (std::size_t index = 0; index < cells.size(); ++index) {
    const ColumnSpec& column = table.columns[index];
    const auto* ip = std::get_if<IpAddress>(&cells[index]);
    const auto length = ip == nullptr ? std::nullopt : network_length(table, column, cells);
    if (length)
      out.emplace_back(pseudonyms_.prefix(IpPrefix(*ip, *length)).address());
    else
      out.push_back(redacted(table.name, column.name, cells[index]));
  }
  next_.add_row(table, std::move(out));
}

void RedactingSink::add_gap(const Gap& gap) {
  next_.add_gap({gap.id, pseudonyms_.text(gap.what), pseudonyms_.text(gap.why),
                 pseudonyms_.text(gap.effect), pseudonyms_.text(gap.remedy)});
}

void RedactingSink::answered(const Request& request, const std::vector<std::string>& gaps) {
  Request out{request.table, {}};
  for (const auto& key : request.keys)
    out.keys.push_back({key.column, redacted(request.table, key.column, key.value)});
  auto missing = gaps;
  if (blinded_.contains(request.table))
    missing.emplace_back(redacted_gap);
  next_.answered(out, missing);
}

HostFacts redacted(HostFacts host, const Pseudonyms& pseudonyms) {
  host.name = pseudonyms.word("host", host.name);
  return host;
}

} // namespace synfate
