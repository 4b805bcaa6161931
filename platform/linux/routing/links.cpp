#include "platform/linux/routing/links.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

namespace synfate::linux_routing {
namespace {

constexpr unsigned lower_up = 1U << 16; // IFF_LOWER_UP of linux/if.h, which clashes with net/if.h

/// RFC 2863 states by number, as enum in linux/if.h (IF_OPER_UNKNOWN …).
Fact<Text> operational_state(std::optional<std::uint8_t> state) {
  static constexpr std::array names{"unknown", "notpresent", "down", "lowerlayerdown",
                                    "testing", "dormant",    "up"};
  if (!state)
    return Absent{};
  return Text(*state < names.size() ? names[*state] : "unknown");
}

template <typename T> Fact<Int> number(std::optional<T> value) {
  if (!value)
    return Absent{};
  return Int(*value);
}

/// The kernel reports IFLA_XDP_PROG_ID for one program, and one attribute per mode when programs
/// are attached in several modes at once (net/core/rtnetlink.c: rtnl_xdp_fill()).
Fact<Int> xdp_program(const Attributes& xdp) {
  for (const unsigned type :
       {IFLA_XDP_PROG_ID, IFLA_XDP_DRV_PROG_ID, IFLA_XDP_SKB_PROG_ID, IFLA_XDP_HW_PROG_ID})
    if (const auto id = xdp.u32(type); id && *id != 0)
      return Int(*id);
  return Absent{};
}

Fact<bool> flag(std::optional<std::uint8_t> value) {
  if (!value)
    return Absent{};
  return *value != 0;
}

Fact<Text> text_fact(std::optional<std::string> text) {
  if (!text)
    return Absent{};
  return std::move(*text);
}

} // namespace

std::string hardware_address_text(ByteSpan bytes) {
  std::string text;
  for (const std::byte byte : bytes)
    text += fmt::format("{}{:02x}", text.empty() ? "" : ":", std::to_integer<unsigned>(byte));
  return text;
}

/// Of IFLA_INFO_DATA: the UDP port that a link's tunnel listens on, in network order
/// (vxlan_fill_info(), geneve_fill_info(), bareudp_fill_info(); Linux 6.12).
std::optional<int> port_attribute(std::string_view kind) {
  return kind == "vxlan"     ? std::optional<int>(IFLA_VXLAN_PORT)
         : kind == "geneve"  ? std::optional<int>(IFLA_GENEVE_PORT)
         : kind == "bareudp" ? std::optional<int>(IFLA_BAREUDP_PORT)
                             : std::nullopt;
}

/// Of IFLA_INFO_DATA: who hears what a macvlan sends; drivers/net/macvlan.c:
/// macvlan_fill_info(), Linux 6.12.
Fact<Text> macvlan_mode(const Attributes& data) {
  static constexpr std::array<std::pair<unsigned, const char*>, 5> names{
      {{MACVLAN_MODE_PRIVATE, "private"},
       {MACVLAN_MODE_VEPA, "vepa"},
       {MACVLAN_MODE_BRIDGE, "bridge"},
       {MACVLAN_MODE_PASSTHRU, "passthru"},
       {MACVLAN_MODE_SOURCE, "source"}}};
  const auto mode = data.u32(IFLA_MACVLAN_MODE);
  const auto known =
      std::ranges::find(names, mode.value_or(0), [](auto& name) { return name.first; });
  if (known == names.end())
    return Absent{};
  return Text(known->second);
}

/// include/uapi/linux/if_bridge.h: BR_STATE_DISABLED …, Linux 6.12.
Fact<Text> port_state(std::optional<std::uint8_t> state) {
  static constexpr std::array<const char*, 5> names{"disabled", "listening", "learning",
                                                    "forwarding", "blocking"};
  if (!state || *state >= names.size())
    return Absent{};
  return Text(names[*state]);
}

Result<Interface> decode_link(const Message& message, Int netns) {
  SYNFATE_TRY(attributes, message.attributes(sizeof(ifinfomsg)));
  const auto head = message.head<ifinfomsg>().value();
  SYNFATE_TRY(kind, attributes.nested(IFLA_LINKINFO));
  SYNFATE_TRY(xdp, attributes.nested(IFLA_XDP));
  Interface link;
  link.netns = netns;
  link.index = Int(head.ifi_index);
  link.name = text_fact(attributes.text(IFLA_IFNAME));
  link.kind = text_fact(kind.text(IFLA_INFO_KIND));
  link.up = (head.ifi_flags & IFF_UP) != 0;
  link.carrier = (head.ifi_flags & lower_up) != 0;
  link.operational_state = operational_state(attributes.u8(IFLA_OPERSTATE));
  link.loopback = (head.ifi_flags & IFF_LOOPBACK) != 0;
  link.mtu = number(attributes.u32(IFLA_MTU));
  if (const auto address = attributes.find(IFLA_ADDRESS))
    link.hardware_address = hardware_address_text(*address);
  link.hardware_type = Int(head.ifi_type);
  link.group = number(attributes.u32(IFLA_GROUP));
  link.master_index = number(attributes.u32(IFLA_MASTER));
  link.link_index = number(attributes.u32(IFLA_LINK));
  link.link_netns_id = number(attributes.s32(IFLA_LINK_NETNSID));
  link.xdp_program = xdp_program(xdp);
  link.promiscuity = number(attributes.u32(IFLA_PROMISCUITY));
  link.no_arp = (head.ifi_flags & IFF_NOARP) != 0;
  if (kind.text(IFLA_INFO_SLAVE_KIND) == "bridge") {
    SYNFATE_TRY(port, kind.nested(IFLA_INFO_SLAVE_DATA));
    link.hairpin = flag(port.u8(IFLA_BRPORT_MODE));
    link.isolated = flag(port.u8(IFLA_BRPORT_ISOLATED));
    link.port_state = port_state(port.u8(IFLA_BRPORT_STATE));
  }
  if (link.kind.is("macvlan") || link.kind.is("macvtap")) {
    SYNFATE_TRY(data, kind.nested(IFLA_INFO_DATA));
    link.macvlan_mode = macvlan_mode(data);
  }
  if (const auto attribute = port_attribute(link.kind.value_or(""))) {
    SYNFATE_TRY(data, kind.nested(IFLA_INFO_DATA));
    if (const auto port = data.find(*attribute); port && port->size() == 2)
      link.udp_port = std::to_integer<Int>((*port)[0]) << 8 | std::to_integer<Int>((*port)[1]);
  }
  return link;
}

Result<std::vector<Interface>> read_links(RouteSocket& socket, Int netns,
                                          std::optional<Int> index) {
  std::vector<Interface> links;
  const auto add = [&](const Message& message) -> Status {
    if (message.type != RTM_NEWLINK)
      return Done{};
    SYNFATE_TRY(link, decode_link(message, netns));
    links.push_back(std::move(link));
    return Done{};
  };
  ifinfomsg head{};
  head.ifi_index = static_cast<int>(index.value_or(0));
  const auto request = RequestBytes(head).attribute_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  if (!index) {
    SYNFATE_TRY(done, socket.dump(RTM_GETLINK, request, add));
    (void)done;
    return links;
  }
  SYNFATE_TRY(answer, socket.ask(RTM_GETLINK, request, add));
  if (answer.error != 0 && answer.error != ENODEV)
    return Error{.code = ErrorCode::system,
                 .doing = "reading a network interface",
                 .where = fmt::format("index {}", *index),
                 .os_error = answer.error,
                 .detail = answer.detail,
                 .hint = {}};
  return links;
}

InterfaceNames names_of(const std::vector<Interface>& links) {
  InterfaceNames names;
  for (const auto& link : links)
    if (link.name.known())
      names[link.index.value()] = link.name.value();
  return names;
}

} // namespace synfate::linux_routing
