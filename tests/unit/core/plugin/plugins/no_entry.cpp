// A library that is no plugin.
#include "core/plugin/sdk.h"

SYNFATE_EXPORT int acme_answer() {
  return 42;
}
