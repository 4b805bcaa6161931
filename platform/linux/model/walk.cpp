#include "platform/linux/model/walk.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/alike.h"
#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/confirmation.h"
#include "platform/linux/model/forward.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/netfilter/ruleset.h"

namespace synfate {
namespace {

constexpr std::size_t most_journeys = 256;
constexpr std::size_t most_parts = 8192; ///< of many clients

/// Journeys of many clients beyond what can be followed; those that are stopped have ended.
void settle_parts(ClassWalk& classes, Journeys& journeys) {
  Journeys going;
  for (auto& journey : journeys) {
    if (!journey.stopped() && going.size() == most_parts)
      add_stop(journey, unknown_at(Stage::route, "too many cases to tell apart"));
    if (journey.stopped() || journey.over)
      end_part(classes, journey);
    else
      going.push_back(std::move(journey));
  }
  journeys = std::move(going);
}

/// Lets every journey take the next leg; stops early when facts are missing.
template <typename Leg> Journeys each(Walk& walk, Journeys journeys, Leg leg) {
  Journeys next;
  if (journeys.size() == 1 && !journeys.front().over) {
    next = leg(walk, std::move(journeys.front()));
    if (walk.inquiry.pending())
      return {};
    journeys.clear();
  }
  for (auto& journey : journeys) {
    if (journey.over) {
      next.push_back(std::move(journey));
      continue;
    }
    for (auto& way : leg(walk, std::move(journey)))
      next.push_back(std::move(way));
    if (walk.inquiry.pending())
      return {};
  }
  if (walk.classes != nullptr)
    settle_parts(*walk.classes, next);
  else if (next.size() > most_journeys)
    next.resize(most_journeys);
  return next;
}

/// Every journey that is still under way through one hook.
Journeys pass(Walk& walk, Journeys journeys, Hook hook) {
  if (journeys.size() == 1 && !journeys.front().over &&
      pass_hook_in_place(walk, journeys.front(), hook))
    return journeys;
  return each(walk, std::move(journeys), [hook](Walk& w, Journey journey) {
    return pass_hook_in_place(w, journey, hook) ? alone(std::move(journey))
                                                : pass_hook(w, std::move(journey), hook);
  });
}

Journeys enter(Walk& walk, Journey journey) {
  // A local client's packet that NAT sent elsewhere has arrived there already.
  if (journey.netns == walk.inquiry.snapshot().host().netns)
    return enter_interface(walk, std::move(journey));
  return enter_namespace(walk, std::move(journey));
}

/// Through the namespaces that the packet is forwarded by, to the one it is for.
Journeys follow(Walk& walk, Journey journey) {
  Journeys arrived;
  Journeys under_way;
  under_way.push_back(std::move(journey));
  while (!under_way.empty()) {
    Journeys next;
    for (auto& way : under_way) {
      if (way.forward_by == 0 || way.over) {
        arrived.push_back(std::move(way));
        continue;
      }
      for (auto& left : forward(walk, std::move(way)))
        next.push_back(std::move(left));
    }
    next = each(walk, std::move(next), enter_namespace);
    next = each(walk, std::move(next), pass_to_routing);
    under_way = each(walk, std::move(next), route_input);
    if (walk.inquiry.pending())
      return {};
  }
  return arrived;
}

/// A client's packet from the wire (or from lo) to the socket's input hook.
Journeys inbound(Walk& walk, Journeys journeys) {
  journeys = each(walk, std::move(journeys), enter);
  journeys = each(walk, std::move(journeys), pass_to_routing);
  journeys = each(walk, std::move(journeys), route_input);
  journeys = each(walk, std::move(journeys), follow);
  return pass(walk, std::move(journeys), Hook::input);
}

/// The next packet of the client on its way in.
Journeys next_from_client(Walk& walk, Journeys journeys, Packet kind) {
  for (auto& journey : journeys)
    if (!journey.over)
      next_client_packet(walk, journey, kind);
  if (walk.flow.local)
    journeys = each(walk, std::move(journeys), leave_client);
  return inbound(walk, std::move(journeys));
}

/// The ACK that completes the handshake. Where it is lost, the data behind it acknowledges as well:
/// tcp_check_req() takes either.
Journeys acknowledge(Walk& walk, Journey journey) {
  Journeys ways = next_from_client(walk, alone(journey), Packet::ack);
  const bool lost = std::ranges::all_of(ways, [](const Journey& way) {
    return way.stopped() && way.stops.front().outcome == Outcome::stalled;
  });
  if (walk.inquiry.pending() || journey.stopped() || !lost)
    return ways;
  Journeys repaired = next_from_client(walk, alone(std::move(journey)), Packet::data);
  return std::ranges::all_of(repaired, &Journey::stopped) ? ways : repaired;
}

Journeys serve_each(Walk& walk, Journeys journeys) {
  note_boundary(walk, journeys, Boundary::unserved);
  journeys = each(walk, std::move(journeys), [](Walk& w, Journey journey) {
    serve(w, journey);
    Journeys served = alone(std::move(journey));
    return served;
  });
  note_boundary(walk, journeys, Boundary::served);
  return journeys;
}

Journeys walk_stages(Walk& walk, Journey first) {
  const bool tcp = walk.flow.proto == Proto::tcp;
  Journeys journeys = alone(std::move(first));
  if (walk.flow.local)
    journeys = each(walk, std::move(journeys), leave_client);
  journeys = inbound(walk, std::move(journeys));
  note_boundary(walk, journeys, Boundary::arrived);
  journeys = each(walk, std::move(journeys), deliver);
  note_boundary(walk, journeys, Boundary::delivered);
  journeys = each(walk, std::move(journeys), [tcp](Walk& w, Journey journey) {
    return send_reply(w, std::move(journey), tcp ? Packet::synack : Packet::datagram);
  });
  if (!tcp)
    return serve_each(walk, std::move(journeys));
  journeys = each(walk, std::move(journeys), acknowledge);
  journeys = serve_each(walk, std::move(journeys));
  journeys = next_from_client(walk, std::move(journeys), Packet::data);
  return each(walk, std::move(journeys), [](Walk& w, Journey journey) {
    return send_reply(w, std::move(journey), Packet::data);
  });
}

constexpr const char* second_note = "tried again, the SYN meets what the first try has left";

/// tcp_retransmit_timer(): a SYN that is not answered is sent again after a second. Where rules ask
/// for what the first one has left (a mark of the connection, an element of a set, that there was
/// an answer) it may fare otherwise, and that is what the client is told; Linux 6.12.
Journeys try_again(Walk& walk, Journey journey) {
  if (!is_tried_again(journey))
    return alone(std::move(journey));
  Walk again = walk;
  again.notes = nullptr;
  Journeys ways = walk_stages(again, second_try(again, journey));
  const bool same = std::ranges::all_of(ways, [](const Journey& way) {
    return way.stopped() && way.stops.front().outcome == Outcome::timeout;
  });
  if (same || walk.inquiry.pending())
    return alone(std::move(journey));
  for (auto& way : ways)
    if (way.stopped()) {
      auto& note = way.stops.front().note;
      note += (note.empty() ? "" : "; ") + std::string(second_note);
    }
  return ways;
}

void end_all(ClassWalk& classes, const Journeys& journeys) {
  for (const auto& journey : journeys)
    end_part(classes, journey);
}

/// The same for many clients.
void walk_many(Walk& walk, Journey first) {
  auto& classes = *walk.classes;
  Journeys lost;
  classes.lost = &lost;
  end_all(classes, walk_stages(walk, std::move(first)));
  classes.lost = nullptr;
  for (const auto& journey : lost) {
    if (walk.inquiry.pending())
      return;
    const std::size_t start = classes.ends.size();
    end_all(classes, walk_stages(walk, second_try(walk, journey)));
    const auto from = classes.ends.begin() + static_cast<std::ptrdiff_t>(start);
    const bool same = std::all_of(from, classes.ends.end(), [](const ClassEnd& end) {
      return end.stop && end.stop->outcome == Outcome::timeout;
    });
    if (!same)
      continue;
    classes.ends.erase(from, classes.ends.end());
    end_part(classes, journey);
  }
}

} // namespace

Journeys walk_flow(Walk& walk) {
  foresee_delivery(walk);
  if (walk.inquiry.pending())
    return {};
  Journey first = first_packet(walk);
  if (walk.inquiry.pending())
    return {};
  check_remote_client(walk, first);
  if (walk.classes != nullptr) {
    walk_many(walk, std::move(first));
    return {};
  }
  Journeys told;
  for (auto& journey : walk_stages(walk, std::move(first)))
    for (auto& way : try_again(walk, std::move(journey)))
      told.push_back(std::move(way));
  if (walk.inquiry.pending())
    return {};
  return told;
}

} // namespace synfate
