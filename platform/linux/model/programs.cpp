#include "platform/linux/model/programs.h"

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/programs/tables.h"

namespace synfate {
namespace {

void pass(Journey& journey, Stage stage, std::string id, std::string text) {
  if (journey.stopped())
    return;
  add_step(journey, stage, Verdict::assumed, Culprit{"bpf_program", std::move(id), text},
           "assumed to pass");
  assume(journey, text + " lets it pass");
}

std::string id_of(const PacketProgram& row) {
  return row.program.known() ? fmt::format("{}", row.program.value()) : row.name.value_or("?");
}

} // namespace

void pass_xdp(Journey& journey, const Interface& interface) {
  if (!interface.xdp_program.known())
    return;
  const std::string id = fmt::format("{}", interface.xdp_program.value());
  pass(journey, Stage::xdp, id,
       fmt::format("the XDP program {} on {}", id, interface.name.value_or("?")));
}

void pass_traffic_control(Walk& walk, Journey& journey, Int interface, PacketWay way) {
  const bool in = way == PacketWay::ingress;
  for (const auto& row : walk.inquiry.rows<PacketProgram>({{"netns", journey.netns}})) {
    if (!row.point.is(in ? "tc.ingress" : "tc.egress") || !row.interface_index.is(interface))
      continue;
    const auto device = ask_interface(walk.inquiry, journey.netns, interface);
    pass(journey, in ? Stage::tc_ingress : Stage::egress, id_of(row),
         fmt::format("the {} filter {} of traffic control on {}", row.kind.value_or("?"),
                     id_of(row), device ? device->name.value_or("?") : "?"));
  }
}

void pass_socket_programs(Walk& walk, Journey& journey) {
  for (const auto& row : walk.inquiry.rows<PacketProgram>({{"netns", journey.netns}}))
    if (row.point.is("sk_lookup"))
      pass(journey, Stage::socket_lookup, id_of(row),
           fmt::format("the sk_lookup program {}, which may choose another socket,", id_of(row)));
}

void pass_cgroup_programs(Walk& walk, Journey& journey, const Socket& listener) {
  if (!listener.cgroup_id.known())
    return;
  for (const auto& row :
       walk.inquiry.rows<CgroupProgram>({{"cgroup_id", listener.cgroup_id.value()}}))
    if (row.point.is("ingress") || row.point.is("egress"))
      pass(journey, Stage::socket_policy, fmt::format("{}", row.program.value_or(0)),
           fmt::format("the cgroup's {} program {}", row.point.value_or("?"),
                       row.program.value_or(0)));
}

} // namespace synfate
