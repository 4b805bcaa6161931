// The printer runs a rule on descriptions instead of values: a register holds the name of what was
// loaded, and a test of it becomes a phrase. Split over print_loads.cpp, print_tests.cpp,
// print_lookups.cpp and print_actions.cpp; used through rule_text.h.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "platform/linux/netfilter/decode.h"
#include "platform/linux/netfilter/fields.h"
#include "platform/linux/netfilter/rule_text.h"

namespace synfate {

/// What lies in registers: a field, a constant, or what was made of one.
struct Piece {
  std::string text; ///< "tcp dport"; of a load that is no single field "@th,16,16"
  ValueKind kind = ValueKind::raw;
  unsigned size = 0; ///< bytes
  bool is_constant = false;
  std::string constant;
  bool swapped = false; ///< byteorder was changed
  std::string mask;     ///< as nft_bitwise has it: (x & mask) ^ flip; empty: not changed
  std::string flip;
  unsigned binding = 0; ///< of the operator in `text`: 0 none, 1 shift, 2 and, 3 xor, 4 or

  // a load from the packet or from an option
  bool is_load = false;
  nft::PayloadBase base = nft::PayloadBase::network;
  unsigned bit = 0;   ///< where it begins
  std::string header; ///< known there; "" if none is
  std::optional<nft::Exthdr> option;

  // the data of a map
  std::vector<ValueKind> data_kinds; ///< several: a concatenation
  bool interval_data = false;
  nft::Slot owner = nft::no_slot; ///< a later slot of the data that begins at this one
  std::string as_number;          ///< data without a type, as numbers in network order
  std::string as_host_number;     ///< and in the machine's order
};

/// A part of a load that nft has a name for, or the whole of anything else.
struct Operand {
  std::string text;
  ValueKind kind = ValueKind::raw;
  unsigned first = 0; ///< bits of the data in front of it
  unsigned bits = 0;  ///< 0: all
  bool swapped = false;
};

class RulePrinter {
public:
  RulePrinter(const nft::Expressions& expressions, std::string_view family,
              const TextSources& sources);
  std::vector<Phrase> run();

private:
  void say(std::string field, std::string value, std::string text);
  void act(std::string text);
  void hold(nft::Slot slot, Piece piece);
  void named(nft::Slot slot, std::string text, ValueKind kind, unsigned size);
  const Piece& at(nft::Slot slot) const { return held_[slot < held_.size() ? slot : 0]; }

  // values
  std::string value(const Operand& operand, std::string_view data) const;
  std::string bit_names(const Operand& operand, std::string_view data) const;
  std::string range_end(const Operand& operand, std::string_view data) const;
  std::string range(const Operand& operand, const std::string& low, const std::string& high) const;
  std::string part_of(const Operand& operand, std::string_view data) const;
  std::string interface(std::string_view data) const;

  // operands
  std::optional<Operand> field_at(const Piece& piece, unsigned first, unsigned bits) const;
  std::vector<Operand> fields_in(const Piece& piece, unsigned bits) const;
  Operand operand_of(const Piece& piece) const;
  std::string operation(const Piece& piece, unsigned& binding) const;
  std::string source(nft::Slot slot, std::size_t size, ValueKind kind) const;
  std::string map_text(const nft::Lookup& lookup, std::optional<ValueKind> data) const;
  bool covers(const Piece& piece, const Operand& operand) const;

  // what is implied by later phrases
  void note_protocol(const Operand& operand, const nft::Cmp& cmp, const Piece& piece,
                     const std::string& text);
  void use(const Piece& piece);
  /// A test that a later phrase may make superfluous.
  struct Dependency {
    std::size_t phrase = ~std::size_t{0};
    std::string text; ///< its words in the phrase, which may say more
  };
  void imply(Dependency& dependency);
  void imply_network();
  void imply_transport(bool keep_explicit);
  void forget_protocols();
  void keep_transport(nft::Slot port);

  void print(const nft::Payload& load);
  void print(const nft::Meta& meta);
  void print(const nft::Ct& ct);
  void print(const nft::Exthdr& header);
  void print(const nft::Fib& fib);
  void print(const nft::Rt& rt);
  void print(const nft::SocketLoad& socket);
  void print(const nft::Numgen& gen);
  void print(const nft::Hash& hash);
  void print(const nft::Osf& osf);
  void print(const nft::Xfrm& xfrm);
  void print(const nft::Tunnel& tunnel);
  void print(const nft::Inner& inner);
  void print(const nft::Immediate& immediate);
  void print(const nft::Bitwise& bitwise);
  void print(const nft::Byteorder& byteorder);

  void print(const nft::Cmp& cmp);
  void print(const nft::Range& range);
  bool compare_fields(const Piece& piece, const nft::Cmp& cmp);
  bool compare_bits(const Piece& piece, const nft::Cmp& cmp);
  bool compare_prefix(const Piece& piece, const nft::Cmp& cmp);
  bool join_range(const std::string& field, const std::string& last);

  struct KeyPart {
    Operand operand;
    std::size_t offset = 0;
    std::size_t size = 0;
  };
  std::vector<KeyPart> key_parts(nft::Slot slot, const SetShape* shape) const;
  std::string key_field(nft::Slot slot, const SetShape* shape) const;
  void use_key(nft::Slot slot, const SetShape* shape);
  std::string key_text(const std::vector<KeyPart>& parts, const std::string& low,
                       const std::string& high) const;
  std::string element_data(const SetIndex& index, const SetValue& value,
                           std::optional<ValueKind> kind) const;
  std::string data_text(const std::vector<ValueKind>& kinds, std::string_view data) const;
  std::string contents(const SetIndex& index, nft::Slot slot,
                       std::optional<ValueKind> data = std::nullopt) const;
  const SetIndex* anonymous(const std::string& set) const;
  const SetShape* shape_of(const std::string& set) const;
  void print(const nft::Lookup& lookup);
  std::string without_state(const nft::Expression& expression) const;
  void print(const nft::Dynset& dynset);
  void print(const nft::ObjectRef& object);

  void print(const nft::ImmediateVerdict& verdict);
  void print(const nft::Counter& counter);
  void print(const nft::Log& log);
  void print(const nft::Limit& limit);
  void print(const nft::Quota& quota);
  void print(const nft::ConnLimit& limit);
  void print(const nft::Last& last);
  void print(const nft::Notrack&);
  void print(const nft::Reject& reject);
  std::string ports(nft::Slot low, nft::Slot high) const;
  std::string nat_address(const nft::Nat& nat, bool v4) const;
  void print(const nft::Nat& nat);
  void print(const nft::Masquerade& masquerade);
  void print(const nft::Redirect& redirect);
  void print(const nft::Tproxy& tproxy);
  void print(const nft::Synproxy& synproxy);
  void print(const nft::Queue& queue);
  void print(const nft::Dup& dup);
  void print(const nft::Forward& forward);
  void print(const nft::FlowOffload& offload);
  void print(const nft::PayloadSet& write);
  void print(const nft::Compat& compat);
  void print(const nft::Unrecognised& unknown);

  const nft::Expressions& expressions_;
  std::string family_;
  const TextSources& sources_;
  std::array<Piece, nft::slot_count> held_;
  std::vector<Phrase> phrases_;
  std::size_t at_ = 0;

  static constexpr std::size_t none = ~std::size_t{0};
  std::string link_; ///< headers as far as the rule has named them
  std::string network_;
  std::string transport_;
  Dependency link_test_; ///< which phrases named them
  Dependency network_test_;
  Dependency transport_test_;
  Dependency icmp_test_;
  std::size_t hidden_transport_ = none; ///< the phrase that was implied last
  int icmp_type_ = -1;
  bool transport_by_header_ = false; ///< ip protocol, ip6 nexthdr: kept where it says the family
};

// on bytes

bool all_zero(std::string_view bytes);
/// Bits [from, from + count) as bytes aligned to the right.
std::string bits_of(std::string_view bytes, unsigned from, unsigned count);
/// Length of a prefix mask; nothing if it is none.
std::optional<unsigned> prefix_of(std::string_view mask);
/// First bit and number of a run of ones that is all that is set; nothing if there is no such.
struct BitRun {
  unsigned first = 0;
  unsigned bits = 0;
};
std::optional<BitRun> run_of(std::string_view mask);

} // namespace synfate
