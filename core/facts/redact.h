// Pseudonyms for what a snapshot tells about people and networks, so that it can be sent to others.
//
// Addresses keep what the model looks at: two addresses that share a prefix of n bits share one of
// n bits afterwards (each bit is flipped, or not, by a keyed function of the bits before it, the
// scheme known from Crypto-PAn), and blocks with a meaning of their own keep it: loopback,
// unspecified, multicast, documentation and reserved blocks stay as they are; private and
// link-local blocks stay what they are and are mixed inside. No other address ever falls into such
// a block: on the way to one no bit is flipped. Command lines, comments, user and host names, the
// users in paths of home folders, instances of units and link-layer addresses become a keyed hash.
// The key is new for each file, so that two files cannot be laid side by side.
//
// Raw bytes of a firewall's rules hold addresses too. Whoever knows their format gives a function
// for them; without one they become unknown, and every answer about their table says that it is
// incomplete, so that nothing is decided as if those rules were empty. Tested by
// tests/unit/core/redact_test.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/facts/fact_sink.h"

namespace synfate {

/// The pseudonyms of one file.
class Pseudonyms {
public:
  using Key = std::array<std::uint64_t, 2>;
  static Key random_key();
  explicit Pseudonyms(Key key) : key_(key) {}

  IpAddress address(const IpAddress& address) const;
  /// The block that the block's addresses are in afterwards.
  IpPrefix prefix(const IpPrefix& prefix) const;
  /// "user-9f86d081"; the empty text and the names root and nobody stay.
  std::string word(std::string_view kind, std::string_view text) const;
  /// A link-layer address of somebody's; groups, none and everybody stay.
  std::string hardware_address(std::string_view text) const;
  /// The same text with every address and prefix in it replaced.
  std::string addresses_in(std::string_view text) const;
  /// The same text without the users of home folders (/home/alice/x) and the instances of units
  /// (backup@customer.service).
  std::string names_in(std::string_view text) const;
  /// Both.
  std::string text(std::string_view text) const;

private:
  Key key_;
};

/// The same bytes with pseudonyms in them; nothing if that cannot be done.
using BytesRedaction =
    std::function<std::optional<std::string>(const Pseudonyms&, std::string_view bytes)>;
/// By "table.column".
using BytesRedactions = std::map<std::string, BytesRedaction, std::less<>>;

/// Passes facts on with pseudonyms in them.
class RedactingSink final : public FactSink {
public:
  /// `next` outlives this sink.
  RedactingSink(FactSink& next, Pseudonyms pseudonyms, BytesRedactions bytes = {});

  void add_row(const TableSpec& table, std::vector<Cell>&& cells) override;
  void add_gap(const Gap& gap) override;
  bool has_gap(std::string_view id) const override { return next_.has_gap(id); }
  void answered(const Request& request, const std::vector<std::string>& gaps) override;

private:
  Cell redacted(std::string_view table, std::string_view column, const Cell& cell);
  Cell redacted_bytes(const std::string& place, const Bytes& bytes);

  FactSink& next_;
  std::set<std::string, std::less<>> blinded_; ///< tables of which bytes became unknown
  Pseudonyms pseudonyms_;
  BytesRedactions bytes_;
};

/// The host's name becomes a pseudonym.
HostFacts redacted(HostFacts host, const Pseudonyms& pseudonyms);

} // namespace synfate
