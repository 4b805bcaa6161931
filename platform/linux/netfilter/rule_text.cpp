// The printer runs the rule on descriptions instead of values: a register holds the name of what
// was loaded, and a test of it becomes a phrase.
#include "platform/linux/netfilter/rule_text.h"

#include <algorithm>
#include <array>
#include <bit>

#include <fmt/format.h>

#include "platform/linux/netfilter/decode.h"
#include "platform/linux/netfilter/fields.h"

namespace synfate {
namespace {

constexpr std::size_t most_elements = 16;

/// A piece of what lies in registers: a field, a constant, or something with a name.
struct Piece {
  std::string field; ///< "tcp dport"; several for a merged load: see `parts`
  ValueKind kind = ValueKind::raw;
  unsigned size = 0;    ///< bytes
  std::string constant; ///< bytes, if it is one
  bool is_constant = false;
  std::string mask; ///< applied to it
  std::string flip;
  bool swapped = false;           ///< byteorder was changed
  std::vector<HeaderField> parts; ///< header fields that the load covers
  unsigned bit = 0;               ///< where the load begins in the header
  std::string header;
};

bool all_zero(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char byte) { return byte == '\0'; });
}

/// Bits [from, from+count) of bytes, as bytes aligned to the right.
std::string bits_of(std::string_view bytes, unsigned from, unsigned count) {
  std::string out((count + 7) / 8, '\0');
  for (unsigned at = 0; at < count; ++at) {
    const unsigned source = from + at;
    const bool set =
        (static_cast<unsigned>(static_cast<std::uint8_t>(bytes[source / 8])) >> (7 - source % 8) &
         1U) != 0;
    const unsigned target = static_cast<unsigned>(out.size()) * 8 - count + at;
    if (set)
      out[target / 8] = static_cast<char>(out[target / 8] | 1 << (7 - target % 8));
  }
  return out;
}

/// Length of a prefix mask; nothing if it is none.
std::optional<unsigned> prefix_of(std::string_view mask) {
  unsigned length = 0;
  bool ended = false;
  for (const char byte : mask) {
    const auto value = static_cast<std::uint8_t>(byte);
    const auto ones = static_cast<unsigned>(std::countl_one(value));
    if ((ended && value != 0) || static_cast<std::uint8_t>(value << ones) != 0)
      return std::nullopt;
    ended = ended || ones < 8;
    length += ones;
  }
  return length;
}

class Printer {
public:
  Printer(const nft::Expressions& expressions, std::string_view family, const TextSources& sources)
      : expressions_(expressions), family_(family), sources_(sources) {
    if (family == "ip" || family == "ip6")
      network_ = family;
  }

  std::vector<Phrase> run() {
    for (at_ = 0; at_ < expressions_.size(); ++at_)
      std::visit([this](const auto& operation) { print(operation); }, expressions_[at_].operation);
    return std::move(phrases_);
  }

private:
  void say(std::string field, std::string value, std::string text) {
    phrases_.push_back({at_, std::move(field), std::move(value), std::move(text), false});
  }
  void act(std::string text) { say({}, {}, std::move(text)); }

  void hold(nft::Slot slot, Piece piece) {
    if (slot < held_.size())
      held_[slot] = std::move(piece);
  }
  const Piece& at(nft::Slot slot) const { return held_[slot < held_.size() ? slot : 0]; }

  static std::string_view op_text(nft::CmpOp op) {
    static constexpr std::string_view texts[] = {"", "!= ", "< ", "<= ", "> ", ">= "};
    return texts[static_cast<std::size_t>(op)];
  }

  // loads
  void print(const nft::Payload& load) {
    Piece piece;
    piece.size = load.length;
    piece.bit = load.offset * 8;
    static constexpr std::string_view bases[] = {"@ll", "@nh", "@th", "@ih", "@ih"};
    const std::string_view base = bases[static_cast<std::size_t>(load.base)];
    if (load.base == nft::PayloadBase::link)
      piece.header = "ether";
    else if (load.base == nft::PayloadBase::network)
      piece.header = network_.empty() ? guess_network(load) : network_;
    else if (load.base == nft::PayloadBase::transport)
      piece.header = transport_.empty() ? "th" : transport_;
    if (!piece.header.empty())
      for (const auto& field : fields_of(piece.header))
        if (field.bit >= piece.bit && field.bit + field.bits <= piece.bit + load.length * 8)
          piece.parts.push_back(field);
    piece.field = fmt::format("{},{},{}", base, piece.bit, load.length * 8);
    if (piece.parts.size() == 1 && piece.parts.front().bits == load.length * 8) {
      piece.field = name_of(piece, piece.parts.front());
      piece.kind = piece.parts.front().kind;
    }
    if (piece.parts.empty() && !piece.header.empty())
      for (const auto& field : fields_of(piece.header)) // the first bytes of an address: a prefix
        if (field.bit == piece.bit && field.bits > load.length * 8 &&
            (field.kind == ValueKind::ipv4 || field.kind == ValueKind::ipv6)) {
          piece.field = name_of(piece, field);
          piece.kind = field.kind;
        }
    hold(load.dreg, std::move(piece));
  }

  /// Without a known family the place of an address tells it.
  static std::string guess_network(const nft::Payload& load) {
    if (load.offset == 8 || load.offset == 24)
      return load.length > 2 ? "ip6" : "ip";
    return "ip";
  }

  static std::string name_of(const Piece& piece, const HeaderField& field) {
    return fmt::format("{} {}", field.header == "udp" ? piece.header : field.header, field.name);
  }

  /// Bytes of a register that a load of a kind fills.
  static unsigned size_of(ValueKind kind) {
    return kind == ValueKind::name || kind == ValueKind::ipv6 ? 16 : 4;
  }

  void named(nft::Slot slot, std::string field, ValueKind kind, unsigned size) {
    Piece piece;
    piece.field = std::move(field);
    piece.kind = kind;
    piece.size = size;
    hold(slot, std::move(piece));
  }

  void print(const nft::Meta& meta) {
    const auto known = meta_name(meta.key);
    if (meta.set)
      return act(fmt::format("{} set {}", known.name, operand(meta.reg, 4, known.kind)));
    named(meta.reg, std::string(known.name), known.kind, size_of(known.kind));
  }
  void print(const nft::Ct& ct) {
    const auto known = ct_name(ct.key);
    const std::string direction = !ct.reply ? "" : *ct.reply ? "reply " : "original ";
    std::string field = fmt::format("ct {}{}", direction, known.name);
    if (ct.set)
      return act(fmt::format("{} set {}", field, operand(ct.reg, 4, known.kind)));
    named(ct.reg, std::move(field), known.kind, size_of(known.kind));
  }
  void print(const nft::Exthdr& header) {
    static constexpr std::string_view kinds[] = {"exthdr", "tcp option", "ip option", "sctp chunk",
                                                 "dccp option"};
    std::string field =
        fmt::format("{} {}", kinds[static_cast<std::size_t>(header.op)], header.type);
    if (header.dreg == nft::no_slot) {
      if (header.sreg == nft::no_slot)
        return act("reset " + field);
      return act(
          fmt::format("{} set {}", field, operand(header.sreg, header.length, ValueKind::number)));
    }
    if (!header.present)
      field += fmt::format(" @{},{}", header.offset * 8, header.length * 8);
    named(header.dreg, std::move(field), header.present ? ValueKind::truth : ValueKind::number,
          header.length);
  }
  void print(const nft::Fib& fib) {
    std::string field = "fib";
    static constexpr std::string_view flags[] = {"saddr", "daddr", "mark", "iif", "oif"};
    bool first = true;
    for (unsigned bit = 0; bit < 5; ++bit)
      if ((fib.flags & 1U << bit) != 0) {
        field += fmt::format("{}{}", first ? " " : " . ", flags[bit]);
        first = false;
      }
    static constexpr std::string_view results[] = {"", " oif", " oifname", " type"};
    field += results[static_cast<std::size_t>(fib.result)];
    const auto kind = (fib.flags & nft::fib_present) != 0      ? ValueKind::truth
                      : fib.result == nft::FibResult::addrtype ? ValueKind::address_type
                      : fib.result == nft::FibResult::oifname  ? ValueKind::name
                                                               : ValueKind::host_number;
    named(fib.dreg, std::move(field), kind, size_of(kind));
  }
  void print(const nft::Rt& rt) {
    static constexpr std::string_view keys[] = {"rt classid", "rt ip nexthop", "rt ip6 nexthop",
                                                "rt mtu", "rt ipsec"};
    static constexpr ValueKind kinds[] = {ValueKind::host_number, ValueKind::ipv4, ValueKind::ipv6,
                                          ValueKind::host_number, ValueKind::truth};
    const auto key = static_cast<std::size_t>(rt.key);
    named(rt.dreg, std::string(keys[key]), kinds[key], 4);
  }
  void print(const nft::SocketLoad& socket) {
    static constexpr std::string_view keys[] = {"transparent", "mark", "wildcard", "cgroupv2"};
    named(socket.dreg, fmt::format("socket {}", keys[static_cast<std::size_t>(socket.key)]),
          socket.key == nft::SocketKey::mark ? ValueKind::hex : ValueKind::host_number, 4);
  }
  void print(const nft::Numgen& gen) {
    named(gen.dreg, fmt::format("numgen {} mod {}", gen.random ? "random" : "inc", gen.modulus),
          ValueKind::host_number, 4);
  }
  void print(const nft::Hash& hash) {
    named(hash.dreg,
          hash.symmetric ? fmt::format("symhash mod {}", hash.modulus)
                         : fmt::format("jhash {} mod {}", at(hash.sreg).field, hash.modulus),
          ValueKind::host_number, 4);
  }
  void print(const nft::Osf& osf) { named(osf.dreg, "osf name", ValueKind::name, 16); }
  void print(const nft::Xfrm& xfrm) {
    named(xfrm.dreg, fmt::format("ipsec {} key {}", xfrm.out ? "out" : "in", xfrm.key),
          ValueKind::raw, 4);
  }
  void print(const nft::Tunnel& tunnel) {
    named(tunnel.dreg, tunnel.key == 0 ? "tunnel path" : "tunnel id", ValueKind::host_number, 4);
  }
  void print(const nft::Inner& inner) {
    if (!inner.expression.empty())
      if (const auto* load = std::get_if<nft::Payload>(&inner.expression.front().operation))
        named(load->dreg, fmt::format("inner @{},{}", load->offset * 8, load->length * 8),
              ValueKind::raw, load->length);
  }
  void print(const nft::Immediate& immediate) {
    Piece piece;
    piece.constant = immediate.data;
    piece.is_constant = true;
    piece.size = static_cast<unsigned>(immediate.data.size());
    hold(immediate.dreg, std::move(piece));
  }
  void print(const nft::Bitwise& bitwise) {
    Piece piece = at(bitwise.sreg);
    if (bitwise.op == nft::BitwiseOp::mask_xor) {
      if (piece.mask.empty() && !all_zero(bitwise.mask))
        piece.mask = bitwise.mask;
      piece.flip = bitwise.flip;
      if (all_zero(bitwise.flip))
        piece.flip.clear();
    } else {
      static constexpr std::string_view ops[] = {"", "<<", ">>", "&", "|", "^"};
      const auto op = static_cast<std::size_t>(bitwise.op);
      piece.field =
          fmt::format("{} {} {}", piece.field, ops[op],
                      bitwise.operand.empty()
                          ? at(bitwise.sreg2).field
                          : value_of(ValueKind::host_number, bitwise.operand, sources_.order));
    }
    hold(bitwise.dreg, std::move(piece));
  }
  void print(const nft::Byteorder& byteorder) {
    Piece piece = at(byteorder.sreg);
    piece.swapped = !piece.swapped;
    hold(byteorder.dreg, std::move(piece));
  }

  /// A constant, or the name of what is written somewhere.
  std::string operand(nft::Slot slot, std::size_t size, ValueKind kind) const {
    const Piece& piece = at(slot);
    if (piece.is_constant)
      return value_of(kind, std::string_view(piece.constant).substr(0, size), sources_.order);
    if (!piece.mask.empty()) {
      std::string text =
          fmt::format("{} & {}", piece.field, value_of(kind, piece.mask, sources_.order));
      if (!piece.flip.empty())
        text += fmt::format(" ^ {}", value_of(kind, piece.flip, sources_.order));
      return text;
    }
    return piece.field.empty() ? std::string("what the packet has") : piece.field;
  }

  ValueKind kind_in(const Piece& piece) const {
    // after byteorder the machine's numbers lie in network order
    return piece.swapped && piece.kind == ValueKind::host_number ? ValueKind::number : piece.kind;
  }

  // tests
  void print(const nft::Cmp& cmp) {
    const Piece& piece = at(cmp.sreg);
    const std::string op(op_text(cmp.op));
    if (piece.parts.size() > 1 || (piece.parts.size() == 1 && piece.kind == ValueKind::raw)) {
      if (compare_parts(piece, cmp, op))
        return;
    }
    note_protocol(piece, cmp);
    std::string value = value_of(kind_in(piece), cmp.data, sources_.order);
    std::string field = piece.field;
    if (!piece.mask.empty()) {
      const bool address = piece.kind == ValueKind::ipv4 || piece.kind == ValueKind::ipv6;
      const auto prefix = prefix_of(piece.mask);
      const bool zero = all_zero(cmp.data);
      const std::string mask = value_of(kind_in(piece), piece.mask, sources_.order);
      const bool set_like = piece.kind == ValueKind::ct_state || piece.kind == ValueKind::ct_status;
      if (address && prefix)
        value += fmt::format("/{}", *prefix);
      else if (set_like && zero && cmp.op == nft::CmpOp::neq)
        return say(field, mask, fmt::format("{} {}", field, mask));
      else if (set_like && zero && cmp.op == nft::CmpOp::eq)
        return say(field, "! " + mask, fmt::format("{} ! {}", field, mask));
      else
        return say(field, value,
                   fmt::format("{} & {} {}{}", field, mask, cmp.op == nft::CmpOp::eq ? "== " : op,
                               zero ? "0" : value));
    } else if ((piece.kind == ValueKind::ipv4 && cmp.data.size() < 4) ||
               (piece.kind == ValueKind::ipv6 && cmp.data.size() < 16)) {
      value = partial_address(piece.kind, cmp.data);
    }
    if (cmp.op == nft::CmpOp::lte && between(field, value))
      return;
    say(field, value, fmt::format("{} {}{}", field, op, value));
  }

  /// ">= 22" and "<= 25" one after the other are one range.
  bool between(const std::string& field, const std::string& last) {
    if (phrases_.empty() || phrases_.back().at + 1 != at_ || phrases_.back().field != field ||
        !phrases_.back().text.starts_with(field + " >= "))
      return false;
    auto& first = phrases_.back();
    const std::string range = fmt::format("{}-{}", first.value, last);
    first.value = range;
    first.implied = true;
    say(field, range, fmt::format("{} {}", field, range));
    return true;
  }

  /// nft compares only the first bytes of an address for a prefix of whole bytes.
  std::string partial_address(ValueKind kind, const std::string& bytes) const {
    std::string whole = bytes;
    whole.resize(kind == ValueKind::ipv4 ? 4 : 16, '\0');
    return fmt::format("{}/{}", value_of(kind, whole, sources_.order), bytes.size() * 8);
  }

  /// A load over several fields, or over part of one: each tested field by itself.
  bool compare_parts(const Piece& piece, const nft::Cmp& cmp, const std::string& op) {
    std::string mask = piece.mask;
    mask.resize(cmp.data.size(), piece.mask.empty() ? '\xff' : '\0');
    const bool equality = cmp.op == nft::CmpOp::eq || cmp.op == nft::CmpOp::neq;
    std::string text;
    std::string field_text;
    std::string value_words;
    unsigned tested = 0;
    for (const auto& field : piece.parts) {
      const unsigned from = field.bit - piece.bit;
      if (from + field.bits > cmp.data.size() * 8)
        continue;
      const auto bits = bits_of(mask, from, field.bits);
      if (all_zero(bits))
        continue;
      std::string full((field.bits + 7) / 8, '\xff');
      if (field.bits % 8 != 0)
        full[0] = static_cast<char>((1U << field.bits % 8) - 1);
      auto value = value_of(field.kind, bits_of(cmp.data, from, field.bits), sources_.order);
      if (bits != full) {
        const auto prefix = prefix_of(bits);
        if (prefix && (field.kind == ValueKind::ipv4 || field.kind == ValueKind::ipv6))
          value += fmt::format("/{}", *prefix);
        else
          return false;
      }
      ++tested;
      const auto name = name_of(piece, field);
      field_text += (field_text.empty() ? "" : " . ") + name;
      value_words += (value_words.empty() ? "" : " . ") + value;
      text += fmt::format("{}{} {}{}", text.empty() ? "" : " ", name, op, value);
    }
    if (tested == 0 || (tested > 1 && !equality))
      return false;
    say(field_text, value_words, text);
    hide_implied(piece);
    return true;
  }

  /// A test of the protocol names the headers behind it.
  void note_protocol(const Piece& piece, const nft::Cmp& cmp) {
    hide_implied(piece);
    if (cmp.op != nft::CmpOp::eq)
      return;
    const auto first = static_cast<std::uint8_t>(cmp.data.front());
    if (piece.field == "meta nfproto") {
      network_ = first == 2 ? "ip" : first == 10 ? "ip6" : "";
      network_phrase_ = phrases_.size();
    } else if (piece.kind == ValueKind::ethertype) {
      const auto name = value_of(ValueKind::ethertype, cmp.data, sources_.order);
      network_ = name == "ip" || name == "ip6" ? name : "";
      network_phrase_ = phrases_.size();
    } else if (piece.kind == ValueKind::protocol) {
      transport_ = protocol_name(first);
      transport_phrase_ = phrases_.size();
    }
  }

  void hide_implied(const Piece& piece) {
    const bool transport = !transport_.empty() && piece.header == transport_;
    const bool network = !network_.empty() && piece.header == network_;
    if (transport && transport_phrase_ < phrases_.size())
      phrases_[transport_phrase_].implied = true;
    if (network && network_phrase_ < phrases_.size())
      phrases_[network_phrase_].implied = true;
  }

  void print(const nft::Range& range) {
    const Piece& piece = at(range.sreg);
    hide_implied(piece);
    const auto value = fmt::format("{}-{}", value_of(kind_in(piece), range.from, sources_.order),
                                   value_of(kind_in(piece), range.to, sources_.order));
    say(piece.field, value,
        fmt::format("{} {}{}", piece.field, range.inverted ? "!= " : "", value));
  }

  // sets
  struct KeyPart {
    const Piece* piece;
    std::size_t offset;
    std::size_t size;
  };

  std::vector<KeyPart> key_parts(nft::Slot slot, const SetIndex* index, std::size_t length) const {
    std::vector<KeyPart> parts;
    std::size_t offset = 0;
    if (index != nullptr && !index->shape().fields.empty()) {
      for (const std::size_t size : index->shape().fields) {
        parts.push_back({&at(static_cast<nft::Slot>(slot + offset / 4)), offset, size});
        offset += (size + 3) & ~std::size_t{3};
      }
      return parts;
    }
    do {
      const Piece& piece = at(static_cast<nft::Slot>(slot + offset / 4));
      const std::size_t size = std::max<std::size_t>(piece.size, 1);
      parts.push_back({&piece, offset, length == 0 ? size : std::min(size, length - offset)});
      offset += (size + 3) & ~std::size_t{3};
    } while (offset < length && slot + offset / 4 < held_.size());
    return parts;
  }

  std::string key_text(const std::vector<KeyPart>& parts, std::string_view key) const {
    std::string text;
    for (const auto& part : parts)
      if (part.offset + part.size <= key.size())
        text += (text.empty() ? "" : " . ") +
                value_of(kind_in(*part.piece), key.substr(part.offset, part.size), sources_.order);
    return text;
  }

  std::string element_data(const SetIndex& index, const SetElement& element) const {
    const auto& value = index.value_at(element.value);
    const auto data = nft::decode_data(value.data, sources_.order);
    if (data.verdict)
      return " : " + verdict_text(*data.verdict);
    if (!value.object.empty())
      return fmt::format(" : \"{}\"", value.object);
    if (data.value.size() == 4)
      return " : " + value_of(ValueKind::ipv4, data.value, sources_.order);
    return data.value.empty() ? std::string()
                              : " : " + value_of(ValueKind::raw, data.value, sources_.order);
  }

  static std::string before(std::string_view key) {
    std::string last(key);
    for (auto at = last.rbegin(); at != last.rend(); ++at)
      if ((*at)-- != '\0')
        break;
    return last;
  }

  /// The contents of a set without a name; otherwise "@name".
  std::string set_text(const std::string& set, nft::Slot slot) const {
    const bool anonymous = set.starts_with("__set") || set.starts_with("__map");
    const SetIndex* index = anonymous && sources_.elements ? sources_.elements(set) : nullptr;
    if (index == nullptr)
      return "@" + set;
    const auto parts = key_parts(slot, index, index->shape().key_length);
    const auto& elements = index->elements();
    std::string text = "{ ";
    std::size_t shown = 0;
    for (std::size_t place = 0; place < elements.size(); ++place) {
      const auto& element = elements[place];
      if (element.interval_end)
        continue;
      if (shown == most_elements) {
        text += ", …";
        break;
      }
      std::string item = key_text(parts, element.key);
      std::string last;
      if (!element.key_end.empty())
        last = key_text(parts, element.key_end);
      else if (index->shape().intervals() && place + 1 < elements.size())
        last = key_text(parts, before(elements[place + 1].key));
      if (!last.empty() && last != item)
        item += "-" + last;
      text += (shown++ == 0 ? "" : ", ") + item + element_data(*index, element);
    }
    return text + " }";
  }

  std::string key_field(nft::Slot slot, const std::string& set) {
    const SetIndex* index = sources_.elements ? sources_.elements(set) : nullptr;
    std::string field;
    for (const auto& part :
         key_parts(slot, index, index != nullptr ? index->shape().key_length : 0)) {
      hide_implied(*part.piece);
      field += (field.empty() ? "" : " . ") +
               (part.piece->mask.empty()
                    ? part.piece->field
                    : fmt::format("{} & {}", part.piece->field,
                                  value_of(part.piece->kind, part.piece->mask, sources_.order)));
    }
    return field;
  }

  void print(const nft::Lookup& lookup) {
    std::string field = key_field(lookup.sreg, lookup.set);
    std::string value = set_text(lookup.set, lookup.sreg);
    if (lookup.to_verdict)
      return say(field, value, fmt::format("{} vmap {}", field, value));
    if (lookup.dreg != nft::no_slot)
      return named(lookup.dreg, fmt::format("{} map {}", field, value), ValueKind::raw, 4);
    say(field, value, fmt::format("{} {}{}", field, lookup.inverted ? "!= " : "", value));
  }
  void print(const nft::Dynset& dynset) {
    static constexpr std::string_view ops[] = {"add", "update", "delete"};
    std::string inner;
    for (const auto& phrase : Printer(dynset.per_element, family_, sources_).run())
      inner += " " + phrase.text;
    if (dynset.timeout_ms != 0)
      inner += fmt::format(" timeout {}ms", dynset.timeout_ms);
    act(fmt::format("{} @{} {{ {}{} }}", ops[static_cast<std::size_t>(dynset.op)], dynset.set,
                    key_field(dynset.key, dynset.set), inner));
  }
  void print(const nft::ObjectRef& object) {
    static constexpr std::string_view kinds[] = {
        "object", "counter",    "quota",   "ct helper",      "limit",   "ct count",
        "tunnel", "ct timeout", "secmark", "ct expectation", "synproxy"};
    const auto kind = kinds[object.type < std::size(kinds) ? object.type : 0];
    if (object.name.empty())
      return act(fmt::format("{} name {} map {}", kind, key_field(object.sreg, object.set),
                             set_text(object.set, object.sreg)));
    act(fmt::format("{} name \"{}\"", kind, object.name));
  }

  // actions
  void print(const nft::ImmediateVerdict& verdict) { act(verdict_text(verdict.verdict)); }
  void print(const nft::Counter& counter) {
    act(fmt::format("counter packets {} bytes {}", counter.packets, counter.bytes));
  }
  void print(const nft::Log& log) {
    std::string text = "log";
    if (!log.prefix.empty())
      text += fmt::format(" prefix \"{}\"", log.prefix);
    if (log.group)
      text += fmt::format(" group {}", *log.group);
    act(std::move(text));
  }
  void print(const nft::Limit& limit) {
    const auto unit = limit.unit == 1       ? "second"
                      : limit.unit == 60    ? "minute"
                      : limit.unit == 3600  ? "hour"
                      : limit.unit == 86400 ? "day"
                                            : "week";
    act(fmt::format("limit rate {}{}{}/{} burst {} {}", limit.inverted ? "over " : "", limit.rate,
                    limit.by_bytes ? " bytes" : "", unit, limit.burst,
                    limit.by_bytes ? "bytes" : "packets"));
  }
  void print(const nft::Quota& quota) {
    act(fmt::format("quota {}{} bytes{}", quota.inverted ? "over " : "", quota.bytes,
                    quota.used != 0 ? fmt::format(" used {} bytes", quota.used) : std::string()));
  }
  void print(const nft::ConnLimit& limit) {
    act(fmt::format("ct count {}{}", limit.inverted ? "over " : "", limit.count));
  }
  void print(const nft::Last&) { act("last"); }
  void print(const nft::Notrack&) { act("notrack"); }
  void print(const nft::Reject& reject) {
    if (reject.type == nft::RejectType::tcp_reset)
      return act("reject with tcp reset");
    static constexpr std::string_view both[] = {"no-route", "port-unreachable", "host-unreachable",
                                                "admin-prohibited"};
    if (reject.type == nft::RejectType::icmpx)
      return act(reject.code == 1 ? std::string("reject")
                                  : fmt::format("reject with icmpx {}", both[reject.code & 3]));
    act(network_ == "ip6" ? reject6(reject.code) : reject4(reject.code));
  }
  static std::string reject4(unsigned code) {
    static constexpr NamedCode codes[] = {{0, "net-unreachable"},  {1, "host-unreachable"},
                                          {2, "prot-unreachable"}, {9, "net-prohibited"},
                                          {10, "host-prohibited"}, {13, "admin-prohibited"}};
    for (const auto& known : codes)
      if (known.code == code)
        return fmt::format("reject with icmp {}", known.name);
    return code == 3 ? "reject" : fmt::format("reject with icmp {}", code);
  }
  static std::string reject6(unsigned code) {
    static constexpr NamedCode codes[] = {{0, "no-route"},
                                          {1, "admin-prohibited"},
                                          {3, "addr-unreachable"},
                                          {5, "policy-fail"},
                                          {6, "reject-route"}};
    for (const auto& known : codes)
      if (known.code == code)
        return fmt::format("reject with icmpv6 {}", known.name);
    return code == 4 ? "reject" : fmt::format("reject with icmpv6 {}", code);
  }
  struct NamedCode {
    unsigned code;
    std::string_view name;
  };

  std::string ports(nft::Slot low, nft::Slot high) const {
    if (low == nft::no_slot)
      return {};
    std::string text = ":" + operand(low, 2, ValueKind::number);
    if (high != low && high != nft::no_slot)
      text += "-" + operand(high, 2, ValueKind::number);
    return text;
  }
  static std::string nat_flags(std::uint32_t flags) {
    std::string text;
    if ((flags & nft::nat_random) != 0)
      text += " random";
    if ((flags & nft::nat_fully_random) != 0)
      text += " fully-random";
    if ((flags & nft::nat_persistent) != 0)
      text += " persistent";
    return text;
  }
  void print(const nft::Nat& nat) {
    const bool v4 = nat.family == 2;
    std::string to;
    if (nat.address_min != nft::no_slot) {
      const auto kind = v4 ? ValueKind::ipv4 : ValueKind::ipv6;
      const std::size_t size = v4 ? 4 : 16;
      to = operand(nat.address_min, size, kind);
      if (nat.address_max != nat.address_min)
        to += "-" + operand(nat.address_max, size, kind);
      if (!v4 && nat.port_min != nft::no_slot)
        to = "[" + to + "]";
    }
    act(fmt::format("{} {}to {}{}{}", nat.destination ? "dnat" : "snat",
                    family_ == "inet" ? (v4 ? "ip " : "ip6 ") : "", to,
                    ports(nat.port_min, nat.port_max), nat_flags(nat.flags)));
  }
  void print(const nft::Masquerade& masquerade) {
    const auto to = ports(masquerade.port_min, masquerade.port_max);
    act("masquerade" + (to.empty() ? to : " to " + to) + nat_flags(masquerade.flags));
  }
  void print(const nft::Redirect& redirect) {
    const auto to = ports(redirect.port_min, redirect.port_max);
    act("redirect" + (to.empty() ? to : " to " + to) + nat_flags(redirect.flags));
  }
  void print(const nft::Tproxy& tproxy) {
    std::string to;
    if (tproxy.address != nft::no_slot)
      to = tproxy.family == 10 ? "[" + operand(tproxy.address, 16, ValueKind::ipv6) + "]"
                               : operand(tproxy.address, 4, ValueKind::ipv4);
    act(fmt::format("tproxy {}to {}{}",
                    tproxy.family == 2 && family_ == "inet"    ? "ip "
                    : tproxy.family == 10 && family_ == "inet" ? "ip6 "
                                                               : "",
                    to, ports(tproxy.port, tproxy.port)));
  }
  void print(const nft::Synproxy& synproxy) {
    act(fmt::format("synproxy mss {} wscale {}", synproxy.mss, synproxy.scale));
  }
  void print(const nft::Queue& queue) {
    std::string text = "queue";
    if (queue.bypass)
      text += " flags bypass";
    if (queue.sreg != nft::no_slot)
      return act(text + " to " + operand(queue.sreg, 4, ValueKind::host_number));
    text += fmt::format(" to {}", queue.number);
    if (queue.total > 1)
      text += fmt::format("-{}", queue.number + queue.total - 1);
    act(std::move(text));
  }
  void print(const nft::Dup& dup) {
    act(fmt::format("dup to {}", operand(dup.device != nft::no_slot ? dup.device : dup.address, 4,
                                         ValueKind::host_number)));
  }
  void print(const nft::Forward& forward) {
    act(fmt::format("fwd to {}", operand(forward.device, 4, ValueKind::host_number)));
  }
  void print(const nft::FlowOffload& offload) { act(fmt::format("flow add @{}", offload.table)); }
  void print(const nft::PayloadSet& write) {
    act(fmt::format("@{},{},{} set {}",
                    write.base == nft::PayloadBase::link      ? "ll"
                    : write.base == nft::PayloadBase::network ? "nh"
                                                              : "th",
                    write.offset * 8, write.length * 8,
                    operand(write.sreg, write.length, ValueKind::raw)));
  }
  void print(const nft::Compat& compat) {
    act(sources_.extension ? sources_.extension(compat) : compat.name);
  }
  void print(const nft::Unrecognised& unknown) { act(fmt::format("[{} ?]", unknown.name)); }

  const nft::Expressions& expressions_;
  std::string family_;
  const TextSources& sources_;
  std::array<Piece, nft::slot_count> held_;
  std::vector<Phrase> phrases_;
  std::size_t at_ = 0;
  std::string network_;
  std::string transport_;
  std::size_t network_phrase_ = ~std::size_t{0};
  std::size_t transport_phrase_ = ~std::size_t{0};
};

} // namespace

std::string verdict_text(const nft::Verdict& verdict) {
  switch (verdict.code) {
  case nft::VerdictCode::drop:
    return "drop";
  case nft::VerdictCode::accept:
    return "accept";
  case nft::VerdictCode::stolen:
    return "stolen";
  case nft::VerdictCode::queue:
    return "queue";
  case nft::VerdictCode::proceed:
    return "continue";
  case nft::VerdictCode::break_rule:
    return "break";
  case nft::VerdictCode::jump:
    return "jump " + verdict.chain;
  case nft::VerdictCode::go_to:
    return "goto " + verdict.chain;
  case nft::VerdictCode::return_up:
    return "return";
  }
  return fmt::format("verdict {}", static_cast<std::int32_t>(verdict.code));
}

std::vector<Phrase> phrases_of(const nft::Expressions& expressions, std::string_view family,
                               const TextSources& sources) {
  return Printer(expressions, family, sources).run();
}

std::string rule_text(const nft::Expressions& expressions, std::string_view family,
                      std::string_view comment, const TextSources& sources) {
  std::string text;
  for (const auto& phrase : phrases_of(expressions, family, sources))
    if (!phrase.implied)
      text += (text.empty() ? "" : " ") + phrase.text;
  if (!comment.empty())
    text += fmt::format("{}comment \"{}\"", text.empty() ? "" : " ", comment);
  return text;
}

std::string value_text(std::string_view field, std::string_view bytes, ByteOrder order) {
  return value_of(kind_of(field), bytes, order);
}

} // namespace synfate
