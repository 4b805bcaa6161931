#include "platform/linux/netfilter/hooks.h"

namespace synfate {

std::string_view to_string(Hook hook) { return to_string(stage_of(hook)); }

Stage stage_of(Hook hook) {
  switch (hook) {
  case Hook::ingress:
    return Stage::ingress;
  case Hook::prerouting:
    return Stage::prerouting;
  case Hook::input:
    return Stage::input;
  case Hook::forward:
    return Stage::forward;
  case Hook::output:
    return Stage::output;
  case Hook::postrouting:
    return Stage::postrouting;
  case Hook::egress:
    return Stage::egress;
  }
  return Stage::input;
}

} // namespace synfate
