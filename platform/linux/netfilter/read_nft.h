// Reads nf_tables of the calling thread's network namespace over nfnetlink.
//
// What one call returns is of one generation of the rules: its number is asked for before and after
// (NFT_MSG_GETGEN, and NLM_F_DUMP_INTR in between), and when it moved everything is read again. The
// number is told, so that whoever puts the results of several calls together sees what moved.
// Rules are dumped chain by chain, since one dump of all restarts its walk for every message; sets
// are asked by key where a key is known. Nothing is changed and no table is made.
// net/netfilter/nf_tables_api.c, Linux 6.12. parse_* are pure; tested by
// tests/unit/platform/linux/netfilter/hooks_test.cpp, fuzzed by tests/fuzz/fuzz_nft_message.cpp.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/linux/netfilter/tables.h"
#include "platform/linux/netlink.h"

namespace synfate {

/// Where a chain or a set is.
struct NftPlace {
  std::string family;
  std::string table;
  std::string name; ///< of the chain or set; empty: all of the table
};

class NftReader {
public:
  /// `netns` goes into the rows. Error `unsupported`: this kernel has no nf_tables, or has not
  /// loaded it: there are no rules.
  static Result<NftReader> open(Int netns, std::chrono::milliseconds timeout,
                                std::string root = {});

  /// Bounds every exchange from now on.
  void set_timeout(std::chrono::milliseconds timeout) { socket_.set_timeout(timeout); }

  Result<std::vector<NftTable>> read_tables();
  Result<std::vector<NftChain>> read_chains();
  /// The rules of one chain, in order.
  Result<std::vector<NftRule>> read_rules(const NftPlace& chain);
  /// The same as bytes: for chains of tens of thousands of rules.
  Result<std::vector<NftRuleDump>> read_rule_dump(const NftPlace& chain);
  /// The rules of every chain.
  Result<std::vector<NftRule>> read_all_rules();
  /// Sets of one table, or with empty family and table of all.
  Result<std::vector<NftSet>> read_sets(const NftPlace& table);
  Result<std::vector<NftElement>> read_elements(const NftPlace& set);
  /// The same as bytes: for sets of hundreds of thousands of elements.
  /// With `limit` the dump ends after one message more than that.
  Result<std::vector<NftSetDump>> read_set_dump(const NftPlace& set,
                                                std::optional<Int> limit = std::nullopt);
  /// Whether one key is in a set; asks for the catch-all element if it is not.
  Result<NftLookup> read_lookup(const NftPlace& set, const std::string& key);
  Result<std::vector<NftObject>> read_objects();
  Result<std::vector<NftFlowtable>> read_flowtables();
  Result<NftGeneration> read_generation();
  /// Of the rules when they were read last.
  const NftGeneration& generation() const { return generation_; }

private:
  NftReader(netlink::Socket socket, Int netns) : socket_(std::move(socket)), netns_(netns) {}

  template <typename Row, typename Parse>
  Result<std::vector<Row>> dump(std::uint16_t message, const NftPlace& place,
                                std::initializer_list<std::uint16_t> attributes,
                                std::string_view doing, Parse parse,
                                std::optional<Int> limit = std::nullopt);
  template <typename Read> auto consistent(std::string_view doing, Read read) -> decltype(read());
  Result<std::vector<NftRule>> dump_rules(const NftPlace& chain);
  Result<bool> ask_element(const NftPlace& set, const std::string* key, NftLookup& answer);

  netlink::Socket socket_;
  Int netns_;
  NftGeneration generation_;
};

/// One message each; nothing if it is none of the kind. Rows come without netns.
std::optional<NftTable> parse_nft_table(const netlink::Message& message);
std::optional<NftChain> parse_nft_chain(const netlink::Message& message);
std::optional<NftRule> parse_nft_rule(const netlink::Message& message);
std::optional<NftSet> parse_nft_set(const netlink::Message& message);
std::optional<NftSetDump> parse_nft_set_dump(const netlink::Message& message);
std::vector<NftElement> parse_nft_elements(const netlink::Message& message);
std::optional<NftObject> parse_nft_object(const netlink::Message& message);
std::optional<NftFlowtable> parse_nft_flowtable(const netlink::Message& message);
std::optional<NftGeneration> parse_nft_generation(const netlink::Message& message);

/// "ip", "ip6" … of an NFPROTO_ number, and back; empty or nothing if there is none.
std::string_view nft_family_name(unsigned family);
std::optional<std::uint8_t> nft_family_number(std::string_view name);

} // namespace synfate
