// The keys of a question for a route. All of them: a question with fewer is one for all answers.
#pragma once

#include <vector>

#include "core/facts/snapshot.h"

namespace synfate {

/// For rows of `route_lookup`: where a packet of this host to `destination` goes.
/// `mark` 0: none.
inline std::vector<Key> route_keys(Int netns, const IpAddress& destination, Int mark = 0) {
  return {{"netns", netns},
          {"destination", destination},
          {"source", Absent{}},
          {"input_interface", Absent{}},
          {"output_interface", Absent{}},
          {"mark", mark != 0 ? Cell(mark) : Cell(Absent{})},
          {"proto", Absent{}},
          {"source_port", Absent{}},
          {"destination_port", Absent{}},
          {"uid", Absent{}}};
}

} // namespace synfate
