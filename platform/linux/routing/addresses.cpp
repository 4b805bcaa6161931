#include "platform/linux/routing/addresses.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace synfate::linux_routing {
namespace {

Fact<Text> name_of(const InterfaceNames* names, Int index) {
  if (names == nullptr)
    return Unknown{std::string(links_gap)};
  const auto at = names->find(index);
  if (at == names->end())
    return Absent{};
  return at->second;
}

void set_flags(Address& row, std::uint32_t flags, bool v6) {
  row.secondary = !v6 && (flags & IFA_F_SECONDARY) != 0;
  row.temporary = v6 && (flags & IFA_F_TEMPORARY) != 0; // the same bit as IFA_F_SECONDARY
  row.tentative = (flags & IFA_F_TENTATIVE) != 0;
  row.duplicate = (flags & IFA_F_DADFAILED) != 0;
  row.deprecated = (flags & IFA_F_DEPRECATED) != 0;
}

} // namespace

std::string scope_text(std::uint8_t scope) {
  switch (scope) {
  case RT_SCOPE_UNIVERSE:
    return "global";
  case RT_SCOPE_SITE:
    return "site";
  case RT_SCOPE_LINK:
    return "link";
  case RT_SCOPE_HOST:
    return "host";
  case RT_SCOPE_NOWHERE:
    return "nowhere";
  default:
    return std::to_string(scope);
  }
}

Result<Address> decode_address(const Message& message, Int netns, const InterfaceNames* names) {
  SYNFATE_TRY(attributes, message.attributes(sizeof(ifaddrmsg)));
  const auto head = message.head<ifaddrmsg>().value();
  const auto local = attributes.address(IFA_LOCAL);
  const auto address = attributes.address(IFA_ADDRESS);
  if (!local && !address)
    return Error{.code = ErrorCode::damaged,
                 .doing = "reading the addresses of interfaces",
                 .where = {},
                 .os_error = 0,
                 .detail = "an address message without an address",
                 .hint = {}};
  Address row;
  row.netns = netns;
  row.interface_index = Int(head.ifa_index);
  row.interface = name_of(names, head.ifa_index);
  row.address = local ? *local : *address;
  row.prefix_length = Int(head.ifa_prefixlen);
  if (local && address && *local != *address)
    row.peer = *address;
  row.scope = scope_text(head.ifa_scope);
  set_flags(row, attributes.u32(IFA_FLAGS).value_or(head.ifa_flags), head.ifa_family == AF_INET6);
  return row;
}

Result<std::vector<Address>> read_addresses(RouteSocket& socket, Int netns,
                                            const InterfaceNames* names) {
  std::vector<Address> addresses;
  const auto add = [&](const Message& message) -> Status {
    const auto head = message.head<ifaddrmsg>();
    if (message.type != RTM_NEWADDR || !head ||
        (head->ifa_family != AF_INET && head->ifa_family != AF_INET6))
      return Done{};
    SYNFATE_TRY(row, decode_address(message, netns, names));
    addresses.push_back(std::move(row));
    return Done{};
  };
  SYNFATE_TRY(done, socket.dump(RTM_GETADDR, RequestBytes(ifaddrmsg{}), add));
  (void)done;
  return addresses;
}

} // namespace synfate::linux_routing
