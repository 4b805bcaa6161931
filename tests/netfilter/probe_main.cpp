// synfate itself, with a second look: at the hooks of nf_tables every rule of the chains
// <hook>_<packet>, and in the tables of iptables-legacy of the chains <HOOK>_<packet>, is evaluated
// by itself for the packet that passes there. What is predicted for each goes to the file
// PROBE_OUTPUT, a line per rule:
//
//   inet probe input_syn 12 yes        (no, both)
//   legacy ip filter INPUT_syn 3 no
//
// and of the connection, once it is translated, the addresses and ports of both directions, ".."
// between the ends of a range, "?" for what cannot be told:
//
//   connection 10.77.0.2,10.77.0.1,40000,80,10.77.0.1,10.77.0.2,8080,40000
//
// Driven by trials.py and translations.py, which then sends the packets and reads the rules'
// counters.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "core/command/program.h"
#include "platform/linux/model/flows.h"
#include "platform/linux/model/journey.h"
#include "platform/linux/model/linux_model.h"
#include "platform/linux/model/walk.h"
#include "platform/linux/names/names.h"
#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/netfilter/machine.h"
#include "platform/linux/system/linux_system.h"
#include "platform/linux/system/network_namespaces.h"
#include "platform/linux/xtables/legacy_tables.h"
#include "platform/linux/xtables/tables.h"
#include "platform/linux/xtables/test_ip.h"

namespace {

using namespace synfate;

constexpr const char* mark_of_probe = "probe";

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string word_of(const HookRequest& request, const PacketClass& packet) {
  switch (request.packet) {
  case Packet::syn:
    return "syn";
  case Packet::synack:
    return "synack";
  case Packet::ack:
    return "ack";
  case Packet::data:
    return "data";
  case Packet::datagram:
    return destination_of(packet).port.kind == PortTerm::Kind::client ? "answer" : "datagram";
  case Packet::reset:
    return "reset";
  case Packet::icmp:
    return "icmp";
  case Packet::neighbour:
    return "neighbour";
  }
  return {};
}

using Predictions = std::map<std::string, std::string>;

/// The legacy tables, and at each priority of a chain of ours a function that looks at its rules.
class Probe final : public XtTables {
public:
  std::vector<XtHook> hooks(HookContext& context, const HookRequest& request,
                            IpFamily family) const override {
    auto all = inner_.hooks(context, request, family);
    const auto* chains = context.ruleset.base_chains(context.inquiry, request.netns);
    if (chains != nullptr)
      for (const auto& chain : *chains)
        if (chain.type != "nat" && chain.hook == to_string(request.hook) &&
            (chain.scope.family == "bridge") == (request.family == HookFamily::bridge))
          all.push_back({fmt::format("{}/{}/{}/{}", mark_of_probe, chain.scope.family,
                                     chain.scope.table, chain.name),
                         chain.priority, false});
    return all;
  }

  Branches run(HookContext& context, const HookRequest& request, const XtHook& table,
               const PacketClass& packet) const override {
    note_connection(context, request, packet);
    if (!table.table.starts_with(mark_of_probe)) {
      auto branches = inner_.run(context, request, table, packet);
      if (const auto hook = xt::hook_number(request.hook); hook && !table.nat)
        for (const auto& branch : branches)
          look_at_table(context, request, table.table, *hook, branch.packet);
      return branches;
    }
    look(context, request, table.table, packet);
    Branch branch;
    branch.packet = packet;
    Branches branches;
    branches.push_back(std::move(branch));
    return branches;
  }

  std::optional<std::vector<MatchBranch>> match(HookContext& context, const HookRequest& request,
                                                const XtExtension& extension,
                                                const PacketClass& packet,
                                                const Culprit& by) const override {
    return inner_.match(context, request, extension, packet, by);
  }
  std::optional<std::vector<TargetBranch>> target(HookContext& context, const HookRequest& request,
                                                  const XtExtension& extension,
                                                  const PacketClass& packet,
                                                  const Culprit& by) const override {
    return inner_.target(context, request, extension, packet, by);
  }
  std::string text(HookContext& context, Int netns, const XtExtension& extension, bool target,
                   std::string_view family) const override {
    return inner_.text(context, netns, extension, target, family);
  }

  mutable Predictions predictions;

private:
  static std::string text_of(const AddressTerm& term, const PacketClass& packet) {
    const auto only = packet.addresses.only();
    if (term.kind == AddressTerm::Kind::client && only)
      return to_address(*only, packet.family).to_string();
    if (term.kind == AddressTerm::Kind::known)
      return term.first.to_string();
    return term.kind == AddressTerm::Kind::range
               ? fmt::format("{}..{}", term.first.to_string(), term.last.to_string())
               : "?";
  }

  static std::string text_of(const PortTerm& term) {
    if (term.kind == PortTerm::Kind::client)
      return setting("PROBE_PORT");
    if (term.kind == PortTerm::Kind::known)
      return std::to_string(term.first);
    return term.kind == PortTerm::Kind::range ? fmt::format("{}..{}", term.first, term.last) : "?";
  }

  static std::string text_of(const CtTuple& tuple, const PacketClass& packet) {
    return fmt::format("{},{},{},{}", text_of(tuple.source.address, packet),
                       text_of(tuple.destination.address, packet), text_of(tuple.source.port),
                       text_of(tuple.destination.port));
  }

  void note_connection(const HookContext& context, const HookRequest& request,
                       const PacketClass& packet) const {
    constexpr auto done = ct_status_source_nat_done | ct_status_destination_nat_done;
    const auto& ct = packet.ct;
    if (is_tracked(ct) && (ct.status & done) == done && !context.inquiry.pending() &&
        request.netns == context.inquiry.snapshot().host().netns)
      note("connection",
           fmt::format("{},{}", text_of(ct.original, packet), text_of(ct.answer, packet)));
  }

  void look(HookContext& context, const HookRequest& request, const std::string& place,
            const PacketClass& packet) const {
    std::vector<std::string> parts;
    for (std::size_t from = 0, to = 0; to != std::string::npos; from = to + 1) {
      to = place.find('/', from);
      parts.push_back(place.substr(from, to - from));
    }
    const bool six = packet.family == IpFamily::v6;
    if ((parts[1] == "ip" && six) || (parts[1] == "ip6" && !six))
      return;
    const NftScope scope{request.netns, parts[1], parts[2]};
    const std::string name = parts[3] + "_" + word_of(request, packet);
    const auto* chain = context.ruleset.chain(context.inquiry, scope, name);
    if (chain == nullptr)
      return;
    const PacketPointer one = of_the_client(packet);
    if (one == nullptr)
      return;
    Machine machine(context, request);
    for (const auto& rule : chain->rules)
      look_at(context, machine, {&scope, &name, &rule}, one);
  }

  /// The part of a class that the real packet is in; null if it is in none.
  static PacketPointer of_the_client(const PacketClass& packet) {
    auto copy = std::make_shared<PacketClass>(packet);
    if (const auto port = setting("PROBE_PORT"); !port.empty())
      copy->ports = copy->ports & IntervalSet::single(std::stoul(port));
    return copy->ports.empty() ? nullptr : std::move(copy);
  }

  void look_at_table(HookContext& context, const HookRequest& request, const std::string& name,
                     unsigned hook, const PacketClass& packet) const {
    const PacketPointer one = of_the_client(packet);
    const std::string family = packet.family == IpFamily::v4 ? "ip" : "ip6";
    if (one == nullptr)
      return;
    for (const auto& row : context.inquiry.rows<XtTable>({{"netns", request.netns}})) {
      if (!row.name.is(name) || !row.family.is(family))
        continue;
      const Bytes info = row.info.value_or({}), entries = row.entries.value_or({});
      const auto blob = xt::Blob::decode(std::as_bytes(std::span(info.data)),
                                         std::as_bytes(std::span(entries.data)), packet.family);
      if (!blob)
        continue;
      const std::string chain =
          fmt::format("{}_{}", xt::hook_names[hook], word_of(request, packet));
      const auto index = blob->index();
      for (const auto& place : index.places)
        if (place.kind == xt::PlaceKind::rule && index.chains[place.chain] == chain) {
          const auto answer = answer_of(context, request, blob->at(place.offset), one);
          if (!context.inquiry.pending())
            note(fmt::format("legacy {} {} {} {}", family, name, chain, place.number), answer);
        }
    }
  }

  /// Of a rule of iptables-legacy.
  static std::string answer_of(HookContext& context, const HookRequest& request, xt::ByteView bytes,
                               const PacketPointer& packet) {
    const auto entry = xt::decode_entry(bytes, packet->family);
    if (!entry)
      return "unknown";
    const xt::NameRule nobody = [] { return Culprit{}; };
    const xt::Extension none;
    bool failed = false;
    std::vector<PacketPointer> open;
    const auto sort_out = [&](xt::MatchAnswer answer, const PacketPointer& one,
                              std::vector<PacketPointer>& next) {
      if (answer.truth == Truth::yes)
        next.push_back(one);
      failed = failed || answer.truth == Truth::no;
      for (auto& part : answer.parts)
        if (part.matched)
          next.push_back(std::make_shared<const PacketClass>(std::move(part.packet)));
        else
          failed = true;
    };
    const auto facts = xt::quick_facts(*packet);
    if (!xt::may_match(entry->ip, facts))
      return "no";
    sort_out(
        xt::test_ip({context, request, *packet, none, nobody, facts.transport}, entry->ip, facts),
        packet, open);
    for (const auto& match : entry->matches) {
      std::vector<PacketPointer> next;
      for (const auto& one : open) {
        auto answer = xt::evaluate_match(context, request, match, *one, nobody);
        if (!answer)
          return "unknown";
        sort_out(std::move(*answer), one, next);
      }
      open = std::move(next);
    }
    return open.empty() ? "no" : failed ? "both" : "yes";
  }

  void look_at(HookContext& context, Machine& machine, const RuleSite& site,
               const PacketPointer& packet) const {
    const auto answer = answer_of(machine, site, packet);
    if (!context.inquiry.pending())
      note(fmt::format("{} {} {} {}", site.scope->family, site.scope->table, *site.chain,
                       site.rule->handle),
           answer);
  }

  static std::string answer_of(Machine& machine, const RuleSite& site,
                               const PacketPointer& packet) {
    std::vector<RuleEnd> ends;
    machine.run(site, packet, ends);
    bool matched = false, failed = false;
    for (const auto& end : ends) {
      if (end.final == HookVerdict::unknown)
        return "unknown";
      const bool dropped = end.final == HookVerdict::drop; // a match that cannot parse the packet
      (end.broke || dropped ? failed : matched) = true;
    }
    return matched && failed ? "both" : matched ? "yes" : "no";
  }

  /// A packet of several journeys: they must agree.
  void note(const std::string& rule, const std::string& answer) const {
    const auto [at, added] = predictions.emplace(rule, answer);
    if (!added && at->second != answer)
      at->second = "both";
  }

  xt::LegacyTables inner_;
};

class ProbeModel final : public Model {
public:
  std::vector<Flow> plain_flows(Inquiry& inquiry, const Target& target) override {
    return plain_flows_.of(inquiry, target);
  }
  std::vector<Flow> flows_from(Inquiry& inquiry, const Target& target, const IpAddress& from,
                               const std::string& interface) override {
    return flows_from_client(inquiry, target, from, interface);
  }
  Fate walk(Inquiry& inquiry, const Flow& flow) override {
    Walk walk{inquiry, flow, ruleset_, &probe_};
    auto fate = fate_of(walk_flow(walk), inquiry);
    if (!inquiry.pending()) {
      std::ofstream out(setting("PROBE_OUTPUT"));
      for (const auto& [rule, answer] : probe_.predictions)
        out << rule << " " << answer << "\n";
    }
    return fate;
  }
  std::vector<SourceClass> partition(Inquiry&, const Target&,
                                     const std::optional<Identity>&) override {
    return {};
  }
  std::vector<FlowReport> bind(Inquiry&, const Target&, const BindRequest&) override { return {}; }

private:
  Ruleset ruleset_;
  Probe probe_;
  PlainFlows plain_flows_;
};

} // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  LinuxSystem system;
  const LinuxNames names;
  const std::string path = setting("SYNFATE"); // its plugins are beside it
  const Program program{
      .version = "probe",
      .path = path,
      .platform = "linux",
      .words = words,
      .system = system,
      .names = names,
      .model = [](const std::string&) { return std::make_unique<ProbeModel>(); },
      .add_tables = add_linux_tables,
      .enter_netns = [](const std::string& name) { return enter_netns(name); },
      .linked = {},
      .worker = {},
      .run_worker = {},
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .terminal = {},
      .no_color = true,
  };
  return run(program);
}
