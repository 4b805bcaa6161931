#include "core/model/target.h"

namespace synfate {

std::string_view to_string(Proto proto) {
  switch (proto) {
  case Proto::tcp:
    return "tcp";
  case Proto::udp:
    return "udp";
  case Proto::unix_socket:
    return "unix";
  }
  return "";
}

} // namespace synfate
