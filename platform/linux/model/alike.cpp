#include "platform/linux/model/alike.h"

#include <algorithm>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/confirmation.h"
#include "platform/linux/model/walk.h"

namespace synfate {
namespace {

/// Kinds of listeners of one address that are kept; more are walked one by one.
constexpr std::size_t most_kinds = 16;

std::size_t at(const WalkNotes& notes, Boundary boundary) {
  return notes.steps[static_cast<std::size_t>(boundary)];
}

Packet packet_at(const WalkNotes& notes, Boundary boundary) {
  return notes.packets[static_cast<std::size_t>(boundary)];
}

bool queue_told_nothing(const PathStep& step) {
  return step.stage != Stage::queue_syn || step.note.empty();
}

/// Open, and nothing was left open on the way.
bool is_plain(const Journey& journey) {
  return !journey.stopped() && !journey.over && journey.certainty == Certainty::certain &&
         journey.assumptions.empty();
}

/// Of what was met on the way nothing belongs to its port alone.
bool is_example(const Walk& walk, const WalkNotes& notes, const Journey& journey) {
  return notes.one_way && !notes.met_rules && is_plain(journey) && journey.conditions.empty() &&
         journey.packet.conditions.empty() && journey.hops.empty() && journey.conntracks.empty() &&
         journey.listener && journey.final_address == walk.flow.to &&
         journey.final_port == walk.flow.port &&
         journey.netns == walk.inquiry.snapshot().host().netns &&
         std::ranges::all_of(journey.path, queue_told_nothing);
}

/// The packets to and from both are routed alike, and the lookup finds both in the same way.
bool alike(const Socket& one, const Socket& other) {
  return one.local_address == other.local_address && one.v6only == other.v6only &&
         one.interface_index == other.interface_index && one.uid == other.uid &&
         one.mark == other.mark && one.transparent == other.transparent && one.state == other.state;
}

void append(Journey& journey, const Journey& from, std::size_t begin, std::size_t end) {
  if (!journey.stopped())
    journey.path.insert(journey.path.end(), from.path.begin() + static_cast<std::ptrdiff_t>(begin),
                        from.path.begin() + static_cast<std::ptrdiff_t>(end));
}

/// The one socket that the lookup finds.
const Socket* only_receiver(const Walk& walk, const std::vector<Socket>& sockets,
                            const LookupQuestion& question) {
  const auto answer = walk.flow.proto == Proto::tcp ? look_up_tcp_listener(sockets, question)
                                                    : look_up_udp_socket(sockets, question);
  const bool one = answer.chosen.size() == 1 && !answer.uncertain;
  return one ? &sockets[answer.chosen.front()] : nullptr;
}

} // namespace

void note_boundary(Walk& walk, const Journeys& journeys, Boundary boundary) {
  if (walk.notes == nullptr)
    return;
  walk.notes->one_way = walk.notes->one_way && journeys.size() == 1;
  if (journeys.size() != 1)
    return;
  const auto place = static_cast<std::size_t>(boundary);
  walk.notes->steps[place] = journeys.front().path.size();
  walk.notes->packets[place] = journeys.front().kind;
}

Examples::Ends Examples::ends_of(const Flow& flow) {
  return {flow.proto, flow.local, flow.from,       flow.from_interface,
          flow.to,    flow.zone,  flow.source_port};
}

std::optional<Journey> Examples::follow(Walk& walk) const {
  const auto known = examples_.find(ends_of(walk.flow));
  if (known == examples_.end() || walk.flow.identity)
    return std::nullopt;
  const Int netns = walk.inquiry.snapshot().host().netns;
  const auto sockets = ask_sockets(walk, netns, walk.flow.port);
  if (walk.inquiry.pending() || walk.inquiry.incomplete())
    return std::nullopt;
  for (const auto& [model, notes] : known->second) {
    LookupQuestion question = notes.question;
    question.port = walk.flow.port;
    const Socket* receiver = only_receiver(walk, sockets, question);
    if (receiver == nullptr)
      return std::nullopt;
    if (!alike(*receiver, *model.listener))
      continue;
    if (model.final_port == walk.flow.port) // it was walked itself, and asked of the kernel
      return std::nullopt;
    Journey service; // what it needs to know is asked for first
    service.netns = netns;
    service.kind = packet_at(notes, Boundary::unserved);
    service.listener = *receiver;
    serve(walk, service);
    if (walk.inquiry.pending() || !is_plain(service))
      return std::nullopt;
    Journey journey;
    journey.netns = netns;
    journey.kind = packet_at(notes, Boundary::arrived);
    journey.path.reserve(model.path.size());
    append(journey, model, 0, at(notes, Boundary::arrived));
    journey.final_address = walk.flow.to;
    journey.final_port = walk.flow.port;
    add_evidence(walk.inquiry, journey.evidence, *receiver);
    enter_socket(walk, journey, *receiver, question.source, inode_note(*receiver));
    append(journey, model, at(notes, Boundary::delivered), at(notes, Boundary::unserved));
    append(journey, service, 0, service.path.size());
    append(journey, model, at(notes, Boundary::served), model.path.size());
    return is_plain(journey) ? std::optional(std::move(journey)) : std::nullopt;
  }
  return std::nullopt;
}

void Examples::learn(Walk& walk, const WalkNotes& notes, const Journeys& journeys) {
  if (walk.flow.identity || journeys.size() != 1 || way_is_partly_seen(walk.inquiry) ||
      !is_example(walk, notes, journeys.front()) ||
      rules_ask_for_ports(walk.inquiry, journeys.front().netns))
    return;
  auto& kinds = examples_[ends_of(walk.flow)];
  const Socket& listener = *journeys.front().listener;
  if (kinds.size() < most_kinds && std::ranges::none_of(kinds, [&](const Example& known) {
        return alike(listener, *known.journey.listener);
      }))
    kinds.push_back({journeys.front(), notes});
}

} // namespace synfate
