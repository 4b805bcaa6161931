// Programs of classic BPF over a packet of which some bits are not known.
//
// net/core/filter.c: bpf_check_classic(), bpf_convert_filter(), bpf_skb_load_helper_*();
// net/netfilter/xt_bpf.c: the packet begins with its network header; what reaches past its end ends
// the program with 0; Linux 6.12. Where a jump hangs on unknown bits both ways are followed. The
// kernel's own numbers beside the packet (hash, queue, CPU, random …) are not known. Tested by
// tests/unit/platform/linux/xtables/classic_bpf_test.cpp and tests/netfilter/trials.py.
#pragma once

#include <span>

#include "platform/linux/netfilter/packet.h"
#include "platform/linux/netfilter/split.h"
#include "platform/linux/xtables/wire.h"

namespace synfate::xt {

/// Whether the program returns something else than 0.
Truth run_classic_bpf(std::span<const wire::BpfInstruction> program, const PacketClass& packet);

} // namespace synfate::xt
