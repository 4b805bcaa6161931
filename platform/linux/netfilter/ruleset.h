// The rules of a snapshot, decoded as far as walks got to them.
//
// A cache beside a snapshot: chains, rules and sets are looked up once and a rule's bytes are
// decoded when it is first reached. Answers of a snapshot are only ever added, so what was cached
// stays true. It belongs to the caller of run_hook() and must not outlive the snapshot. Tested by
// tests/unit/platform/linux/netfilter/hooks_test.cpp.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/model/model.h"
#include "platform/linux/netfilter/expression.h"
#include "platform/linux/netfilter/hook_memory.h"
#include "platform/linux/netfilter/quick_refusal.h"
#include "platform/linux/netfilter/set_index.h"

namespace synfate {

/// Where an nf_tables object is.
struct NftScope {
  Int netns = 0;
  std::string family;
  std::string table;
  friend auto operator<=>(const NftScope&, const NftScope&) = default;
};

/// A base chain: registered at a hook.
struct NftBaseChain {
  NftScope scope;
  std::string name;
  std::string type; ///< filter, nat, route
  std::string hook;
  int priority = 0;
  std::pair<Int, Int> handles; ///< of its table and its own: grow with registration
  bool drops = false;          ///< the policy
  std::vector<std::string> devices;
};

/// A rule; its bytes belong to the snapshot.
struct RuleRow {
  Int handle = 0;
  std::string_view bytes; ///< NFTA_RULE_EXPRESSIONS
  std::string_view note;  ///< its comment, or the userdata that holds it
  bool note_is_userdata = false;
  std::string comment() const;
  const nft::Expressions& expressions(ByteOrder order) const;
  /// Of its last expression; `proceed` if it is none. Read once.
  nft::VerdictCode last_verdict(ByteOrder order) const;
  /// As nft or iptables would write it; null until it was made and kept, which is when it hangs on
  /// nothing that is still to be read.
  const std::string* text() const { return text_.get(); }
  void keep_text(const std::string& text) const { text_ = std::make_unique<std::string>(text); }

private:
  friend class RuleChain;
  static constexpr std::uint32_t not_read = ~0U;
  mutable std::uint32_t first_test_ = not_read; ///< in the chain's tests
  mutable std::uint16_t test_count_ = 0;
  mutable std::uint16_t tests_end_ = 0; ///< in its bytes; 0: they have more that tests
  mutable std::optional<nft::VerdictCode> verdict_;
  mutable std::unique_ptr<nft::Expressions> decoded_;
  mutable std::unique_ptr<std::string> text_;
};

class RuleChain {
public:
  std::vector<RuleRow> rules; ///< in order
  /// The tests that a rule of this chain begins with; valid until the next call.
  std::span<const QuickTest> tests(const RuleRow& rule, ByteOrder order) const;
  /// What a rule does to those that pass its tests, where tests() are all it has.
  std::optional<QuickEnd> end(const RuleRow& rule, ByteOrder order) const;

private:
  mutable QuickTestReader reader_;
  mutable std::vector<QuickTest> tests_; ///< of the rules that were looked at
};

class Ruleset {
public:
  /// Hooks that were run with these rules.
  HookMemory& memory() { return memory_; }
  /// The base chains of a namespace. Null: asked for now, or it could not be read (then the
  /// inquiry is not pending and its gaps say why).
  const std::vector<NftBaseChain>* base_chains(Inquiry& inquiry, Int netns);
  /// How a packet comes to a chain. Those that every packet of a chain comes to are asked for
  /// together; of those behind a test only few are ever needed, one after another.
  enum class Reached : std::uint8_t { always, by_a_test };
  /// Null as above.
  const RuleChain* chain(Inquiry& inquiry, const NftScope& scope, const std::string& name,
                         Reached reached = Reached::always);
  /// How many rules of the chains that were asked for there are.
  std::size_t rules_read() const;
  /// What a set is; null as above.
  const SetShape* shape(Inquiry& inquiry, const NftScope& scope, const std::string& set);
  /// All elements. Null as above.
  const SetIndex* elements(Inquiry& inquiry, const NftScope& scope, const std::string& set);
  /// All elements if they were read already; asks for nothing.
  const SetIndex* read_elements(const Snapshot& snapshot, const NftScope& scope,
                                const std::string& set);
  /// An object's NFTA_OBJ_DATA. Null as above, or no such object.
  const std::string* object(Inquiry& inquiry, const NftScope& scope, const std::string& name,
                            std::uint32_t type);

private:
  HookMemory memory_;
  using Named = std::tuple<NftScope, std::string>;
  RuleChain chain_of_dump(const Snapshot& snapshot, const Request& request) const;
  RuleChain chain_of_rows(const Snapshot& snapshot, const Request& request) const;
  const SetIndex* build(const Snapshot& snapshot, const Request& request, const Named& name,
                        SetShape shape);

  std::map<Int, std::vector<NftBaseChain>> base_chains_;
  std::map<Named, RuleChain> chains_;
  std::map<NftScope, std::map<std::string, SetShape>> shapes_;
  std::map<Named, SetIndex> indices_;
  std::map<std::tuple<NftScope, std::string, std::uint32_t>, std::string> objects_;
};

/// True if the rules of a namespace changed while they were read: some facts are of one version,
/// some of another.
bool rules_moved(const Snapshot& snapshot, Int netns);
/// The same of any namespace.
bool any_rules_moved(const Snapshot& snapshot);

/// The byte order of the machine that a snapshot was taken on.
ByteOrder byte_order_of(const Snapshot& snapshot);

} // namespace synfate
