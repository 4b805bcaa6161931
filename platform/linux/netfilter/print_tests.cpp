// Tests of what was loaded, as phrases.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/netfilter/rule_printer.h"

namespace synfate {
namespace {

std::string_view op_text(nft::CmpOp op) {
  static constexpr std::string_view texts[] = {"", "!= ", "< ", "<= ", "> ", ">= "};
  return texts[static_cast<std::size_t>(op)];
}

/// After byteorder the machine's numbers lie in network order.
std::string turned(std::string_view bytes) {
  return {bytes.rbegin(), bytes.rend()};
}

} // namespace

std::string RulePrinter::interface(std::string_view data) const {
  if (data.size() == 4 && sources_.interface) {
    std::uint32_t index = 0;
    for (std::size_t at = 0; at < 4; ++at)
      index = index << 8 |
              static_cast<std::uint8_t>(data[sources_.order == ByteOrder::little ? 3 - at : at]);
    if (const auto called = sources_.interface(index); !called.empty())
      return fmt::format("\"{}\"", called);
  }
  return value_of(ValueKind::interface_index, data, sources_.order);
}

/// The operand's bits of the data that its load gives.
std::string RulePrinter::part_of(const Operand& operand, std::string_view data) const {
  std::string bytes(data);
  if (operand.bits != 0 && (operand.first != 0 || operand.bits != data.size() * 8))
    bytes = bits_of(data, operand.first, operand.bits);
  if (operand.swapped && in_host_order(operand.kind) && sources_.order == ByteOrder::little)
    bytes = turned(bytes);
  return bytes;
}

std::string RulePrinter::value(const Operand& operand, std::string_view data) const {
  const auto bytes = part_of(operand, data);
  if (operand.kind == ValueKind::interface_index)
    return interface(bytes);
  return value_of(operand.kind, bytes, sources_.order);
}

std::string RulePrinter::range_end(const Operand& operand, std::string_view data) const {
  if (operand.kind == ValueKind::interface_index)
    return value(operand, data);
  return range_end_of(operand.kind, part_of(operand, data), sources_.order);
}

/// "1-5"; a whole network of addresses as its prefix.
std::string RulePrinter::range(const Operand& operand, const std::string& low,
                               const std::string& high) const {
  if (low == high)
    return value(operand, low);
  if (operand.kind == ValueKind::name && high.ends_with('\xff'))
    return value_of(operand.kind, low.substr(0, low.find('\0')), sources_.order);
  if (operand.kind == ValueKind::ipv4 || operand.kind == ValueKind::ipv6) {
    std::string same(low.size(), '\0');
    for (std::size_t at = 0; at < low.size() && at < high.size(); ++at)
      same[at] = static_cast<char>(~(low[at] ^ high[at]));
    const auto prefix = all_zero(same) ? std::optional(0U) : prefix_of(same);
    bool whole = prefix.has_value();
    for (std::size_t at = 0; whole && at < low.size(); ++at)
      whole = (low[at] & ~same[at]) == 0 &&
              static_cast<char>(high[at] & ~same[at]) == static_cast<char>(~same[at]);
    if (whole)
      return fmt::format("{}/{}", value(operand, low), *prefix);
  }
  return fmt::format("{}-{}", range_end(operand, low), range_end(operand, high));
}

/// The name of a piece, or of the bits that are left of it.
Operand RulePrinter::operand_of(const Piece& piece) const {
  const unsigned all = piece.size * 8;
  if (piece.is_load && piece.binding == 0) {
    if (!piece.mask.empty() && all_zero(piece.flip))
      if (const auto run = run_of(piece.mask))
        if (auto field = field_at(piece, run->first, run->bits))
          return *field;
    if (auto field = field_at(piece, 0, all))
      return *field;
    if (piece.bit != 0 || piece.option) // the first bytes of an address
      for (const auto& field : fields_of(piece.header))
        if (field.bit == piece.bit && field.bits > all &&
            (field.kind == ValueKind::ipv4 || field.kind == ValueKind::ipv6))
          return {fmt::format("{} {}", field.header, field.name), field.kind, 0, 0, piece.swapped};
    return {piece.text, ValueKind::raw, 0, 0, piece.swapped};
  }
  return {piece.text, piece.kind, 0, 0, piece.swapped};
}

/// The operand's name says all that was done to the piece.
bool RulePrinter::covers(const Piece& piece, const Operand& operand) const {
  if (piece.binding != 0 || piece.mask.empty())
    return piece.binding == 0;
  const auto run = run_of(piece.mask);
  return piece.is_load && all_zero(piece.flip) && operand.bits != 0 && run &&
         run->first == operand.first && run->bits == operand.bits;
}

/// An address under a prefix, or its first bytes.
bool RulePrinter::compare_prefix(const Piece& piece, const nft::Cmp& cmp) {
  const Operand operand = operand_of(piece);
  if (operand.kind == ValueKind::mark && cmp.op == nft::CmpOp::eq && !piece.mask.empty() &&
      all_zero(piece.flip) && piece.binding == 0) {
    const bool little = sources_.order == ByteOrder::little && !operand.swapped;
    const auto prefix = prefix_of(little ? turned(piece.mask) : piece.mask);
    if (!prefix || *prefix == 32)
      return false;
    const auto written = fmt::format("{}/{}", value(operand, cmp.data), *prefix);
    say(operand.text, written, fmt::format("{} {}", operand.text, written));
    return true;
  }
  if ((operand.kind != ValueKind::ipv4 && operand.kind != ValueKind::ipv6) || operand.first != 0)
    return false;
  const std::size_t size = operand.kind == ValueKind::ipv4 ? 4 : 16;
  std::optional<unsigned> prefix;
  if (!piece.mask.empty() && all_zero(piece.flip))
    prefix = all_zero(piece.mask) ? std::optional(0U) : prefix_of(piece.mask);
  else if (piece.mask.empty() && cmp.data.size() < size)
    prefix = static_cast<unsigned>(cmp.data.size() * 8);
  if (!prefix)
    return false;
  std::string whole = cmp.data;
  whole.resize(size, '\0');
  const std::string written =
      fmt::format("{}/{}", value({operand.text, operand.kind, 0, 0, false}, whole), *prefix);
  use(piece);
  say(operand.text, written, fmt::format("{} {}{}", operand.text, op_text(cmp.op), written));
  return true;
}

/// A load over several fields, tested at once.
bool RulePrinter::compare_fields(const Piece& piece, const nft::Cmp& cmp) {
  const bool equality = cmp.op == nft::CmpOp::eq || cmp.op == nft::CmpOp::neq;
  if (!piece.is_load || piece.binding != 0 || !piece.mask.empty() || !equality)
    return false;
  const auto fields = fields_in(piece, static_cast<unsigned>(cmp.data.size()) * 8);
  if (fields.size() < 2)
    return false;
  use(piece);
  std::string names, values, text;
  for (const auto& field : fields) {
    const auto written = value(field, cmp.data);
    const auto words = fmt::format("{} {}{}", field.text, op_text(cmp.op), written);
    names += (names.empty() ? "" : " . ") + field.text;
    values += (values.empty() ? "" : " . ") + written;
    text += (text.empty() ? "" : " ") + words;
    note_protocol(field, {cmp.sreg, cmp.op, bits_of(cmp.data, field.first, field.bits)}, piece,
                  words);
  }
  say(std::move(names), std::move(values), std::move(text));
  return true;
}

/// Sets of bits: "tcp flags syn / syn,ack", "ct state established,related", "tcp flags ! rst".
bool RulePrinter::compare_bits(const Piece& piece, const nft::Cmp& cmp) {
  const Operand operand = operand_of(piece);
  if (!is_bit_set(operand.kind) || (cmp.op != nft::CmpOp::eq && cmp.op != nft::CmpOp::neq))
    return false;
  const bool equal = cmp.op == nft::CmpOp::eq;
  const auto& field = operand.text;
  const auto run = run_of(piece.mask);
  const bool whole = run && run->bits == cmp.data.size() * 8 && all_zero(piece.flip);
  if (piece.mask.empty() || whole) {
    const auto written =
        whole ? value_of(ValueKind::raw, cmp.data, sources_.order) : value(operand, cmp.data);
    use(piece);
    say(field, written, fmt::format("{} {} {}", field, equal ? "==" : "!=", written));
    return true;
  }
  if (!all_zero(piece.flip))
    return false;
  const auto mask = value(operand, piece.mask);
  use(piece);
  if (all_zero(cmp.data) && !equal) {
    say(field, mask, fmt::format("{} {}", field, mask));
  } else if (all_zero(cmp.data)) {
    say(field, "! " + mask, fmt::format("{} ! {}", field, mask));
  } else if (cmp.data == piece.mask && run && run->bits == 1) {
    say(field, mask, fmt::format("{} & {} {} {}", field, mask, equal ? "==" : "!=", mask));
  } else {
    const auto written = value(operand, cmp.data) + " / " + mask;
    say(field, written, fmt::format("{} {}{}", field, equal ? "" : "!= ", written));
  }
  return true;
}

void RulePrinter::print(const nft::Cmp& cmp) {
  const Piece& piece = at(cmp.sreg);
  if (compare_bits(piece, cmp) || compare_prefix(piece, cmp) || compare_fields(piece, cmp))
    return;
  const Operand operand = operand_of(piece);
  use(piece);
  const std::string op(op_text(cmp.op));
  const std::string written = value(operand, cmp.data);
  note_protocol(operand, cmp, piece, fmt::format("{} {}", operand.text, written));
  if (!covers(piece, operand)) {
    unsigned binding = 0;
    const auto left = operation(piece, binding);
    return say(operand.text, written,
               fmt::format("{} {}{}", left, cmp.op == nft::CmpOp::eq ? "== " : op, written));
  }
  if (cmp.op == nft::CmpOp::lte && join_range(operand.text, range_end(operand, cmp.data)))
    return;
  say(operand.text, cmp.op == nft::CmpOp::gte ? range_end(operand, cmp.data) : written,
      fmt::format("{} {}{}", operand.text, op, written));
}

/// ">= 22" and "<= 25" one after the other are one range.
bool RulePrinter::join_range(const std::string& field, const std::string& last) {
  if (phrases_.empty() || phrases_.back().at + 1 != at_ || phrases_.back().field != field ||
      !phrases_.back().text.starts_with(field + " >= "))
    return false;
  auto& first = phrases_.back();
  const std::string both_ends = fmt::format("{}-{}", first.value, last);
  first.value = both_ends;
  first.implied = true;
  say(field, both_ends, fmt::format("{} {}", field, both_ends));
  return true;
}

void RulePrinter::print(const nft::Range& tested) {
  const Piece& piece = at(tested.sreg);
  const Operand operand = operand_of(piece);
  use(piece);
  const auto written =
      fmt::format("{}-{}", range_end(operand, tested.from), range_end(operand, tested.to));
  unsigned binding = 0;
  const auto left = covers(piece, operand) ? operand.text : operation(piece, binding);
  say(operand.text, written, fmt::format("{} {}{}", left, tested.inverted ? "!= " : "", written));
}

} // namespace synfate
