#include "platform/linux/netfilter/set_elements.h"

namespace synfate {
namespace {

// enum nft_set_elem_attributes, nft_data_attributes, nft_list_attributes
constexpr std::uint16_t attribute_key = 1;
constexpr std::uint16_t attribute_data = 2;
constexpr std::uint16_t attribute_flags = 3;
constexpr std::uint16_t attribute_expression = 7;
constexpr std::uint16_t attribute_object = 9;
constexpr std::uint16_t attribute_key_end = 10;
constexpr std::uint16_t attribute_expressions = 11;
constexpr std::uint16_t data_value = 1;
constexpr std::uint16_t list_element = 1;
constexpr unsigned flag_interval_end = 0x1;
constexpr unsigned flag_catchall = 0x2;

std::string_view value_in(std::string_view data, ByteOrder order) {
  while (const auto attribute = next_attribute(data, order))
    if (attribute->type == data_value)
      return attribute->payload;
  return {};
}

void take(RawElement& element, const Attribute& attribute, ByteOrder order) {
  const auto payload = attribute.payload;
  switch (attribute.type) {
  case attribute_key:
    element.key = value_in(payload, order);
    break;
  case attribute_data:
    element.data = payload;
    break;
  case attribute_flags: {
    const auto flags = payload.empty() ? 0U : static_cast<unsigned char>(payload.back());
    element.interval_end = (flags & flag_interval_end) != 0;
    element.catchall = (flags & flag_catchall) != 0;
    break;
  }
  case attribute_expression:
    element.expression = payload;
    break;
  case attribute_object:
    element.object = payload.substr(0, payload.find('\0'));
    break;
  case attribute_key_end:
    element.key_end = value_in(payload, order);
    break;
  case attribute_expressions:
    element.expressions = payload;
    break;
  default: // from the wire: what decides nothing
    break;
  }
}

} // namespace

std::optional<RawElement> next_element(std::string_view& list, ByteOrder order) {
  const auto item = next_attribute(list, order);
  if (!item)
    return std::nullopt;
  RawElement element;
  auto rest = item->payload;
  while (const auto attribute = next_attribute(rest, order))
    take(element, *attribute, order);
  return element;
}

std::string expressions_of(const RawElement& element, ByteOrder order) {
  if (!element.expressions.empty() || element.expression.empty())
    return std::string(element.expressions);
  const auto length = static_cast<std::uint16_t>(element.expression.size() + 4);
  std::string list;
  for (const std::uint16_t number : {length, list_element}) {
    const auto low = static_cast<char>(number & 0xff);
    const auto high = static_cast<char>(number >> 8);
    list += order == ByteOrder::little ? low : high;
    list += order == ByteOrder::little ? high : low;
  }
  return list.append(element.expression);
}

} // namespace synfate
