#include "platform/linux/netfilter/decode.h"

#include <algorithm>
#include <array>

namespace synfate::nft {
namespace {

// NFTA_* numbers of include/uapi/linux/netfilter/nf_tables.h are written as they stand there, in
// the order of each enum; 1 is the first attribute.
constexpr std::uint16_t list_element = 1;
constexpr std::uint16_t expression_name = 1;
constexpr std::uint16_t expression_data = 2;

/// Refused by a decoder: why.
struct Damage {
  std::string_view why;
};

using Decoded = std::variant<Operation, Damage>;
using Decoder = Decoded (*)(const Attributes& from);

/// net/netfilter/nf_tables_api.c: nft_parse_register(); the verdict register gives no_slot.
Slot slot(const Attributes& from, std::uint16_t type) {
  const auto number = from.number(type);
  if (!number)
    return no_slot;
  if (*number >= 1 && *number <= 4)
    return static_cast<Slot>((*number - 1) * 4);
  if (*number >= 8 && *number < 8 + slot_count)
    return static_cast<Slot>(*number - 8);
  return no_slot;
}

/// True if `size` bytes fit in the registers from `first`.
bool fits(Slot first, std::size_t size) {
  return first != no_slot && first * 4U + size <= slot_count * 4U;
}

/// An expression inside another. The kernel nests once, so nothing that nests is taken here.
Expression nested(std::string_view bytes, ByteOrder order) {
  const Attributes from(bytes, order);
  const auto name = from.text(expression_name);
  if (name == "inner" || name == "dynset")
    return {Unrecognised{name, from.bytes(expression_data), "nested too deep"}};
  return {decode_operation(name, from.view(expression_data), order)};
}

Expressions nested_list(std::string_view bytes, ByteOrder order) {
  Expressions expressions;
  while (const auto element = next_attribute(bytes, order))
    if (element->type == list_element)
      expressions.push_back(nested(element->payload, order));
  return expressions;
}

template <typename T = std::uint32_t> T value(const Attributes& from, std::uint16_t type) {
  return static_cast<T>(from.number_or(type, 0));
}

Data data_of(const Attributes& from, std::uint16_t type) {
  return decode_data(from.view(type), from.order()).value;
}

Decoded decode_payload(const Attributes& from) {
  const auto base = value<std::uint32_t>(from, 2);
  const auto offset = value(from, 3);
  const auto length = value(from, 4);
  if (base > 4 || !from.has(3) || length == 0)
    return Damage{"payload without a place"};
  if (from.has(5)) {
    const PayloadSet write{slot(from, 5),  static_cast<PayloadBase>(base),
                           offset,         length,
                           value(from, 6), value(from, 7),
                           value(from, 8)};
    if (!fits(write.sreg, length))
      return Damage{"payload beyond the registers"};
    return write;
  }
  const Payload read{slot(from, 1), static_cast<PayloadBase>(base), offset, length};
  if (!fits(read.dreg, length))
    return Damage{"payload beyond the registers"};
  return read;
}

Decoded decode_cmp(const Attributes& from) {
  Cmp cmp{slot(from, 1), static_cast<CmpOp>(value<std::uint8_t>(from, 2)), data_of(from, 3)};
  if (value(from, 2) > 5 || cmp.data.empty() || !fits(cmp.sreg, cmp.data.size()))
    return Damage{"cmp without register, operator or value"};
  return cmp;
}

Decoded decode_range(const Attributes& from) {
  Range range{slot(from, 1), value(from, 2) == 1, data_of(from, 3), data_of(from, 4)};
  if (value(from, 2) > 1 || range.from.empty() || range.from.size() != range.to.size() ||
      !fits(range.sreg, range.from.size()))
    return Damage{"range without register or limits"};
  return range;
}

/// A u32 in the machine's byte order.
std::uint32_t machine_number(const Data& data, ByteOrder order) {
  std::uint32_t number = 0;
  for (std::size_t at = 0; at < data.size() && at < 4; ++at) {
    const auto byte = static_cast<std::uint8_t>(
        data[order == ByteOrder::little ? std::min<std::size_t>(data.size(), 4) - 1 - at : at]);
    number = number << 8 | byte;
  }
  return number;
}

Decoded decode_bitwise(const Attributes& from) {
  if (value(from, 6) > 5)
    return Damage{"bitwise operation that is not known"};
  Bitwise bitwise;
  bitwise.sreg = slot(from, 1);
  bitwise.dreg = slot(from, 2);
  bitwise.length = value(from, 3);
  bitwise.op = static_cast<BitwiseOp>(value<std::uint8_t>(from, 6));
  if (bitwise.length == 0 || !fits(bitwise.sreg, bitwise.length) ||
      !fits(bitwise.dreg, bitwise.length))
    return Damage{"bitwise beyond the registers"};
  bitwise.mask = data_of(from, 4);
  bitwise.flip = data_of(from, 5);
  bitwise.operand = data_of(from, 7);
  bitwise.sreg2 = slot(from, 8);
  switch (bitwise.op) {
  case BitwiseOp::mask_xor:
    if (bitwise.mask.size() != bitwise.length || bitwise.flip.size() != bitwise.length)
      return Damage{"bitwise with a mask of another length"};
    break;
  case BitwiseOp::shift_left:
  case BitwiseOp::shift_right:
    bitwise.shift = machine_number(bitwise.operand, from.order());
    if (bitwise.operand.empty() || bitwise.shift == 0 || bitwise.shift >= 32)
      return Damage{"bitwise shift without a distance"};
    break;
  case BitwiseOp::bit_and:
  case BitwiseOp::bit_or:
  case BitwiseOp::bit_xor:
    if (bitwise.operand.size() != bitwise.length && !fits(bitwise.sreg2, bitwise.length))
      return Damage{"bitwise without a second operand"};
    break;
  }
  return bitwise;
}

Decoded decode_byteorder(const Attributes& from) {
  const Byteorder byteorder{slot(from, 1), slot(from, 2), value(from, 3) == 1, value(from, 4),
                            value(from, 5)};
  const bool size = byteorder.size == 2 || byteorder.size == 4 || byteorder.size == 8;
  if (!size || value(from, 3) > 1 || !fits(byteorder.sreg, byteorder.length) ||
      !fits(byteorder.dreg, byteorder.length))
    return Damage{"byteorder beyond the registers"};
  return byteorder;
}

Decoded decode_immediate(const Attributes& from) {
  auto data = decode_data(from.view(2), from.order());
  if (data.verdict)
    return ImmediateVerdict{std::move(*data.verdict)};
  Immediate immediate{slot(from, 1), std::move(data.value)};
  if (immediate.data.empty() || !fits(immediate.dreg, immediate.data.size()))
    return Damage{"immediate without register or value"};
  return immediate;
}

Decoded decode_lookup(const Attributes& from) {
  Lookup lookup;
  lookup.set = from.text(1);
  lookup.sreg = slot(from, 2);
  lookup.dreg = slot(from, 3);
  lookup.to_verdict = from.has(3) && from.number(3) == 0U;
  lookup.inverted = (value(from, 5) & 1) != 0;
  if (lookup.set.empty() || lookup.sreg == no_slot)
    return Damage{"lookup without set or register"};
  return lookup;
}

Decoded decode_meta(const Attributes& from) {
  if (!from.has(2) || value(from, 2) >= meta_keys)
    return Damage{"meta key that is not known"};
  const bool set = from.has(3);
  const Meta meta{static_cast<MetaKey>(value<std::uint8_t>(from, 2)), slot(from, set ? 3 : 1), set};
  if (meta.reg == no_slot)
    return Damage{"meta without a register"};
  return meta;
}

Decoded decode_ct(const Attributes& from) {
  if (!from.has(2) || value(from, 2) >= ct_keys)
    return Damage{"ct key that is not known"};
  const bool set = from.has(4);
  Ct ct{static_cast<CtKey>(value<std::uint8_t>(from, 2)), std::nullopt, slot(from, set ? 4 : 1),
        set};
  if (from.has(3))
    ct.reply = value(from, 3) == 1;
  if (ct.reg == no_slot)
    return Damage{"ct without a register"};
  return ct;
}

Decoded decode_exthdr(const Attributes& from) {
  if (value(from, 6) > 4)
    return Damage{"exthdr of a kind that is not known"};
  Exthdr header;
  header.dreg = slot(from, 1);
  header.type = value<std::uint8_t>(from, 2);
  header.offset = value(from, 3);
  header.length = value(from, 4);
  header.present = (value(from, 5) & 1) != 0;
  header.op = static_cast<ExthdrOp>(value<std::uint8_t>(from, 6));
  header.sreg = slot(from, 7);
  if ((header.dreg != no_slot && !fits(header.dreg, header.length)) ||
      (header.sreg != no_slot && !fits(header.sreg, header.length)))
    return Damage{"exthdr beyond the registers"};
  return header;
}

Decoded decode_fib(const Attributes& from) {
  const auto result = value(from, 2);
  const Fib fib{slot(from, 1), static_cast<FibResult>(result), value(from, 3)};
  if (fib.dreg == no_slot || result < 1 || result > 3)
    return Damage{"fib without register or result"};
  return fib;
}

Decoded decode_rt(const Attributes& from) {
  const Rt rt{slot(from, 1), static_cast<RtKey>(value<std::uint8_t>(from, 2))};
  if (rt.dreg == no_slot || value(from, 2) > 4)
    return Damage{"rt key that is not known"};
  return rt;
}

Decoded decode_socket(const Attributes& from) {
  const SocketLoad socket{slot(from, 2), static_cast<SocketKey>(value<std::uint8_t>(from, 1)),
                          value(from, 3)};
  if (socket.dreg == no_slot || value(from, 1) > 3)
    return Damage{"socket key that is not known"};
  return socket;
}

Decoded decode_tproxy(const Attributes& from) {
  return Tproxy{value<std::uint8_t>(from, 1), slot(from, 2), slot(from, 3)};
}

Decoded decode_reject(const Attributes& from) {
  if (value(from, 1) > 2)
    return Damage{"reject of a kind that is not known"};
  return Reject{static_cast<RejectType>(value<std::uint8_t>(from, 1)),
                value<std::uint8_t>(from, 2)};
}

/// The upper end of a range: a register of its own, or that of the lower end (nft_nat_init(),
/// nft_masq_init(), nft_redir_init()). Nothing if it is no register.
std::optional<Slot> upper_slot(const Attributes& from, std::uint16_t type, Slot lower) {
  if (!from.has(type))
    return lower;
  const Slot upper = slot(from, type);
  return upper == no_slot ? std::nullopt : std::optional(upper);
}

constexpr Damage no_upper_register{"the upper end of a range is in no register"};

Decoded decode_nat(const Attributes& from) {
  Nat nat;
  nat.destination = value(from, 1) == 1;
  nat.family = value<std::uint8_t>(from, 2);
  nat.address_min = slot(from, 3);
  nat.port_min = slot(from, 5);
  nat.flags = value(from, 7);
  const auto address_max = upper_slot(from, 4, nat.address_min);
  const auto port_max = upper_slot(from, 6, nat.port_min);
  if (!address_max || !port_max)
    return no_upper_register;
  nat.address_max = *address_max;
  nat.port_max = *port_max;
  return nat;
}

Decoded decode_masquerade(const Attributes& from) {
  const Slot low = slot(from, 2);
  const auto high = upper_slot(from, 3, low);
  if (!high)
    return no_upper_register;
  return Masquerade{low, *high, value(from, 1)};
}

Decoded decode_redirect(const Attributes& from) {
  const Slot low = slot(from, 1);
  const auto high = upper_slot(from, 2, low);
  if (!high)
    return no_upper_register;
  return Redirect{low, *high, value(from, 3)};
}

Decoded decode_notrack(const Attributes&) {
  return Notrack{};
}

Decoded decode_dynset(const Attributes& from) {
  if (value(from, 3) > 2)
    return Damage{"dynset operation that is not known"};
  Dynset dynset;
  dynset.set = from.text(1);
  dynset.op = static_cast<DynsetOp>(value<std::uint8_t>(from, 3));
  dynset.key = slot(from, 4);
  dynset.data = slot(from, 5);
  dynset.timeout_ms = from.number_or(6, 0);
  dynset.inverted = (value(from, 9) & 1) != 0;
  if (from.has(7))
    dynset.per_element.push_back(nested(from.view(7), from.order()));
  else if (from.has(10))
    dynset.per_element = nested_list(from.view(10), from.order());
  if (dynset.set.empty() || dynset.key == no_slot)
    return Damage{"dynset without set or key"};
  return dynset;
}

Decoded decode_objref(const Attributes& from) {
  ObjectRef object{value(from, 1), from.text(2), from.text(4), slot(from, 3)};
  if (object.name.empty() && (object.set.empty() || object.sreg == no_slot))
    return Damage{"objref without an object"};
  return object;
}

Decoded decode_counter(const Attributes& from) {
  return Counter{from.number_or(2, 0), from.number_or(1, 0)};
}

Decoded decode_log(const Attributes& from) {
  Log log;
  log.prefix = from.text(2);
  if (from.has(1))
    log.group = value<std::uint16_t>(from, 1);
  if (from.has(5))
    log.level = value(from, 5);
  log.flags = value(from, 6);
  if (from.has(3))
    log.snap_length = value(from, 3);
  log.threshold = value(from, 4);
  return log;
}

Decoded decode_limit(const Attributes& from) {
  return Limit{from.number_or(1, 0), from.number_or(2, 1), value(from, 3), value(from, 4) == 1,
               (value(from, 5) & 1) != 0};
}

Decoded decode_quota(const Attributes& from) {
  return Quota{from.number_or(1, 0), from.number_or(4, 0), (value(from, 2) & 1) != 0};
}

Decoded decode_connlimit(const Attributes& from) {
  return ConnLimit{value(from, 1), (value(from, 2) & 1) != 0};
}

Decoded decode_last(const Attributes& from) {
  return Last{value(from, 1) != 0, from.number_or(2, 0)};
}

Decoded decode_numgen(const Attributes& from) {
  const Numgen numgen{slot(from, 1), value(from, 2), value(from, 4), value(from, 3) == 1};
  if (numgen.dreg == no_slot || numgen.modulus == 0)
    return Damage{"numgen without register or modulus"};
  return numgen;
}

Decoded decode_hash(const Attributes& from) {
  const bool symmetric = value(from, 7) == 1;
  const Hash hash{slot(from, 1),  slot(from, 2),  value(from, 3), value(from, 4),
                  value(from, 5), value(from, 6), symmetric,      from.has(5)};
  if (hash.dreg == no_slot || hash.modulus == 0 || (!symmetric && !fits(hash.sreg, hash.length)))
    return Damage{"hash without register or modulus"};
  return hash;
}

Decoded decode_osf(const Attributes& from) {
  const Osf osf{slot(from, 1), value<std::uint8_t>(from, 2), value(from, 3)};
  if (!fits(osf.dreg, 16))
    return Damage{"osf without a register"};
  return osf;
}

Decoded decode_synproxy(const Attributes& from) {
  return Synproxy{value<std::uint16_t>(from, 1), value<std::uint8_t>(from, 2), value(from, 3)};
}

Decoded decode_queue(const Attributes& from) {
  const auto flags = value(from, 3);
  return Queue{value<std::uint16_t>(from, 1), static_cast<std::uint16_t>(from.number_or(2, 1)),
               slot(from, 4), (flags & 1) != 0, (flags & 2) != 0};
}

Decoded decode_dup(const Attributes& from) {
  return Dup{slot(from, 1), slot(from, 2)};
}

Decoded decode_forward(const Attributes& from) {
  const Forward forward{slot(from, 1), slot(from, 2), value<std::uint8_t>(from, 3)};
  if (forward.device == no_slot)
    return Damage{"fwd without a device"};
  return forward;
}

Decoded decode_xfrm(const Attributes& from) {
  const Xfrm xfrm{slot(from, 1), value(from, 2), value(from, 3) == 1, value(from, 4)};
  if (xfrm.dreg == no_slot)
    return Damage{"xfrm without a register"};
  return xfrm;
}

Decoded decode_tunnel(const Attributes& from) {
  const Tunnel tunnel{slot(from, 2), value(from, 1), value(from, 3)};
  if (tunnel.dreg == no_slot)
    return Damage{"tunnel without a register"};
  return tunnel;
}

Decoded decode_flow_offload(const Attributes& from) {
  return FlowOffload{from.text(1)};
}

Decoded decode_inner(const Attributes& from) {
  Inner inner{value(from, 2), value(from, 3), value(from, 4), {}};
  if (!from.has(5))
    return Damage{"inner without an expression"};
  inner.expression.push_back(nested(from.view(5), from.order()));
  return inner;
}

Compat compat(const Attributes& from, bool target) {
  return {from.text(1), value(from, 2), from.bytes(3), target};
}
Decoded decode_match(const Attributes& from) {
  return compat(from, false);
}
Decoded decode_target(const Attributes& from) {
  return compat(from, true);
}

struct Named {
  std::string_view name;
  Decoder decode;
};

constexpr std::array decoders{Named{"bitwise", decode_bitwise},
                              Named{"byteorder", decode_byteorder},
                              Named{"cmp", decode_cmp},
                              Named{"connlimit", decode_connlimit},
                              Named{"counter", decode_counter},
                              Named{"ct", decode_ct},
                              Named{"dup", decode_dup},
                              Named{"dynset", decode_dynset},
                              Named{"exthdr", decode_exthdr},
                              Named{"fib", decode_fib},
                              Named{"flow_offload", decode_flow_offload},
                              Named{"fwd", decode_forward},
                              Named{"hash", decode_hash},
                              Named{"immediate", decode_immediate},
                              Named{"inner", decode_inner},
                              Named{"last", decode_last},
                              Named{"limit", decode_limit},
                              Named{"log", decode_log},
                              Named{"lookup", decode_lookup},
                              Named{"masq", decode_masquerade},
                              Named{"match", decode_match},
                              Named{"meta", decode_meta},
                              Named{"nat", decode_nat},
                              Named{"notrack", decode_notrack},
                              Named{"numgen", decode_numgen},
                              Named{"objref", decode_objref},
                              Named{"osf", decode_osf},
                              Named{"payload", decode_payload},
                              Named{"queue", decode_queue},
                              Named{"quota", decode_quota},
                              Named{"range", decode_range},
                              Named{"redir", decode_redirect},
                              Named{"reject", decode_reject},
                              Named{"rt", decode_rt},
                              Named{"socket", decode_socket},
                              Named{"synproxy", decode_synproxy},
                              Named{"target", decode_target},
                              Named{"tproxy", decode_tproxy},
                              Named{"tunnel", decode_tunnel},
                              Named{"xfrm", decode_xfrm}};
static_assert(std::ranges::is_sorted(decoders, {}, &Named::name));

Verdict decode_verdict(std::string_view nest, ByteOrder order) {
  const Attributes from(nest, order);
  const auto code = static_cast<std::int32_t>(value<std::uint32_t>(from, 1));
  Verdict verdict;
  verdict.chain = from.text(2);
  if (code < 0) {
    verdict.code = static_cast<VerdictCode>(code);
  } else {
    verdict.code = static_cast<VerdictCode>(code & 0xff);
    verdict.queue_bits = static_cast<std::uint32_t>(code);
  }
  return verdict;
}

} // namespace

DataOrVerdict decode_data(std::string_view nest, ByteOrder order) {
  const Attributes from(nest, order);
  if (from.has(2))
    return {{}, decode_verdict(from.view(2), order)};
  return {from.bytes(1), std::nullopt};
}

Operation decode_operation(std::string_view name, std::string_view raw, ByteOrder order) {
  const auto known = std::ranges::lower_bound(decoders, name, {}, &Named::name);
  if (known == decoders.end() || known->name != name)
    return Unrecognised{std::string(name), std::string(raw), {}};
  auto decoded = known->decode(Attributes(raw, order));
  if (const auto* damage = std::get_if<Damage>(&decoded))
    return Unrecognised{std::string(name), std::string(raw), std::string(damage->why)};
  return std::get<Operation>(std::move(decoded));
}

Expression decode_expression(std::string_view bytes, ByteOrder order) {
  const Attributes from(bytes, order);
  return {decode_operation(from.text(expression_name), from.view(expression_data), order)};
}

Expressions decode_expressions(std::string_view bytes, ByteOrder order) {
  Expressions expressions;
  while (const auto element = next_attribute(bytes, order))
    if (element->type == list_element)
      expressions.push_back(decode_expression(element->payload, order));
  if (!bytes.empty())
    expressions.push_back({Unrecognised{"", std::string(bytes), "bytes that are no attribute"}});
  return expressions;
}

std::string decode_comment(std::string_view userdata) {
  while (userdata.size() >= 2) {
    const auto type = static_cast<std::uint8_t>(userdata[0]);
    const auto length = static_cast<std::uint8_t>(userdata[1]);
    if (userdata.size() < 2U + length)
      return {};
    if (type == 0) {
      const auto text = userdata.substr(2, length);
      return std::string(text.substr(0, text.find('\0')));
    }
    userdata.remove_prefix(2U + length);
  }
  return {};
}

} // namespace synfate::nft
