#include "platform/linux/xtables/extensions.h"

#include <algorithm>
#include <span>

#include "platform/linux/xtables/conntrack_info.h"
#include "platform/linux/xtables/print_matches.h"
#include "platform/linux/xtables/print_targets.h"
#include "platform/linux/xtables/run_targets.h"
#include "platform/linux/xtables/test_matches.h"

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
    target<wire::Audit>("AUDIT", 0, both, print_audit, run_nothing),
    target<wire::Checksum>("CHECKSUM", 0, both, print_checksum, run_nothing),
    target<wire::Classify>("CLASSIFY", 0, both, print_classify, run_classify),
    target<wire::ConnmarkTarget1>("CONNMARK", 1, both, print_set_connmark1, run_connmark1),
    target<wire::ConnmarkTarget2>("CONNMARK", 2, both, print_set_connmark2, run_connmark2),
    target<wire::Connsecmark>("CONNSECMARK", 0, both, print_connsecmark, run_nothing),
    target<wire::Ct0>("CT", 0, both, print_ct0, run_ct),
    target<wire::Ct1>("CT", 1, both, print_ct1, run_ct),
    target<wire::Ct1>("CT", 2, both, print_ct1, run_ct),
    target<wire::NatRangeCompat>("DNAT", 0, v4, print_dnat, run_dnat),
    target<wire::NatRange1>("DNAT", 1, both, print_dnat, run_dnat),
    target<wire::NatRange2>("DNAT", 2, both, print_dnat, run_dnat),
    target<wire::Npt>("DNPT", 0, v6, print_npt, run_dnpt),
    target<wire::DscpTarget>("DSCP", 0, both, print_set_dscp, run_dscp),
    target<wire::EcnTarget>("ECN", 0, v4, print_ecn_target, run_ecn),
    target<wire::Ttl>("HL", 0, v6, print_set_hl, run_ttl),
    target<wire::Hmark>("HMARK", 0, both, print_hmark, run_hmark),
    target<wire::Idletimer0>("IDLETIMER", 0, both, print_idletimer0, run_nothing),
    target<wire::Idletimer1>("IDLETIMER", 1, both, print_idletimer1, run_nothing),
    target<wire::Led>("LED", 0, both, print_led, run_nothing),
    target<wire::Log>("LOG", 0, both, print_log, run_nothing),
    target<wire::MarkTarget>("MARK", 2, both, print_set_mark, run_mark),
    target<wire::NatRangeCompat>("MASQUERADE", 0, v4, print_masquerade, run_masquerade),
    target<wire::NatRange1>("MASQUERADE", 0, v6, print_masquerade, run_masquerade),
    target<wire::NatRangeCompat>("NETMAP", 0, v4, print_netmap, run_netmap),
    target<wire::NatRange1>("NETMAP", 0, v6, print_netmap, run_netmap),
    target<wire::Nflog>("NFLOG", 0, both, print_nflog, run_nothing),
    target<wire::Nfqueue0>("NFQUEUE", 0, both, print_nfqueue0, run_nfqueue0),
    target<wire::Nfqueue1>("NFQUEUE", 1, both, print_nfqueue1, run_nfqueue1),
    target<wire::Nfqueue2>("NFQUEUE", 2, both, print_nfqueue2, run_nfqueue2),
    target<wire::Nfqueue2>("NFQUEUE", 3, both, print_nfqueue2, run_nfqueue2),
    {"NOTRACK", 0, both, 0, nullptr, nullptr, run_notrack},
    target<wire::RateestTarget>("RATEEST", 0, both, print_rateest_target, run_nothing),
    target<wire::NatRangeCompat>("REDIRECT", 0, v4, print_redirect, run_redirect),
    target<wire::NatRange1>("REDIRECT", 0, v6, print_redirect, run_redirect),
    target<wire::Reject>("REJECT", 0, v4, print_reject4, run_reject4),
    target<wire::Reject>("REJECT", 0, v6, print_reject6, run_reject6),
    target<wire::Secmark0>("SECMARK", 0, both, print_secmark0, run_nothing),
    target<wire::Secmark1>("SECMARK", 1, both, print_secmark1, run_nothing),
    target<wire::SetTarget0>("SET", 0, both, print_set_target0, run_set0),
    target<wire::SetTarget1>("SET", 1, both, print_set_target1, run_set1),
    target<wire::SetTarget2>("SET", 2, both, print_set_target2, run_set1),
    target<wire::SetTarget3>("SET", 3, both, print_set_target3, run_set3),
    target<wire::NatRangeCompat>("SNAT", 0, v4, print_snat, run_snat),
    target<wire::NatRange1>("SNAT", 1, both, print_snat, run_snat),
    target<wire::NatRange2>("SNAT", 2, both, print_snat, run_snat),
    target<wire::Npt>("SNPT", 0, v6, print_npt, run_snpt),
    target<wire::Synproxy>("SYNPROXY", 0, both, print_synproxy, run_synproxy),
    target<wire::TcpmssTarget>("TCPMSS", 0, both, print_set_mss, run_tcpmss),
    target<wire::Tcpoptstrip>("TCPOPTSTRIP", 0, both, print_tcpoptstrip, run_tcpoptstrip),
    target<wire::Tee>("TEE", 1, both, print_tee, run_nothing),
    target<wire::TosTarget>("TOS", 1, both, print_set_tos, run_tos),
    target<wire::Tproxy0>("TPROXY", 0, v4, print_tproxy0, run_tproxy0),
    target<wire::Tproxy1>("TPROXY", 1, both, print_tproxy1, run_tproxy1),
    {"TRACE", 0, both, 0, nullptr, nullptr, run_nothing},
    target<wire::Ttl>("TTL", 0, v4, print_set_ttl, run_ttl),
};

bool fits(const ExtensionKind& kind, const Extension& extension, IpFamily family) {
  const bool family_fits =
      kind.families == both || (kind.families == v4) == (family == IpFamily::v4);
  return kind.revision == extension.revision && family_fits && extension.info.size() >= kind.size;
}

const ExtensionKind* find(std::span<const ExtensionKind> kinds, const Extension& extension,
                          IpFamily family) {
  for (const auto& kind : std::ranges::equal_range(kinds, extension.name, {}, &ExtensionKind::name))
    if (fits(kind, extension, family))
      return &kind;
  return nullptr;
}

} // namespace

const ExtensionKind* find_match(const Extension& match, IpFamily family) {
  return find(matches, match, family);
}

const ExtensionKind* find_target(const Extension& target, IpFamily family) {
  return find(targets, target, family);
}

std::string_view shown_name(const Extension& extension) {
  const bool conntrack = extension.name == "conntrack" && extension.revision == 3 &&
                         extension.info.size() >= sizeof(wire::Conntrack3);
  if (conntrack && is_state_alias(conntrack_of(extension.info, 3)))
    return "state";
  if (extension.name == "CT" && extension.info.size() >= sizeof(wire::Ct0) &&
      (load<wire::Ct0>(extension.info)->flags & 2) != 0)
    return "NOTRACK";
  return extension.name;
}

} // namespace synfate::xt
