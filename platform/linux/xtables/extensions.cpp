#include "platform/linux/xtables/extensions.h"

#include <algorithm>
#include <span>

#include "platform/linux/xtables/conntrack_info.h"
#include "platform/linux/xtables/print_matches.h"
#include "platform/linux/xtables/print_targets.h"
#include "platform/linux/xtables/test_matches.h"
#include "platform/linux/xtables/run_targets.h"

namespace synfate::xt {
namespace {

using enum Families;

template <typename Wire>
constexpr ExtensionKind match(std::string_view name, std::uint8_t revision, Families families,
                              Print print, TestMatch test) {
  return {name, revision, families, sizeof(Wire), print, test, nullptr};
}

template <typename Wire>
constexpr ExtensionKind target(std::string_view name, std::uint8_t revision, Families families,
                               Print print, RunTarget run) {
  return {name, revision, families, sizeof(Wire), print, nullptr, run};
}

/// Sorted by name, for find().
const ExtensionKind matches[] = {
    match<wire::Addrtype0>("addrtype", 0, v4, print_addrtype0, test_addrtype0),
    match<wire::Addrtype1>("addrtype", 1, both, print_addrtype1, test_addrtype1),
    match<wire::Esp>("ah", 0, v4, print_ah, test_ah),
    match<wire::Ah6>("ah", 0, v6, print_ah6, test_ah6),
    match<wire::Bpf0>("bpf", 0, both, print_bpf0, test_bpf),
    match<wire::Bpf1>("bpf", 1, both, print_bpf1, test_bpf),
    match<wire::Cgroup0>("cgroup", 0, both, print_cgroup0, test_cgroup0),
    match<wire::Cgroup1>("cgroup", 1, both, print_cgroup1, test_cgroup1),
    match<wire::Cgroup2>("cgroup", 2, both, print_cgroup2, test_cgroup2),
    match<wire::Cluster>("cluster", 0, both, print_cluster, test_cluster),
    {"comment", 0, both, 1, print_comment, test_comment, nullptr},
    match<wire::Connbytes>("connbytes", 0, both, print_connbytes, test_connbytes),
    match<wire::Connlabel>("connlabel", 0, both, print_connlabel, test_connlabel),
    match<wire::Connlimit>("connlimit", 1, both, print_connlimit, test_connlimit),
    match<wire::Connmark>("connmark", 1, both, print_connmark, test_connmark),
    {"conntrack", 1, both, 152, print_conntrack, test_conntrack, nullptr},
    {"conntrack", 2, both, 156, print_conntrack, test_conntrack, nullptr},
    match<wire::Conntrack3>("conntrack", 3, both, print_conntrack, test_conntrack),
    match<wire::Cpu>("cpu", 0, both, print_cpu, test_cpu),
    match<wire::Dccp>("dccp", 0, both, print_dccp, test_dccp),
    match<wire::Devgroup>("devgroup", 0, both, print_devgroup, test_devgroup),
    match<wire::Dscp>("dscp", 0, both, print_dscp, test_dscp),
    match<wire::Options6>("dst", 0, v6, print_dst, test_dst),
    match<wire::Ecn>("ecn", 0, both, print_ecn, test_ecn),
    match<wire::Esp>("esp", 0, both, print_esp, test_esp),
    {"eui64", 0, v6, 4, nullptr, test_eui64, nullptr},
    match<wire::Frag6>("frag", 0, v6, print_frag, test_frag),
    match<wire::Hashlimit1>("hashlimit", 1, both, print_hashlimit, test_hashlimit),
    match<wire::Hashlimit2>("hashlimit", 2, both, print_hashlimit, test_hashlimit),
    match<wire::Hashlimit3>("hashlimit", 3, both, print_hashlimit, test_hashlimit),
    match<wire::Options6>("hbh", 0, v6, print_hbh, test_hbh),
    match<wire::HelperMatch>("helper", 0, both, print_helper, test_helper),
    match<wire::Ttl>("hl", 0, v6, print_hl, test_ttl),
    match<wire::Icmp>("icmp", 0, v4, print_icmp, test_icmp),
    match<wire::Icmp>("icmp6", 0, v6, print_icmp6, test_icmp6),
    match<wire::Ipcomp>("ipcomp", 0, both, print_ipcomp, test_ipcomp),
    match<wire::Iprange>("iprange", 1, both, print_iprange, test_iprange),
    match<wire::Header6>("ipv6header", 0, v6, print_ipv6header, test_ipv6header),
    match<wire::Ipvs>("ipvs", 0, both, print_ipvs, test_ipvs),
    match<wire::L2tp>("l2tp", 0, both, print_l2tp, test_l2tp),
    match<wire::Length>("length", 0, both, print_length, test_length),
    match<wire::Limit>("limit", 0, both, print_limit, test_limit),
    match<wire::Mac>("mac", 0, both, print_mac, test_mac),
    match<wire::Mark>("mark", 1, both, print_mark, test_mark),
    match<wire::Mobility6>("mh", 0, v6, print_mh, test_mh),
    match<wire::Multiport0>("multiport", 0, both, print_multiport0, test_multiport0),
    match<wire::Multiport1>("multiport", 1, both, print_multiport1, test_multiport1),
    match<wire::Nfacct>("nfacct", 0, both, print_nfacct, test_nfacct),
    match<wire::Nfacct>("nfacct", 1, both, print_nfacct, test_nfacct),
    match<wire::Osf>("osf", 0, v4, print_osf, test_osf),
    match<wire::Owner>("owner", 1, both, print_owner, test_owner),
    match<wire::Physdev>("physdev", 0, both, print_physdev, test_physdev),
    match<wire::Pkttype>("pkttype", 0, both, print_pkttype, test_pkttype),
    match<wire::Policy>("policy", 0, both, print_policy, test_policy),
    match<wire::Quota>("quota", 0, both, print_quota, test_quota),
    match<wire::RateestMatch>("rateest", 0, both, print_rateest, test_rateest),
    match<wire::Realm>("realm", 0, v4, print_realm, test_realm),
    match<wire::Recent0>("recent", 0, both, print_recent0, test_recent0),
    match<wire::Recent1>("recent", 1, both, print_recent1, test_recent1),
    match<wire::Rpfilter>("rpfilter", 0, both, print_rpfilter, test_rpfilter),
    match<wire::Routing6>("rt", 0, v6, print_rt, test_rt),
    match<wire::Sctp>("sctp", 0, both, print_sctp, test_sctp),
    match<wire::SetMatch0>("set", 0, both, print_set0, test_set0),
    match<wire::SetMatch1>("set", 1, both, print_set1, test_set1),
    match<wire::SetMatch1>("set", 2, both, print_set1, test_set1),
    match<wire::SetMatch3>("set", 3, both, print_set3, test_set3),
    match<wire::SetMatch4>("set", 4, both, print_set4, test_set4),
    {"socket", 0, v4, 0, nullptr, test_socket0, nullptr},
    match<wire::SocketMatch>("socket", 1, both, print_socket, test_socket),
    match<wire::SocketMatch>("socket", 2, both, print_socket, test_socket),
    match<wire::SocketMatch>("socket", 3, both, print_socket, test_socket),
    match<wire::Srh0>("srh", 0, v6, print_srh0, test_srh0),
    match<wire::Srh1>("srh", 1, v6, print_srh1, test_srh1),
    match<wire::State>("state", 0, both, print_state, test_state),
    match<wire::Statistic>("statistic", 0, both, print_statistic, test_statistic),
    match<wire::String>("string", 0, both, print_string, test_string),
    match<wire::String>("string", 1, both, print_string, test_string),
    match<wire::Tcp>("tcp", 0, both, print_tcp, test_tcp),
    match<wire::Tcpmss>("tcpmss", 0, both, print_tcpmss, test_tcpmss),
    match<wire::Time>("time", 0, both, print_time, test_time),
    match<wire::Tos>("tos", 1, both, print_tos, test_tos),
    match<wire::Ttl>("ttl", 0, v4, print_ttl, test_ttl),
    match<wire::U32>("u32", 0, both, print_u32, test_u32),
    match<wire::Udp>("udp", 0, both, print_udp, test_udp),
    match<wire::Udp>("udplite", 0, both, print_udp, test_udplite),
};

const ExtensionKind targets[] = {
    match<wire::Audit>("AUDIT", 0, both, print_audit, nullptr),
};

} // namespace

} // namespace synfate::xt
