// Sets and maps: what is asked of them, and what those without a name hold.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/netfilter/rule_printer.h"

namespace synfate {
namespace {

constexpr std::size_t most_elements = 64;

std::string before(std::string_view key) {
  std::string last(key);
  for (auto at = last.rbegin(); at != last.rend(); ++at)
    if ((*at)-- != '\0')
      break;
  return last;
}

std::size_t padded(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

} // namespace

/// The elements of a set without a name; null if there are none to show.
const SetIndex* RulePrinter::anonymous(const std::string& set) const {
  const bool nameless =
      set.starts_with("__set") || set.starts_with("__map") || set.starts_with("__objmap");
  return nameless && sources_.elements ? sources_.elements(set) : nullptr;
}

const SetShape* RulePrinter::shape_of(const std::string& set) const {
  if (const SetIndex* index = anonymous(set))
    return &index->shape();
  return sources_.shape ? sources_.shape(set) : nullptr;
}

/// The fields of a key: one load may hold several.
std::vector<RulePrinter::KeyPart> RulePrinter::key_parts(nft::Slot slot,
                                                         const SetShape* shape) const {
  std::vector<KeyPart> parts;
  const std::size_t length = shape != nullptr ? shape->key_length : 0;
  const auto kinds = shape != nullptr ? kinds_of_type(shape->key_type) : std::vector<ValueKind>();
  std::size_t offset = 0;
  do {
    const auto place = static_cast<nft::Slot>(slot + offset / 4);
    if (place >= held_.size())
      break;
    const Piece& piece = at(place);
    auto fields = piece.is_load && piece.mask.empty() && kinds.size() != 1
                      ? fields_in(piece, piece.size * 8)
                      : std::vector<Operand>();
    const std::size_t size = std::max<std::size_t>(piece.size, 1);
    if (fields.size() > 1) {
      for (auto& field : fields) {
        const std::size_t bytes = field.bits / 8;
        parts.push_back({{field.text, field.kind, 0, 0, false}, offset + field.first / 8, bytes});
      }
    } else {
      Operand operand = operand_of(piece);
      if (piece.is_constant) {
        const auto kind = parts.size() < kinds.size() ? kinds[parts.size()] : ValueKind::raw;
        operand = {source(place, size, kind), kind, 0, 0, false};
      } else if (!covers(piece, operand)) {
        unsigned binding = 0;
        operand.text = operation(piece, binding);
      }
      parts.push_back({operand, offset, length == 0 ? size : std::min(size, length - offset)});
    }
    offset += padded(size);
  } while (offset < length);
  return parts;
}

/// Loads of a key imply what other loads do.
void RulePrinter::use_key(nft::Slot slot, const SetShape* shape) {
  for (const auto& part : key_parts(slot, shape))
    use(at(static_cast<nft::Slot>(slot + part.offset / 4)));
}

std::string RulePrinter::key_field(nft::Slot slot, const SetShape* shape) const {
  std::string field;
  for (const auto& part : key_parts(slot, shape)) {
    field += (field.empty() ? "" : " . ") + part.operand.text;
  }
  return field;
}

std::string RulePrinter::key_text(const std::vector<KeyPart>& parts, const std::string& low,
                                  const std::string& high) const {
  std::string text;
  for (const auto& part : parts) {
    if (part.offset + part.size > low.size())
      continue;
    const auto from = low.substr(part.offset, part.size);
    const auto to =
        high.size() >= part.offset + part.size ? high.substr(part.offset, part.size) : from;
    auto words = from == to ? bit_names(part.operand, from) : range(part.operand, from, to);
    if (words.starts_with('('))
      words = words.substr(1, words.size() - 2);
    text += (text.empty() ? "" : " . ") + words;
  }
  return text;
}

/// One datum, or the fields of a concatenation; with twice the bytes a range.
std::string RulePrinter::data_text(const std::vector<ValueKind>& kinds,
                                   std::string_view data) const {
  std::size_t single = 0;
  for (const auto kind : kinds) {
    std::size_t size = size_of(kind);
    if (size == 0)
      size = kinds.size() > 1 ? (kind == ValueKind::number ? 2 : 4) : data.size();
    single += kinds.size() > 1 ? padded(size) : size;
  }
  const bool interval = kinds.size() > 1 ? data.size() >= 2 * single
                                         : single != 0 && data.size() >= 2 * padded(single);
  std::string text;
  std::size_t offset = 0;
  for (const auto kind : kinds) {
    std::size_t size = size_of(kind);
    if (size == 0)
      size = kinds.size() > 1 ? (kind == ValueKind::number ? 2 : 4) : data.size();
    if (offset + size > data.size())
      break;
    const std::string low(data.substr(offset, size));
    const std::size_t half = kinds.size() > 1 ? single : padded(single);
    const std::string high(interval ? data.substr(half + offset, size) : low);
    text += (text.empty() ? "" : " . ") + range({{}, kind, 0, 0, false}, low, high);
    offset += padded(size);
  }
  return text;
}

std::string RulePrinter::element_data(const SetIndex& index, const SetValue& value,
                                      std::optional<ValueKind> kind) const {
  const auto data = nft::decode_data(value.data, sources_.order);
  if (data.verdict)
    return " : " + verdict_text(*data.verdict);
  if (!value.object.empty())
    return fmt::format(" : \"{}\"", value.object);
  if (data.value.empty())
    return {};
  auto kinds = kinds_of_type(index.shape().data_type);
  if (kinds.empty() || (kinds.size() == 1 && kinds.front() == ValueKind::raw))
    kinds = {kind.value_or(ValueKind::raw)};
  return " : " + data_text(kinds, data.value);
}

/// nft sorts by the number that a key is; of a concatenation the last byte counts most.
std::string RulePrinter::contents(const SetIndex& index, nft::Slot slot,
                                  std::optional<ValueKind> data) const {
  const auto parts = key_parts(slot, &index.shape());
  struct Item {
    std::string order;
    const SetElement* element;
  };
  std::vector<Item> items;
  for (const auto& element : index.elements()) {
    std::string order;
    for (const auto& part : parts)
      if (part.offset + part.size <= element.key.size())
        order += std::string(element.key.substr(part.offset, part.size));
    const bool little = sources_.order == ByteOrder::little;
    if (parts.size() > 1 || (parts.size() == 1 && in_host_order(parts.front().operand.kind) &&
                             !parts.front().operand.swapped && little))
      std::ranges::reverse(order);
    items.push_back({std::move(order), &element});
  }
  const auto rank = [](const Item& item) { return std::string_view(item.order); };
  if (!index.shape().intervals() || !index.shape().fields.empty())
    std::ranges::stable_sort(items, {}, rank);
  else
    std::ranges::stable_sort(items, [](const Item& a, const Item& b) {
      return std::pair(a.element->key, !a.element->interval_end) <
             std::pair(b.element->key, !b.element->interval_end);
    });
  std::string text = "{ ";
  std::size_t shown = 0;
  for (std::size_t place = 0; place < items.size(); ++place) {
    const auto& element = *items[place].element;
    if (element.interval_end)
      continue;
    if (shown == most_elements) {
      text += ", …";
      break;
    }
    const std::string low(element.key);
    std::string high = low;
    if (!element.key_end.empty())
      high = element.key_end;
    else if (index.shape().intervals())
      high = place + 1 < items.size() ? before(items[place + 1].element->key)
                                      : std::string(low.size(), '\xff');
    text += (shown++ == 0 ? "" : ", ") + key_text(parts, low, high) +
            element_data(index, index.value_at(element.value), data);
  }
  if (const SetValue* other = index.catchall())
    text += fmt::format("{}*{}", shown == 0 ? "" : ", ", element_data(index, *other, data));
  return text + " }";
}

std::string RulePrinter::map_text(const nft::Lookup& lookup, std::optional<ValueKind> data) const {
  const SetIndex* index = anonymous(lookup.set);
  return fmt::format("{} map {}", key_field(lookup.sreg, shape_of(lookup.set)),
                     index != nullptr ? contents(*index, lookup.sreg, data) : "@" + lookup.set);
}

void RulePrinter::print(const nft::Lookup& lookup) {
  const SetShape* shape = shape_of(lookup.set);
  const SetIndex* index = anonymous(lookup.set);
  if (!lookup.to_verdict && lookup.dreg != nft::no_slot) {
    Piece piece;
    use_key(lookup.sreg, shape);
    piece.text = map_text(lookup, std::nullopt);
    piece.data_kinds =
        shape != nullptr ? kinds_of_type(shape->data_type) : std::vector<ValueKind>();
    piece.kind = piece.data_kinds.size() == 1 ? piece.data_kinds.front() : ValueKind::raw;
    piece.size = shape != nullptr ? static_cast<unsigned>(shape->data_length) : 4;
    const std::size_t single = size_of(piece.kind);
    piece.interval_data =
        piece.data_kinds.size() > 1 || (single != 0 && piece.size >= 2 * padded(single));
    for (std::size_t slot = lookup.dreg + 1U;
         slot < held_.size() && slot < lookup.dreg + padded(piece.size) / 4; ++slot) {
      Piece inside;
      inside.owner = lookup.dreg;
      held_[slot] = std::move(inside);
    }
    if (piece.kind == ValueKind::raw && piece.data_kinds.size() == 1) {
      piece.as_number = map_text(lookup, ValueKind::number);
      piece.as_host_number = map_text(lookup, ValueKind::host_number);
    }
    return hold(lookup.dreg, std::move(piece));
  }
  use_key(lookup.sreg, shape);
  auto field = key_field(lookup.sreg, shape);
  auto written = index != nullptr ? contents(*index, lookup.sreg) : "@" + lookup.set;
  const auto parts = key_parts(lookup.sreg, shape);
  const bool computed = parts.size() == 1 && !covers(at(lookup.sreg), operand_of(at(lookup.sreg)));
  const std::string_view word = lookup.to_verdict ? "vmap "
                                : lookup.inverted ? "!= "
                                : computed        ? "== "
                                                  : "";
  auto text = fmt::format("{} {}{}", field, word, written);
  say(std::move(field), std::move(written), std::move(text));
  if (lookup.to_verdict)
    forget_protocols();
}

/// An expression as it is set up, without what it counted.
std::string RulePrinter::without_state(const nft::Expression& expression) const {
  if (std::holds_alternative<nft::Counter>(expression.operation))
    return "counter";
  if (std::holds_alternative<nft::Last>(expression.operation))
    return "last";
  auto copy = expression;
  if (auto* quota = std::get_if<nft::Quota>(&copy.operation))
    quota->used = 0;
  const nft::Expressions alone{std::move(copy)};
  std::string text;
  for (const auto& phrase : RulePrinter(alone, family_, sources_).run())
    text += phrase.text;
  return text;
}

void RulePrinter::print(const nft::Dynset& dynset) {
  static constexpr std::string_view ops[] = {"add", "update", "delete"};
  const SetShape* shape = shape_of(dynset.set);
  use_key(dynset.key, shape);
  std::string inner = key_field(dynset.key, shape);
  if (dynset.timeout_ms != 0) {
    std::string ms(8, '\0');
    for (unsigned at = 0; at < 8; ++at)
      ms[sources_.order == ByteOrder::little ? at : 7 - at] =
          static_cast<char>(dynset.timeout_ms >> 8 * at);
    inner += " timeout " + value_of(ValueKind::duration, ms, sources_.order);
  }
  for (const auto& expression : dynset.per_element)
    inner += " " + without_state(expression);
  if (dynset.data != nft::no_slot) {
    const auto kinds =
        shape != nullptr ? kinds_of_type(shape->data_type) : std::vector<ValueKind>{ValueKind::raw};
    if (kinds.size() > 1) {
      SetShape data;
      data.key_type = shape->data_type;
      data.key_length = shape->data_length;
      use_key(dynset.data, &data);
      inner += " : " + key_field(dynset.data, &data);
    } else {
      const auto kind = kinds.empty() ? ValueKind::raw : kinds.front();
      inner += " : " + source(dynset.data, at(dynset.data).size, kind);
    }
  }
  const bool meter = shape != nullptr && shape->anonymous() && (shape->flags & nft_set_eval) != 0;
  if (meter)
    return act(fmt::format("meter {} size {} {{ {} }}", dynset.set, shape->size, inner));
  act(fmt::format("{} @{} {{ {} }}", ops[static_cast<std::size_t>(dynset.op)], dynset.set, inner));
}

void RulePrinter::print(const nft::ObjectRef& object) {
  static constexpr std::string_view kinds[] = {
      "object name",      "counter name",       "quota name",   "ct helper set",
      "limit name",       "ct count name",      "tunnel name",  "ct timeout set",
      "meta secmark set", "ct expectation set", "synproxy name"};
  const auto word = [&](std::uint32_t type) { return kinds[type < std::size(kinds) ? type : 0]; };
  if (!object.name.empty())
    return act(fmt::format("{} \"{}\"", word(object.type), object.name));
  const SetShape* shape = shape_of(object.set);
  const SetIndex* index = anonymous(object.set);
  const auto type = shape != nullptr ? shape->object_type : object.type;
  use_key(object.sreg, shape);
  const auto field = key_field(object.sreg, shape);
  act(fmt::format("{} {} map {}", word(type), field,
                  index != nullptr ? contents(*index, object.sreg) : "@" + object.set));
}

} // namespace synfate
