// The register machine of one rule, on packet classes.
//
// net/netfilter/nf_tables_core.c: nft_do_chain(), and the eval functions of net/netfilter/nft_*.c,
// Linux 6.12. Expressions run in order on sixteen 4-byte registers. A test that holds for a part of
// the class only forks the run: the rest breaks the rule. What nobody can know forks it into two
// equal classes with a condition each. Parts of one class that both go on to the next rule
// unchanged are joined again by the caller.
// Tested against the kernel by tests/unit/platform/linux/netfilter/kernel_rules_test.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/hooks.h"
#include "platform/linux/netfilter/nat.h"
#include "platform/linux/netfilter/own_addresses.h"
#include "platform/linux/netfilter/rule_text.h"
#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/netfilter/split.h"

namespace synfate {

using PacketPointer = std::shared_ptr<const PacketClass>;

/// How a rule ended for a part of the class.
struct RuleEnd {
  PacketPointer packet;
  nft::Verdict verdict; ///< proceed: the next rule; accept, jump, go_to, return_up
  /// Set when the packet's way ends here: everything but accept and control flow.
  std::optional<HookVerdict> final;
  Rejection rejection;
  QueueTarget queue;
  Theft theft = Theft::none;
  Int stolen_interface = 0;
  std::string why;
  bool broke = false; ///< proceed: a test failed, not the end of the rule
};

/// How a reject ends; without the packet.
RuleEnd rejected(const nft::Reject& reject, const PacketClass& packet);

/// Where the rule stands.
struct RuleSite {
  const NftScope* scope = nullptr;
  const std::string* chain = nullptr;
  const RuleRow* rule = nullptr;
};

/// The culprit of a rule, with its text.
Culprit rule_culprit(HookContext& context, const RuleSite& site);
/// What the rules of a table are printed with. The elements of sets without a name are asked for.
TextSources text_sources(HookContext& context, const NftScope& scope);
/// The same without text: as cheap as it gets.
CulpritId rule_id(const RuleSite& site);

/// What `meta nfproto` gives: nft_pf() of include/net/netfilter/nf_tables.h.
std::uint8_t protocol_family(const HookRequest& request, const NftScope& scope,
                             const PacketClass& packet);

class Machine {
public:
  Machine(HookContext& context, const HookRequest& request)
      : context_(context), request_(request),
        big_endian_(byte_order_of(context.inquiry.snapshot()) == ByteOrder::big) {}

  /// Runs a rule; ends are appended.
  void run(const RuleSite& site, const PacketPointer& packet, std::vector<RuleEnd>& ends);

  /// Runs a rule as if every failed test had passed. The positions of the expressions whose tests
  /// failed; nothing when something other than a test stood in the way.
  std::optional<std::vector<std::size_t>>
  failures(const RuleSite& site, const PacketPointer& packet, std::vector<std::vector<Octet>>* had);

private:
  using Registers = std::array<Octet, nft::slot_count * 4>;
  struct Thread {
    PacketPointer packet;
    Registers registers{};
    std::size_t at = 0;
  };

  void run_thread(const nft::Expressions& expressions, std::vector<RuleEnd>& ends);
  void perform(const nft::Operation& operation);

  // control
  void break_rule() { broke_ = true; }
  void finish(RuleEnd end);
  void unknown(std::string why);
  void fork(PacketPointer packet);
  void branch(Split split, bool inverted = false);
  void undecided(const std::string& holds, const std::string& fails, bool inverted = false);
  void decide(bool holds) {
    if (!holds)
      break_rule();
  }
  const PacketClass& packet() const { return *thread_.packet; }
  PacketClass& change();
  Culprit culprit() { return rule_culprit(context_, site_); }
  std::string subject() const; ///< "rule inet/filter/input/4"

  // registers
  /// As many of the octets as there are.
  std::span<Octet> registers(nft::Slot slot, std::size_t size) {
    const std::span all(thread_.registers);
    const std::size_t first = std::min(slot * std::size_t{4}, all.size());
    return all.subspan(first, std::min(size, all.size() - first));
  }
  /// `size` octets; those past the last register, which no kernel lets a rule read, are unknown.
  std::vector<Octet> value(nft::Slot slot, std::size_t size);
  void store(nft::Slot slot, std::span<const Octet> octets);
  void store_bytes(nft::Slot slot, std::string_view bytes);
  void store_number(nft::Slot slot, std::uint64_t number, unsigned size);
  void store_free(nft::Slot slot, std::size_t size);
  void store_text(nft::Slot slot, std::string_view text);
  template <typename T> void store_perhaps(nft::Slot slot, const Perhaps<T>& value, unsigned size) {
    if (value.known())
      store_number(slot, static_cast<std::uint64_t>(value.value()), size);
    else
      store_free(slot, size);
  }
  std::optional<std::uint64_t> known_number(nft::Slot slot, unsigned size);
  TestContext test_context();
  /// test_context(), made when it is needed.
  TestWords words() {
    return [this] { return test_context(); };
  }
  bool fails_later();
  std::uint8_t protocol_family() const {
    return synfate::protocol_family(request_, *site_.scope, packet());
  }

  // loads
  void perform(const nft::Payload& load);
  void perform(const nft::PayloadSet& write);
  void perform(const nft::Meta& meta);
  void load_meta(const nft::Meta& meta);
  void load_interface(const nft::Meta& meta);
  void load_bridge(const InterfaceView& port, nft::Slot slot);
  void load_time(const nft::Meta& meta);
  void load_socket_owner(const nft::Meta& meta);
  void set_meta(const nft::Meta& meta);
  void perform(const nft::Ct& ct);
  void load_ct(const nft::Ct& ct);
  void load_tuple(const nft::Ct& ct);
  void load_counter(const nft::Ct& ct);
  void set_ct(const nft::Ct& ct);
  void set_zone(const nft::Ct& ct);
  void perform(const nft::Exthdr& header);
  void tcp_option(const nft::Exthdr& header);
  std::optional<std::size_t> find_tcp_option(std::uint8_t type, bool& unknown_layout) const;
  void found_header(const nft::Exthdr& header, std::optional<std::size_t> offset);
  void perform(const nft::Rt& rt);
  void perform(const nft::Fib& fib);
  void fib_type(const nft::Fib& fib);
  void fib_interface(const nft::Fib& fib);
  void fib_named(const nft::Fib& fib, Int index);
  void fib_ways(const nft::Fib& fib, const InterfaceView* device);
  void fork_by(const std::map<std::uint64_t, IntervalSet>& parts,
               const std::function<void(std::uint64_t)>& store);
  void store_fib(const nft::Fib& fib, Int index, const std::string& name);
  void perform(const nft::SocketLoad& socket);
  void sending_socket(const nft::SocketLoad& socket, unsigned size);
  std::optional<std::uint64_t> socket_number(nft::SocketKey key,
                                             const std::vector<Socket>& sockets) const;
  void perform(const nft::Xfrm& xfrm);
  void perform(const nft::Tunnel& tunnel);
  void perform(const nft::Inner& inner);
  void perform(const nft::Osf& osf);
  void perform(const nft::Numgen& numgen);
  void perform(const nft::Hash& hash);
  void choose(nft::Slot slot, std::uint32_t modulus, std::uint32_t offset, const std::string& what);

  // tests and arithmetic
  void perform(const nft::Cmp& cmp);
  void perform(const nft::Range& range);
  void perform(const nft::Bitwise& bitwise);
  void perform(const nft::Byteorder& byteorder);
  void perform(const nft::Immediate& immediate);
  void perform(const nft::Lookup& lookup);
  const SetValue* known_value(const std::string& set, const std::vector<Octet>& key,
                              bool& answered);
  bool look_up(const std::string& set, const std::vector<Octet>& key,
               std::vector<LookupPart>& parts);
  std::string set_id(const std::string& set) const; ///< "inet/filter/seen"
  void apply_changes(const std::string& set, const std::vector<Octet>& key,
                     std::vector<LookupPart>& parts);
  void take_value(const nft::Lookup& lookup, const LookupPart& part);
  void change_set(const nft::Dynset& dynset);
  void element_expressions(const SetValue& value);
  void perform(const nft::Dynset& dynset);
  void perform(const nft::Limit& limit);
  void perform(const nft::Quota& quota);
  void perform(const nft::ConnLimit& limit);
  void perform(const nft::ObjectRef& reference);
  void use_object(const std::string& name, std::uint32_t type);

  // actions
  void perform(const nft::ImmediateVerdict& verdict);
  void take_verdict(const nft::Verdict& verdict);
  void perform(const nft::Reject& reject);
  void perform(const nft::Nat& nat);
  void perform(const nft::Masquerade& masquerade);
  void perform(const nft::Redirect& redirect);
  std::optional<AddressTerm> nat_address(const nft::Nat& nat);
  std::optional<std::uint16_t> port_in(nft::Slot slot);
  std::optional<PortTerm> port_for_nat(nft::Slot low, nft::Slot high, std::uint32_t flags,
                                       bool destination);
  std::vector<NatTarget> choices_of(const NatTarget& target) const;
  void bind(bool destination, const std::vector<NatTarget>& choices, bool masquerade);
  void bind_own(bool destination, const InterfaceView& interface, const OwnAddresses& own,
                const std::optional<PortTerm>& port);
  void accept();
  void perform(const nft::Notrack& notrack);
  void perform(const nft::Tproxy& tproxy);
  void perform(const nft::Synproxy& synproxy);
  void perform(const nft::Queue& queue);
  void perform(const nft::Forward& forward);
  void perform(const nft::FlowOffload& offload);
  void perform(const nft::Compat& compat);
  void perform(const nft::Unrecognised& unrecognised);
  void perform(const nft::Counter&) {}
  void perform(const nft::Log&) {}
  void perform(const nft::Last&) {}
  void perform(const nft::Dup&) {}

  HookContext& context_;
  const HookRequest& request_;
  bool big_endian_;
  RuleSite site_;
  Thread thread_;
  std::vector<Thread> waiting_;
  std::vector<std::unique_ptr<SetValue>> looked_up_; ///< answers to single keys
  std::vector<RuleEnd>* ends_ = nullptr;
  bool broke_ = false;
  bool ended_ = false;
  bool speculative_ = false; ///< failures(): forks are not followed
};

} // namespace synfate
