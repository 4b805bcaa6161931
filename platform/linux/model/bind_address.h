// May this address be bound here, and may this user bind this port?
//
// net/ipv4/af_inet.c: __inet_bind(), inet_addr_valid_or_nonlocal(); net/ipv4/fib_frontend.c:
// __inet_dev_addr_type() looks the address up in the routing table `local`; net/ipv6/af_inet6.c:
// __inet6_bind(); net/ipv6/addrconf.c: ipv6_chk_addr(); security/commoncap.c: cap_capable(). Linux
// 6.12. The order of the checks is that of the kernel: IPv4 looks at the address before it looks at
// the port, IPv6 at the port before the address. A program that sets IP_FREEBIND or IP_TRANSPARENT
// may bind any address; this is not assumed. Tested by
// tests/unit/platform/linux/model/bind_test.cpp and tests/twin/bind.py.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "platform/linux/model/bind_conflict.h"

namespace synfate {

/// Why bind() is refused.
struct BindRefusal {
  std::string error; ///< errno by name
  Culprit culprit;
  std::string note;
  Certainty certainty = Certainty::certain;
};

/// What one call of bind() is about.
struct BindQuestion {
  Int netns = 0;
  BindClaim claim;
  std::string zone;                 ///< scope of a link-local address, as an interface's name
  std::optional<Identity> identity; ///< nothing: who runs this tool
};

/// Every reason but taken ports, in the kernel's order. May put the interface of the zone into the
/// claim, as the kernel binds the socket to it. Means nothing while inquiry.pending().
std::vector<BindRefusal> address_and_port_refusals(Inquiry& inquiry, BindQuestion& question);

/// The index of the VRF an interface belongs to, 0 if to none.
Int l3_domain_of(const std::vector<Interface>& interfaces, Int index);

/// The uid that bind() is called as; nothing if it is not known.
std::optional<Int> binding_user(Inquiry& inquiry, const BindQuestion& question);

} // namespace synfate
