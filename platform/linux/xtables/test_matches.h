// The tests of matches: one for each kind in extensions.cpp. Each follows the kernel's function of
// the same match; the files name their sources.
#pragma once

#include "platform/linux/xtables/xt_evaluate.h"

namespace synfate::xt {

MatchAnswer test_addrtype0(const MatchCall& call);
MatchAnswer test_addrtype1(const MatchCall& call);
MatchAnswer test_ah(const MatchCall& call);
MatchAnswer test_ah6(const MatchCall& call);
MatchAnswer test_bpf(const MatchCall& call);
MatchAnswer test_cgroup0(const MatchCall& call);
MatchAnswer test_cgroup1(const MatchCall& call);
MatchAnswer test_cgroup2(const MatchCall& call);
MatchAnswer test_cluster(const MatchCall& call);
MatchAnswer test_comment(const MatchCall& call);
MatchAnswer test_connbytes(const MatchCall& call);
MatchAnswer test_connlabel(const MatchCall& call);
MatchAnswer test_connlimit(const MatchCall& call);
MatchAnswer test_connmark(const MatchCall& call);
MatchAnswer test_conntrack(const MatchCall& call);
MatchAnswer test_cpu(const MatchCall& call);
MatchAnswer test_dccp(const MatchCall& call);
MatchAnswer test_devgroup(const MatchCall& call);
MatchAnswer test_dscp(const MatchCall& call);
MatchAnswer test_dst(const MatchCall& call);
MatchAnswer test_ecn(const MatchCall& call);
MatchAnswer test_esp(const MatchCall& call);
MatchAnswer test_eui64(const MatchCall& call);
MatchAnswer test_frag(const MatchCall& call);
MatchAnswer test_hashlimit(const MatchCall& call);
MatchAnswer test_hbh(const MatchCall& call);
MatchAnswer test_helper(const MatchCall& call);
MatchAnswer test_icmp(const MatchCall& call);
MatchAnswer test_icmp6(const MatchCall& call);
MatchAnswer test_ipcomp(const MatchCall& call);
MatchAnswer test_iprange(const MatchCall& call);
MatchAnswer test_ipv6header(const MatchCall& call);
MatchAnswer test_ipvs(const MatchCall& call);
MatchAnswer test_l2tp(const MatchCall& call);
MatchAnswer test_length(const MatchCall& call);
MatchAnswer test_limit(const MatchCall& call);
MatchAnswer test_mac(const MatchCall& call);
MatchAnswer test_mark(const MatchCall& call);
MatchAnswer test_mh(const MatchCall& call);
MatchAnswer test_multiport0(const MatchCall& call);
MatchAnswer test_multiport1(const MatchCall& call);
MatchAnswer test_nfacct(const MatchCall& call);
MatchAnswer test_osf(const MatchCall& call);
MatchAnswer test_owner(const MatchCall& call);
MatchAnswer test_physdev(const MatchCall& call);
MatchAnswer test_pkttype(const MatchCall& call);
MatchAnswer test_policy(const MatchCall& call);
MatchAnswer test_quota(const MatchCall& call);
MatchAnswer test_rateest(const MatchCall& call);
MatchAnswer test_realm(const MatchCall& call);
MatchAnswer test_recent0(const MatchCall& call);
MatchAnswer test_recent1(const MatchCall& call);
MatchAnswer test_rpfilter(const MatchCall& call);
MatchAnswer test_rt(const MatchCall& call);
MatchAnswer test_sctp(const MatchCall& call);
MatchAnswer test_set0(const MatchCall& call);
MatchAnswer test_set1(const MatchCall& call);
MatchAnswer test_set3(const MatchCall& call);
MatchAnswer test_set4(const MatchCall& call);
MatchAnswer test_socket(const MatchCall& call);
MatchAnswer test_socket0(const MatchCall& call);
MatchAnswer test_srh0(const MatchCall& call);
MatchAnswer test_srh1(const MatchCall& call);
MatchAnswer test_state(const MatchCall& call);
MatchAnswer test_statistic(const MatchCall& call);
MatchAnswer test_string(const MatchCall& call);
MatchAnswer test_tcp(const MatchCall& call);
MatchAnswer test_tcpmss(const MatchCall& call);
MatchAnswer test_time(const MatchCall& call);
MatchAnswer test_tos(const MatchCall& call);
MatchAnswer test_ttl(const MatchCall& call);
MatchAnswer test_u32(const MatchCall& call);
MatchAnswer test_udp(const MatchCall& call);
MatchAnswer test_udplite(const MatchCall& call);

} // namespace synfate::xt
