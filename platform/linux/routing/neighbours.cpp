#include "platform/linux/routing/neighbours.h"

#include <array>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "platform/linux/routing/links.h"

namespace synfate::linux_routing {
namespace {

Text state_text(std::uint16_t state) {
  static constexpr std::array<std::pair<unsigned, const char*>, 8> names{
      {{NUD_INCOMPLETE, "incomplete"},
       {NUD_REACHABLE, "reachable"},
       {NUD_STALE, "stale"},
       {NUD_DELAY, "delay"},
       {NUD_PROBE, "probe"},
       {NUD_FAILED, "failed"},
       {NUD_NOARP, "noarp"},
       {NUD_PERMANENT, "permanent"}}};
  for (const auto& [bit, name] : names)
    if ((state & bit) != 0)
      return name;
  return "none";
}

Status dump_neighbours(RouteSocket& socket, Int netns, std::uint8_t flags, std::optional<Int> index,
                       std::vector<Neighbour>& rows) {
  ndmsg head{};
  head.ndm_flags = flags;
  RequestBytes request(head);
  if (index)
    request.attribute_u32(NDA_IFINDEX, static_cast<std::uint32_t>(*index));
  return socket.dump(RTM_GETNEIGH, request, [&](const Message& message) -> Status {
    const auto answer = message.head<ndmsg>();
    if (message.type != RTM_NEWNEIGH || !answer ||
        (answer->ndm_family != AF_INET && answer->ndm_family != AF_INET6))
      return Done{};
    SYNFATE_TRY(row, decode_neighbour(message, netns));
    rows.push_back(std::move(row));
    return Done{};
  });
}

} // namespace

Result<Neighbour> decode_neighbour(const Message& message, Int netns) {
  SYNFATE_TRY(attributes, message.attributes(sizeof(ndmsg)));
  const auto head = message.head<ndmsg>().value();
  const auto address = attributes.address(NDA_DST);
  if (!address)
    return Error{.code = ErrorCode::damaged,
                 .doing = "reading the neighbours",
                 .where = {},
                 .os_error = 0,
                 .detail = "a neighbour message without an address",
                 .hint = {}};
  Neighbour row;
  row.netns = netns;
  if (head.ndm_ifindex != 0) // a proxy entry may hold for every interface
    row.interface_index = Int(head.ndm_ifindex);
  row.address = *address;
  row.state = state_text(head.ndm_state);
  if (const auto hardware = attributes.find(NDA_LLADDR))
    row.hardware_address = hardware_address_text(*hardware);
  row.proxy = (head.ndm_flags & NTF_PROXY) != 0;
  return row;
}

Result<std::vector<Neighbour>> read_neighbours(RouteSocket& socket, Int netns,
                                               std::optional<Int> interface_index) {
  std::vector<Neighbour> rows;
  SYNFATE_TRY(learned, dump_neighbours(socket, netns, 0, interface_index, rows));
  // Proxy entries without an interface hold for all of them, so that dump is not filtered.
  SYNFATE_TRY(proxies, dump_neighbours(socket, netns, NTF_PROXY, std::nullopt, rows));
  (void)learned;
  (void)proxies;
  return rows;
}

} // namespace synfate::linux_routing
