// Who can call accept(), over a listener of a host made by hand.
#include "platform/linux/model/flows.h"

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/model/world.h"

using namespace synfate;

namespace {

constexpr Int inode = 70;

Socket listener(Int waiting = 0) {
  Socket socket;
  socket.netns = world::netns;
  socket.proto = Text("tcp");
  socket.state = Text("listen");
  socket.local_address = IpAddress::any(IpFamily::v4);
  socket.local_port = Int{80};
  socket.inode = inode;
  socket.cookie = Int{1};
  socket.accept_queue = waiting;
  socket.accept_queue_limit = Int{128};
  return socket;
}

void add_holder(Snapshot& snapshot, Int pid, Int descriptors, const char* capabilities = "0") {
  SocketOwner owner;
  owner.inode = inode;
  owner.pid = pid;
  owner.fd = Int{3};
  snapshot.add(owner);
  Process process;
  process.pid = pid;
  process.name = Text("app");
  process.state = Text("sleeping");
  process.frozen = false;
  process.parent_pid = Int{1};
  process.descriptors = descriptors;
  process.descriptor_limit = Int{16};
  process.capabilities = Text(capabilities);
  snapshot.add(process);
}

Snapshot host(Int waiting = 0) {
  Snapshot snapshot = world::empty_host();
  snapshot.add(world::root());
  Interface lo = world::interface(1, "lo");
  lo.up = true;
  lo.loopback = true;
  snapshot.add(lo);
  world::give_address(snapshot, "127.0.0.1", 1, "lo");
  snapshot.add(listener(waiting));
  return snapshot;
}

Fate walk(const Snapshot& snapshot) {
  const auto model = make_linux_model();
  Inquiry inquiry(snapshot);
  Target target;
  target.proto = Proto::tcp;
  target.port = 80;
  target.addresses = {world::ip("127.0.0.1")};
  const auto flows = model->flows_from(inquiry, target, world::ip("127.0.0.1"), "");
  REQUIRE(flows.size() == 1);
  Fate fate = model->walk(inquiry, flows.front());
  CHECK_FALSE(inquiry.pending());
  return fate;
}

} // namespace

TEST_CASE("a process without a descriptor left stalls, and its limit is the culprit") {
  Snapshot snapshot = host(1);
  add_holder(snapshot, 5, 16);
  const Fate stalled = walk(snapshot);
  CHECK(stalled.outcome == Outcome::stalled);
  CHECK(stalled.stopped_at == Stage::accept);
  REQUIRE(stalled.culprit);
  CHECK(stalled.culprit->kind == "limit");
  CHECK(stalled.culprit->id == "5/nofile");
}

TEST_CASE("one descriptor left is enough") {
  Snapshot snapshot = host();
  add_holder(snapshot, 5, 15);
  CHECK(walk(snapshot).outcome == Outcome::open);
}

TEST_CASE("another holder with descriptors left serves") {
  Snapshot snapshot = host();
  add_holder(snapshot, 5, 16);
  add_holder(snapshot, 6, 4);
  CHECK(walk(snapshot).outcome == Outcome::open);
}

TEST_CASE("the machine's limit of open files stops those without CAP_SYS_ADMIN") {
  Snapshot snapshot = host(1);
  world::set(snapshot, "fs.file-nr", "64\t0\t64");
  add_holder(snapshot, 5, 4);
  const Fate stalled = walk(snapshot);
  CHECK(stalled.outcome == Outcome::stalled);
  REQUIRE(stalled.culprit);
  CHECK(stalled.culprit->id == "fs.file-max");
  Snapshot of_root = host(1);
  world::set(of_root, "fs.file-nr", "64\t0\t64");
  add_holder(of_root, 5, 4, "0000000000200000");
  CHECK(walk(of_root).outcome == Outcome::open);
  Snapshot with_room = host(1);
  world::set(with_room, "fs.file-nr", "63\t0\t64");
  add_holder(with_room, 5, 4);
  CHECK(walk(with_room).outcome == Outcome::open);
}
