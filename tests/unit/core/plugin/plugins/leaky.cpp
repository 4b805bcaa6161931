// Lets an exception out of its C function, which nobody may do.
#include <stdexcept>

#include "core/plugin/sdk.h"

namespace {

std::int32_t collect(void*, const synfate_request*, const synfate_host*) {
  throw std::runtime_error("over the wall");
}

} // namespace

SYNFATE_EXPORT const synfate_plugin_description* synfate_plugin() {
  static constexpr synfate_plugin_description description{sizeof(synfate_plugin_description),
                                                          SYNFATE_ABI_VERSION,
                                                          "acme-licences",
                                                          "1.0",
                                                          nullptr,
                                                          collect,
                                                          nullptr};
  return &description;
}
