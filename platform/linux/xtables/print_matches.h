// The printers of matches: one for each wire struct, listed in extensions.cpp.
#pragma once

#include <algorithm>
#include <bit>
#include <string>

#include "platform/linux/xtables/printing.h"

namespace synfate::xt {

void print_addrtype0(std::string& out, const PrintCall& call);
void print_addrtype1(std::string& out, const PrintCall& call);
void print_ah(std::string& out, const PrintCall& call);
void print_ah6(std::string& out, const PrintCall& call);
void print_bpf0(std::string& out, const PrintCall& call);
void print_bpf1(std::string& out, const PrintCall& call);
void print_cgroup0(std::string& out, const PrintCall& call);
void print_cgroup1(std::string& out, const PrintCall& call);
void print_cgroup2(std::string& out, const PrintCall& call);
void print_cluster(std::string& out, const PrintCall& call);
void print_comment(std::string& out, const PrintCall& call);
void print_connbytes(std::string& out, const PrintCall& call);
void print_connlabel(std::string& out, const PrintCall& call);
void print_connlimit(std::string& out, const PrintCall& call);
void print_connmark(std::string& out, const PrintCall& call);
void print_conntrack(std::string& out, const PrintCall& call);
void print_cpu(std::string& out, const PrintCall& call);
void print_dccp(std::string& out, const PrintCall& call);
void print_devgroup(std::string& out, const PrintCall& call);
void print_dscp(std::string& out, const PrintCall& call);
void print_dst(std::string& out, const PrintCall& call);
void print_ecn(std::string& out, const PrintCall& call);
void print_esp(std::string& out, const PrintCall& call);
void print_frag(std::string& out, const PrintCall& call);
void print_hashlimit(std::string& out, const PrintCall& call);
void print_hbh(std::string& out, const PrintCall& call);
void print_helper(std::string& out, const PrintCall& call);
void print_hl(std::string& out, const PrintCall& call);
void print_icmp(std::string& out, const PrintCall& call);
void print_icmp6(std::string& out, const PrintCall& call);
void print_ipcomp(std::string& out, const PrintCall& call);
void print_iprange(std::string& out, const PrintCall& call);
void print_ipv6header(std::string& out, const PrintCall& call);
void print_ipvs(std::string& out, const PrintCall& call);
void print_l2tp(std::string& out, const PrintCall& call);
void print_length(std::string& out, const PrintCall& call);
void print_limit(std::string& out, const PrintCall& call);
void print_mac(std::string& out, const PrintCall& call);
void print_mark(std::string& out, const PrintCall& call);
void print_mh(std::string& out, const PrintCall& call);
void print_multiport0(std::string& out, const PrintCall& call);
void print_multiport1(std::string& out, const PrintCall& call);
void print_nfacct(std::string& out, const PrintCall& call);
void print_osf(std::string& out, const PrintCall& call);
void print_owner(std::string& out, const PrintCall& call);
void print_physdev(std::string& out, const PrintCall& call);
void print_pkttype(std::string& out, const PrintCall& call);
void print_policy(std::string& out, const PrintCall& call);
void print_quota(std::string& out, const PrintCall& call);
void print_rateest(std::string& out, const PrintCall& call);
void print_realm(std::string& out, const PrintCall& call);
void print_recent0(std::string& out, const PrintCall& call);
void print_recent1(std::string& out, const PrintCall& call);
void print_rpfilter(std::string& out, const PrintCall& call);
void print_rt(std::string& out, const PrintCall& call);
void print_sctp(std::string& out, const PrintCall& call);
void print_set0(std::string& out, const PrintCall& call);
void print_set1(std::string& out, const PrintCall& call);
void print_set3(std::string& out, const PrintCall& call);
void print_set4(std::string& out, const PrintCall& call);
void print_socket(std::string& out, const PrintCall& call);
void print_srh0(std::string& out, const PrintCall& call);
void print_srh1(std::string& out, const PrintCall& call);
void print_state(std::string& out, const PrintCall& call);
void print_statistic(std::string& out, const PrintCall& call);
void print_string(std::string& out, const PrintCall& call);
void print_tcp(std::string& out, const PrintCall& call);
void print_tcpmss(std::string& out, const PrintCall& call);
void print_time(std::string& out, const PrintCall& call);
void print_tos(std::string& out, const PrintCall& call);
void print_ttl(std::string& out, const PrintCall& call);
void print_u32(std::string& out, const PrintCall& call);
void print_udp(std::string& out, const PrintCall& call);

// Shared with the printers of targets.

/// The name of a set, quoted where needed, or "[set 5]" if it is not known.
std::string set_name(const PrintCall& call, std::uint16_t index);
/// A name that iptables prints bare: quoted only if it would not read back.
std::string quoted_set(std::string_view name);
void print_set_directions(std::string& out, const wire::SetReference& set);
void print_match_set(std::string& out, const PrintCall& call, const wire::SetReference& set);
/// Revision 0's reference in today's form.
wire::SetReference set_reference_of(const wire::SetReference0& old);

} // namespace synfate::xt
