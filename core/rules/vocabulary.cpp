#include "core/rules/vocabulary.h"

#include <fmt/format.h>

#include "core/rules/functions.h"

namespace synfate::rules {
namespace {

using cel::Value;

Value text(std::string_view words) {
  return text_value(words);
}

template <typename T> Value maybe(const StructType<T>& type, const std::optional<T>& value) {
  return value ? struct_value(type, *value) : Value();
}

Value texts(const std::vector<std::string>& list) {
  std::vector<Value> values;
  for (const auto& words : list)
    values.push_back(text(words));
  return Value::list(std::move(values));
}

Value parts_of(const Culprit& culprit) {
  std::vector<Value> parts;
  for (auto& part : id_parts(culprit.id))
    parts.push_back(to_value(Cell(std::move(part))));
  return Value::list(std::move(parts));
}

const StructType<Blocker>& blocker_type() {
  static const StructType<Blocker> type(
      "flow_blocker",
      {{"stage", "string", [](const Blocker& b) { return text(to_string(b.stage)); }},
       {"culprit", "culprit",
        [](const Blocker& b) { return struct_value(culprit_type(), b.culprit); }}});
  return type;
}

const StructType<NearMiss>& near_miss_type() {
  static const StructType<NearMiss> type(
      "flow_near_miss",
      {{"by", "culprit", [](const NearMiss& m) { return struct_value(culprit_type(), m.by); }},
       {"field", "string", [](const NearMiss& m) { return text(m.field); }},
       {"wanted", "string", [](const NearMiss& m) { return text(m.wanted); }},
       {"had", "string", [](const NearMiss& m) { return text(m.had); }}});
  return type;
}

const StructType<PathStep>& step_type() {
  static const StructType<PathStep> type(
      "flow_step",
      {{"packet", "string", [](const PathStep& s) { return text(to_string(s.packet)); }},
       {"stage", "string", [](const PathStep& s) { return text(to_string(s.stage)); }},
       {"chain", "string", [](const PathStep& s) { return text(s.chain); }},
       {"priority", "int",
        [](const PathStep& s) { return s.priority ? Value::integer(*s.priority) : Value(); }},
       {"verdict", "string", [](const PathStep& s) { return text(to_string(s.verdict)); }},
       {"by", "culprit", [](const PathStep& s) { return maybe(culprit_type(), s.by); }},
       {"note", "string", [](const PathStep& s) { return text(s.note); }},
       {"netns", "int", [](const PathStep& s) { return Value::integer(s.netns); }}});
  return type;
}

const StructType<Alternative>& alternative_type() {
  static const StructType<Alternative> type(
      "flow_alternative",
      {{"outcome", "string", [](const Alternative& a) { return text(to_string(a.outcome)); }},
       {"icmp", "string", [](const Alternative& a) { return text(to_string(a.icmp)); }},
       {"stopped_at", "string", [](const Alternative& a) { return text(to_string(a.stopped_at)); }},
       {"culprit", "culprit",
        [](const Alternative& a) { return maybe(culprit_type(), a.culprit); }},
       {"when", "string", [](const Alternative& a) { return text(a.when); }}});
  return type;
}

const StructType<Flow>& client_type() {
  static const StructType<Flow> type(
      "flow_client",
      {{"address", "net.IP", [](const Flow& f) { return Value::ip(f.from); }},
       {"interface", "string", [](const Flow& f) { return text(f.from_interface); }},
       {"name", "string", [](const Flow& f) { return text(f.name); }},
       {"local", "bool", [](const Flow& f) { return Value::boolean(f.local); }},
       {"port", "int", [](const Flow& f) { return Value::integer(f.source_port); }},
       {"uid", "int",
        [](const Flow& f) { return f.identity ? Value::integer(f.identity->uid) : Value(); }},
       {"user", "string",
        [](const Flow& f) { return f.identity ? text(f.identity->name) : Value(); }}});
  return type;
}

std::string name_of(const Flow& flow) {
  if (flow.proto == Proto::unix_socket)
    return unix_name(flow.path, flow.abstract);
  return fmt::format(fmt::runtime(flow.to.is_v6() ? "[{}]:{}" : "{}:{}"), flow.to.to_string(),
                     flow.port);
}

const StructType<Flow>& destination_type() {
  static const StructType<Flow> type(
      "flow_destination",
      {{"address", "net.IP", [](const Flow& f) { return Value::ip(f.to); }},
       {"zone", "string", [](const Flow& f) { return text(f.zone); }},
       {"port", "int", [](const Flow& f) { return Value::integer(f.port); }},
       {"path", "string", [](const Flow& f) { return text(f.path); }},
       {"abstract", "bool", [](const Flow& f) { return Value::boolean(f.abstract); }},
       {"name", "string", [](const Flow& f) { return to_value(Cell(name_of(f))); }}});
  return type;
}

const StructType<BindFlags>& bind_type() {
  static const StructType<BindFlags> type(
      "flow_bind",
      {{"reuse_address", "bool",
        [](const BindFlags& b) { return Value::boolean(b.reuse_address); }},
       {"reuse_port", "bool", [](const BindFlags& b) { return Value::boolean(b.reuse_port); }},
       {"v6only", "bool", [](const BindFlags& b) { return Value::boolean(b.v6only); }},
       {"interface", "string", [](const BindFlags& b) { return text(b.interface); }}});
  return type;
}

const StructType<Fate>& final_type() {
  static const StructType<Fate> type(
      "flow_final",
      {{"address", "net.IP", [](const Fate& f) { return Value::ip(f.final_address); }},
       {"port", "int", [](const Fate& f) { return Value::integer(f.final_port); }},
       {"netns", "int", [](const Fate& f) { return Value::integer(f.final_netns); }}});
  return type;
}

const StructType<HostFacts>& host_type() {
  static const StructType<HostFacts> type(
      "host_facts",
      {{"name", "string", [](const HostFacts& h) { return text(h.name); }},
       {"os", "string", [](const HostFacts& h) { return text(h.os); }},
       {"kernel", "string", [](const HostFacts& h) { return text(h.kernel); }},
       {"architecture", "string", [](const HostFacts& h) { return text(h.architecture); }},
       {"netns", "int", [](const HostFacts& h) { return Value::integer(h.netns); }},
       {"initial_netns", "bool",
        [](const HostFacts& h) { return Value::boolean(h.initial_netns); }},
       {"uid", "int", [](const HostFacts& h) { return Value::integer(h.uid); }},
       {"taken_at", "int", [](const HostFacts& h) { return Value::integer(h.taken_at); }},
       {"container", "string", [](const HostFacts& h) { return text(h.container); }}});
  return type;
}

const StructType<Target>& target_type() {
  static const StructType<Target> type(
      "target_asked",
      {{"text", "string", [](const Target& t) { return text(t.text); }},
       {"proto", "string", [](const Target& t) { return text(to_string(t.proto)); }},
       {"port", "int", [](const Target& t) { return Value::integer(t.port); }},
       {"address", "net.IP",
        [](const Target& t) {
          return t.addresses.size() == 1 ? Value::ip(t.addresses.front()) : Value();
        }},
       {"addresses", "list(net.IP)",
        [](const Target& t) {
          std::vector<Value> list;
          for (const auto& address : t.addresses)
            list.push_back(Value::ip(address));
          return Value::list(std::move(list));
        }},
       {"path", "string", [](const Target& t) { return text(t.path); }},
       {"abstract", "bool", [](const Target& t) { return Value::boolean(t.abstract); }},
       {"host_name", "string", [](const Target& t) { return text(t.host_name); }},
       {"zone", "string", [](const Target& t) { return text(t.zone); }}});
  return type;
}

const Fate& fate(const NumberedFlow& flow) {
  return flow.report->fate;
}

template <typename Declare> void declare_structs(const Declare& declare) {
  declare(culprit_type().record());
  declare(blocker_type().record());
  declare(near_miss_type().record());
  declare(step_type().record());
  declare(alternative_type().record());
  declare(client_type().record());
  declare(destination_type().record());
  declare(final_type().record());
  declare(bind_type().record());
  declare(host_type().record());
  declare(target_type().record());
  declare(waiver_type().record());
  declare(flow_type().record());
}

} // namespace

std::vector<std::string> id_parts(std::string_view id) {
  std::vector<std::string> parts;
  for (std::string_view rest = id;;) {
    const auto slash = rest.find('/');
    parts.push_back(plain_part(rest.substr(0, slash)));
    if (slash == std::string_view::npos)
      return parts;
    rest.remove_prefix(slash + 1);
  }
}

const StructType<Culprit>& culprit_type() {
  static const StructType<Culprit> type(
      "culprit", {{"kind", "string", [](const Culprit& c) { return text(c.kind); }},
                  {"id", "string", [](const Culprit& c) { return text(c.id); }},
                  {"text", "string", [](const Culprit& c) { return text(c.text); }},
                  {"parts", "list(string)", parts_of}});
  return type;
}

const StructType<WaiverUse>& waiver_type() {
  static const StructType<WaiverUse> type(
      "waiver_use",
      {{"id", "string", [](const WaiverUse& w) { return text(w.id); }},
       {"reason", "string", [](const WaiverUse& w) { return text(w.reason); }},
       {"expires", "string", [](const WaiverUse& w) { return text(w.expires); }},
       {"file", "string", [](const WaiverUse& w) { return text(w.file); }},
       {"expired", "bool", [](const WaiverUse& w) { return Value::boolean(w.expired); }},
       {"used", "bool", [](const WaiverUse& w) { return Value::boolean(w.used); }}});
  return type;
}

const StructType<NumberedFlow>& flow_type() {
  using F = NumberedFlow;
  static const StructType<F> type(
      "flow",
      {{"index", "int", [](const F& f) { return Value::integer(static_cast<Int>(f.index)); }},
       {"name", "string", [](const F& f) { return text(f.report->flow.name); }},
       {"proto", "string", [](const F& f) { return text(to_string(f.report->flow.proto)); }},
       {"local", "bool", [](const F& f) { return Value::boolean(f.report->flow.local); }},
       {"from", "flow_client",
        [](const F& f) { return struct_value(client_type(), f.report->flow); }},
       {"to", "flow_destination",
        [](const F& f) { return struct_value(destination_type(), f.report->flow); }},
       {"final", "flow_final", [](const F& f) { return struct_value(final_type(), fate(f)); }},
       {"bind", "flow_bind", [](const F& f) { return maybe(bind_type(), f.report->flow.bind); }},
       {"outcome", "string", [](const F& f) { return text(to_string(fate(f).outcome)); }},
       {"icmp", "string", [](const F& f) { return text(to_string(fate(f).icmp)); }},
       {"error", "string", [](const F& f) { return text(fate(f).error); }},
       {"certainty", "string", [](const F& f) { return text(to_string(fate(f).certainty)); }},
       {"stopped_at", "string",
        [](const F& f) {
          return fate(f).stopped_at ? text(to_string(*fate(f).stopped_at)) : text("");
        }},
       {"culprit", "culprit", [](const F& f) { return maybe(culprit_type(), fate(f).culprit); }},
       {"blockers", "list(flow_blocker)",
        [](const F& f) { return struct_list<Blocker>(blocker_type(), fate(f).blockers); }},
       {"near_misses", "list(flow_near_miss)",
        [](const F& f) { return struct_list<NearMiss>(near_miss_type(), fate(f).near_misses); }},
       {"path", "list(flow_step)",
        [](const F& f) { return struct_list<PathStep>(step_type(), fate(f).path); }},
       {"alternatives", "list(flow_alternative)",
        [](const F& f) {
          return struct_list<Alternative>(alternative_type(), fate(f).alternatives);
        }},
       {"assumptions", "list(string)", [](const F& f) { return texts(fate(f).assumptions); }}});
  return type;
}

void Facts::turn_to(Inquiry& inquiry, const Target& target, std::span<const FlowReport> flows) {
  inquiry_ = &inquiry;
  target_ = &target;
  tables_.clear();
  flows_.clear();
  for (const auto& flow : flows)
    flows_.push_back({flows_.size(), &flow});
}

const cel::Ref<const cel::RecordSet>& Facts::table(std::string_view name) const {
  auto at = tables_.find(name);
  if (at == tables_.end()) {
    const TableSpec& spec = *snapshot().schema().find(name);
    cel::Ref<const cel::RecordSet> records =
        cel::make_shared_object<TableRecords>(record_type(spec), spec, snapshot().table(name));
    at = tables_.emplace(std::string(name), std::move(records)).first;
  }
  return at->second;
}

cel::Value Facts::flow(std::size_t index) const {
  return struct_value(flow_type(), flows_[index]);
}

cel::Bindings Facts::bindings() const {
  cel::Bindings bindings;
  for (const auto& [name, spec] : snapshot().schema().tables())
    bindings.set(name, Value::records(table(name)));
  bindings.set("target", struct_value(target_type(), *target_));
  bindings.set("host", struct_value(host_type(), host()));
  bindings.set("flows", struct_list<NumberedFlow>(flow_type(), flows_));
  return bindings;
}

cel::Environment make_environment(const Schema& schema, const Facts* facts) {
  cel::Environment environment;
  declare_structs([&](const auto& type) { environment.declare_record(type); });
  for (const auto& [name, spec] : schema.tables()) {
    environment.declare_record(record_type(spec));
    environment.declare_variable(name, cel::Type::list(cel::Type::record(name)));
  }
  environment.declare_variable("target", cel::Type::record("target_asked"));
  environment.declare_variable("host", cel::Type::record("host_facts"));
  environment.declare_variable("flows", cel::Type::list(cel::Type::record("flow")));
  environment.declare_variable("waivers", cel::Type::list(cel::Type::record("waiver_use")));
  declare_functions(environment, schema, facts);
  return environment;
}

std::optional<RowReference> row_of(const cel::Value& value) {
  if (!value.is(cel::Kind::record))
    return std::nullopt;
  const auto* records = dynamic_cast<const TableRecords*>(&value.as_record_set());
  if (records == nullptr)
    return std::nullopt;
  return RowReference{records, value.row()};
}

const NumberedFlow* flow_of(const cel::Value& value) {
  if (!value.is(cel::Kind::record))
    return nullptr;
  const auto* records = dynamic_cast<const StructRecords<NumberedFlow>*>(&value.as_record_set());
  return records == nullptr ? nullptr : &records->at(value.row());
}

} // namespace synfate::rules
