#include "platform/linux/netfilter/rule_messages.h"

#include <algorithm>

namespace synfate {
namespace {

constexpr std::size_t message_header = 16; // struct nlmsghdr: u32 length, u16 type …
constexpr std::size_t family_header = 4;   // struct nfgenmsg
constexpr std::uint64_t new_rule = 0x0a06; // NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWRULE
// NFTA_RULE_ numbers of include/uapi/linux/netfilter/nf_tables.h
constexpr std::uint16_t rule_handle = 3;
constexpr std::uint16_t rule_expressions = 4;
constexpr std::uint16_t rule_userdata = 7;

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size, ByteOrder order) {
  std::uint64_t number = 0;
  for (std::size_t step = 0; step < size; ++step) {
    const std::size_t place = order == ByteOrder::big ? at + step : at + size - 1 - step;
    number = number << 8U | static_cast<std::uint8_t>(bytes[place]);
  }
  return number;
}

RuleMessage rule_of(std::string_view attributes, ByteOrder order) {
  RuleMessage rule;
  while (const auto attribute = next_attribute(attributes, order)) {
    if (attribute->type == rule_handle && attribute->payload.size() == 8)
      rule.handle = static_cast<Int>(number_at(attribute->payload, 0, 8, ByteOrder::big));
    else if (attribute->type == rule_expressions)
      rule.expressions = attribute->payload;
    else if (attribute->type == rule_userdata)
      rule.userdata = attribute->payload;
  }
  return rule;
}

} // namespace

std::optional<RuleMessage> next_rule_message(std::string_view& bytes, ByteOrder order) {
  while (bytes.size() >= message_header) {
    const auto length = static_cast<std::size_t>(number_at(bytes, 0, 4, order));
    if (length < message_header || length > bytes.size())
      return std::nullopt;
    const std::string_view message = bytes.substr(0, length);
    bytes.remove_prefix(std::min(bytes.size(), (length + 3) & ~std::size_t{3}));
    if (number_at(message, 4, 2, order) == new_rule && length >= message_header + family_header)
      return rule_of(message.substr(message_header + family_header), order);
  }
  return std::nullopt;
}

} // namespace synfate
