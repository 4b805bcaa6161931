// The messages of nf_tables: `struct nfgenmsg` (family, version, resource id) and attributes.
//
//   02 00 00 00 | 0b 00 01 00 "filter\0" | 0a 00 03 00 "input\0" …   NFT_MSG_NEWRULE, family ip
#include <algorithm>
#include <bit>
#include <cstring>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_arp.h>

#include "platform/linux/netfilter/attributes.h"
#include "platform/linux/netfilter/decode.h"
#include "platform/linux/netfilter/read_nft.h"

namespace synfate {
namespace {

constexpr ByteOrder this_machine =
    std::endian::native == std::endian::little ? ByteOrder::little : ByteOrder::big;
constexpr std::uint16_t device_prefix = 2; // NFTA_DEVICE_PREFIX, Linux 6.16

struct Opened {
  std::string family;
  Attributes attributes;
};

/// The family and attributes if the message is of that kind.
std::optional<Opened> opened(const netlink::Message& message, unsigned kind) {
  if (message.type != (NFNL_SUBSYS_NFTABLES << 8 | kind))
    return std::nullopt;
  const auto header = message.header<nfgenmsg>();
  if (!header)
    return std::nullopt;
  const auto rest = message.payload.subspan(sizeof(nfgenmsg));
  const std::string_view bytes(reinterpret_cast<const char*>(rest.data()), rest.size());
  return Opened{std::string(nft_family_name(header->nfgen_family)),
                Attributes(bytes, this_machine)};
}

Fact<Text> text(const Attributes& from, std::uint16_t type) {
  if (!from.has(type))
    return Absent{};
  return from.text(type);
}

Fact<Int> number(const Attributes& from, std::uint16_t type) {
  const auto value = from.number(type);
  if (!value)
    return Absent{};
  return static_cast<Int>(*value);
}

Fact<Bytes> bytes(const Attributes& from, std::uint16_t type) {
  if (!from.has(type))
    return Absent{};
  return Bytes{from.bytes(type)};
}

std::string_view hook_name(const std::string& family, std::uint64_t hook) {
  static constexpr std::string_view inet[] = {"prerouting", "input",       "forward",
                                              "output",     "postrouting", "ingress"};
  static constexpr std::string_view netdev[] = {"ingress", "egress"};
  static constexpr std::string_view arp[] = {"input", "output", "forward"};
  if (family == "netdev")
    return hook < std::size(netdev) ? netdev[hook] : std::string_view("unknown");
  if (family == "arp")
    return hook < std::size(arp) ? arp[hook] : std::string_view("unknown");
  return hook < std::size(inet) ? inet[hook] : std::string_view("unknown");
}

/// NFTA_HOOK_DEV, or the names in NFTA_HOOK_DEVS.
std::string devices_of(const Attributes& hook, std::uint16_t one, std::uint16_t many) {
  std::string devices = one != 0 ? hook.text(one) : std::string();
  auto list = hook.view(many);
  std::string all;
  while (const auto device = next_attribute(list, this_machine)) {
    if (!all.empty())
      all += ' ';
    all += device->payload.substr(0, device->payload.find('\0'));
    if (device->type == device_prefix)
      all += '*';
  }
  return all.empty() ? devices : all;
}

std::string_view object_kind(std::uint64_t type) {
  static constexpr std::string_view kinds[] = {"",        "counter",        "quota",   "ct helper",
                                               "limit",   "ct count",       "tunnel",  "ct timeout",
                                               "secmark", "ct expectation", "synproxy"};
  return type < std::size(kinds) ? kinds[type] : std::string_view("unknown");
}

/// The lengths of concatenated fields, from NFTA_SET_DESC_CONCAT.
Fact<Bytes> fields_of(std::string_view description) {
  const Attributes from(description, this_machine);
  auto list = from.view(NFTA_SET_DESC_CONCAT);
  Bytes lengths;
  while (const auto field = next_attribute(list, this_machine)) {
    const Attributes inner(field->payload, this_machine);
    lengths.data += static_cast<char>(inner.number_or(NFTA_SET_FIELD_LEN, 0));
  }
  if (lengths.data.empty())
    return Absent{};
  return lengths;
}

/// NFTA_SET_ELEM_EXPR holds one expression, NFTA_SET_ELEM_EXPRESSIONS a list: always as a list.
Fact<Bytes> element_expressions(const Attributes& from) {
  if (from.has(NFTA_SET_ELEM_EXPRESSIONS))
    return bytes(from, NFTA_SET_ELEM_EXPRESSIONS);
  const auto one = from.view(NFTA_SET_ELEM_EXPR);
  if (one.data() == nullptr)
    return Absent{};
  const auto length = static_cast<std::uint16_t>(one.size() + 4);
  const auto type = static_cast<std::uint16_t>(NFTA_LIST_ELEM);
  std::string list(4, '\0');
  std::memcpy(list.data(), &length, 2);
  std::memcpy(list.data() + 2, &type, 2);
  list += one;
  return Bytes{list};
}

NftElement element_of(std::string_view payload) {
  const Attributes from(payload, this_machine);
  const auto flags = from.number_or(NFTA_SET_ELEM_FLAGS, 0);
  NftElement element;
  element.key = Bytes{nft::decode_data(from.view(NFTA_SET_ELEM_KEY), this_machine).value};
  element.interval_end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0;
  element.catchall = (flags & 2) != 0;  // NFT_SET_ELEM_CATCHALL
  constexpr std::uint16_t key_end = 10; // NFTA_SET_ELEM_KEY_END
  if (from.has(key_end))
    element.key_end = Bytes{nft::decode_data(from.view(key_end), this_machine).value};
  element.data = bytes(from, NFTA_SET_ELEM_DATA);
  element.object = text(from, NFTA_SET_ELEM_OBJREF);
  element.expires = number(from, NFTA_SET_ELEM_EXPIRATION);
  element.expressions = element_expressions(from);
  if (auto comment = nft::decode_comment(from.view(NFTA_SET_ELEM_USERDATA)); !comment.empty())
    element.comment = std::move(comment);
  return element;
}

} // namespace

std::string_view nft_family_name(unsigned family) {
  switch (family) {
  case NFPROTO_INET:
    return "inet";
  case NFPROTO_IPV4:
    return "ip";
  case NFPROTO_ARP:
    return "arp";
  case NFPROTO_NETDEV:
    return "netdev";
  case NFPROTO_BRIDGE:
    return "bridge";
  case NFPROTO_IPV6:
    return "ip6";
  default:
    return "";
  }
}

std::optional<std::uint8_t> nft_family_number(std::string_view name) {
  for (const unsigned family :
       {NFPROTO_INET, NFPROTO_IPV4, NFPROTO_ARP, NFPROTO_NETDEV, NFPROTO_BRIDGE, NFPROTO_IPV6})
    if (nft_family_name(family) == name)
      return static_cast<std::uint8_t>(family);
  return std::nullopt;
}

std::optional<NftTable> parse_nft_table(const netlink::Message& message) {
  const auto in = opened(message, NFT_MSG_NEWTABLE);
  if (!in)
    return std::nullopt;
  const auto& from = in->attributes;
  const auto flags = from.number_or(NFTA_TABLE_FLAGS, 0);
  NftTable table;
  table.family = in->family;
  table.name = text(from, NFTA_TABLE_NAME);
  table.handle = number(from, NFTA_TABLE_HANDLE);
  table.dormant = (flags & NFT_TABLE_F_DORMANT) != 0;
  table.owned = (flags & 2) != 0; // NFT_TABLE_F_OWNER
  return table;
}

std::optional<NftChain> parse_nft_chain(const netlink::Message& message) {
  const auto in = opened(message, NFT_MSG_NEWCHAIN);
  if (!in)
    return std::nullopt;
  const auto& from = in->attributes;
  NftChain chain;
  chain.family = in->family;
  chain.table = text(from, NFTA_CHAIN_TABLE);
  chain.name = text(from, NFTA_CHAIN_NAME);
  chain.handle = number(from, NFTA_CHAIN_HANDLE);
  chain.rules = number(from, NFTA_CHAIN_USE);
  if (!from.has(NFTA_CHAIN_HOOK))
    return chain;
  const Attributes hook(from.view(NFTA_CHAIN_HOOK), this_machine);
  chain.type = text(from, NFTA_CHAIN_TYPE);
  chain.hook = std::string(hook_name(in->family, hook.number_or(NFTA_HOOK_HOOKNUM, 99)));
  chain.priority = static_cast<std::int32_t>(hook.number_or(NFTA_HOOK_PRIORITY, 0));
  chain.policy = Text(from.number_or(NFTA_CHAIN_POLICY, NF_ACCEPT) == NF_DROP ? "drop" : "accept");
  if (auto devices = devices_of(hook, NFTA_HOOK_DEV, 4); !devices.empty()) // NFTA_HOOK_DEVS
    chain.devices = std::move(devices);
  return chain;
}

std::optional<NftRule> parse_nft_rule(const netlink::Message& message) {
  const auto in = opened(message, NFT_MSG_NEWRULE);
  if (!in)
    return std::nullopt;
  const auto& from = in->attributes;
  NftRule rule;
  rule.family = in->family;
  rule.table = text(from, NFTA_RULE_TABLE);
  rule.chain = text(from, NFTA_RULE_CHAIN);
  rule.handle = number(from, NFTA_RULE_HANDLE);
  rule.expressions = Bytes{from.bytes(NFTA_RULE_EXPRESSIONS)};
  if (auto comment = nft::decode_comment(from.view(NFTA_RULE_USERDATA)); !comment.empty())
    rule.comment = std::move(comment);
  return rule;
}

std::optional<NftSet> parse_nft_set(const netlink::Message& message) {
  const auto in = opened(message, NFT_MSG_NEWSET);
  if (!in)
    return std::nullopt;
  const auto& from = in->attributes;
  NftSet set;
  set.family = in->family;
  set.table = text(from, NFTA_SET_TABLE);
  set.name = text(from, NFTA_SET_NAME);
  set.handle = number(from, NFTA_SET_HANDLE);
  set.flags = static_cast<Int>(from.number_or(NFTA_SET_FLAGS, 0));
  set.key_type = number(from, NFTA_SET_KEY_TYPE);
  set.key_length = number(from, NFTA_SET_KEY_LEN);
  set.data_type = number(from, NFTA_SET_DATA_TYPE);
  set.data_length = number(from, NFTA_SET_DATA_LEN);
  set.object_type = number(from, NFTA_SET_OBJ_TYPE);
  set.timeout = number(from, NFTA_SET_TIMEOUT);
  const auto description = from.view(NFTA_SET_DESC);
  set.size = number(Attributes(description, this_machine), NFTA_SET_DESC_SIZE);
  set.fields = fields_of(description);
  set.userdata = bytes(from, NFTA_SET_USERDATA);
  return set;
}

std::vector<NftElement> parse_nft_elements(const netlink::Message& message) {
  std::vector<NftElement> elements;
  const auto in = opened(message, NFT_MSG_NEWSETELEM);
  if (!in)
    return elements;
  auto list = in->attributes.view(NFTA_SET_ELEM_LIST_ELEMENTS);
  while (const auto item = next_attribute(list, this_machine)) {
    NftElement element = element_of(item->payload);
    element.family = in->family;
    element.table = text(in->attributes, NFTA_SET_ELEM_LIST_TABLE);
    element.set = text(in->attributes, NFTA_SET_ELEM_LIST_SET);
    elements.push_back(std::move(element));
  }
  return elements;
}

std::optional<NftSetDump> parse_nft_set_dump(const netlink::Message& message) {
  const auto in = opened(message, NFT_MSG_NEWSETELEM);
  if (!in)
    return std::nullopt;
  NftSetDump part;
  part.family = in->family;
  part.table = text(in->attributes, NFTA_SET_ELEM_LIST_TABLE);
  part.set = text(in->attributes, NFTA_SET_ELEM_LIST_SET);
  part.elements = Bytes{in->attributes.bytes(NFTA_SET_ELEM_LIST_ELEMENTS)};
  return part;
}

std::optional<NftObject> parse_nft_object(const netlink::Message& message) {
  const auto in = opened(message, NFT_MSG_NEWOBJ);
  if (!in)
    return std::nullopt;
  const auto& from = in->attributes;
  NftObject object;
  object.family = in->family;
  object.table = text(from, NFTA_OBJ_TABLE);
  object.name = text(from, NFTA_OBJ_NAME);
  object.type = number(from, NFTA_OBJ_TYPE);
  object.kind = std::string(object_kind(from.number_or(NFTA_OBJ_TYPE, 99)));
  object.handle = number(from, NFTA_OBJ_HANDLE);
  object.data = bytes(from, NFTA_OBJ_DATA);
  return object;
}

std::optional<NftFlowtable> parse_nft_flowtable(const netlink::Message& message) {
  const auto in = opened(message, NFT_MSG_NEWFLOWTABLE);
  if (!in)
    return std::nullopt;
  const auto& from = in->attributes;
  const Attributes hook(from.view(NFTA_FLOWTABLE_HOOK), this_machine);
  NftFlowtable table;
  table.family = in->family;
  table.table = text(from, NFTA_FLOWTABLE_TABLE);
  table.name = text(from, NFTA_FLOWTABLE_NAME);
  table.handle = number(from, NFTA_FLOWTABLE_HANDLE);
  table.priority = static_cast<std::int32_t>(hook.number_or(NFTA_FLOWTABLE_HOOK_PRIORITY, 0));
  table.devices = devices_of(hook, 0, NFTA_FLOWTABLE_HOOK_DEVS);
  return table;
}

std::optional<NftGeneration> parse_nft_generation(const netlink::Message& message) {
  const auto in = opened(message, NFT_MSG_NEWGEN);
  if (!in)
    return std::nullopt;
  NftGeneration generation;
  generation.generation = number(in->attributes, NFTA_GEN_ID);
  return generation;
}

} // namespace synfate
