// Which BPF programs are attached to something: bpf(BPF_PROG_QUERY).
//
// kernel/bpf/syscall.c: bpf_prog_query() wants CAP_NET_ADMIN; kernel/bpf/tcx.c (6.6 and later),
// kernel/bpf/net_namespace.c (sk_lookup), kernel/bpf/cgroup.c; Linux 6.12.
// Tested by tests/lab/cases_programs.py.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"

namespace synfate {

enum class BpfPoint : std::uint32_t {
  cgroup_ingress = 0, ///< BPF_CGROUP_INET_INGRESS
  cgroup_egress = 1,  ///< BPF_CGROUP_INET_EGRESS
  cgroup_create = 2,  ///< BPF_CGROUP_INET_SOCK_CREATE
  cgroup_bind4 = 8,   ///< BPF_CGROUP_INET4_BIND
  cgroup_bind6 = 9,   ///< BPF_CGROUP_INET6_BIND
  cgroup_bound4 = 12, ///< BPF_CGROUP_INET4_POST_BIND
  cgroup_bound6 = 13, ///< BPF_CGROUP_INET6_POST_BIND
  sk_lookup = 36,     ///< BPF_SK_LOOKUP
  tcx_ingress = 46,   ///< BPF_TCX_INGRESS
  tcx_egress = 47,    ///< BPF_TCX_EGRESS
};

/// Ids of the programs attached to an interface (tcx, `target` is its index), a namespace or a
/// cgroup (`target` is a descriptor; for cgroups with what ancestors attached). Errors: denied;
/// unsupported where this kernel has no such point.
Result<std::vector<std::uint32_t>> query_bpf(BpfPoint point, int target);

} // namespace synfate
