#include "platform/linux/routing/ipsec.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <sys/socket.h>

#include "platform/linux/kernel_module.h"

namespace synfate::linux_routing {
namespace {

constexpr const char* doing = "reading the policies of IPsec";

IpAddress address_of(const xfrm_address_t& address, bool v6) {
  const auto bytes = std::as_bytes(std::span(&address, 1));
  return IpAddress::from_bytes(bytes.first(v6 ? 16 : 4)).value();
}

Fact<Int> unless_zero(Int number) {
  if (number == 0)
    return Absent{};
  return number;
}

/// xfrm_policy_id2dir(): what a socket has set for itself follows the three of the host.
Fact<Text> direction_text(std::uint32_t index) {
  constexpr std::array<const char*, 6> names{"in",        "out",        "fwd",
                                             "socket_in", "socket_out", "socket_fwd"};
  const auto direction = index & 7U;
  return Text(direction < names.size() ? names[direction] : "unknown");
}

void set_selector(IpsecPolicy& row, const xfrm_selector& selector) {
  const bool v6 = selector.family == AF_INET6;
  row.family = Text(v6 ? "ip6" : "ip");
  row.source = address_of(selector.saddr, v6);
  row.source_length = Int(selector.prefixlen_s);
  row.destination = address_of(selector.daddr, v6);
  row.destination_length = Int(selector.prefixlen_d);
  row.proto = unless_zero(selector.proto);
  row.source_port_mask = unless_zero(ntohs(selector.sport_mask));
  if (selector.sport_mask != 0)
    row.source_port = Int(ntohs(selector.sport));
  row.destination_port_mask = unless_zero(ntohs(selector.dport_mask));
  if (selector.dport_mask != 0)
    row.destination_port = Int(ntohs(selector.dport));
  row.interface_index = unless_zero(selector.ifindex);
}

void set_templates(IpsecPolicy& row, netlink::ByteView bytes) {
  Int count = 0;
  Int required = 0;
  for (; bytes.size() >= sizeof(xfrm_user_tmpl); bytes = bytes.subspan(sizeof(xfrm_user_tmpl))) {
    ++count;
    required += netlink::read_as<xfrm_user_tmpl>(bytes)->optional == 0 ? 1 : 0;
  }
  row.templates = count;
  row.required = required;
}

/// A socket; nothing where there is no IPsec to ask.
Result<std::optional<netlink::Socket>> open(const std::string& root) {
  if (module_waits(root, "xfrm_user")) // PF_KEY is the other way to set policies
    return std::optional<netlink::Socket>();
  auto socket = netlink::Socket::open(NETLINK_XFRM);
  if (!socket && socket.error().code == ErrorCode::unsupported)
    return std::optional<netlink::Socket>();
  if (!socket)
    return socket.error();
  return std::optional(std::move(socket).value());
}

Fact<Text> default_text(std::uint8_t action) {
  return Text(action == XFRM_USERPOLICY_BLOCK ? "block" : "allow");
}

} // namespace

Result<IpsecPolicy> decode_ipsec_policy(const netlink::Message& message, Int netns) {
  const auto info = message.header<xfrm_userpolicy_info>();
  if (!info)
    return Error{ErrorCode::damaged, doing, "netlink", 0, "a message is too short", {}};
  IpsecPolicy row;
  row.netns = netns;
  row.direction = direction_text(info->index);
  row.index = Int(info->index);
  row.priority = Int(info->priority);
  row.action = Text(info->action == XFRM_POLICY_ALLOW ? "allow" : "block");
  row.sub = false;
  set_selector(row, info->sel);
  set_templates(row, {});
  for (const auto& attribute : message.attributes(sizeof(xfrm_userpolicy_info))) {
    if (attribute.type == XFRMA_TMPL)
      set_templates(row, attribute.payload);
    if (attribute.type == XFRMA_IF_ID)
      row.if_id = unless_zero(attribute.as<std::uint32_t>().value_or(0));
    const auto type = attribute.as<xfrm_userpolicy_type>();
    if (attribute.type == XFRMA_POLICY_TYPE && type)
      row.sub = type->type == XFRM_POLICY_TYPE_SUB;
    const auto mark = attribute.as<xfrm_mark>();
    if (attribute.type == XFRMA_MARK && mark && (mark->m != 0 || mark->v != 0)) {
      row.mark = Int(mark->v);
      row.mark_mask = Int(mark->m);
    }
  }
  return row;
}

Result<std::vector<IpsecPolicy>> read_ipsec_policies(Int netns, const std::string& root) {
  std::vector<IpsecPolicy> rows;
  SYNFATE_TRY(socket, open(root));
  if (!socket)
    return rows;
  Status decoded = Done{};
  netlink::Request request(XFRM_MSG_GETPOLICY, NLM_F_DUMP);
  request.append(xfrm_userpolicy_id{});
  const auto done = socket->exchange(request, doing, [&](const netlink::Message& message) {
    if (message.type != XFRM_MSG_NEWPOLICY)
      return true;
    auto row = decode_ipsec_policy(message, netns);
    if (row)
      rows.push_back(std::move(row).value());
    else
      decoded = row.error();
    return true;
  });
  if (!done)
    return done.error();
  if (!decoded)
    return decoded.error();
  std::ranges::reverse(rows);
  Int position = 0;
  for (auto& row : rows)
    row.position = position++;
  return rows;
}

Result<std::optional<Ipsec>> read_ipsec(Int netns, const std::string& root) {
  SYNFATE_TRY(socket, open(root));
  if (!socket)
    return std::optional<Ipsec>();
  Ipsec row;
  row.netns = netns;
  row.default_in = row.default_out = row.default_forward = Text("allow");
  netlink::Request defaults(XFRM_MSG_GETDEFAULT, 0);
  defaults.append(xfrm_userpolicy_default{});
  const auto told = socket->exchange(defaults, doing, [&](const netlink::Message& message) {
    if (const auto head = message.header<xfrm_userpolicy_default>();
        head && message.type == XFRM_MSG_GETDEFAULT) {
      row.default_in = default_text(head->in);
      row.default_out = default_text(head->out);
      row.default_forward = default_text(head->fwd);
    }
    return true;
  });
  if (!told && told.error().os_error != EINVAL) // before Linux 5.14 it is always allow
    return told.error();
  netlink::Request counts(XFRM_MSG_GETSADINFO, 0);
  counts.append(std::uint32_t{0});
  const auto counted = socket->exchange(counts, doing, [&](const netlink::Message& message) {
    if (message.type != XFRM_MSG_NEWSADINFO)
      return true;
    if (const auto count = message.attributes(sizeof(std::uint32_t)).find(XFRMA_SAD_CNT))
      row.associations = Int(count->as<std::uint32_t>().value_or(0));
    return true;
  });
  if (!counted)
    return counted.error();
  return std::optional(std::move(row));
}

} // namespace synfate::linux_routing
