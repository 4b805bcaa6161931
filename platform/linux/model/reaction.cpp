#include "platform/linux/model/reaction.h"

namespace synfate {

Stop after_reaction(Walk& walk, const Journey& journey, Stop stop, const Branch& branch) {
  (void)walk;
  (void)journey;
  (void)branch;
  return stop;
}

} // namespace synfate
