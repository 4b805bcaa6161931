#include "platform/linux/programs/traffic_control.h"

#include <fmt/format.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace synfate {
namespace {

constexpr std::uint32_t ingress_side = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
constexpr std::uint32_t egress_side = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
constexpr std::uint32_t ingress_root = TC_H_MAKE(TC_H_INGRESS, 0);

/// A place where filters of one direction hang.
struct Place {
  int interface = 0;
  std::uint32_t parent = 0;
  bool ingress = false;
};

Result<std::vector<Place>> read_places(netlink::Socket& socket) {
  netlink::Request request(RTM_GETQDISC, NLM_F_DUMP);
  request.append(tcmsg{});
  std::vector<Place> places;
  const auto status =
      socket.exchange(request, "reading qdiscs", [&](const netlink::Message& message) {
        const auto header = message.header<tcmsg>();
        const auto kind = message.attributes(sizeof(tcmsg)).find(TCA_KIND);
        if (!header || !kind)
          return true;
        if (kind->text() == "ingress")
          places.push_back({header->tcm_ifindex, ingress_root, true});
        if (kind->text() == "clsact") {
          places.push_back({header->tcm_ifindex, ingress_side, true});
          places.push_back({header->tcm_ifindex, egress_side, false});
        }
        return true;
      });
  if (!status)
    return status.error();
  return places;
}

PacketProgram row_of(Int netns, const Place& place, const netlink::Attributes& attributes,
                     const tcmsg& header) {
  PacketProgram row;
  row.netns = netns;
  row.point = Text(place.ingress ? "tc.ingress" : "tc.egress");
  row.interface_index = Int{place.interface};
  const auto kind = attributes.find(TCA_KIND);
  row.kind = Text(kind ? kind->text() : "?");
  row.name = fmt::format("handle {:#x}", header.tcm_handle);
  const auto options = attributes.find(TCA_OPTIONS);
  if (!options || !row.kind.is("bpf"))
    return row;
  const netlink::Attributes inside(options->payload);
  if (const auto name = inside.find(TCA_BPF_NAME))
    row.name = Text(name->text());
  if (const auto id = inside.find(TCA_BPF_ID))
    if (const auto number = id->as<std::uint32_t>())
      row.program = Int{*number};
  return row;
}

Status read_filters(netlink::Socket& socket, Int netns, const Place& place,
                    std::vector<PacketProgram>& rows) {
  netlink::Request request(RTM_GETTFILTER, NLM_F_DUMP);
  tcmsg wanted{};
  wanted.tcm_family = AF_UNSPEC;
  wanted.tcm_ifindex = place.interface;
  wanted.tcm_parent = place.parent;
  request.append(wanted);
  return socket.exchange(request, "reading tc filters", [&](const netlink::Message& message) {
    const auto header = message.header<tcmsg>();
    // Each priority is announced with handle 0 before its filters.
    if (header && message.type == RTM_NEWTFILTER && header->tcm_handle != 0)
      rows.push_back(row_of(netns, place, message.attributes(sizeof(tcmsg)), *header));
    return true;
  });
}

} // namespace

Result<std::vector<PacketProgram>> read_tc_filters(Int netns, std::chrono::milliseconds timeout) {
  SYNFATE_TRY(socket, netlink::Socket::open(NETLINK_ROUTE, timeout));
  SYNFATE_TRY(places, read_places(socket));
  std::vector<PacketProgram> rows;
  for (const auto& place : places)
    if (auto status = read_filters(socket, netns, place, rows); !status)
      return status.error();
  return rows;
}

} // namespace synfate
