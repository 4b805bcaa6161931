// The seam between the host and a model of one operating system's packet path.
//
// A model is pure: it looks at the snapshot and answers with a fate, or with the facts it needs to
// go on. The host collects those and walks again. Every function here asks the same way, through an
// Inquiry: a question that the snapshot cannot answer yet is noted as a need and answered with
// nothing; the caller looks at needs() before it uses any result.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/facts/snapshot.h"
#include "core/model/flow.h"

namespace synfate {

/// How much the asker is willing to have read.
enum class Depth : std::uint8_t {
  whole,  ///< all it takes
  glance, ///< nothing that can be large: what is goes unread, and too_much() says so
};

/// Asks a snapshot and takes note of what it could not answer.
class Inquiry {
public:
  explicit Inquiry(const Snapshot& snapshot, Depth depth = Depth::whole)
      : snapshot_(snapshot), depth_(depth) {}

  /// Tries to have a question answered while who asks waits; else it becomes a need, and that costs
  /// a whole walk. `hastily`: it was asked by find_now().
  using ReadAtOnce = std::function<void(const Request&, bool hastily)>;
  void read_at_once(ReadAtOnce read) { read_ = std::move(read); }

  bool at_a_glance() const { return depth_ == Depth::glance; }
  /// Notes that the work is more than a glance allows: its result means nothing.
  void give_up() { too_much_ = true; }
  bool too_much() const { return too_much_; }

  const Snapshot& snapshot() const { return snapshot_; }

  /// Positions of the rows that match. Empty and a need noted if nobody asked yet; in a sealed
  /// snapshot a gap is noted instead.
  std::vector<std::size_t> find(const Request& request);
  /// The same for what is small and is known to be needed only amid a walk: to note it as a need
  /// along with others would spare nothing.
  std::vector<std::size_t> find_now(const Request& request);
  /// The same as find() for what can be large. At a glance at most `limit` rows are asked for:
  /// where there are more the inquiry gives up.
  std::vector<std::size_t> find_within(Request request, Int limit);
  /// Typed rows that match.
  template <typename Row> std::vector<Row> rows(std::vector<Key> keys) {
    std::vector<Row> typed;
    const Request request{std::string(table_name<Row>()), std::move(keys)};
    for (const auto row : find(request))
      typed.push_back(read_row<Row>(*snapshot_.table(request.table), row));
    return typed;
  }

  /// One that asks the same snapshot, and about which it is known apart what its answers hang on.
  Inquiry part() const;
  /// Takes over what a part noted: needs, gaps, incompleteness.
  void take_over(const Inquiry& part);

  /// Notes that an answer hangs on a cell that is unknown because of this gap.
  void depend_on(std::string_view gap);
  /// The same with a gap that is found only here.
  void add_gap(const Gap& gap);

  /// True if something is to be collected first: results so far mean nothing.
  bool pending() const { return !needs_.empty(); }
  const std::vector<Request>& needs() const { return needs_.list(); }
  /// How many questions were noted as needs, repetitions counted.
  std::size_t questions_noted() const { return questions_noted_; }
  /// Ids of gaps that the answers so far were affected by, without repetition.
  const std::vector<std::string>& gaps() const { return gaps_; }
  /// True if the last question was answered incompletely.
  bool incomplete() const { return incomplete_; }
  /// Tables of which a question was answered incompletely, in alphabetical order.
  const std::set<std::string, std::less<>>& partly_seen() const { return partly_seen_; }
  /// Gaps found here that the snapshot does not have: what a replay was never told.
  const std::vector<Gap>& new_gaps() const { return new_gaps_; }

private:
  void note_gap(const std::string& id);
  const Answered* read_now(const Request& request, bool hastily);
  std::vector<std::size_t> find(const Request& request, bool hastily);

  const Snapshot& snapshot_;
  Depth depth_;
  ReadAtOnce read_;
  bool too_much_ = false;
  RequestSet needs_;
  std::size_t questions_noted_ = 0;
  std::vector<std::string> gaps_;
  std::vector<Gap> new_gaps_;
  bool incomplete_ = false;
  std::set<std::string, std::less<>> partly_seen_;
};

/// What a server asks of bind() and listen(), beside the target.
struct BindRequest {
  BindFlags flags;
  std::optional<Identity> identity; ///< as whom; nothing: who runs this tool
};

/// A port that NAT may lead elsewhere.
struct NatPort {
  Proto proto = Proto::tcp;
  std::uint16_t port = 0;
  std::optional<IpAddress> address; ///< only where a client calls this address
};

/// The ports that NAT rules name.
struct NatPorts {
  std::vector<NatPort> ports;
  std::vector<std::string> unlisted; ///< ids of rules whose ports cannot be listed
};

/// A model of one operating system's inbound path, for one snapshot: it may keep what it decoded.
class Model {
public:
  virtual ~Model() = default;
  /// True if what was read does not fit together, because it changed meanwhile: answers then say
  /// that they are unknown, and reading all of it again may help.
  virtual bool outrun(const Snapshot& /*snapshot*/) const { return false; }
  /// The flows of a call without --from, and of one with; see contract.md.
  virtual std::vector<Flow> plain_flows(Inquiry& inquiry, const Target& target) = 0;
  /// The flow of one --from ADDR[%IFACE].
  virtual std::vector<Flow> flows_from(Inquiry& inquiry, const Target& target,
                                       const IpAddress& from, const std::string& interface) = 0;
  /// The ports that NAT may lead elsewhere: candidates, to be walked.
  virtual NatPorts nat_ports(Inquiry& /*inquiry*/) { return {}; }
  /// Questions of this table take the system less time than a walk: they are read in its midst.
  virtual bool reads_at_once(std::string_view /*table*/) const { return false; }
  /// What becomes of a flow. Meaningless while inquiry.pending().
  virtual Fate walk(Inquiry& inquiry, const Flow& flow) = 0;
  /// Every client there can be, by what becomes of it and what decides: disjoint classes that
  /// together are all addresses of both families for each interface that is up. `as`: who local
  /// clients are. Meaningless while inquiry.pending(), and once the inquiry gave up: what is asked
  /// at a glance is about clients on other hosts, and ends where large sets, tables or rulesets
  /// would be read.
  virtual std::vector<SourceClass> partition(Inquiry& inquiry, const Target& target,
                                             const std::optional<Identity>& as) = 0;
  /// Would bind() and listen() succeed: a flow with `bind` for each address that would be bound,
  /// `open` or `denied`. Meaningless while inquiry.pending().
  virtual std::vector<FlowReport> bind(Inquiry& inquiry, const Target& target,
                                       const BindRequest& request) = 0;
};

} // namespace synfate
