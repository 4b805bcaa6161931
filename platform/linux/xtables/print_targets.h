// The printers of targets: one for each wire struct, listed in extensions.cpp.
#pragma once

#include <algorithm>
#include <bit>
#include <string>

#include "platform/linux/xtables/printing.h"

namespace synfate::xt {

void print_audit(std::string& out, const PrintCall& call);
void print_checksum(std::string& out, const PrintCall& call);
void print_classify(std::string& out, const PrintCall& call);
void print_connsecmark(std::string& out, const PrintCall& call);
void print_ct0(std::string& out, const PrintCall& call);
void print_ct1(std::string& out, const PrintCall& call);
void print_dnat(std::string& out, const PrintCall& call);
void print_ecn_target(std::string& out, const PrintCall& call);
void print_hmark(std::string& out, const PrintCall& call);
void print_idletimer0(std::string& out, const PrintCall& call);
void print_idletimer1(std::string& out, const PrintCall& call);
void print_led(std::string& out, const PrintCall& call);
void print_log(std::string& out, const PrintCall& call);
void print_masquerade(std::string& out, const PrintCall& call);
void print_netmap(std::string& out, const PrintCall& call);
void print_nflog(std::string& out, const PrintCall& call);
void print_nfqueue0(std::string& out, const PrintCall& call);
void print_nfqueue1(std::string& out, const PrintCall& call);
void print_nfqueue2(std::string& out, const PrintCall& call);
void print_npt(std::string& out, const PrintCall& call);
void print_rateest_target(std::string& out, const PrintCall& call);
void print_redirect(std::string& out, const PrintCall& call);
void print_reject4(std::string& out, const PrintCall& call);
void print_reject6(std::string& out, const PrintCall& call);
void print_secmark0(std::string& out, const PrintCall& call);
void print_secmark1(std::string& out, const PrintCall& call);
void print_set_connmark1(std::string& out, const PrintCall& call);
void print_set_connmark2(std::string& out, const PrintCall& call);
void print_set_dscp(std::string& out, const PrintCall& call);
void print_set_hl(std::string& out, const PrintCall& call);
void print_set_mark(std::string& out, const PrintCall& call);
void print_set_mss(std::string& out, const PrintCall& call);
void print_set_target0(std::string& out, const PrintCall& call);
void print_set_target1(std::string& out, const PrintCall& call);
void print_set_target2(std::string& out, const PrintCall& call);
void print_set_target3(std::string& out, const PrintCall& call);
void print_set_tos(std::string& out, const PrintCall& call);
void print_set_ttl(std::string& out, const PrintCall& call);
void print_snat(std::string& out, const PrintCall& call);
void print_synproxy(std::string& out, const PrintCall& call);
void print_tcpoptstrip(std::string& out, const PrintCall& call);
void print_tee(std::string& out, const PrintCall& call);
void print_tproxy0(std::string& out, const PrintCall& call);
void print_tproxy1(std::string& out, const PrintCall& call);

} // namespace synfate::xt
