// What targets do: one for each kind in extensions.cpp. Each follows the kernel's function of the
// same target; the files name their sources.
#pragma once

#include "platform/linux/xtables/xt_evaluate.h"

namespace synfate::xt {

TargetAnswer run_classify(const TargetCall& call);
TargetAnswer run_connmark1(const TargetCall& call);
TargetAnswer run_connmark2(const TargetCall& call);
TargetAnswer run_ct(const TargetCall& call);
TargetAnswer run_dnat(const TargetCall& call);
TargetAnswer run_dnpt(const TargetCall& call);
TargetAnswer run_dscp(const TargetCall& call);
TargetAnswer run_ecn(const TargetCall& call);
TargetAnswer run_hmark(const TargetCall& call);
TargetAnswer run_mark(const TargetCall& call);
TargetAnswer run_masquerade(const TargetCall& call);
TargetAnswer run_netmap(const TargetCall& call);
TargetAnswer run_nfqueue0(const TargetCall& call);
TargetAnswer run_nfqueue1(const TargetCall& call);
TargetAnswer run_nfqueue2(const TargetCall& call);
TargetAnswer run_nothing(const TargetCall& call);
TargetAnswer run_notrack(const TargetCall& call);
TargetAnswer run_redirect(const TargetCall& call);
TargetAnswer run_reject4(const TargetCall& call);
TargetAnswer run_reject6(const TargetCall& call);
TargetAnswer run_set0(const TargetCall& call);
TargetAnswer run_set1(const TargetCall& call);
TargetAnswer run_set3(const TargetCall& call);
TargetAnswer run_snat(const TargetCall& call);
TargetAnswer run_snpt(const TargetCall& call);
TargetAnswer run_synproxy(const TargetCall& call);
TargetAnswer run_tcpmss(const TargetCall& call);
TargetAnswer run_tcpoptstrip(const TargetCall& call);
TargetAnswer run_tos(const TargetCall& call);
TargetAnswer run_tproxy0(const TargetCall& call);
TargetAnswer run_tproxy1(const TargetCall& call);
TargetAnswer run_ttl(const TargetCall& call);

} // namespace synfate::xt
