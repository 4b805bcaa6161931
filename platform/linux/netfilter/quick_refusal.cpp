#include "platform/linux/netfilter/quick_refusal.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

#include "platform/linux/netfilter/split.h"

namespace synfate {
namespace {

constexpr ByteOrder this_machine =
    std::endian::native == std::endian::little ? ByteOrder::little : ByteOrder::big;
constexpr std::size_t register_words = nft::slot_count;
constexpr std::uint16_t list_element = 1; // NFTA_LIST_ELEM

using Word = std::uint32_t; ///< of a register, its bytes in memory order

/// Attributes one after another, in this machine's byte order.
class AttributeCursor {
public:
  explicit AttributeCursor(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  /// False at the end or at damage.
  bool next() {
    const auto left = static_cast<std::size_t>(end_ - at_);
    if (left < header)
      return false;
    std::uint16_t length = 0;
    std::memcpy(&length, at_, 2);
    std::memcpy(&type, at_ + 2, 2);
    type &= 0x3fff; // NLA_TYPE_MASK
    if (length < header || length > left)
      return false;
    payload = {at_ + header, length - header};
    at_ += std::min<std::size_t>(left, (length + 3U) & ~3U);
    return true;
  }
  bool at_end() const { return at_ == end_; }

  std::uint16_t type = 0;
  std::string_view payload;

private:
  static constexpr std::size_t header = 4;
  const char* at_;
  const char* end_;
};

/// Bytes as a word, filled up with zeros.
Word word_at(const char* bytes, std::size_t size) {
  Word word = 0;
  if (size >= sizeof word)
    std::memcpy(&word, bytes, sizeof word);
  else
    for (std::size_t at = 0; at < size; ++at)
      word |= Word{static_cast<std::uint8_t>(bytes[at])}
              << 8U * (this_machine == ByteOrder::little ? at : 3 - at);
  return word;
}

/// All bits of the first bytes.
Word mask_of(std::size_t size) {
  if (size >= sizeof(Word))
    return ~Word{0};
  const Word bits = (Word{1} << 8U * size) - 1U;
  return this_machine == ByteOrder::little ? bits : ~(~Word{0} >> 8U * size);
}

std::uint32_t big32(std::string_view bytes) {
  const Word word = word_at(bytes.data(), bytes.size());
  return this_machine == ByteOrder::little ? __builtin_bswap32(word) : word;
}

/// The attributes of one expression that this file looks at, by number.
class Parts {
public:
  explicit Parts(std::string_view data) {
    for (AttributeCursor cursor(data); cursor.next();)
      if (cursor.type < begins_.size()) {
        begins_[cursor.type] = cursor.payload.data();
        sizes_[cursor.type] = cursor.payload.size();
        present_ |= 1U << cursor.type;
      }
  }
  bool has(unsigned type) const { return (present_ >> type & 1U) != 0; }
  std::string_view view(unsigned type) const {
    return has(type) ? std::string_view(begins_[type], sizes_[type]) : std::string_view();
  }
  std::uint32_t number(unsigned type) const { return has(type) ? big32(view(type)) : 0; }
  /// The first word of a register; past the last if it is none (nft_parse_register()).
  std::size_t reg(unsigned type) const {
    const std::uint32_t number = this->number(type);
    if (number >= 1 && number <= 4)
      return (number - 1U) * 4;
    return number >= 8 && number < 8 + register_words ? number - 8U : register_words;
  }
  /// NFTA_DATA_VALUE in a nest; empty if it holds none.
  std::string_view value(unsigned type) const {
    for (AttributeCursor cursor(view(type)); cursor.next();)
      if (cursor.type == 1)
        return cursor.payload;
    return {};
  }

private:
  // Without a value to begin with: most are never looked at.
  std::array<const char*, 9> begins_;
  std::array<std::size_t, 9> sizes_;
  unsigned present_ = 0;
};

// Where metadata lies in QuickPacket::bytes.
constexpr std::uint16_t at_family = 0;
constexpr std::uint16_t at_protocol = 4;
constexpr std::uint16_t at_ethertype = 8;
constexpr std::uint16_t at_mark = 12;
constexpr std::uint16_t at_in = 16;
constexpr std::uint16_t at_out = 20;
constexpr std::uint16_t at_in_name = 24;
constexpr std::uint16_t at_out_name = 40;
constexpr std::uint16_t at_network = 56;
constexpr std::size_t most_offset = 192; ///< of payload: what lies further is not looked at

/// The word of a register: (bytes & mask) ^ flip, if it is known where they come from.
struct Source {
  bool known = false;
  bool transport = false;
  std::uint16_t at = 0;
  Word mask = 0;
  Word flip = 0;
};

/// How far into a packet a rule looks.
struct Reach {
  std::size_t network = 0; ///< the end of its bytes, as sources have it
  std::size_t transport = 0;
  bool protocol = false;

  void reach(const Source& source, std::size_t size) {
    auto& end = source.transport ? transport : network;
    if (source.transport || source.at >= at_network)
      end = std::max(end, source.at + size);
  }
  friend bool operator==(const Reach&, const Reach&) = default;
};

/// Reads a rule from its front, and notes the tests it understands.
class TestReader {
public:
  /// Told of a value that a test compares with as it stands in the rule's bytes.
  using NoteValue = std::function<void(std::string_view value, std::size_t test)>;

  TestReader(std::vector<QuickTest>& tests, NoteValue note_value)
      : tests_(tests), note_value_(std::move(note_value)) {}

  /// False: what follows must not be looked at.
  bool see(std::string_view name, std::string_view data) {
    switch (name.size()) {
    case 2:
      return name == "ct" && load_ct(Parts(data));
    case 3:
      return name == "cmp" && compare(Parts(data));
    case 4:
      return name == "meta" && load_meta(Parts(data));
    case 5:
      return name == "range" && range(Parts(data));
    case 6: // without a map's data it only tests
      if (name == "lookup")
        understood_ = false;
      return name == "lookup" && !Parts(data).has(3);
    case 7:
      return (name == "payload" && load_payload(Parts(data))) ||
             (name == "bitwise" && mask(Parts(data))) || name == "counter";
    case 9:
      return name == "byteorder" && turn(Parts(data));
    default:
      return false;
    }
  }

  /// Every test so far has been noted, and so has whatever breaks the rule without one: a load of
  /// bytes that the packet does not have.
  bool understood() const { return understood_ && loaded_ == tested_; }

  void give_up() { understood_ = false; }

private:
  static std::size_t words_of(std::size_t size) { return (size + 3) / 4; }
  static bool fits(std::size_t reg, std::size_t size) {
    return size <= register_words * 4 && reg + words_of(size) <= register_words;
  }

  void clear(std::size_t reg, std::size_t size) {
    const std::size_t end = std::min(reg + words_of(size), register_words);
    for (; reg < end; ++reg)
      registers_[reg].known = false;
  }

  void load(std::size_t reg, std::uint16_t at, std::size_t size, bool transport) {
    for (; size > 0; ++reg) {
      const std::size_t here = std::min<std::size_t>(size, 4);
      registers_[reg] = {true, transport, at, mask_of(here), 0};
      at = static_cast<std::uint16_t>(at + here);
      size -= here;
    }
  }

  /// The register's value is not known here. `set` is the attribute of an expression that writes.
  bool forget(const Parts& parts, unsigned set) {
    const std::size_t reg = parts.reg(1);
    if (parts.has(set) || reg >= register_words)
      return false;
    clear(reg, 16);
    return true;
  }

  bool load_ct(const Parts& parts) {
    understood_ = false;
    return parts.has(2) && parts.number(2) < nft::ct_keys && forget(parts, 4);
  }

  bool load_payload(const Parts& parts) {
    const std::size_t reg = parts.reg(1);
    const std::size_t size = parts.number(4);
    const std::size_t offset = parts.number(3);
    if (parts.has(5) || size == 0 || !fits(reg, size) || parts.number(2) > 4 || !parts.has(3))
      return false;
    const auto base = static_cast<nft::PayloadBase>(parts.number(2));
    const bool transport = base == nft::PayloadBase::transport;
    if ((base != nft::PayloadBase::network && !transport) || offset > most_offset)
      clear(reg, size);
    else
      load(reg, static_cast<std::uint16_t>(offset + (transport ? 0 : at_network)), size, transport);
    if (registers_[reg].known)
      loaded_.reach(registers_[reg], size);
    else
      understood_ = false;
    return true;
  }

  bool load_meta(const Parts& parts) {
    struct Place {
      nft::MetaKey key;
      std::uint16_t at;
      std::size_t size;
    };
    using enum nft::MetaKey;
    static constexpr std::array<Place, 8> places{{{nfproto, at_family, 1},
                                                  {l4proto, at_protocol, 1},
                                                  {protocol, at_ethertype, 2},
                                                  {mark, at_mark, 4},
                                                  {iif, at_in, 4},
                                                  {oif, at_out, 4},
                                                  {iifname, at_in_name, 16},
                                                  {oifname, at_out_name, 16}}};
    if (!parts.has(2) || parts.number(2) >= nft::meta_keys)
      return false;
    const auto key = static_cast<nft::MetaKey>(parts.number(2));
    const std::size_t reg = parts.reg(1);
    const auto* place = std::ranges::find(places, key, &Place::key);
    if (parts.has(3) || place == places.end() || !fits(reg, place->size)) {
      understood_ = false;
      return forget(parts, 3);
    }
    load(reg, place->at, place->size, false);
    if (key == l4proto) // it breaks the rule where there is none
      loaded_.protocol = true;
    return true;
  }

  bool compare(const Parts& parts) {
    const auto value = parts.value(3);
    const std::size_t reg = parts.reg(1);
    if (value.empty() || !fits(reg, value.size()) || parts.number(2) > 5)
      return false;
    const auto op = static_cast<nft::CmpOp>(parts.number(2));
    ++number_;
    if (op == nft::CmpOp::eq)
      for (std::size_t at = 0; at < value.size(); at += 4)
        note_equal(QuickTest::Kind::equal, registers_[reg + at / 4], value.substr(at, 4));
    else if (value.size() > 4)
      understood_ = false;
    else if (op == nft::CmpOp::neq)
      note_equal(QuickTest::Kind::not_equal, registers_[reg], value);
    else
      note_order(op, registers_[reg], value);
    return true;
  }

  void note(QuickTest::Kind kind, const Source& source, std::size_t size, std::uint32_t mask,
            std::uint32_t value) {
    tested_.reach(source, size);
    tested_.protocol = tested_.protocol || (!source.transport && source.at == at_protocol);
    tests_.push_back(
        {source.at, static_cast<std::uint8_t>(size), number_, kind, source.transport, mask, value});
  }

  void note_equal(QuickTest::Kind kind, const Source& source, std::string_view value) {
    const Word bits = mask_of(value.size());
    const Word wanted = (word_at(value.data(), value.size()) ^ source.flip) & bits;
    if (!source.known || (wanted & ~source.mask) != 0) {
      understood_ = false;
      return;
    }
    if (is_plain(source, value.size()))
      note_value_(value, tests_.size());
    note(kind, source, value.size(), source.mask & bits, wanted);
  }

  static std::uint32_t number_of(std::string_view bytes) {
    std::uint32_t number = 0;
    for (const char byte : bytes)
      number = number << 8U | static_cast<std::uint8_t>(byte);
    return number;
  }

  static bool is_plain(const Source& source, std::size_t size) {
    return source.known && source.flip == 0 && (mask_of(size) & ~source.mask) == 0;
  }

  /// memcmp() of up to four bytes is the order of big-endian numbers.
  void note_order(nft::CmpOp op, const Source& source, std::string_view value) {
    const std::uint32_t limit = number_of(value);
    using Kind = QuickTest::Kind;
    if (!is_plain(source, value.size()))
      understood_ = false;
    else if (op == nft::CmpOp::lte)
      note(Kind::inside, source, value.size(), 0, limit);
    else if (op == nft::CmpOp::gt)
      note(Kind::outside, source, value.size(), 0, limit);
    else if (limit == 0) // lt, gte: they hold never, or always
      understood_ = false;
    else
      note(op == nft::CmpOp::lt ? Kind::inside : Kind::outside, source, value.size(), 0, limit - 1);
  }

  bool range(const Parts& parts) {
    const auto from = parts.value(3);
    const auto to = parts.value(4);
    const std::size_t reg = parts.reg(1);
    if (from.empty() || from.size() != to.size() || !fits(reg, from.size()) || parts.number(2) > 1)
      return false;
    ++number_;
    if (from.size() <= 4 && is_plain(registers_[reg], from.size()))
      note(parts.number(2) == 0 ? QuickTest::Kind::inside : QuickTest::Kind::outside,
           registers_[reg], from.size(), number_of(from), number_of(to));
    else
      understood_ = false;
    return true;
  }

  /// sreg & mask ^ xor; other operations are not followed.
  bool mask(const Parts& parts) {
    std::size_t from = parts.reg(1);
    std::size_t to = parts.reg(2);
    const std::size_t size = parts.number(3);
    if (size == 0 || !fits(from, size) || !fits(to, size))
      return false;
    const auto bits = parts.value(4);
    const auto flip = parts.value(5);
    if (parts.number(6) != 0 || bits.size() != size || flip.size() != size) {
      clear(to, size);
      return true;
    }
    for (std::size_t at = 0; at < size; at += 4, ++from, ++to) {
      const std::size_t here = std::min<std::size_t>(size - at, 4);
      const Word kept = word_at(bits.data() + at, here);
      Source result = registers_[from];
      result.mask &= kept;
      result.flip = (result.flip & kept) ^ word_at(flip.data() + at, here);
      registers_[to] = result;
    }
    return true;
  }

  bool turn(const Parts& parts) {
    const std::size_t size = parts.number(4);
    if (!fits(parts.reg(2), size))
      return false;
    clear(parts.reg(2), size);
    return true;
  }

  std::vector<QuickTest>& tests_;
  NoteValue note_value_;
  std::uint8_t number_ = 0;
  bool understood_ = true;
  Reach loaded_;
  Reach tested_;
  std::array<Source, register_words> registers_{};
};

/// NFTA_EXPR_NAME, without its NUL, and NFTA_EXPR_DATA of a list element.
struct Named {
  explicit Named(std::string_view element) {
    for (AttributeCursor cursor(element); cursor.next();) {
      if (cursor.type == 1)
        name = cursor.payload.substr(0, cursor.payload.size() - (cursor.payload.ends_with('\0')));
      else if (cursor.type == 2)
        data = cursor.payload;
    }
  }
  std::string_view name;
  std::string_view data;
};

/// Of an immediate into the verdict register; else `proceed`.
nft::VerdictCode verdict_of(const Named& expression) {
  const Parts parts(expression.name == "immediate" ? expression.data : std::string_view());
  const Parts data(parts.view(2));
  const Parts verdict(data.view(2)); // NFTA_DATA_VERDICT
  if (parts.number(1) != 0 || !verdict.has(1))
    return nft::VerdictCode::proceed;
  return static_cast<nft::VerdictCode>(static_cast<std::int32_t>(verdict.number(1)));
}

std::array<char, 16> name_of(const InterfaceView& interface) {
  std::array<char, 16> name{};
  if (interface.present())
    std::copy_n(interface.name.begin(), std::min<std::size_t>(interface.name.size(), 15),
                name.begin());
  return name;
}

/// The bits that all values of a variable have: those at the front that its bounds have in common.
struct CommonBits {
  CommonBits(const IntervalSet& values, unsigned bytes) : bytes(bytes) {
    if (values.empty())
      return;
    const auto [first, last] = values.hull();
    Wide differ = first ^ last;
    for (unsigned shift = 1; shift < 8 * sizeof(Wide); shift *= 2)
      differ |= differ >> shift;
    known = all_ones(8 * bytes) & ~differ;
    value = first & known;
  }

  void put_into(Octet& octet) const {
    if (octet.index >= bytes)
      return;
    const unsigned shift = 8 * (bytes - 1 - octet.index);
    const auto more =
        static_cast<std::uint8_t>(static_cast<std::uint8_t>(known >> shift) & ~octet.known);
    octet.value = static_cast<std::uint8_t>((octet.value & octet.known) |
                                            (static_cast<std::uint8_t>(value >> shift) & more));
    octet.known |= more;
  }

  unsigned bytes;
  Wide known = 0;
  Wide value = 0;
};

} // namespace

QuickPacket::QuickPacket(const PacketClass& packet, std::uint8_t protocol_family)
    : transport_(bytes_.size()) {
  const auto type = ethertype_of(packet);
  const auto in = static_cast<std::uint32_t>(packet.meta.in.index);
  const auto out = static_cast<std::uint32_t>(packet.meta.out.index);
  const auto transport = transport_info(packet);
  put(at_family, &protocol_family, 1);
  if (transport.valid)
    put(at_protocol, &transport.proto, 1);
  put(at_ethertype, type.data(), type.size());
  if (packet.meta.mark.known())
    put(at_mark, &packet.meta.mark.value(), 4);
  put(at_in, &in, sizeof in);
  put(at_out, &out, sizeof out);
  put(at_in_name, name_of(packet.meta.in).data(), 16);
  put(at_out_name, name_of(packet.meta.out).data(), 16);
  const std::size_t size = std::min(packet.network.size(), bytes_.size() - at_network);
  const CommonBits address(packet.addresses, packet.family == IpFamily::v4 ? 4 : 16);
  const CommonBits port(packet.ports, 2);
  for (std::size_t at = 0; at < size; ++at) {
    Octet octet = packet.network[at];
    if (!octet.is_known() && octet.source == ByteSource::client_address)
      address.put_into(octet);
    else if (!octet.is_known() && octet.source == ByteSource::client_port)
      port.put_into(octet);
    bytes_[at_network + at] = static_cast<char>(octet.value);
    known_[at_network + at] = static_cast<char>(octet.known);
  }
  if (transport.valid && transport.fragment_offset == 0)
    transport_ = std::size_t{at_network} + transport.offset;
}

void QuickPacket::put(std::size_t at, const void* value, std::size_t size) {
  std::memcpy(bytes_.data() + at, value, size);
  std::memset(known_.data() + at, 0xff, size);
}

bool QuickPacket::load(const QuickTest& test, std::uint32_t& word, std::uint32_t& known) const {
  const std::size_t at = test.at + (test.transport ? transport_ : 0);
  if (at + sizeof word > bytes_.size())
    return false;
  std::memcpy(&word, bytes_.data() + at, sizeof word);
  std::memcpy(&known, known_.data() + at, sizeof known);
  return true;
}

bool QuickPacket::fails(const QuickTest& test) const {
  Word word = 0;
  Word known = 0;
  if (!load(test, word, known))
    return false;
  if (test.kind == QuickTest::Kind::equal)
    return ((word ^ test.value) & test.mask & known) != 0;
  if (test.kind == QuickTest::Kind::not_equal)
    return (test.mask & ~known) == 0 && ((word ^ test.value) & test.mask) == 0;
  if ((mask_of(test.size) & ~known) != 0)
    return false;
  const Word number = (this_machine == ByteOrder::little ? __builtin_bswap32(word) : word) >>
                      8U * (sizeof word - test.size);
  const bool inside = number >= test.mask && number <= test.value;
  return inside != (test.kind == QuickTest::Kind::inside);
}

bool QuickPacket::holds(const QuickTest& test) const {
  Word word = 0;
  Word known = 0;
  if (!load(test, word, known))
    return false;
  const Word differs = (word ^ test.value) & test.mask;
  if (test.kind == QuickTest::Kind::equal)
    return (test.mask & ~known) == 0 && differs == 0;
  if (test.kind == QuickTest::Kind::not_equal)
    return (differs & known) != 0;
  return (mask_of(test.size) & ~known) == 0 && !fails(test);
}

std::optional<std::size_t> QuickPacket::place(const QuickTest& test) const {
  const std::size_t at = test.at + (test.transport ? transport_ : 0);
  return at < at_network || at >= bytes_.size() ? std::nullopt : std::optional(at - at_network);
}

unsigned QuickPacket::failing(std::span<const QuickTest> tests, unsigned most) const {
  unsigned failing = 0;
  unsigned last = 0; // tests of a rule count from 1
  for (const auto& test : tests) {
    if (test.number == last || !fails(test))
      continue;
    last = test.number;
    if (++failing == most)
      break;
  }
  return failing;
}

std::optional<IntervalSet> passing_addresses(std::span<const QuickTest> tests,
                                             const QuickPacket& quick, const PacketClass& packet) {
  std::vector<Octet> octets;
  std::vector<std::uint8_t> mask, value;
  for (const auto& test : tests) {
    const auto place = quick.place(test);
    if (place && *place + test.size > packet.network.size())
      return std::nullopt;
    if (quick.holds(test))
      continue;
    if (test.kind != QuickTest::Kind::equal || !place)
      return std::nullopt;
    std::array<std::uint8_t, sizeof(Word)> bits, wanted;
    std::memcpy(bits.data(), &test.mask, bits.size());
    std::memcpy(wanted.data(), &test.value, wanted.size());
    octets.insert(octets.end(), packet.network.data() + *place,
                  packet.network.data() + *place + test.size);
    mask.insert(mask.end(), bits.begin(), bits.begin() + test.size);
    value.insert(value.end(), wanted.begin(), wanted.begin() + test.size);
  }
  return equal_addresses(packet, octets, mask, value);
}

std::optional<QuickEnd> quick_end(std::string_view expressions, std::size_t from) {
  AttributeCursor cursor(expressions.substr(std::min(from, expressions.size())));
  while (cursor.next()) {
    const Named expression(cursor.payload);
    if (cursor.type != list_element)
      return std::nullopt;
    if (expression.name == "counter")
      continue;
    const Parts parts(expression.data);
    QuickEnd end;
    if (expression.name == "reject" && parts.number(1) <= 2) {
      end.kind = QuickEnd::Kind::reject;
      end.reject = {static_cast<nft::RejectType>(parts.number(1)),
                    static_cast<std::uint8_t>(parts.view(2).empty() ? '\0' : parts.view(2)[0])};
    } else {
      const auto code = verdict_of(expression);
      if (code != nft::VerdictCode::drop && code != nft::VerdictCode::accept)
        return std::nullopt;
      end.kind = code == nft::VerdictCode::drop ? QuickEnd::Kind::drop : QuickEnd::Kind::accept;
    }
    return cursor.at_end() ? std::optional(end) : std::nullopt;
  }
  return std::nullopt;
}

bool QuickTestReader::like_the_last(std::string_view expressions) const {
  if (last_.empty() || expressions.size() < significant_)
    return false;
  std::size_t begin = 0;
  const auto same_until = [&](std::size_t end) {
    return std::memcmp(expressions.data() + begin, last_.data() + begin, end - begin) == 0;
  };
  for (const auto& hole : holes_) {
    if (!same_until(hole.at))
      return false;
    begin = hole.at + hole.size;
  }
  return same_until(significant_);
}

std::size_t QuickTestReader::add(std::string_view expressions, ByteOrder order,
                                 std::vector<QuickTest>& tests) {
  if (order != this_machine)
    return 0;
  if (like_the_last(expressions)) {
    for (const auto& hole : holes_)
      tests_[hole.test].value = word_at(expressions.data() + hole.at, hole.size);
    tests.insert(tests.end(), tests_.begin(), tests_.end());
    return end_;
  }
  constexpr std::size_t begin_of_expression = 16; // its length and name
  last_ = expressions;
  significant_ = 0;
  holes_.clear();
  tests_.clear();
  TestReader reader(tests_, [&](std::string_view value, std::size_t test) {
    holes_.push_back(
        {static_cast<std::size_t>(value.data() - expressions.data()), value.size(), test});
  });
  for (AttributeCursor cursor(expressions); cursor.next();) {
    const Named expression(cursor.payload);
    if (cursor.type != list_element) {
      reader.give_up();
      continue;
    }
    if (!reader.see(expression.name, expression.data))
      break;
    if (expression.name != "counter") // it counts on, and tests nothing
      significant_ = static_cast<std::size_t>(cursor.payload.data() - expressions.data()) +
                     cursor.payload.size();
  }
  end_ = reader.understood() ? (significant_ + 3) & ~std::size_t{3} : 0;
  significant_ = std::min(expressions.size(), significant_ + begin_of_expression);
  tests.insert(tests.end(), tests_.begin(), tests_.end());
  return end_;
}

bool looks_up(std::string_view expressions, ByteOrder order) {
  constexpr std::string_view name("lookup", 7); // with its NUL
  while (const auto element = next_attribute(expressions, order))
    for (std::string_view rest = element->payload; const auto part = next_attribute(rest, order);)
      if (part->type == 1 && part->payload == name)
        return true;
  return false;
}

nft::VerdictCode last_verdict(std::string_view expressions, ByteOrder order) {
  std::string_view last;
  while (const auto element = next_attribute(expressions, order))
    last = element->payload;
  const Attributes named(last, order);
  if (!expressions.empty() || named.view(1).substr(0, 9) != "immediate")
    return nft::VerdictCode::proceed;
  const Attributes data(Attributes(named.view(2), order).view(2), order);
  const Attributes verdict(data.view(2), order);
  if (!verdict.has(1))
    return nft::VerdictCode::proceed;
  const auto code = static_cast<std::int32_t>(verdict.number_or(1, 0));
  return static_cast<nft::VerdictCode>(code < 0 ? code : code & 0xff);
}

} // namespace synfate
