#include "platform/linux/netfilter/attributes.h"

namespace synfate {
namespace {

constexpr std::size_t header_size = 4;
constexpr std::uint16_t type_mask = 0x3fff; // NLA_TYPE_MASK

std::uint16_t number16(std::string_view bytes, ByteOrder order) {
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  const auto second = static_cast<std::uint8_t>(bytes[1]);
  return static_cast<std::uint16_t>(order == ByteOrder::little ? second << 8 | first
                                                               : first << 8 | second);
}

} // namespace

std::optional<Attribute> next_attribute(std::string_view& bytes, ByteOrder order) {
  if (bytes.size() < header_size)
    return std::nullopt;
  const std::size_t length = number16(bytes, order);
  if (length < header_size || length > bytes.size())
    return std::nullopt;
  const auto type = static_cast<std::uint16_t>(number16(bytes.substr(2), order) & type_mask);
  const Attribute attribute{type, bytes.substr(header_size, length - header_size)};
  bytes.remove_prefix(std::min(bytes.size(), (length + 3) & ~std::size_t{3}));
  return attribute;
}

Attributes::Attributes(std::string_view bytes, ByteOrder order) : order_(order) {
  while (const auto attribute = next_attribute(bytes, order))
    if (attribute->type < views_.size())
      views_[attribute->type] = attribute->payload;
  sound_ = bytes.empty();
}

std::string Attributes::text(std::uint16_t type) const {
  const auto payload = view(type);
  return std::string(payload.substr(0, payload.find('\0')));
}

std::optional<std::uint64_t> Attributes::number(std::uint16_t type) const {
  const auto payload = view(type);
  if (payload.empty() || payload.size() > 8)
    return std::nullopt;
  std::uint64_t value = 0;
  for (const char byte : payload)
    value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

} // namespace synfate
