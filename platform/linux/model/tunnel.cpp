#include "platform/linux/model/tunnel.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "platform/linux/model/link_exchange.h"
#include "platform/linux/model/packets.h"

namespace synfate {
namespace {

constexpr std::array<std::string_view, 17> kinds{
    "vxlan",     "geneve",    "gre",       "gretap",  "erspan", "ipip", "sit", "ip6tnl", "ip6gre",
    "ip6gretap", "ip6erspan", "wireguard", "bareudp", "fou",    "l2tp", "vti", "vti6"};

} // namespace

void take_for_carried(Walk& walk, Journey& journey, Int netns, const Interface& device) {
  const std::string kind = device.kind.value_or("");
  // Asked as for IPv6, whose neighbours the rules of IP see as well.
  if (std::ranges::find(kinds, kind) == kinds.end() || !meets_rules(walk, netns, IpFamily::v6))
    return;
  assume(journey, fmt::format("no rule stops what carries the packets of {} ({})",
                              device.name.value_or("?"), kind));
}

} // namespace synfate
