#include "platform/linux/model/linux_model.h"

#include "platform/linux/files/tables.h"
#include "platform/linux/model/alike.h"
#include "platform/linux/model/bind.h"
#include "platform/linux/model/flows.h"
#include "platform/linux/model/nat_ports.h"
#include "platform/linux/model/next_hop.h"
#include "platform/linux/model/partition.h"
#include "platform/linux/model/unix_walk.h"
#include "platform/linux/model/walk.h"
#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/netfilter/tables.h"
#include "platform/linux/programs/tables.h"
#include "platform/linux/routing/tables.h"
#include "platform/linux/sockets/tables.h"
#include "platform/linux/xtables/legacy_tables.h"
#include "platform/linux/xtables/tables.h"

namespace synfate {
namespace {

class LinuxModel final : public Model {
public:
  bool outrun(const Snapshot& snapshot) const override { return any_rules_moved(snapshot); }
  std::vector<Flow> plain_flows(Inquiry& inquiry, const Target& target) override {
    if (target.proto == Proto::unix_socket)
      return {unix_flow(target)};
    return plain_flows_.of(inquiry, target);
  }
  std::vector<Flow> flows_from(Inquiry& inquiry, const Target& target, const IpAddress& from,
                               const std::string& interface) override {
    return flows_from_client(inquiry, target, from, interface);
  }
  NatPorts nat_ports(Inquiry& inquiry) override { return find_nat_ports(inquiry, ruleset_); }
  bool reads_at_once(std::string_view table) const override {
    return table == table_name<RouteLookup>() || table == table_name<SocketLookup>() ||
           table == table_name<Setting>() || table == table_name<NftLookup>();
  }
  Fate walk(Inquiry& inquiry, const Flow& flow) override {
    Walk walk{inquiry, flow, ruleset_, &tables_};
    walk.links = links_.lend();
    Fate fate =
        fate_of(flow.proto == Proto::unix_socket ? walk_unix(walk) : walk_internet(walk), inquiry);
    links_.settle();
    return fate;
  }
  std::vector<SourceClass> partition(Inquiry& inquiry, const Target& target,
                                     const std::optional<Identity>& as) override {
    return partition_clients(inquiry, ruleset_, &tables_, target, as);
  }
  std::vector<FlowReport> bind(Inquiry& inquiry, const Target& target,
                               const BindRequest& request) override {
    return bind_attempts(inquiry, target, request);
  }

private:
  /// As an example that was walked before, or by all stages.
  Journeys walk_internet(Walk& walk) {
    if (auto journey = examples_.follow(walk))
      return alone(std::move(*journey));
    if (walk.inquiry.pending())
      return {};
    WalkNotes notes;
    walk.notes = &notes;
    Journeys journeys = walk_flow(walk);
    if (!walk.inquiry.pending())
      examples_.learn(walk, notes, journeys);
    return journeys;
  }

  PlainFlows plain_flows_;
  Examples examples_;
  KnownLinks links_;
  Ruleset ruleset_;
  xt::LegacyTables tables_;
};

} // namespace

std::unique_ptr<Model> make_linux_model() {
  return std::make_unique<LinuxModel>();
}

Status add_linux_tables(Schema& schema) {
  for (const auto add : {add_linux_socket_tables, add_routing_tables, add_netfilter_tables,
                         add_xtables_tables, add_file_tables, add_program_tables}) {
    Status added = add(schema);
    if (!added)
      return added;
  }
  return Done{};
}

} // namespace synfate
