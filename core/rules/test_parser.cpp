// [[rule.test]]: flows and rows written by hand, checked against the schema.
#include <algorithm>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "core/cel/suggest.h"
#include "core/rules/pack_parser.h"
#include "core/rules/toml_reader.h"
#include "core/rules/words.h"

namespace synfate::rules {
namespace {

constexpr Int fixture_netns = 4026531840;

/// ADDRESS:PORT with brackets around IPv6.
std::optional<std::pair<IpAddress, std::uint16_t>> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  unsigned port = 0;
  for (const char digit : text.substr(colon + 1)) {
    if (digit < '0' || digit > '9' || port > 65535)
      return std::nullopt;
    port = port * 10 + static_cast<unsigned>(digit - '0');
  }
  if (!address || port > 65535 || colon + 1 == text.size())
    return std::nullopt;
  return std::pair(*address, static_cast<std::uint16_t>(port));
}

class TestParser {
public:
  TestParser(const TableReader& reader, const Schema& schema)
      : reader_(reader), errors_(reader.reading().errors), schema_(schema) {}

  RuleTest parse() {
    test_.name = reader_.words_or_empty("name");
    test_.place = reader_.place();
    test_.expect = reader_.word("expect", expect_from, expect_names()).value_or(test_.expect);
    parse_expectation();
    parse_host();
    parse_flows();
    parse_target();
    for (const auto& waiver : reader_.sub_tables("waivers"))
      test_.waivers.push_back(parse_waiver(waiver));
    if (const toml::table* tables = reader_.table("tables"))
      parse_tables(*tables);
    for (auto& flow : test_.flows)
      flow.fate.evidence = sockets_as_evidence();
    return std::move(test_);
  }

private:
  void parse_expectation() {
    test_.certainty = reader_.word("certainty", certainty_from, certainty_names());
    test_.title = reader_.words("title");
    test_.explain = reader_.words("explain");
    if (reader_.node("fix") != nullptr)
      test_.fix = reader_.texts("fix");
    if (const auto culprit = reader_.words("culprit"))
      test_.culprit = culprit->text;
    for (const auto& table : reader_.words_list("not_collected")) {
      if (known_table(table.text, table.place()))
        test_.not_collected.push_back(table.text);
    }
  }

  void parse_host() {
    HostFacts& host = test_.host;
    host = {.name = "host",
            .os = "linux",
            .kernel = "6.12",
            .architecture = "x86_64",
            .netns = fixture_netns,
            .byte_order = "little",
            .taken_at = 1'795'000'000'000,
            .container = ""};
    const auto reader = reader_.sub_table("host");
    if (!reader)
      return;
    const auto text = [&](std::string_view key, std::string& into) {
      if (const auto words = reader->words(key))
        into = words->text;
    };
    text("name", host.name);
    text("os", host.os);
    text("kernel", host.kernel);
    text("container", host.container);
    host.netns = reader->integer("netns").value_or(host.netns);
    host.uid = reader->integer("uid").value_or(host.uid);
    host.taken_at = reader->integer("taken_at").value_or(host.taken_at);
  }

  void parse_flows() {
    if (const auto flow = reader_.sub_table("flow"))
      test_.flows.push_back(parse_flow(*flow));
    for (const auto& flow : reader_.sub_tables("flows"))
      test_.flows.push_back(parse_flow(flow));
  }

  FlowReport parse_flow(const TableReader& reader) {
    FlowReport report;
    Flow& flow = report.flow;
    flow.proto = reader.word("proto", proto_from, proto_names()).value_or(Proto::tcp);
    if (const auto to = reader.words("to"))
      parse_destination(*to, report);
    parse_client(reader, flow);
    parse_fate(reader, report);
    parse_trail(reader, report.fate);
    return report;
  }

  /// In a test every socket is one that decides the flow.
  std::vector<Evidence> sockets_as_evidence() const {
    std::vector<Evidence> evidence;
    std::map<std::string, std::size_t> count;
    for (const auto& row : test_.rows)
      if (row.table == "socket" || row.table == "unix_socket")
        evidence.push_back({row.table, count[row.table]++});
    return evidence;
  }

  void parse_destination(const Words& to, FlowReport& report) {
    Flow& flow = report.flow;
    Fate& fate = report.fate;
    if (to.text.starts_with('/') || to.text.starts_with('@')) {
      flow.proto = Proto::unix_socket;
      flow.abstract = to.text.starts_with('@');
      flow.path = to.text.substr(flow.abstract ? 1 : 0);
      flow.local = true;
    } else if (const auto endpoint = parse_endpoint(to.text)) {
      std::tie(flow.to, flow.port) = *endpoint;
    } else {
      errors_.add(to, 0, code::bad_value, "not ADDRESS:PORT nor a path");
    }
    fate.final_address = flow.to;
    fate.final_port = flow.port;
    fate.final_netns = test_.host.netns;
  }

  void parse_client(const TableReader& reader, Flow& flow) {
    flow.from = *IpAddress::parse(flow.to.is_v6() ? "2001:db8::9" : "10.0.0.9");
    if (flow.to.is_loopback())
      flow.from = flow.to;
    if (const auto from = reader.words("from")) {
      if (const auto address = IpAddress::parse(from->text))
        flow.from = *address;
      else
        errors_.add(*from, 0, code::bad_value, "not an IP address");
    }
    flow.local = reader.boolean("local").value_or(flow.local || flow.from.is_loopback() ||
                                                  flow.from == flow.to);
    flow.from_interface = flow.local ? "lo" : "eth0";
    if (const auto interface = reader.words("interface"))
      flow.from_interface = interface->text;
    if (const auto uid = reader.integer("uid"))
      flow.identity = Identity{*uid, {}, {}};
    flow.name = flow.local ? "localhost" : "on-link of " + flow.from_interface;
    if (const auto name = reader.words("name"))
      flow.name = name->text;
    if (const auto flags = reader.sub_table("bind"))
      flow.bind = parse_bind(*flags);
  }

  static BindFlags parse_bind(const TableReader& reader) {
    return {.reuse_address = reader.boolean("reuse_address").value_or(false),
            .reuse_port = reader.boolean("reuse_port").value_or(false),
            .v6only = reader.boolean("v6only").value_or(false),
            .interface = reader.text("interface")};
  }

  void parse_fate(const TableReader& reader, FlowReport& report) {
    Fate& fate = report.fate;
    fate.outcome = reader.word("outcome", outcome_from, outcome_names()).value_or(fate.outcome);
    fate.icmp = reader.word("icmp", icmp_from, icmp_names()).value_or(Icmp::none);
    fate.error = reader.text("error");
    fate.certainty =
        reader.word("certainty", certainty_from, certainty_names()).value_or(Certainty::certain);
    fate.stopped_at = reader.word("stopped_at", stage_from, stage_names());
    fate.culprit = culprit(reader, "culprit");
    fate.assumptions = reader.texts("assumptions");
    fate.final_netns = reader.integer("final_netns").value_or(fate.final_netns);
    if (const auto words = reader.words("final")) {
      if (const auto endpoint = parse_endpoint(words->text))
        std::tie(fate.final_address, fate.final_port) = *endpoint;
      else
        errors_.add(*words, 0, code::bad_value, "not ADDRESS:PORT");
    }
  }

  void parse_trail(const TableReader& reader, Fate& fate) {
    for (const auto& step : reader.sub_tables("path"))
      fate.path.push_back(parse_step(step));
    for (const auto& blocker : reader.sub_tables("blockers"))
      fate.blockers.push_back(
          {blocker.word("stage", stage_from, stage_names()).value_or(Stage::interface),
           culprit(blocker, "culprit").value_or(Culprit{})});
    for (const auto& miss : reader.sub_tables("near_misses"))
      fate.near_misses.push_back({culprit(miss, "by").value_or(Culprit{}), miss.text("field"),
                                  miss.text("wanted"), miss.text("had")});
    for (const auto& other : reader.sub_tables("alternatives"))
      fate.alternatives.push_back(
          {other.word("outcome", outcome_from, outcome_names()).value_or(Outcome::unknown),
           Icmp::none,
           other.word("stopped_at", stage_from, stage_names()).value_or(Stage::interface),
           culprit(other, "culprit"), other.text("when")});
  }

  PathStep parse_step(const TableReader& reader) {
    PathStep step;
    step.packet = reader.word("packet", packet_from, packet_names()).value_or(Packet::syn);
    step.stage = reader.word("stage", stage_from, stage_names()).value_or(step.stage);
    step.chain = reader.text("chain");
    if (const auto priority = reader.integer("priority"))
      step.priority = static_cast<int>(*priority);
    step.verdict = reader.word("verdict", verdict_from, verdict_names()).value_or(step.verdict);
    step.by = culprit(reader, "by");
    step.note = reader.text("note");
    step.netns = reader.integer("netns").value_or(test_.host.netns);
    return step;
  }

  static std::optional<Culprit> culprit(const TableReader& reader, std::string_view key) {
    const auto written = reader.sub_table(key);
    if (!written)
      return std::nullopt;
    return Culprit{written->text("kind"), written->text("id"), written->text("text")};
  }

  void parse_target() {
    Target& target = test_.target;
    if (!test_.flows.empty()) {
      const Flow& flow = test_.flows.front().flow;
      target.proto = flow.proto;
      target.port = flow.port;
      target.path = flow.path;
      target.abstract = flow.abstract;
      target.text = flow.proto == Proto::unix_socket
                        ? fmt::format("unix:{}{}", flow.abstract ? "@" : "", flow.path)
                        : std::to_string(flow.port);
    }
    if (const auto words = reader_.words("target"))
      read_target(*words, target);
  }

  // The forms a fixture needs: 8080, udp/53, 10.0.0.5:8080, [fe80::1%eth0]:80; host names are not
  // resolved here.
  void read_target(const Words& words, Target& target) {
    std::string_view rest = words.text;
    target.text = words.text;
    if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
      if (const auto proto = proto_from(rest.substr(0, slash))) {
        target.proto = *proto;
        rest.remove_prefix(slash + 1);
      }
    }
    std::string without_zone(rest);
    if (const auto percent = rest.find('%'); percent != std::string_view::npos)
      without_zone.erase(percent, rest.find(']', percent) - percent);
    rest = without_zone;
    if (const auto endpoint = parse_endpoint(rest)) {
      target.addresses = {endpoint->first};
      target.port = endpoint->second;
    } else if (const auto port = parse_endpoint("0.0.0.0:" + std::string(rest))) {
      target.port = port->second;
    } else if (target.proto != Proto::unix_socket) {
      errors_.add(words, 0, code::bad_value, "not a port, ADDRESS:PORT or PROTO/PORT");
    }
  }

  bool known_table(std::string_view name, Place place) {
    if (schema_.find(name) != nullptr)
      return true;
    std::vector<std::string> names;
    for (const auto& [table, spec] : schema_.tables())
      names.push_back(table);
    reader_.reading().error(place, code::unknown_table, fmt::format("there is no table '{}'", name),
                            cel::suggest(name, names));
    return false;
  }

  void parse_tables(const toml::table& tables) {
    for (const auto& [key, node] : in_order(tables)) {
      if (!known_table(key->str(), place_of(*key)))
        continue;
      const auto* rows = node->as_array();
      const TableSpec& spec = *schema_.find(key->str());
      if (rows == nullptr) {
        complain(place_of(*key), fmt::format("'{}' must be a list of rows", spec.name));
        continue;
      }
      for (const auto& row : *rows)
        parse_row(row, spec, place_of(*key));
    }
  }

  void parse_row(const toml::node& node, const TableSpec& spec, Place place) {
    const toml::table* row = node.as_table();
    if (row == nullptr)
      return complain(place, fmt::format("a row of '{}' must be a table", spec.name));
    std::vector<Cell> cells(spec.columns.size(), Cell(Absent{}));
    if (const auto netns = spec.column("netns"))
      cells[*netns] = test_.host.netns;
    for (const auto& [key, value] : in_order(*row)) {
      if (const auto column = spec.column(key->str()))
        read_cell(*value, *key, spec.columns[*column], cells[*column]);
      else
        unknown_column(spec, *key);
    }
    test_.rows.push_back({spec.name, std::move(cells)});
  }

  void unknown_column(const TableSpec& spec, const toml::key& key) {
    std::vector<std::string> columns;
    for (const auto& column : spec.columns)
      columns.push_back(column.name);
    reader_.reading().error(place_of(key), code::unknown_column,
                            fmt::format("the table {} has no column '{}'", spec.name, key.str()),
                            cel::suggest(key.str(), columns));
  }

  void read_cell(const toml::node& node, const toml::key& key, const ColumnSpec& column,
                 Cell& cell) {
    if (const toml::table* table = node.as_table()) {
      const auto gap = table->get_as<std::string>("unknown");
      if (gap != nullptr && table->size() == 1)
        cell = Unknown{gap->get()};
      else
        complain(place_of(key), "a cell is a value, or { unknown = \"GAP\" }");
    } else if (auto value = value_of(node, column.type)) {
      cell = std::move(*value);
    } else {
      complain(place_of(node),
               fmt::format("the column {} holds {}", column.name, to_string(column.type)));
    }
  }

  static std::optional<Cell> value_of(const toml::node& node, ColumnType type) {
    switch (type) {
    case ColumnType::integer:
      return node.is_integer() ? std::optional<Cell>(node.as_integer()->get()) : std::nullopt;
    case ColumnType::boolean:
      return node.is_boolean() ? std::optional<Cell>(node.as_boolean()->get()) : std::nullopt;
    case ColumnType::real:
      return node.is_number() ? std::optional<Cell>(*node.value<double>()) : std::nullopt;
    case ColumnType::text:
      return node.is_string() ? std::optional<Cell>(node.as_string()->get()) : std::nullopt;
    case ColumnType::bytes:
      return node.is_string() ? std::optional<Cell>(Bytes{node.as_string()->get()}) : std::nullopt;
    case ColumnType::ip:
      if (const auto address = IpAddress::parse(node.value_or(std::string())))
        return Cell(*address);
      return std::nullopt;
    }
    return std::nullopt;
  }

  void complain(Place place, std::string message) {
    reader_.reading().error(place, code::fixture, std::move(message));
  }

  const TableReader& reader_;
  Errors& errors_;
  const Schema& schema_;
  RuleTest test_;
};

} // namespace

RuleTest parse_test(const TableReader& reader, const Schema& schema) {
  return TestParser(reader, schema).parse();
}

} // namespace synfate::rules
