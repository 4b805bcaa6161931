#include "platform/linux/netfilter/quick_refusal.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace synfate {
namespace {

constexpr ByteOrder this_machine =
    std::endian::native == std::endian::little ? ByteOrder::little : ByteOrder::big;
constexpr std::size_t register_bytes = nft::slot_count * 4;
constexpr std::uint16_t list_element = 1; // NFTA_LIST_ELEM

/// Attributes one after another, in this machine's byte order.
class AttributeCursor {
public:
  explicit AttributeCursor(std::string_view bytes) : rest_(bytes) {}
  /// False at the end or at damage.
  bool next() {
    if (rest_.size() < header)
      return false;
    std::uint16_t length = 0;
    std::memcpy(&length, rest_.data(), 2);
    std::memcpy(&type, rest_.data() + 2, 2);
    type &= 0x3fff; // NLA_TYPE_MASK
    if (length < header || length > rest_.size())
      return false;
    payload = rest_.substr(header, length - header);
    rest_.remove_prefix(std::min(rest_.size(), (length + 3U) & ~std::size_t{3}));
    return true;
  }
  bool at_end() const { return rest_.empty(); }

  std::uint16_t type = 0;
  std::string_view payload;

private:
  static constexpr std::size_t header = 4;
  std::string_view rest_;
};

std::uint32_t big32(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char byte : bytes.substr(0, 4))
    number = number << 8U | static_cast<std::uint8_t>(byte);
  return number;
}

/// The first byte of a register; past the last if it is none (nft_parse_register()).
std::size_t register_at(std::string_view bytes) {
  const std::uint32_t number = big32(bytes);
  if (number >= 1 && number <= 4)
    return (number - 1U) * 16;
  if (number >= 8 && number < 8 + nft::slot_count)
    return (number - 8U) * 4;
  return register_bytes;
}

/// The attributes of one expression that this file looks at, by number.
struct Parts {
  explicit Parts(std::string_view data) {
    for (AttributeCursor cursor(data); cursor.next();)
      if (cursor.type < views.size())
        views[cursor.type] = cursor.payload;
  }
  bool has(std::size_t type) const { return views[type].data() != nullptr; }
  std::uint32_t number(std::size_t type) const { return big32(views[type]); }
  std::size_t reg(std::size_t type) const {
    return has(type) ? register_at(views[type]) : register_bytes;
  }
  /// NFTA_DATA_VALUE in a nest; empty if it holds none.
  std::string_view value(std::size_t type) const {
    for (AttributeCursor cursor(views[type]); cursor.next();)
      if (cursor.type == 1)
        return cursor.payload;
    return {};
  }
  std::array<std::string_view, 9> views{};
};

/// What one expression says about the class.
enum class Told : std::uint8_t { fine, fails, stop };

class QuickRule {
public:
  explicit QuickRule(const QuickPacket& packet) : packet_(packet) {}

  Told see(std::string_view name, std::string_view data) {
    if (name == "payload")
      return load_payload(Parts(data));
    if (name == "cmp")
      return compare(Parts(data));
    if (name == "meta")
      return load_meta(Parts(data));
    if (name == "bitwise")
      return mask(Parts(data));
    if (name == "range")
      return in_range(Parts(data));
    if (name == "ct")
      return load_ct(Parts(data));
    if (name == "byteorder")
      return turn(Parts(data));
    if (name == "lookup") // without a map's data it only tests
      return Parts(data).has(3) ? Told::stop : Told::fine;
    return name == "counter" ? Told::fine : Told::stop;
  }

private:
  bool fits(std::size_t reg, std::size_t size) const { return reg + size <= register_bytes; }

  /// The register's value is not known here. `set` is the attribute of an expression that writes.
  Told forget(const Parts& parts, std::size_t dreg, std::size_t set, std::size_t size) {
    const std::size_t reg = parts.reg(dreg);
    if (parts.has(set) || reg >= register_bytes)
      return Told::stop;
    clear(reg, size);
    return Told::fine;
  }

  void clear(std::size_t reg, std::size_t size) {
    std::memset(known_.data() + reg, 0, std::min(size, register_bytes - reg));
  }

  /// Puts bytes into a register and fills it up with zeros.
  void store(std::size_t reg, const void* bytes, const void* known, std::size_t size) {
    const std::size_t padded = std::min((size + 3) & ~std::size_t{3}, register_bytes - reg);
    std::memset(bytes_.data() + reg, 0, padded);
    std::memset(known_.data() + reg, 0xff, padded);
    std::memcpy(bytes_.data() + reg, bytes, size);
    if (known != nullptr)
      std::memcpy(known_.data() + reg, known, size);
  }

  Told load_ct(const Parts& parts) {
    const bool known_key = parts.has(2) && parts.number(2) < nft::ct_keys;
    return known_key ? forget(parts, 1, 4, 16) : Told::stop;
  }

  Told load_payload(const Parts& parts) {
    const std::size_t reg = parts.reg(1);
    const std::size_t size = parts.number(4);
    std::size_t offset = parts.number(3);
    if (parts.has(5) || size == 0 || size > register_bytes || !fits(reg, size))
      return Told::stop;
    if (parts.number(2) > 4 || !parts.has(3))
      return Told::stop;
    const auto base = static_cast<nft::PayloadBase>(parts.number(2));
    const bool transport = base == nft::PayloadBase::transport;
    if (transport)
      offset += packet_.transport.offset;
    const bool here = base == nft::PayloadBase::network ||
                      (transport && packet_.transport.valid &&
                       packet_.transport.fragment_offset == 0);
    if (!here || offset > packet_.size || size > packet_.size - offset)
      clear(reg, (size + 3) & ~std::size_t{3});
    else
      store(reg, packet_.bytes.data() + offset, packet_.known.data() + offset, size);
    return Told::fine;
  }

  Told load_meta(const Parts& parts) {
    const std::size_t reg = parts.reg(1);
    if (!parts.has(2) || parts.number(2) >= nft::meta_keys)
      return Told::stop;
    if (parts.has(3) || !fits(reg, 16))
      return forget(parts, 1, 3, 16);
    const auto number = [&](std::uint32_t value) {
      store(reg, &value, nullptr, sizeof value);
      return Told::fine;
    };
    const auto byte = [&](std::uint8_t value) {
      store(reg, &value, nullptr, sizeof value);
      return Told::fine;
    };
    const auto name = [&](const std::array<char, 16>& value) {
      store(reg, value.data(), nullptr, value.size());
      return Told::fine;
    };
    using enum nft::MetaKey;
    const auto key = static_cast<nft::MetaKey>(parts.number(2));
    if (key == nfproto)
      return byte(packet_.protocol_family);
    if (key == l4proto && packet_.transport.valid)
      return byte(packet_.transport.proto);
    if (key == protocol) {
      store(reg, &packet_.ethertype, nullptr, sizeof packet_.ethertype);
      return Told::fine;
    }
    if (key == mark && packet_.mark.known())
      return number(packet_.mark.value());
    if (key == iif)
      return number(packet_.in);
    if (key == oif)
      return number(packet_.out);
    if (key == iifname)
      return name(packet_.in_name);
    if (key == oifname)
      return name(packet_.out_name);
    clear(reg, 16);
    return Told::fine;
  }

  /// Negative, zero or positive as memcmp(); only for bytes that are known.
  int order(std::size_t reg, std::string_view value) const {
    return std::memcmp(bytes_.data() + reg, value.data(), value.size());
  }
  bool all_known(std::size_t reg, std::size_t size) const {
    return std::all_of(known_.begin() + static_cast<std::ptrdiff_t>(reg),
                       known_.begin() + static_cast<std::ptrdiff_t>(reg + size),
                       [](std::uint8_t bits) { return bits == 0xff; });
  }
  /// Some known bit is another.
  bool differs(std::size_t reg, std::string_view value) const {
    for (std::size_t at = 0; at < value.size(); ++at)
      if (((bytes_[reg + at] ^ static_cast<std::uint8_t>(value[at])) & known_[reg + at]) != 0)
        return true;
    return false;
  }

  Told compare(const Parts& parts) const {
    const auto value = parts.value(3);
    const std::size_t reg = parts.reg(1);
    if (value.empty() || !fits(reg, value.size()) || parts.number(2) > 5)
      return Told::stop;
    const auto op = static_cast<nft::CmpOp>(parts.number(2));
    if (op == nft::CmpOp::eq)
      return differs(reg, value) ? Told::fails : Told::fine;
    if (!all_known(reg, value.size()))
      return Told::fine;
    const int order = this->order(reg, value);
    const bool holds = op == nft::CmpOp::neq   ? order != 0
                       : op == nft::CmpOp::lt  ? order < 0
                       : op == nft::CmpOp::lte ? order <= 0
                       : op == nft::CmpOp::gt  ? order > 0
                                               : order >= 0;
    return holds ? Told::fine : Told::fails;
  }

  Told in_range(const Parts& parts) const {
    const auto from = parts.value(3);
    const auto to = parts.value(4);
    const std::size_t reg = parts.reg(1);
    if (from.empty() || from.size() != to.size() || !fits(reg, from.size()) || parts.number(2) > 1)
      return Told::stop;
    if (!all_known(reg, from.size()))
      return Told::fine;
    const bool inside = order(reg, from) >= 0 && order(reg, to) <= 0;
    return inside == (parts.number(2) == 0) ? Told::fine : Told::fails;
  }

  /// sreg & mask ^ xor; other operations are not followed.
  Told mask(const Parts& parts) {
    const std::size_t from = parts.reg(1);
    const std::size_t to = parts.reg(2);
    const std::size_t size = parts.number(3);
    if (size == 0 || size > register_bytes || !fits(from, size) || !fits(to, size))
      return Told::stop;
    const auto bits = parts.value(4);
    const auto flip = parts.value(5);
    if (parts.number(6) != 0 || bits.size() != size || flip.size() != size) {
      clear(to, (size + 3) & ~std::size_t{3});
      return Told::fine;
    }
    std::array<std::uint8_t, register_bytes> value{};
    std::array<std::uint8_t, register_bytes> known{};
    for (std::size_t at = 0; at < size; ++at) {
      const auto kept = static_cast<std::uint8_t>(bits[at]);
      value[at] = static_cast<std::uint8_t>((bytes_[from + at] & kept) ^
                                            static_cast<std::uint8_t>(flip[at]));
      known[at] = static_cast<std::uint8_t>(known_[from + at] | ~kept);
    }
    store(to, value.data(), known.data(), size);
    return Told::fine;
  }

  Told turn(const Parts& parts) {
    const std::size_t size = parts.number(4);
    if (size > register_bytes || !fits(parts.reg(2), size))
      return Told::stop;
    clear(parts.reg(2), (size + 3) & ~std::size_t{3});
    return Told::fine;
  }

  const QuickPacket& packet_;
  std::array<std::uint8_t, register_bytes> bytes_{};
  std::array<std::uint8_t, register_bytes> known_{};
};

/// NFTA_EXPR_NAME without its NUL and NFTA_EXPR_DATA of a list element.
struct Named {
  explicit Named(std::string_view element) {
    for (AttributeCursor cursor(element); cursor.next();) {
      if (cursor.type == 1)
        name = cursor.payload.substr(0, cursor.payload.find('\0'));
      else if (cursor.type == 2)
        data = cursor.payload;
    }
  }
  std::string_view name;
  std::string_view data;
};

std::array<char, 16> name_of(const InterfaceView& interface) {
  std::array<char, 16> name{};
  if (interface.present())
    std::copy_n(interface.name.begin(), std::min<std::size_t>(interface.name.size(), 15),
                name.begin());
  return name;
}

} // namespace

QuickPacket::QuickPacket(const PacketClass& packet, std::uint8_t family)
    : size(std::min(packet.network.size(), bytes.size())), transport(transport_info(packet)),
      protocol_family(family), mark(packet.meta.mark),
      in(static_cast<std::uint32_t>(packet.meta.in.index)),
      out(static_cast<std::uint32_t>(packet.meta.out.index)), in_name(name_of(packet.meta.in)),
      out_name(name_of(packet.meta.out)) {
  for (std::size_t at = 0; at < size; ++at) {
    const Octet octet = resolve(packet, packet.network[at]);
    bytes[at] = octet.value;
    known[at] = octet.known;
  }
  const std::array<std::uint8_t, 2> type = packet.family == IpFamily::v4
                                               ? std::array<std::uint8_t, 2>{0x08, 0x00}
                                               : std::array<std::uint8_t, 2>{0x86, 0xdd};
  std::memcpy(&ethertype, type.data(), type.size());
}

unsigned failing_tests(std::string_view expressions, ByteOrder order, const QuickPacket& packet,
                       unsigned most) {
  if (order != this_machine)
    return 0;
  QuickRule rule(packet);
  unsigned failing = 0;
  for (AttributeCursor cursor(expressions); failing < most && cursor.next();) {
    if (cursor.type != list_element)
      continue;
    const Named expression(cursor.payload);
    const Told told = rule.see(expression.name, expression.data);
    if (told == Told::stop)
      break;
    failing += told == Told::fails ? 1 : 0;
  }
  return failing;
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
