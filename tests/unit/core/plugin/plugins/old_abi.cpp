// Built for an ABI version that this host does not speak.
#include "core/plugin/sdk.h"

SYNFATE_EXPORT const synfate_plugin_description* synfate_plugin() {
  static constexpr synfate_plugin_description description{
      sizeof(synfate_plugin_description), 999, "acme-licences", "1.0", nullptr, nullptr, nullptr};
  return &description;
}
