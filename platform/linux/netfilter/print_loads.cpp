// What expressions load, as names; operators on it; and which tests later ones make superfluous.
#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "platform/linux/netfilter/rule_printer.h"

namespace synfate {
namespace {

constexpr std::string_view base_words[] = {"@ll", "@nh", "@th", "@ih", "@ih"};

std::string merged(const std::string& first, const std::string& second, char (*merge)(char, char)) {
  std::string bytes(std::max(first.size(), second.size()), '\0');
  for (std::size_t at = 0; at < bytes.size(); ++at)
    bytes[at] = merge(at < first.size() ? first[at] : '\0', at < second.size() ? second[at] : '\0');
  return bytes;
}

char both(char first, char second) {
  return static_cast<char>(first & second);
}
char either(char first, char second) {
  return static_cast<char>(first | second);
}
char without(char first, char second) {
  return static_cast<char>(first & ~second);
}

/// Fields of ICMP that only messages of some types have.
bool fits_type(const HeaderField& field, int type) {
  const bool v4 = field.header == "icmp";
  if ((!v4 && field.header != "icmpv6") || field.bit < 32 || type < 0)
    return true;
  if (field.name == "mtu")
    return type == (v4 ? 3 : 2);
  if (field.name == "gateway")
    return type == 5;
  if (field.name == "parameter-problem")
    return type == 4;
  if (field.name == "max-delay")
    return type == 130;
  return v4 ? type == 0 || type == 8 || (type >= 13 && type <= 18) : type == 128 || type == 129;
}

bool all_ones(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char byte) { return byte == '\xff'; });
}

} // namespace

bool all_zero(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char byte) { return byte == '\0'; });
}

std::string bits_of(std::string_view bytes, unsigned from, unsigned count) {
  std::string out((count + 7) / 8, '\0');
  for (unsigned at = 0; at < count && (from + at) / 8 < bytes.size(); ++at) {
    const unsigned bit = from + at;
    const bool set =
        (static_cast<unsigned>(static_cast<std::uint8_t>(bytes[bit / 8])) >> (7 - bit % 8) & 1U) !=
        0;
    const unsigned target = static_cast<unsigned>(out.size()) * 8 - count + at;
    if (set)
      out[target / 8] = static_cast<char>(out[target / 8] | 1 << (7 - target % 8));
  }
  return out;
}

std::optional<BitRun> run_of(std::string_view mask) {
  BitRun run;
  bool begun = false, ended = false;
  for (unsigned bit = 0; bit < mask.size() * 8; ++bit) {
    const bool set = (static_cast<unsigned char>(mask[bit / 8]) >> (7 - bit % 8) & 1) != 0;
    if (set && ended)
      return std::nullopt;
    if (set && !begun)
      run.first = bit;
    begun = begun || set;
    run.bits += set ? 1 : 0;
    ended = begun && !set;
  }
  return begun ? std::optional(run) : std::nullopt;
}

std::optional<unsigned> prefix_of(std::string_view mask) {
  const auto run = run_of(mask);
  return run && run->first == 0 ? std::optional(run->bits) : std::nullopt;
}

RulePrinter::RulePrinter(const nft::Expressions& expressions, std::string_view family,
                         const TextSources& sources)
    : expressions_(expressions), family_(family), sources_(sources) {
  if (family == "ip" || family == "ip6" || family == "arp")
    network_ = family;
  if (family == "bridge")
    link_ = "ether";
}

std::vector<Phrase> RulePrinter::run() {
  for (at_ = 0; at_ < expressions_.size(); ++at_)
    std::visit([this](const auto& operation) { print(operation); }, expressions_[at_].operation);
  return std::move(phrases_);
}

void RulePrinter::say(std::string field, std::string value, std::string text) {
  phrases_.push_back({at_, std::move(field), std::move(value), std::move(text), false});
}

/// Something happens here: a test in front of it is no longer implied by one behind it.
void RulePrinter::act(std::string text) {
  say({}, {}, std::move(text));
  forget_protocols();
}

void RulePrinter::hold(nft::Slot slot, Piece piece) {
  if (slot < held_.size())
    held_[slot] = std::move(piece);
}

void RulePrinter::named(nft::Slot slot, std::string text, ValueKind kind, unsigned size) {
  Piece piece;
  piece.text = std::move(text);
  piece.kind = kind;
  piece.size = size;
  hold(slot, std::move(piece));
}

/// The header's field at these bits of a load.
std::optional<Operand> RulePrinter::field_at(const Piece& piece, unsigned first,
                                             unsigned bits) const {
  const unsigned bit = piece.bit + first;
  if (piece.option) {
    auto field = option_field(*piece.option, bit, bits);
    if (field.text.find('@') == std::string::npos || (first == 0 && bits == piece.size * 8))
      return Operand{std::move(field.text), field.kind, first, bits, piece.swapped};
    return std::nullopt;
  }
  for (const auto& field : fields_of(piece.header))
    if (field.bit == bit && field.bits == bits && fits_type(field, icmp_type_))
      return Operand{fmt::format("{} {}", field.header, field.name), field.kind, first, bits,
                     piece.swapped};
  if (piece.header != "vlan")
    return std::nullopt;
  for (const auto& field : fields_of("ether"))
    if (field.bit == bit && field.bits == bits)
      return Operand{fmt::format("{} {}", field.header, field.name), field.kind, first, bits,
                     piece.swapped};
  return std::nullopt;
}

/// The fields that lie side by side in the first `bits` of a load; none if they leave a rest.
std::vector<Operand> RulePrinter::fields_in(const Piece& piece, unsigned bits) const {
  std::vector<Operand> found;
  unsigned first = 0;
  while (first < bits) {
    std::optional<Operand> next;
    for (unsigned size = 1; first + size <= bits && !next; ++size)
      if (auto field = field_at(piece, first, size); field && size % 8 == 0)
        next = std::move(field);
    if (!next && !found.empty() && piece.is_load && !piece.option) // a rest without a name
      next = Operand{fmt::format("{},{},{}", base_words[static_cast<std::size_t>(piece.base)],
                                 piece.bit + first, bits - first),
                     ValueKind::raw, first, bits - first, false};
    if (!next || piece.header == "th")
      return {};
    first += next->bits;
    found.push_back(std::move(*next));
  }
  return found;
}

void RulePrinter::print(const nft::Payload& load) {
  Piece piece;
  piece.is_load = true;
  piece.size = load.length;
  piece.base = load.base;
  piece.bit = load.offset * 8;
  if (load.base == nft::PayloadBase::link)
    piece.header = link_;
  else if (load.base == nft::PayloadBase::network)
    piece.header = network_;
  else if (load.base == nft::PayloadBase::transport)
    piece.header = transport_.empty() ? "th" : transport_;
  piece.text = fmt::format("{},{},{}", base_words[static_cast<std::size_t>(load.base)], piece.bit,
                           load.length * 8);
  hold(load.dreg, std::move(piece));
}

void RulePrinter::print(const nft::Exthdr& header) {
  if (header.dreg == nft::no_slot) {
    const auto written = option_field(header, header.offset * 8, header.length * 8);
    if (header.sreg != nft::no_slot)
      return act(
          fmt::format("{} set {}", written.text, source(header.sreg, header.length, written.kind)));
    nft::Exthdr whole = header;
    whole.present = true;
    return act("reset " + option_field(whole, 0, 0).text);
  }
  if (header.present) {
    if (header.op == nft::ExthdrOp::tcp_option || header.op == nft::ExthdrOp::sctp_chunk)
      imply_transport(true);
    else
      imply_network();
  }
  if (header.present)
    return named(header.dreg, option_field(header, 0, 0).text, ValueKind::truth, 1);
  Piece piece;
  piece.is_load = true;
  piece.option = header;
  piece.bit = header.offset * 8;
  piece.size = header.length;
  piece.text = option_field(header, piece.bit, piece.size * 8).text;
  hold(header.dreg, std::move(piece));
}

void RulePrinter::print(const nft::Meta& meta) {
  const auto known = meta_name(meta.key);
  if (meta.set && meta.key == nft::MetaKey::nftrace)
    return act(fmt::format("meta nftrace set {}", source(meta.reg, 1, ValueKind::number)));
  if (meta.set)
    return act(fmt::format(
        "{} set {}", known.name,
        source(meta.reg, size_of(known.kind) == 0 ? 4 : size_of(known.kind), known.kind)));
  named(meta.reg, std::string(known.name), known.kind,
        size_of(known.kind) == 0 ? 4 : size_of(known.kind));
}

void RulePrinter::print(const nft::Ct& ct) {
  auto known = ct_name(ct.key);
  std::string name(known.name);
  unsigned size = size_of(known.kind) == 0 ? 4 : size_of(known.kind);
  using enum nft::CtKey;
  if (ct.key == src || ct.key == dst) {
    const bool six = network_ == "ip6";
    known.kind = six ? ValueKind::ipv6 : ValueKind::ipv4;
    size = six ? 16 : 4;
    if (!network_.empty()) {
      name = network_ + " " + name;
      imply_network();
    }
  }
  if (ct.key == proto_src || ct.key == proto_dst || ct.key == zone)
    size = 2;
  if (ct.key == pkts || ct.key == bytes || ct.key == avgpkt)
    size = 8;
  const std::string_view way = !ct.reply ? "" : *ct.reply ? "reply " : "original ";
  std::string text = fmt::format("ct {}{}", way, name);
  if (ct.set)
    return act(fmt::format("{} set {}", text, source(ct.reg, size, known.kind)));
  named(ct.reg, std::move(text), known.kind, size);
}

void RulePrinter::print(const nft::Fib& fib) {
  std::string text = "fib";
  static constexpr std::string_view flags[] = {"saddr", "daddr", "mark", "iif", "oif"};
  bool first = true;
  for (unsigned bit = 0; bit < std::size(flags); ++bit)
    if ((fib.flags & 1U << bit) != 0) {
      text += fmt::format("{}{}", first ? " " : " . ", flags[bit]);
      first = false;
    }
  static constexpr std::string_view results[] = {"", " oif", " oifname", " type"};
  text += results[static_cast<std::size_t>(fib.result)];
  const auto kind = (fib.flags & nft::fib_present) != 0      ? ValueKind::truth
                    : fib.result == nft::FibResult::addrtype ? ValueKind::address_type
                    : fib.result == nft::FibResult::oifname  ? ValueKind::name
                                                             : ValueKind::interface_index;
  named(fib.dreg, std::move(text), kind, size_of(kind));
}

void RulePrinter::print(const nft::Rt& rt) {
  using enum nft::RtKey;
  switch (rt.key) {
  case classid:
    return named(rt.dreg, "rt classid", ValueKind::realm, 4);
  case nexthop4:
    return named(rt.dreg, "rt ip nexthop", ValueKind::ipv4, 4);
  case nexthop6:
    return named(rt.dreg, "rt ip6 nexthop", ValueKind::ipv6, 16);
  case tcpmss:
    return named(rt.dreg, "rt mtu", ValueKind::host_number, 2);
  case xfrm:
    return named(rt.dreg, "rt ipsec", ValueKind::truth, 1);
  }
}

void RulePrinter::print(const nft::SocketLoad& socket) {
  using enum nft::SocketKey;
  switch (socket.key) {
  case transparent:
    return named(socket.dreg, "socket transparent", ValueKind::number, 1);
  case mark:
    return named(socket.dreg, "socket mark", ValueKind::mark, 4);
  case wildcard:
    return named(socket.dreg, "socket wildcard", ValueKind::number, 1);
  case cgroupv2:
    return named(socket.dreg, fmt::format("socket cgroupv2 level {}", socket.level),
                 ValueKind::host_number, 8);
  }
}

void RulePrinter::print(const nft::Numgen& gen) {
  named(gen.dreg,
        fmt::format("numgen {} mod {}{}", gen.random ? "random" : "inc", gen.modulus,
                    gen.offset == 0 ? std::string() : fmt::format(" offset {}", gen.offset)),
        ValueKind::host_number, 4);
}

void RulePrinter::print(const nft::Hash& hash) {
  std::string of = "symhash";
  if (!hash.symmetric) {
    of.clear();
    for (std::size_t offset = 0; offset < hash.length;) {
      const Piece& piece = at(static_cast<nft::Slot>(hash.sreg + offset / 4));
      use(piece);
      auto fields = fields_in(piece, piece.size * 8);
      if (fields.empty())
        fields.push_back(operand_of(piece));
      for (const auto& field : fields)
        of += (of.empty() ? "jhash " : " . ") + field.text;
      offset += std::max(4U, (piece.size + 3) / 4 * 4);
    }
  }
  std::string text = fmt::format("{} mod {}", of, hash.modulus);
  if (!hash.symmetric && hash.seeded)
    text += fmt::format(" seed {:#x}", hash.seed);
  if (hash.offset != 0)
    text += fmt::format(" offset {}", hash.offset);
  named(hash.dreg, std::move(text), ValueKind::host_number, 4);
}

void RulePrinter::print(const nft::Osf& osf) {
  const std::string ttl = osf.ttl == 1 ? "ttl loose " : osf.ttl == 2 ? "ttl skip " : "";
  named(osf.dreg, fmt::format("osf {}{}", ttl, (osf.flags & 1) != 0 ? "version" : "name"),
        ValueKind::text, 16);
}

void RulePrinter::print(const nft::Xfrm& xfrm) {
  struct Key {
    std::string_view name;
    ValueKind kind;
  };
  static constexpr Key keys[] = {{"?", ValueKind::raw},          {"ip daddr", ValueKind::ipv4},
                                 {"ip6 daddr", ValueKind::ipv6}, {"ip saddr", ValueKind::ipv4},
                                 {"ip6 saddr", ValueKind::ipv6}, {"reqid", ValueKind::host_number},
                                 {"spi", ValueKind::number}};
  const auto& key = keys[xfrm.key < std::size(keys) ? xfrm.key : 0];
  named(xfrm.dreg,
        fmt::format("ipsec {}{} {}", xfrm.out ? "out" : "in",
                    xfrm.number == 0 ? std::string() : fmt::format(" spnum {}", xfrm.number),
                    key.name),
        key.kind, size_of(key.kind) == 0 ? 4 : size_of(key.kind));
}

void RulePrinter::print(const nft::Tunnel& tunnel) {
  named(tunnel.dreg, tunnel.key == 0 ? "tunnel path" : "tunnel id",
        tunnel.key == 0 ? ValueKind::truth : ValueKind::host_number, tunnel.key == 0 ? 1 : 4);
}

void RulePrinter::print(const nft::Inner& inner) {
  static constexpr std::string_view kinds[] = {"vxlan", "geneve"};
  const auto tunnel = inner.type < std::size(kinds) ? kinds[inner.type] : "inner";
  for (const auto& expression : inner.expression) {
    if (const auto* load = std::get_if<nft::Payload>(&expression.operation))
      named(load->dreg,
            fmt::format("{} {},{},{}", tunnel, base_words[static_cast<std::size_t>(load->base)],
                        load->offset * 8, load->length * 8),
            ValueKind::raw, load->length);
    if (const auto* meta = std::get_if<nft::Meta>(&expression.operation))
      named(meta->reg, fmt::format("{} {}", tunnel, meta_name(meta->key).name),
            meta_name(meta->key).kind, 4);
  }
}

void RulePrinter::print(const nft::Immediate& immediate) {
  Piece piece;
  piece.constant = immediate.data;
  piece.is_constant = true;
  piece.size = static_cast<unsigned>(immediate.data.size());
  hold(immediate.dreg, std::move(piece));
}

/// A value inside of an expression or a set: "(syn | ack)".
std::string RulePrinter::bit_names(const Operand& operand, std::string_view data) const {
  std::string text = value(operand, data);
  if (!is_bit_set(operand.kind) || text.find(',') == std::string::npos)
    return text;
  for (std::size_t at = text.find(','); at != std::string::npos; at = text.find(',', at))
    text.replace(at, 1, " | ");
  return "(" + text + ")";
}

/// "meta mark & 0x000000ff | 0x00000001": nft_bitwise's mask and flip in operators as nft writes
/// them. net/netfilter/nft_bitwise.c: (x & mask) ^ flip.
std::string RulePrinter::operation(const Piece& piece, unsigned& binding) const {
  binding = piece.binding;
  if (piece.mask.empty())
    return piece.text;
  const Operand operand = operand_of(piece);
  std::string text = piece.is_load && piece.binding == 0 ? operand.text : piece.text;
  const std::string set = merged(piece.flip, piece.mask, without);
  const std::string toggled = merged(piece.flip, piece.mask, both);
  const std::string kept = merged(piece.mask, set, either);
  const auto apply = [&](std::string_view word, const std::string& bits, unsigned binds) {
    if (binding > binds)
      text = "(" + text + ")";
    text += fmt::format(" {} {}", word, bit_names(operand, bits));
    binding = binds;
  };
  if (!all_ones(kept))
    apply("&", kept, 2);
  if (!all_zero(toggled))
    apply("^", toggled, 3);
  if (!all_zero(set))
    apply("|", set, 4);
  return text;
}

void RulePrinter::print(const nft::Bitwise& bitwise) {
  Piece piece = at(bitwise.sreg);
  const bool plain = bitwise.op == nft::BitwiseOp::mask_xor;
  if (!piece.mask.empty()) { // an operator on the result of one
    unsigned binding = 0;
    piece.text = operation(piece, binding);
    piece.binding = binding;
    piece.kind = operand_of(piece).kind;
    piece.mask.clear();
    piece.flip.clear();
    piece.is_load = false;
  }
  if (plain) {
    piece.mask = bitwise.mask;
    piece.flip = bitwise.flip;
  } else {
    static constexpr std::string_view words[] = {"", "<<", ">>", "&", "|", "^"};
    static constexpr unsigned bindings[] = {0, 1, 1, 2, 4, 3};
    const auto op = static_cast<std::size_t>(bitwise.op);
    const Operand operand = operand_of(piece);
    std::string left = piece.is_load && piece.binding == 0 ? operand.text : piece.text;
    if (piece.binding > bindings[op])
      left = "(" + left + ")";
    const bool shift = bindings[op] == 1;
    const std::string right = bitwise.operand.empty() ? at(bitwise.sreg2).text
                              : shift                 ? fmt::format("{}", bitwise.shift)
                                                      : value(operand, bitwise.operand);
    piece.text = fmt::format("{} {} {}", left, words[op], right);
    piece.kind = operand.kind;
    piece.binding = bindings[op];
    piece.is_load = false;
  }
  hold(bitwise.dreg, std::move(piece));
}

void RulePrinter::print(const nft::Byteorder& byteorder) {
  Piece piece = at(byteorder.sreg);
  piece.swapped = !piece.swapped;
  hold(byteorder.dreg, std::move(piece));
}

/// A test of the protocol names the headers behind it; `text` are its words in the next phrase.
void RulePrinter::note_protocol(const Operand& operand, const nft::Cmp& cmp, const Piece& piece,
                                const std::string& text) {
  if (cmp.op != nft::CmpOp::eq || cmp.data.empty())
    return;
  const Dependency test{phrases_.size(), text};
  const auto first = static_cast<std::uint8_t>(cmp.data.front());
  const auto& field = operand.text;
  if (field == "meta iiftype") {
    link_ = cmp.data[sources_.order == ByteOrder::little ? 0 : 1] == 1 ? "ether" : "";
    link_test_ = test;
  } else if (field == "meta nfproto") {
    network_ = first == 2 ? "ip" : first == 10 ? "ip6" : "";
    network_test_ = test;
  } else if ((field == "meta protocol" || field == "ether type" || field == "vlan type") &&
             cmp.data.size() >= 2) {
    const unsigned type =
        static_cast<unsigned>(first) << 8 | static_cast<std::uint8_t>(cmp.data[1]);
    const auto header = header_of_ethertype(type);
    if (header == "vlan" && field != "meta protocol") {
      link_ = header;
      link_test_ = type == 0x8100 && field == "ether type" ? test : Dependency{};
      return;
    }
    network_ = header;
    network_test_ = test;
  } else if (operand.kind == ValueKind::protocol && !piece.option) {
    transport_ = header_of_protocol(first);
    transport_test_ = test;
    transport_by_header_ = piece.is_load;
  } else if (field == "icmp type" || field == "icmpv6 type") {
    icmp_type_ = first;
    icmp_test_ = test;
  }
}

void RulePrinter::forget_protocols() {
  link_test_ = network_test_ = transport_test_ = icmp_test_ = {};
}

/// Takes a test's words out of the text.
void RulePrinter::imply(Dependency& dependency) {
  if (dependency.phrase < phrases_.size()) {
    auto& phrase = phrases_[dependency.phrase];
    const auto place = phrase.text.find(dependency.text);
    if (phrase.text == dependency.text)
      phrase.implied = true;
    else if (place != std::string::npos && !dependency.text.empty())
      phrase.text.erase(place == 0 ? 0 : place - 1, dependency.text.size() + 1);
  }
  dependency = {};
}

void RulePrinter::imply_network() {
  imply(network_test_);
}

void RulePrinter::imply_transport(bool keep_explicit) {
  const bool several = family_ == "inet" || family_ == "bridge" || family_ == "netdev";
  if (keep_explicit && several && transport_by_header_) {
    transport_test_ = {};
    return;
  }
  hidden_transport_ = transport_test_.phrase;
  imply(transport_test_);
}

/// NAT to a port of a map needs the protocol said, though the map's key names it too.
void RulePrinter::keep_transport(nft::Slot port) {
  const Piece& piece = at(port);
  if (port != nft::no_slot && !piece.is_constant && piece.owner == nft::no_slot &&
      hidden_transport_ < phrases_.size())
    phrases_[hidden_transport_].implied = false;
}

/// A load of a header's field implies the tests that say that the header is there.
void RulePrinter::use(const Piece& piece) {
  if (piece.option) {
    if (piece.option->op == nft::ExthdrOp::tcp_option ||
        piece.option->op == nft::ExthdrOp::sctp_chunk)
      imply_transport(true);
    else
      imply_network();
    return;
  }
  if (!piece.is_load)
    return;
  if (piece.base == nft::PayloadBase::link && !piece.header.empty()) {
    const bool tag = piece.bit >= 112 && piece.bit < 128; // not the type behind it
    if (link_ != "vlan" || tag || (piece.bit < 112 && piece.bit + piece.size * 8 > 112))
      imply(link_test_);
  }
  if (piece.base == nft::PayloadBase::network && !network_.empty() && piece.header == network_)
    imply_network();
  if (piece.base != nft::PayloadBase::transport || transport_.empty() || piece.header != transport_)
    return;
  const bool icmp4 = transport_ == "icmp" && network_ == "ip";
  const bool icmp6 = transport_ == "icmpv6" && network_ == "ip6";
  if (icmp4 || icmp6)
    imply_network();
  if ((transport_ == "icmp" || transport_ == "icmpv6") && piece.bit >= 32) {
    const auto field = operand_of(piece).text; // id and sequence go with several types
    if (!field.ends_with(" id") && !field.ends_with(" sequence"))
      imply(icmp_test_);
  }
  imply_transport(true);
}

} // namespace synfate
