#include "core/report/evidence_text.h"

#include "tests/unit/catch.h"
#include "tests/unit/core/report/sample.h"

using namespace synfate;

namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const Snapshot& snapshot, std::vector<Evidence> evidence) {
  return evidence_lines(snapshot, evidence);
}

} // namespace

TEST_CASE("a listener is shown with who holds it, and since when") {
  const auto snapshot = sample::snapshot_with_listener();
  CHECK(lines_of(snapshot, {{"socket", 0}}) ==
        Lines{"socket tcp 127.0.0.1:8080 listen, nginx (pid 812, user www-data, nginx.service) "
              "since 2026-11-20 22:58:00 UTC (12 min)"});
}

TEST_CASE("what a socket's line already tells is not repeated") {
  const auto snapshot = sample::snapshot_with_listener();
  CHECK(lines_of(snapshot, {{"socket", 0}, {"process", 0}, {"socket_owner", 0}, {"socket", 0}})
            .size() == 1);
}

TEST_CASE("a further socket of a process that was shown names it shortly") {
  auto snapshot = sample::snapshot_with_listener();
  Socket second;
  second.proto = Text("tcp");
  second.state = Text("listen");
  second.local_address = IpAddress::any(IpFamily::v6);
  second.local_port = Int{8080};
  second.inode = Int{77};
  snapshot.add(second);
  SocketOwner owner;
  owner.inode = Int{77};
  owner.pid = Int{812};
  snapshot.add(owner);
  CHECK(lines_of(snapshot, {{"socket", 0}, {"socket", 1}}).at(1) ==
        "socket tcp [::]:8080 listen, pid 812");
}

TEST_CASE("an owner that could not be read is said to be unknown") {
  auto snapshot = sample::snapshot();
  Socket socket;
  socket.proto = Text("tcp");
  socket.state = Text("listen");
  socket.local_address = IpAddress::any(IpFamily::v6);
  socket.local_port = Int{443};
  socket.inode = Int{9};
  socket.uid = Int{33};
  socket.v6only = true;
  socket.accept_queue = Int{3};
  socket.accept_queue_limit = Int{2};
  snapshot.add(socket);
  CHECK(lines_of(snapshot, {{"socket", 0}}) ==
        Lines{"socket tcp [::]:443 listen, IPv6 only, 3 waiting for accept(), 3 fit, owner not "
              "known (socket of user id 33)"});
}

TEST_CASE("a cell that could not be read is a question mark, never a zero") {
  auto snapshot = sample::snapshot();
  Setting setting;
  setting.name = Text("net.ipv4.ip_forward");
  setting.value = Unknown{"sysctl"};
  snapshot.add(setting);
  CHECK(lines_of(snapshot, {{"setting", 0}}) == Lines{"setting net.ipv4.ip_forward = ?"});
}

TEST_CASE("a stopped process shows its state") {
  auto snapshot = sample::snapshot();
  Process process;
  process.pid = Int{5};
  process.name = Text("redis");
  process.uid = Int{7};
  process.state = Text("stopped");
  snapshot.add(process);
  CHECK(lines_of(snapshot, {{"process", 0}}) == Lines{"process redis (pid 5, user id 7), stopped"});
}

TEST_CASE("routes and interfaces are written as administrators know them") {
  auto snapshot = sample::snapshot();
  Route route;
  route.type = Text("unicast");
  route.table = Int{254};
  route.prefix_length = Int{0};
  route.gateway = IpAddress::parse("10.0.0.1").value();
  route.interface = Text("eth0");
  snapshot.add(route);
  Interface link;
  link.name = Text("eth0");
  link.index = Int{2};
  link.up = true;
  link.carrier = false;
  snapshot.add(link);
  CHECK(lines_of(snapshot, {{"route", 0}, {"interface", 0}}) ==
        Lines{"route default via 10.0.0.1 dev eth0 table 254", "interface eth0 up, no carrier"});
}

TEST_CASE("evidence that the snapshot does not have is left out") {
  CHECK(lines_of(sample::snapshot(), {{"socket", 0}, {"no_such_table", 3}}).empty());
}

TEST_CASE("a row of any other table shows the columns that have a value") {
  auto snapshot = sample::snapshot();
  ServiceName service;
  service.name = Text("https");
  service.port = Int{443};
  snapshot.add(service);
  CHECK(lines_of(snapshot, {{"service_name", 0}}) == Lines{"service_name name=https port=443"});
}

TEST_CASE("a UDP socket that the kernel has for a link is told by the link") {
  auto snapshot = sample::snapshot();
  Socket socket;
  socket.netns = Int{7};
  socket.proto = Text("udp");
  socket.state = Text("unconnected");
  socket.local_address = IpAddress::any(IpFamily::v4);
  socket.local_port = Int{4789};
  socket.inode = Int{9};
  snapshot.add(socket);
  socket.local_address = IpAddress::loopback(IpFamily::v4); // a program's, beside it
  socket.cookie = Int{2};
  snapshot.add(socket);
  Interface link;
  link.netns = Int{7};
  link.name = Text("vx0");
  link.kind = Text("vxlan");
  link.udp_port = Int{4789};
  snapshot.add(link);
  CHECK(lines_of(snapshot, {{"socket", 0}, {"socket", 1}}) ==
        Lines{"socket udp 0.0.0.0:4789 unconnected, the kernel has it for vxlan vx0",
              "socket udp 127.0.0.1:4789 unconnected, owner not known"});
}
