#include "platform/linux/model/bind.h"

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/model/world.h"

using namespace synfate;

namespace {

/// IPv4 and IPv6 on one interface; the caller is root.
Snapshot host(const Caller& caller = world::root()) {
  Snapshot snapshot = world::empty_host();
  snapshot.add(caller);
  snapshot.add(world::interface(1, "lo"));
  snapshot.add(world::interface(2, "eth0"));
  world::give_address(snapshot, "10.0.0.1", 2, "eth0");
  world::give_address(snapshot, "fd00::1", 2, "eth0");
  Route local;
  local.netns = world::netns;
  local.table = Int{255};
  local.type = Text("local");
  local.destination = world::ip("10.0.0.1");
  local.prefix_length = Int{32};
  snapshot.add(local);
  world::set(snapshot, "net.ipv4.ip_unprivileged_port_start", "1024");
  world::set(snapshot, "net.ipv4.ip_local_port_range", "32768\t60999");
  world::set(snapshot, "net.ipv4.ip_nonlocal_bind", "0");
  world::set(snapshot, "net.ipv6.ip_nonlocal_bind", "0");
  world::set(snapshot, "net.ipv6.bindv6only", "0");
  return snapshot;
}

Socket tcp(const char* address, const char* state = "listen", Int port = 80) {
  Socket socket;
  socket.netns = world::netns;
  socket.proto = Text("tcp");
  socket.state = Text(state);
  socket.local_address = world::ip(address);
  socket.local_port = port;
  socket.inode = Int{7};
  socket.uid = Int{0};
  if (world::ip(address).is_v6()) // bind() to one IPv6 address sets it
    socket.v6only = !world::ip(address).is_unspecified();
  return socket;
}

Target target(const char* address, std::uint16_t port = 80) {
  Target target;
  target.port = port;
  if (*address != '\0')
    target.addresses.push_back(world::ip(address));
  return target;
}

std::vector<FlowReport> attempts(const Snapshot& snapshot, const Target& target,
                                 const BindRequest& request = {}) {
  Inquiry inquiry(snapshot);
  auto reports = bind_attempts(inquiry, target, request);
  CHECK_FALSE(inquiry.pending());
  return reports;
}

Fate fate(const Snapshot& snapshot, const Target& target, const BindRequest& request = {}) {
  const auto reports = attempts(snapshot, target, request);
  REQUIRE(reports.size() == 1);
  return reports.front().fate;
}

BindRequest as(Int uid) {
  BindRequest request;
  request.identity = Identity{uid, {uid}, "somebody"};
  return request;
}

} // namespace

TEST_CASE("a free port of an address that is here can be bound, for certain") {
  const Fate free = fate(host(), target("10.0.0.1"));
  CHECK(free.outcome == Outcome::open);
  CHECK(free.certainty == Certainty::certain);
  CHECK(free.error.empty());
}

TEST_CASE("a listener in the way is the culprit and the proof") {
  Snapshot snapshot = host();
  snapshot.add(tcp("0.0.0.0"));
  const Fate taken = fate(snapshot, target("10.0.0.1"));
  CHECK(taken.outcome == Outcome::denied);
  CHECK(taken.error == "EADDRINUSE");
  CHECK(taken.certainty == Certainty::certain);
  CHECK(taken.culprit->id == "tcp/0.0.0.0:80");
  CHECK(taken.evidence.size() == 1);
}

TEST_CASE("every holder is a blocker") {
  Snapshot snapshot = host();
  snapshot.add(tcp("10.0.0.1"));
  snapshot.add(tcp("127.0.0.1"));
  CHECK(fate(snapshot, target("0.0.0.0")).blockers.size() == 2);
}

TEST_CASE("a port alone is every address: told apart only where the families differ") {
  CHECK(attempts(host(), target("")).size() == 1);
  Snapshot snapshot = host();
  snapshot.add(tcp("fd00::1"));
  const auto reports = attempts(snapshot, target(""));
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].fate.outcome == Outcome::denied);
  CHECK(reports[1].fate.outcome == Outcome::open);
}

TEST_CASE("without IPv6 a port alone is an IPv4 port") {
  Snapshot snapshot = world::empty_host();
  snapshot.add(world::root());
  const auto reports = attempts(snapshot, target("", 8080));
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].flow.to.is_v4());
}

TEST_CASE("flags that cannot be read make an answer likely and name the other end") {
  Snapshot snapshot = host();
  snapshot.add(tcp("10.0.0.1", "time_wait"));
  BindRequest request;
  request.flags.reuse_address = true;
  const Fate hoped = fate(snapshot, target("0.0.0.0"), request);
  CHECK(hoped.outcome == Outcome::open);
  CHECK(hoped.certainty == Certainty::likely);
  REQUIRE(hoped.alternatives.size() == 1);
  CHECK(hoped.alternatives[0].outcome == Outcome::denied);
}

TEST_CASE("sockets that read alike are named in one alternative") {
  Snapshot snapshot = host();
  for (const Int cookie : {1, 2}) {
    Socket holder = tcp("10.0.0.1", "unconnected", 53);
    holder.proto = Text("udp");
    holder.cookie = cookie;
    snapshot.add(holder);
  }
  BindRequest request;
  request.flags.reuse_address = true;
  Target dns = target("0.0.0.0", 53);
  dns.proto = Proto::udp;
  const Fate hoped = fate(snapshot, dns, request);
  CHECK(hoped.outcome == Outcome::open);
  CHECK(hoped.alternatives.size() == 1);
}

TEST_CASE("an outgoing connection on the port most likely lacks SO_REUSEADDR") {
  Snapshot snapshot = host();
  Socket out = tcp("10.0.0.1", "established", 40000);
  out.remote_address = world::ip("10.0.0.9");
  out.remote_port = Int{5432};
  snapshot.add(out);
  BindRequest request;
  request.flags.reuse_address = true;
  const Fate taken = fate(snapshot, target("0.0.0.0", 40000), request);
  CHECK(taken.outcome == Outcome::denied);
  CHECK(taken.certainty == Certainty::likely);
}

TEST_CASE("a low port needs the capability, whoever has taken it") {
  Snapshot snapshot = host();
  snapshot.add(tcp("0.0.0.0"));
  const Fate denied = fate(snapshot, target("0.0.0.0"), as(1000));
  CHECK(denied.error == "EACCES");
  CHECK(denied.culprit->id == "net.ipv4.ip_unprivileged_port_start");
  CHECK(denied.blockers.size() == 2);
  CHECK(fate(snapshot, target("0.0.0.0"), as(0)).error == "EADDRINUSE");
}

TEST_CASE("the caller's own capability counts, not its user id") {
  const auto with = host(world::caller(1000, "0000000000000400"));
  CHECK(fate(with, target("0.0.0.0")).outcome == Outcome::open);
  const auto without = host(world::caller(0, "0000000000000000"));
  CHECK(fate(without, target("0.0.0.0")).error == "EACCES");
}

TEST_CASE("the owner of a network namespace's user namespace may bind low ports in it") {
  Caller caller = world::caller(1000);
  caller.netns_user_namespace = Text("child");
  caller.netns_owner_uid = Int{1000};
  CHECK(fate(host(caller), target("0.0.0.0")).outcome == Outcome::open);
  caller.netns_user_namespace = Text("foreign");
  caller.netns_owner_uid = Absent{};
  CHECK(fate(host(caller), target("0.0.0.0")).error == "EACCES");
}

TEST_CASE("an address that is not here is refused, for IPv4 before the port is looked at") {
  CHECK(fate(host(), target("10.0.0.9")).error == "EADDRNOTAVAIL");
  CHECK(fate(host(), target("10.0.0.9"), as(1000)).error == "EADDRNOTAVAIL");
  CHECK(fate(host(), target("fd00::9")).error == "EADDRNOTAVAIL");
  CHECK(fate(host(), target("fd00::9"), as(1000)).error == "EACCES");
}

TEST_CASE("a tentative address cannot be bound") {
  Snapshot snapshot = host();
  Address tentative;
  tentative.netns = world::netns;
  tentative.interface_index = Int{2};
  tentative.interface = Text("eth0");
  tentative.address = world::ip("fd00::7");
  tentative.prefix_length = Int{64};
  tentative.tentative = true;
  snapshot.add(tentative);
  const Fate denied = fate(snapshot, target("fd00::7"));
  CHECK(denied.error == "EADDRNOTAVAIL");
  CHECK(denied.culprit->text == "it is tentative on eth0");
}

TEST_CASE("addresses that no socket can have are EINVAL") {
  CHECK(fate(host(), target("fe80::1")).error == "EINVAL");
  CHECK(fate(host(), target("ff05::1")).error == "EINVAL");
  BindRequest only_v6;
  only_v6.flags.v6only = true;
  CHECK(fate(host(), target("::ffff:10.0.0.1"), only_v6).error == "EINVAL");
}

TEST_CASE("an interface that is not there is ENODEV") {
  BindRequest request;
  request.flags.interface = "eth9";
  CHECK(fate(host(), target("0.0.0.0"), request).error == "ENODEV");
  request.flags.interface = "eth0";
  CHECK(fate(host(), target("0.0.0.0"), request).outcome == Outcome::open);
}

TEST_CASE("sockets that could not be read leave the answer open, not good") {
  Snapshot snapshot = world::empty_host();
  Snapshot blind(snapshot.schema());
  blind.set_host(snapshot.host());
  for (const auto& [name, spec] : snapshot.schema().tables())
    blind.answered({name, {}}, name == "socket" ? std::vector<std::string>{"sockets.tcp"}
                                                : std::vector<std::string>{});
  blind.add_gap({"sockets.tcp", "the sockets", "refused", "", ""});
  blind.add(world::root());
  world::set(blind, "net.ipv6.bindv6only", "0");
  const auto reports = attempts(blind, target("0.0.0.0"));
  CHECK(reports.front().fate.outcome == Outcome::unknown);
}
