#include "platform/linux/model/reaction.h"

namespace synfate {

Stop after_reaction(Walk& walk, const Journey& journey, Stop stop) {
  // net/ipv6/tcp_ipv6.c: tcp_v6_send_response() ties an answer to ::1 to the device of the address
  // that was called (rt6_need_strict()); by any other device than lo there is no way to ::1.
  const bool from_loopback = walk.flow.from.is_v6() && walk.flow.from.is_loopback();
  if (journey.kind == Packet::syn && walk.flow.local && from_loopback &&
      !walk.flow.to.is_loopback() && stop.outcome == Outcome::refused && stop.icmp == Icmp::none) {
    stop.outcome = Outcome::timeout;
    stop.error = "ETIMEDOUT";
    stop.note += "; the reset does not get back to ::1";
  }
  return stop;
}

} // namespace synfate
