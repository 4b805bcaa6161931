#include "platform/linux/model/hop_limit.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/next_hop.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/way_back.h"

namespace synfate {
namespace {

/// Ways through the Internet have fewer routers.
constexpr int enough = 32;

std::string own_setting(Walk& walk, Int netns, Int device, IpFamily family) {
  if (family == IpFamily::v4)
    return "net.ipv4.ip_default_ttl";
  const auto out = ask_interface(walk.inquiry, netns, device);
  return out ? fmt::format("net.ipv6.conf.{}.hop_limit", out->name.value_or("?")) : "";
}

/// How a packet fares that a router may have to hand on.
enum class Way : std::uint8_t { there, on, unseen, given_up };

struct Place {
  Int netns = 0;
  Interface out;
  IpAddress hop;
};

/// What the next hop does with a packet that has come with so many hops left; `at` moves on.
Way pass_router(Walk& walk, Place& at, const IpAddress& to, const std::optional<IpAddress>& from,
                int left) {
  const auto found = find_next_hop(walk, at.netns, at.out, at.hop, from);
  if (found.kind != NextHop::Kind::there)
    return found.kind == NextHop::Kind::beyond ? Way::unseen : Way::there; // told elsewhere
  RouteQuestion question;
  question.destination = to;
  question.source = from;
  question.input_interface = found.interface.index.value_or(0);
  const auto answer = ask_route(walk.inquiry, found.netns, question);
  if (!answer || !answer->error.is(0) || !answer->type.is("unicast"))
    return Way::there;
  const auto out = ask_interface(walk.inquiry, found.netns, answer->interface_index.value_or(0));
  if (left <= 1)
    return Way::given_up;
  if (!out)
    return Way::unseen;
  at = {found.netns, *out, answer->gateway.known() ? answer->gateway.value() : to};
  return Way::on;
}

Stop used_up(Walk& walk, const Journey& journey, const IpAddress& to, int sent_with, Int device) {
  const auto setting = own_setting(walk, journey.netns, device, to.family());
  const auto is_own = ask_number(walk.inquiry, journey.netns, setting) == sent_with;
  Stop stop = sent_astray(
      journey,
      is_own ? std::optional(Culprit{"sysctl", setting, fmt::format("{} = {}", setting, sent_with)})
             : std::nullopt,
      fmt::format("its {} of {} is used up before the answer is with {}",
                  to.is_v4() ? "TTL" : "hop limit", sent_with, to.to_string()));
  stop.stage = Stage::reply_route;
  return stop;
}

} // namespace

void set_own_hops(Walk& walk, Int netns, Int device, PacketClass& packet) {
  const auto setting = own_setting(walk, netns, device, packet.family);
  if (setting.empty())
    return;
  if (const auto hops = ask_number(walk.inquiry, netns, setting))
    hops_of(packet) = Octet::of(static_cast<std::uint8_t>(*hops));
}

bool has_no_hop_left(const PacketClass& packet) {
  const Octet left = hops_of(packet);
  return left.is_known() && left.value <= 1;
}

void count_hops_to_client(Walk& walk, Journey& journey, const Interface& device,
                          const IpAddress& to) {
  const Octet hops = hops_of(journey.packet);
  if (journey.stopped() || !hops.is_known() || hops.value >= enough || journey.next_hop == to ||
      journey.next_hop == on_link)
    return;
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  Place at{journey.netns, device, journey.next_hop};
  for (int left = hops.value; left >= 0; --left) {
    const Way way = at.hop == to ? Way::there : pass_router(walk, at, to, from, left);
    if (walk.inquiry.pending() || way == Way::there)
      return;
    if (way == Way::on)
      continue;
    if (way == Way::unseen && left > 1)
      return assume(journey,
                    fmt::format("the client is no more than {} routers away", hops.value - 1));
    if (way == Way::unseen || walk.classes != nullptr) // the router may be a client itself
      journey.certainty = std::max(journey.certainty, Certainty::likely);
    return add_stop(journey, used_up(walk, journey, to, hops.value, device.index.value_or(0)));
  }
}

} // namespace synfate
