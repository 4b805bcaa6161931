// One walk for many clients at once: a flow whose source is a set of addresses.
//
// The stages are those of a single client. What differs from client to client cuts the journey
// first: rules and sets by packet classes, routing and listeners here. Behind a cut all clients of
// a journey fare alike, and a stage that needs an address takes any of them. A journey ends at its
// first stop; nothing is lifted. Where a read cannot tell clients apart, the part's journeys carry
// conditions, and its outcome is unknown if they differ.
// Tested by tests/twin/partition.py: members of each class against single clients.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/walk.h"
#include "platform/linux/routing/fib_classes.h"

namespace synfate {

/// How one way ended for a part of the clients.
struct ClassEnd {
  IntervalSet addresses;
  IntervalSet ports;
  std::vector<Condition> packet_conditions;
  std::vector<std::string> conditions;
  std::vector<std::string> assumptions;
  Certainty certainty = Certainty::certain;
  std::optional<Stop> stop; ///< nothing: open
};

/// The routing models of the namespaces that walks come to.
class Fibs {
public:
  /// Null: asked for now, or the routes could not be read.
  const linux_routing::Fib* of(Inquiry& inquiry, Int netns);

private:
  std::map<Int, std::optional<linux_routing::Fib>> known_;
};

struct ClassWalk {
  IntervalSet sources;                ///< who the flow stands for
  Fibs& fibs;                         ///< for all walks of a partition
  std::size_t most_branches = 4096;   ///< of a hook, beyond: the rest is unknown
  std::vector<Passage> passages = {}; ///< who let the first packet pass
  std::vector<ClassEnd> ends = {};    ///< all ways of all clients
  std::map<std::string, std::vector<linux_routing::AddressClass>> routes = {}; ///< by question
  Journeys* lost = nullptr; ///< set: tries of TCP that are lost and leave traces, instead of ends
};

/// One of many clients, the same for the same clients: somebody on the internet if it is among
/// them.
IpAddress some_client(const IntervalSet& clients, IpFamily family);

/// What a hook needs to know of many clients in a namespace. `passages` must outlive it.
ClassContext class_context(Walk& walk, Int netns, std::vector<Passage>& passages);

ClassEnd end_of(const Journey& journey);
/// Takes a journey out of the walk: it is stopped, or has come to its end.
void end_part(ClassWalk& classes, const Journey& journey);

/// Which side of a question for a route is the client.
enum class ClientSide : std::uint8_t {
  arriving_source, ///< a packet of a client: the source
  leaving_source,  ///< a packet of a client on this host: the source
  leaving_target,  ///< an answer: the destination
  passing_target,  ///< an answer that arrived on its way: the destination
};

/// A journey, or a part of it, and how it is routed.
struct Routed {
  Journey journey;
  std::optional<RouteLookup> answer;              ///< nothing: pending, or not known
  std::optional<linux_routing::FibAnswer> reason; ///< of the model, if it was asked
};

/// Asks for a route: one client of the kernel, a class of the routing model, which cuts it.
/// `question` has the address of one client.
std::vector<Routed> ask_ways(Walk& walk, Journey journey, const RouteQuestion& question,
                             ClientSide side);

/// The parts of `clients` that a question routes alike; all of them where nothing tells.
std::vector<IntervalSet> routed_alike(Walk& walk, Int netns, const RouteQuestion& question,
                                      ClientSide side, const IntervalSet& clients);
/// The route of one client, or of any of those that routed_alike() gave.
std::optional<RouteLookup> ask_way(Walk& walk, Int netns, const RouteQuestion& question);

/// What the routing model says to a single client's packet that the kernel refused on arrival;
/// nothing while facts are missing, or if the model would let it pass.
std::optional<linux_routing::FibAnswer> reason_of_refusal(Walk& walk, Int netns,
                                                          const RouteQuestion& question);

/// The parts of a journey's clients that are inside of and outside of each set.
Journeys cut(Journey journey, const std::vector<IntervalSet>& sets);

} // namespace synfate
