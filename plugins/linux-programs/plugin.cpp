// The tables `packet_program` and `cgroup_program`.
#include <array>

#include <fcntl.h>

#include "core/plugin/sdk.h"
#include "core/plugin/sdk_rows.h"
#include "platform/linux/privilege.h"
#include "platform/linux/processes/cgroup.h"
#include "platform/linux/programs/bpf_query.h"
#include "platform/linux/programs/traffic_control.h"
#include "platform/linux/routing/links.h"

namespace synfate {
namespace {

struct CgroupPoint {
  BpfPoint point;
  const char* name;
};
constexpr std::array<CgroupPoint, 7> cgroup_points{{{BpfPoint::cgroup_ingress, "ingress"},
                                                    {BpfPoint::cgroup_egress, "egress"},
                                                    {BpfPoint::cgroup_create, "create"},
                                                    {BpfPoint::cgroup_bind4, "bind4"},
                                                    {BpfPoint::cgroup_bind6, "bind6"},
                                                    {BpfPoint::cgroup_bound4, "post_bind4"},
                                                    {BpfPoint::cgroup_bound6, "post_bind6"}}};

class LinuxPrograms {
public:
  void collect(sdk::Collection& collection) {
    const Status status = collection.table() == table_name<CgroupProgram>()
                              ? collect_cgroup(collection)
                              : collect_namespace(collection);
    if (!status && status.error().code != ErrorCode::unsupported)
      report(collection, status.error());
  }

private:
  static Status collect_namespace(sdk::Collection& collection) {
    const auto timeout = std::chrono::milliseconds(collection.milliseconds_left());
    SYNFATE_TRY(filters, read_tc_filters(collection.netns(), timeout));
    for (const auto& filter : filters)
      sdk::put(collection, filter);
    SYNFATE_TRY(socket, linux_routing::RouteSocket::open());
    SYNFATE_TRY(links, linux_routing::read_links(socket, collection.netns()));
    for (const auto& link : links)
      for (const auto point : {BpfPoint::tcx_ingress, BpfPoint::tcx_egress})
        if (auto status = put_programs(collection, point, static_cast<int>(link.index.value_or(0)),
                                       link.index);
            !status)
          return status;
    const FileDescriptor own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!own.valid())
      return Done{};
    return put_programs(collection, BpfPoint::sk_lookup, own.get(), {});
  }

  static Status put_programs(sdk::Collection& collection, BpfPoint point, int target,
                             const Fact<Int>& interface) {
    const auto ids = query_bpf(point, target);
    if (!ids)
      return ids.error().code == ErrorCode::unsupported ? Status(Done{}) : Status(ids.error());
    for (const auto id : *ids) {
      PacketProgram row;
      row.netns = collection.netns();
      row.point = Text(point == BpfPoint::sk_lookup     ? "sk_lookup"
                       : point == BpfPoint::tcx_ingress ? "tc.ingress"
                                                        : "tc.egress");
      row.interface_index = interface;
      row.kind = Text("bpf");
      row.program = Int{id};
      sdk::put(collection, row);
    }
    return Done{};
  }

  static Status collect_cgroup(sdk::Collection& collection) {
    const auto cgroup = collection.integer_key("cgroup_id");
    if (!cgroup) // answers for all cgroups are not listed
      return Done{};
    const auto mountinfo = read_file("/proc/self/mountinfo");
    if (!mountinfo)
      return mountinfo.error();
    const auto mounts = parse_cgroup_mounts(*mountinfo);
    const auto directory = *cgroup == 0 ? open_own_cgroup(mounts) : open_cgroup(*cgroup, mounts);
    if (!directory) // a cgroup that is gone keeps its programs, but they cannot be asked for
      return directory.error().code == ErrorCode::not_found ? Status(Done{})
                                                            : Status(directory.error());
    for (const auto& [point, name] : cgroup_points) {
      const auto ids = query_bpf(point, directory->get());
      if (!ids && ids.error().code == ErrorCode::unsupported)
        continue;
      if (!ids)
        return ids.error();
      for (const auto id : *ids) {
        CgroupProgram row;
        row.cgroup_id = *cgroup;
        row.point = Text(name);
        row.program = Int{id};
        sdk::put(collection, row);
      }
    }
    return Done{};
  }

  static void report(sdk::Collection& collection, const Error& error) {
    const bool denied = error.code == ErrorCode::denied;
    sdk::report(collection,
                {.id = denied ? "programs" : "programs.unread",
                 .what = "BPF programs and filters of traffic control",
                 .why = denied ? "the kernel shows them only with CAP_NET_ADMIN" : to_string(error),
                 .effect = "a program that drops packets is not seen",
                 .remedy = denied ? remedy_with("CAP_NET_ADMIN") : "run again"});
  }
};

} // namespace
} // namespace synfate

SYNFATE_PLUGIN(linux_programs, "0.1.0", synfate::LinuxPrograms)
