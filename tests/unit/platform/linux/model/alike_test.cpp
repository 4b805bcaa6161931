// Flows that share a walk: whatever was walked before, each ends as if it were walked alone.
#include "platform/linux/model/flows.h"
#include "platform/linux/routing/tables.h"

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/model/world.h"
#include "tests/unit/platform/linux/routing/fib_world.h"

using namespace synfate;

namespace {

constexpr Int first_inode = 1000; // of the listener on port 0; each port has its own

struct Kind {
  Int port;
  Int waiting = 0;
  Int uid = 0;
  Int mark = 0;
  Int device = 0;
  const char* state = "sleeping";
  const char* signers = "";
};

const std::vector<Kind> kinds{{.port = 80},
                              {.port = 81},
                              {.port = 82, .state = "stopped"},
                              {.port = 83, .waiting = 129},
                              {.port = 84, .uid = 33},
                              {.port = 85, .mark = 7},
                              {.port = 86, .device = 2},
                              {.port = 87, .signers = "127.0.0.1"},
                              {.port = 88, .waiting = 3}};
constexpr Int port_of_nobody = 99;

void add_listener(Snapshot& snapshot, const Kind& kind) {
  Socket socket;
  socket.netns = world::netns;
  socket.proto = Text("tcp");
  socket.state = Text("listen");
  socket.local_address = IpAddress::any(IpFamily::v4);
  socket.local_port = kind.port;
  socket.inode = first_inode + kind.port;
  socket.cookie = kind.port;
  socket.uid = kind.uid;
  socket.mark = kind.mark;
  if (kind.device != 0)
    socket.interface_index = kind.device;
  if (*kind.signers != '\0')
    socket.md5_peers = Text(kind.signers);
  socket.accept_queue = kind.waiting;
  socket.accept_queue_limit = Int{128};
  snapshot.add(socket);
  SocketOwner owner;
  owner.inode = first_inode + kind.port;
  owner.pid = kind.port;
  owner.fd = Int{3};
  snapshot.add(owner);
  Process process;
  process.pid = kind.port;
  process.name = Text("app");
  process.state = Text(kind.state);
  process.frozen = false;
  process.parent_pid = Int{1};
  snapshot.add(process);
}

template <typename Row> void add_all(Snapshot& snapshot, std::vector<Row> rows) {
  Int position = 0;
  for (auto& row : rows) {
    row.netns = world::netns;
    if constexpr (std::is_same_v<Row, PolicyRule>)
      row.position = position++;
    snapshot.add(row);
  }
}

/// A saved host: its routes are derived from the tables, with a policy rule of its own if asked.
Snapshot host(std::optional<Int> prohibited_port = {}) {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  REQUIRE(add_linux_tables(schema));
  Snapshot snapshot(std::move(schema));
  HostFacts facts;
  facts.netns = world::netns;
  facts.os = "linux";
  snapshot.set_host(facts);
  for (const auto& [name, spec] : snapshot.schema().tables())
    if (!spec.answers_only)
      snapshot.answered({name, {}});
  snapshot.add(world::root());
  linux_routing::FibWorld routing;
  routing.own("127.0.0.0/8", "127.0.0.1", 1);
  if (prohibited_port) {
    PolicyRule& rule = *routing.facts.rules.emplace(routing.facts.rules.begin());
    rule.family = Text("ip");
    rule.priority = Int{0}; // before the table of this host's own addresses
    rule.action = Text("prohibit");
    rule.destination_port_first = rule.destination_port_last = *prohibited_port;
  }
  add_all(snapshot, routing.facts.interfaces);
  add_all(snapshot, routing.facts.addresses);
  add_all(snapshot, routing.facts.routes);
  add_all(snapshot, routing.facts.rules);
  for (const auto& kind : kinds)
    add_listener(snapshot, kind);
  snapshot.seal();
  return snapshot;
}

Fate walk(Model& model, const Snapshot& snapshot, Int port) {
  Inquiry inquiry(snapshot);
  Target target;
  target.proto = Proto::tcp;
  target.port = static_cast<std::uint16_t>(port);
  target.addresses = {world::ip("127.0.0.1")};
  const auto flows = model.flows_from(inquiry, target, world::ip("127.0.0.1"), "");
  REQUIRE(flows.size() == 1);
  Fate fate = model.walk(inquiry, flows.front());
  CHECK_FALSE(inquiry.pending());
  return fate;
}

std::string told(const Fate& fate) {
  std::string text = std::string(to_string(fate.outcome)) + " " + fate.error + " " +
                     std::string(to_string(fate.certainty)) + " to " +
                     fate.final_address.to_string() + ":" + std::to_string(fate.final_port) + "\n";
  for (const auto& step : fate.path)
    text += std::string(to_string(step.packet)) + " " + std::string(to_string(step.stage)) + " " +
            std::string(to_string(step.verdict)) + " " + (step.by ? step.by->id : "") + " " +
            step.note + "\n";
  for (const auto& item : fate.evidence)
    text += item.table + " " + std::to_string(item.row) + "\n";
  for (const auto& assumed : fate.assumptions)
    text += assumed + "\n";
  for (const auto& blocker : fate.blockers)
    text += blocker.culprit.kind + " " + blocker.culprit.id + "\n";
  return text;
}

void check_all(const Snapshot& snapshot) {
  const auto shared = make_linux_model();
  for (const int turn : {1, 2}) {
    (void)turn;
    for (const auto& kind : kinds) {
      CAPTURE(kind.port);
      CHECK(told(walk(*shared, snapshot, kind.port)) ==
            told(walk(*make_linux_model(), snapshot, kind.port)));
    }
    CHECK(told(walk(*shared, snapshot, port_of_nobody)) ==
          told(walk(*make_linux_model(), snapshot, port_of_nobody)));
  }
}

} // namespace

TEST_CASE("a flow that shares a walk ends as if it were walked alone") {
  check_all(host());
}

TEST_CASE("the listeners that are told apart end differently") {
  const Snapshot snapshot = host();
  CHECK(walk(*make_linux_model(), snapshot, 80).certainty == Certainty::certain);
  const auto outcome = [&](Int port) { return walk(*make_linux_model(), snapshot, port).outcome; };
  CHECK(outcome(80) == Outcome::open);
  CHECK(outcome(82) == Outcome::stalled);
  CHECK(outcome(83) == Outcome::timeout);
  CHECK(outcome(86) == Outcome::refused);
  CHECK(outcome(87) == Outcome::timeout);
  CHECK(outcome(port_of_nobody) == Outcome::refused);
}

TEST_CASE("where a routing rule looks at ports no flow stands for another") {
  const Snapshot snapshot = host(81);
  CHECK(walk(*make_linux_model(), snapshot, 80).outcome == Outcome::open);
  CHECK(walk(*make_linux_model(), snapshot, 81).outcome == Outcome::denied);
  check_all(snapshot);
}
