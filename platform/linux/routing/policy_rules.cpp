#include "platform/linux/routing/policy_rules.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace synfate::linux_routing {
namespace {

constexpr unsigned fra_dscp = 25; // FRA_DSCP, Linux 6.12; newer than the headers we build with
constexpr std::array understood{unsigned(FRA_DST),
                                unsigned(FRA_SRC),
                                unsigned(FRA_IIFNAME),
                                unsigned(FRA_GOTO),
                                unsigned(FRA_PRIORITY),
                                unsigned(FRA_FWMARK),
                                unsigned(FRA_FLOW),
                                unsigned(FRA_TABLE),
                                unsigned(FRA_FWMASK),
                                unsigned(FRA_OIFNAME),
                                unsigned(FRA_PAD),
                                unsigned(FRA_L3MDEV),
                                unsigned(FRA_UID_RANGE),
                                unsigned(FRA_PROTOCOL),
                                unsigned(FRA_IP_PROTO),
                                unsigned(FRA_SPORT_RANGE),
                                unsigned(FRA_DPORT_RANGE),
                                unsigned(FRA_SUPPRESS_IFGROUP),
                                unsigned(FRA_SUPPRESS_PREFIXLEN),
                                fra_dscp};

template <typename T> Fact<Int> number(const std::optional<T>& value) {
  if (!value)
    return Absent{};
  return Int(*value);
}

Fact<Text> text(const std::optional<std::string>& value) {
  if (!value)
    return Absent{};
  return *value;
}

/// A pair of numbers: fib_rule_port_range, fib_rule_uid_range.
template <typename T>
void set_range(const std::optional<ByteSpan>& bytes, Fact<Int>& first, Fact<Int>& last) {
  std::array<T, 2> range;
  if (!bytes || bytes->size() < sizeof range)
    return;
  std::copy_n(bytes->data(), sizeof range, reinterpret_cast<std::byte*>(range.data()));
  first = Int(range[0]);
  last = Int(range[1]);
}

Fact<Text> action_text(std::uint8_t action) {
  switch (action) {
  case FR_ACT_TO_TBL:
    return Text("table");
  case FR_ACT_GOTO:
    return Text("goto");
  case FR_ACT_NOP:
    return Text("nop");
  case FR_ACT_BLACKHOLE:
    return Text("blackhole");
  case FR_ACT_UNREACHABLE:
    return Text("unreachable");
  case FR_ACT_PROHIBIT:
    return Text("prohibit");
  default:
    return Text(std::to_string(action));
  }
}

void set_addresses(PolicyRule& row, const fib_rule_hdr& head, const Attributes& attributes) {
  const auto family = head.family == AF_INET ? IpFamily::v4 : IpFamily::v6;
  if (head.src_len != 0) {
    row.from = attributes.address(FRA_SRC).value_or(IpAddress::any(family));
    row.from_length = Int(head.src_len);
  }
  if (head.dst_len != 0) {
    row.to = attributes.address(FRA_DST).value_or(IpAddress::any(family));
    row.to_length = Int(head.dst_len);
  }
}

void set_selectors(PolicyRule& row, const fib_rule_hdr& head, const Attributes& attributes) {
  row.input_interface = text(attributes.text(FRA_IIFNAME));
  row.input_detached = (head.flags & FIB_RULE_IIF_DETACHED) != 0;
  row.output_interface = text(attributes.text(FRA_OIFNAME));
  row.output_detached = (head.flags & FIB_RULE_OIF_DETACHED) != 0;
  // fib_nl_fill_rule() leaves out a mark of 0; the mask is there whenever one of both is not 0.
  if (const auto mask = attributes.u32(FRA_FWMASK)) {
    row.mark = Int(attributes.u32(FRA_FWMARK).value_or(0));
    row.mark_mask = Int(*mask);
  }
  if (head.tos != 0)
    row.tos = Int(head.tos);
  row.dscp = number(attributes.u8(fra_dscp));
  row.ip_proto = number(attributes.u8(FRA_IP_PROTO));
  set_range<std::uint16_t>(attributes.find(FRA_SPORT_RANGE), row.source_port_first,
                           row.source_port_last);
  set_range<std::uint16_t>(attributes.find(FRA_DPORT_RANGE), row.destination_port_first,
                           row.destination_port_last);
  set_range<std::uint32_t>(attributes.find(FRA_UID_RANGE), row.uid_first, row.uid_last);
  row.l3mdev = attributes.u8(FRA_L3MDEV).value_or(0) != 0;
}

Fact<Text> unknown_selectors(const Attributes& attributes) {
  std::string names;
  for (const unsigned type : attributes.types())
    if (std::ranges::find(understood, type) == understood.end())
      names += fmt::format("{}{}", names.empty() ? "" : ",", type);
  if (names.empty())
    return Absent{};
  return names;
}

} // namespace

Result<PolicyRule> decode_policy_rule(const Message& message, Int netns, Int position) {
  SYNFATE_TRY(attributes, message.attributes(sizeof(fib_rule_hdr)));
  const auto head = message.head<fib_rule_hdr>().value();
  PolicyRule row;
  row.netns = netns;
  row.family = Text(head.family == AF_INET ? "ip" : "ip6");
  row.position = position;
  row.priority = Int(attributes.u32(FRA_PRIORITY).value_or(0));
  row.action = action_text(head.action);
  if (head.action == FR_ACT_TO_TBL)
    row.table = Int(attributes.u32(FRA_TABLE).value_or(head.table));
  row.go_to = number(attributes.u32(FRA_GOTO));
  row.inverted = (head.flags & FIB_RULE_INVERT) != 0;
  set_addresses(row, head, attributes);
  set_selectors(row, head, attributes);
  // -1 (all bits) means: do not suppress.
  if (const auto length = attributes.u32(FRA_SUPPRESS_PREFIXLEN); length && *length != ~0U)
    row.suppress_prefix_length = Int(*length);
  row.suppress_group = number(attributes.u32(FRA_SUPPRESS_IFGROUP));
  row.realm = number(attributes.u32(FRA_FLOW));
  row.origin = number(attributes.u8(FRA_PROTOCOL));
  row.more = unknown_selectors(attributes);
  return row;
}

Result<std::vector<PolicyRule>> read_policy_rules(RouteSocket& socket, Int netns) {
  std::vector<PolicyRule> rules;
  for (const unsigned char family : {AF_INET, AF_INET6}) {
    Int position = 0;
    const auto add = [&](const Message& message) -> Status {
      const auto head = message.head<fib_rule_hdr>();
      if (message.type != RTM_NEWRULE || !head || head->family != family)
        return Done{};
      SYNFATE_TRY(rule, decode_policy_rule(message, netns, position++));
      rules.push_back(std::move(rule));
      return Done{};
    };
    fib_rule_hdr head{};
    head.family = family;
    const auto done = socket.dump(RTM_GETRULE, RequestBytes(head), add);
    // Without this family, or without policy routing, there are no rules to read.
    if (!done && done.error().os_error != EAFNOSUPPORT && done.error().os_error != EOPNOTSUPP)
      return done.error();
  }
  return rules;
}

} // namespace synfate::linux_routing
