// Flows that differ in the port alone, where nothing on the way looks at ports.
//
// A host with thousands of listeners has thousands of such flows: the routes, the hooks without a
// rule and the way of the answers are those of the first. Only what the port decides is looked at
// again, by the stages themselves: the socket lookup, the listener's queues and policies, and its
// owner. A flow is an example for others if nothing was left open on its way (one journey, certain,
// open, no rule of a hook was asked) and if no routing rule looks at ports; a listener is like its
// listener if the answers of both are routed alike (inet_csk_route_req(): device, mark, user).
// The kernel is not asked for its own lookup again: where a program (sk_lookup) chooses, the first
// flow is not certain and no example.
// Tested by tests/unit/platform/linux/model/alike_test.cpp and tests/lab/cases_overview.py.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "platform/linux/model/journey.h"
#include "platform/linux/model/socket_lookup.h"

namespace synfate {

struct Walk;

/// Where on the path the stages begin and end that a port decides.
enum class Boundary : std::uint8_t { arrived, delivered, unserved, served };

/// What is noted of one walk while it goes on.
struct WalkNotes {
  std::array<std::size_t, 4> steps{}; ///< of the path at each boundary
  std::array<Packet, 4> packets{};    ///< that was under way there
  LookupQuestion question;            ///< of the socket lookup
  bool one_way = true;                ///< it was one journey all the time
  bool met_rules = false;             ///< a hook did more than to track the connection
};

/// Notes how far the path has come.
void note_boundary(Walk& walk, const Journeys& journeys, Boundary boundary);

/// The flows walked so far that may stand for others.
class Examples {
public:
  /// The journey of a flow that an example stands for, or nothing: then it has to be walked.
  /// Meaningless while walk.inquiry.pending().
  std::optional<Journey> follow(Walk& walk) const;
  /// Keeps a walked flow if it may stand for others.
  void learn(Walk& walk, const WalkNotes& notes, const Journeys& journeys);

private:
  using Ends =
      std::tuple<Proto, bool, IpAddress, std::string, IpAddress, std::string, std::uint16_t>;
  struct Example {
    Journey journey;
    WalkNotes notes;
  };
  static Ends ends_of(const Flow& flow);

  std::map<Ends, std::vector<Example>> examples_;
};

} // namespace synfate
