// Paths, permissions and Unix sockets, over recorded steps.
#include "platform/linux/model/bind.h"
#include "platform/linux/model/unix_path.h"
#include "platform/linux/model/unix_walk.h"

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/model/world.h"

using namespace synfate;

namespace {

constexpr const char* path = "/run/app.sock";

struct Made {
  const char* resolved;
  const char* type;
  Int mode = 0755;
  Int uid = 0;
  Int gid = 0;
  Int inode = 1;
};

/// The steps to `path`; the last of them is the file, if it is there.
void add_steps(Snapshot& snapshot, const std::vector<Made>& steps, const char* to = path) {
  for (std::size_t at = 0; at < steps.size(); ++at) {
    PathStepFacts row;
    row.path = Text(to);
    row.position = static_cast<Int>(at);
    row.resolved = Text(steps[at].resolved);
    row.type = Text(steps[at].type);
    row.last = at + 1 == steps.size();
    row.mode = steps[at].mode;
    row.uid = steps[at].uid;
    row.gid = steps[at].gid;
    row.inode = steps[at].inode;
    row.device = Int{5};
    snapshot.add(row);
  }
}

UnixSocket bound(const char* type = "stream", const char* state = "listen", Int file_inode = 9) {
  UnixSocket socket;
  socket.netns = world::netns;
  socket.inode = Int{70};
  socket.type = Text(type);
  socket.state = Text(state);
  socket.path = Text(path);
  socket.abstract = false;
  socket.file_inode = file_inode;
  socket.file_device = Int{5};
  socket.queue = Int{0};
  socket.queue_limit = Int{4};
  return socket;
}

/// A directory everybody may search, and a socket file with inode 9.
Snapshot host(Int mode = 0777, const Caller& caller = world::root()) {
  Snapshot snapshot = world::empty_host();
  snapshot.add(caller);
  add_steps(snapshot, {{"/", "directory"}, {"/run", "directory"}, {path, "socket", mode, 0, 0, 9}});
  return snapshot;
}

Target target(const char* type = "", const char* name = path, bool abstract = false) {
  Target target;
  target.proto = Proto::unix_socket;
  target.path = name;
  target.abstract = abstract;
  target.socket_type = type;
  return target;
}

Fate walk(const Snapshot& snapshot, const Target& target, std::optional<Identity> as = {}) {
  const auto model = make_linux_model();
  Inquiry inquiry(snapshot);
  Flow flow = unix_flow(target);
  flow.identity = std::move(as);
  Fate fate = model->walk(inquiry, flow);
  CHECK_FALSE(inquiry.pending());
  return fate;
}

Identity user(Int uid, std::vector<Int> groups = {}) {
  return {uid, groups.empty() ? std::vector{uid} : std::move(groups), "somebody"};
}

Fate bind(const Snapshot& snapshot, const Target& target, std::optional<Identity> as = {}) {
  Inquiry inquiry(snapshot);
  BindRequest request;
  request.identity = std::move(as);
  Fate fate = bind_unix_attempt(inquiry, target, request).fate;
  CHECK_FALSE(inquiry.pending());
  return fate;
}

FileUser file_user_of(Int uid, std::vector<Int> groups) {
  FileUser made;
  made.uid = uid;
  made.groups = std::move(groups);
  return made;
}

PathStepFacts file(Int mode, Int uid, Int gid, const char* type = "socket") {
  PathStepFacts row;
  row.type = Text(type);
  row.mode = mode;
  row.uid = uid;
  row.gid = gid;
  return row;
}

/// include/uapi/linux/posix_acl_xattr.h: version 2, then tag, permissions, id.
Bytes acl(const std::vector<std::array<std::uint32_t, 3>>& entries) {
  std::string bytes("\x02\0\0\0", 4);
  for (const auto& [tag, permissions, id] : entries)
    for (const std::uint32_t byte : {tag & 255U, tag >> 8U, permissions, 0U, id & 255U,
                                     (id >> 8U) & 255U, (id >> 16U) & 255U, id >> 24U})
      bytes += static_cast<char>(byte);
  return {bytes};
}

constexpr int to_write = 2;

} // namespace

TEST_CASE("the first class of a mode that fits a user decides alone") {
  CHECK(may_access(file_user_of(1000, {1000}), file(0200, 1000, 0), to_write) == true);
  CHECK(may_access(file_user_of(1000, {1000}), file(0077, 1000, 1000), to_write) == false);
  CHECK(may_access(file_user_of(1000, {1000, 50}), file(0707, 0, 50), to_write) == false);
  CHECK(may_access(file_user_of(1000, {1000, 50}), file(0020, 0, 50), to_write) == true);
  CHECK(may_access(file_user_of(1000, {1000}), file(0002, 0, 0), to_write) == true);
}

TEST_CASE("capabilities go past modes: one for everything, one for searching only") {
  FileUser root = file_user_of(0, {0});
  CHECK(may_access(root, file(0, 1000, 1000), to_write) == false);
  root.searches = true;
  CHECK(may_access(root, file(0, 1000, 1000, "directory"), 1) == true);
  CHECK(may_access(root, file(0, 1000, 1000), to_write) == false);
  root.overrides = true;
  CHECK(may_access(root, file(0, 1000, 1000), to_write) == true);
}

TEST_CASE("an access control list decides for named users, as far as its mask goes") {
  constexpr std::uint32_t nobody = 0xFFFFFFFF;
  PathStepFacts listed = file(0660, 0, 0);
  listed.acl =
      acl({{1, 6, nobody}, {2, 6, 1000}, {4, 0, nobody}, {16, 6, nobody}, {32, 0, nobody}});
  CHECK(may_access(file_user_of(1000, {1000}), listed, to_write) == true);
  CHECK(may_access(file_user_of(1001, {1001}), listed, to_write) == false);
  listed.acl =
      acl({{1, 6, nobody}, {2, 6, 1000}, {4, 0, nobody}, {16, 4, nobody}, {32, 2, nobody}});
  CHECK(may_access(file_user_of(1000, {1000}), listed, to_write) == false);
  CHECK(may_access(file_user_of(1001, {1001}), listed, to_write) == true);
}

TEST_CASE("a group of the list that fits keeps the rest of the world's bits away") {
  constexpr std::uint32_t nobody = 0xFFFFFFFF;
  PathStepFacts listed = file(0670, 0, 0);
  listed.acl = acl({{1, 6, nobody}, {4, 0, nobody}, {8, 0, 50}, {16, 7, nobody}, {32, 7, nobody}});
  CHECK(may_access(file_user_of(1000, {1000, 50}), listed, to_write) == false);
  CHECK(may_access(file_user_of(1000, {1000}), listed, to_write) == true);
}

TEST_CASE("a list that is damaged is doubt, not permission") {
  PathStepFacts listed = file(0660, 0, 0);
  listed.acl = Bytes{"\x02"};
  CHECK(may_access(file_user_of(1000, {1000}), listed, to_write) == std::nullopt);
}

TEST_CASE("a listener behind its own file is reached") {
  Snapshot snapshot = host();
  snapshot.add(bound());
  CHECK(walk(snapshot, target()).outcome == Outcome::open);
}

TEST_CASE("without write permission the client is denied, and the file is the culprit") {
  Snapshot snapshot = host(0755);
  snapshot.add(bound());
  const Fate denied = walk(snapshot, target(), user(1000));
  CHECK(denied.outcome == Outcome::denied);
  CHECK(denied.error == "EACCES");
  CHECK(denied.culprit->kind == "file");
  CHECK(denied.culprit->id == "%2Frun%2Fapp.sock");
  CHECK(walk(snapshot, target()).outcome == Outcome::open);
}

TEST_CASE("a directory that may not be searched is the culprit") {
  Snapshot snapshot = world::empty_host();
  add_steps(snapshot, {{"/", "directory"}, {"/run", "directory", 0700}, {path, "socket", 0777}});
  const Fate denied = walk(snapshot, target(), user(1000));
  CHECK(denied.error == "EACCES");
  CHECK(denied.culprit->id == "%2Frun");
}

TEST_CASE("a file that no socket is bound to is refused, though one of its name listens") {
  Snapshot snapshot = host();
  snapshot.add(bound("stream", "listen", 10)); // another inode
  const Fate refused = walk(snapshot, target());
  CHECK(refused.outcome == Outcome::refused);
  CHECK(refused.culprit->kind == "file");
  CHECK(refused.stopped_at == Stage::socket_lookup);
}

DatagramRoom probed(const char* error) {
  DatagramRoom room;
  room.netns = world::netns;
  room.path = Text(path);
  room.abstract = false;
  room.reached = false;
  room.error = Text(error);
  return room;
}

Fate walk_probed(const char* error, const char* type = "") {
  Snapshot snapshot = host();
  snapshot.add(probed(error));
  return walk(snapshot, target(type));
}

TEST_CASE("what is bound to a file is the kernel's word, not that of the sockets that are listed") {
  const Fate free = walk_probed("ECONNREFUSED");
  CHECK(free.outcome == Outcome::refused);
  CHECK(free.certainty == Certainty::certain);
  CHECK(walk_probed("EPROTOTYPE").outcome == Outcome::unknown); // a host's socket in a container
  CHECK(walk_probed("EPROTOTYPE", "dgram").error == "EPROTOTYPE");
  CHECK(walk(host(), target()).certainty == Certainty::likely); // it could not be asked
}

TEST_CASE("a datagram socket that nobody lists is reached, likely") {
  Snapshot snapshot = host();
  DatagramRoom room = probed("");
  room.error = Absent{};
  room.reached = true;
  room.writable = true;
  snapshot.add(room);
  const Fate open = walk(snapshot, target("dgram"));
  CHECK(open.outcome == Outcome::open);
  CHECK(open.certainty == Certainty::likely);
}

TEST_CASE("bind() does not call a file left over that a hidden socket is bound to") {
  Snapshot snapshot = host();
  snapshot.add(probed("EPROTOTYPE"));
  CHECK(bind(snapshot, target()).error == "EADDRINUSE");
  CHECK(bind(snapshot, target()).culprit->text != "no socket is bound to this file");
}

TEST_CASE("a socket with the name of a missing file is not reached") {
  Snapshot snapshot = world::empty_host();
  snapshot.add(world::root());
  add_steps(snapshot, {{"/", "directory"}, {"/run", "directory"}, {path, "missing"}});
  snapshot.add(bound());
  const Fate denied = walk(snapshot, target());
  CHECK(denied.error == "ENOENT");
  CHECK(denied.culprit->kind == "file"); // nobody is known who could have removed it
}

TEST_CASE("what is no socket is refused at once") {
  Snapshot snapshot = world::empty_host();
  snapshot.add(world::root());
  add_steps(snapshot, {{"/", "directory"}, {"/run", "directory"}, {path, "file", 0777}});
  const Fate refused = walk(snapshot, target());
  CHECK(refused.outcome == Outcome::refused);
  CHECK(refused.stopped_at == Stage::client);
}

TEST_CASE("a file in another type's hands is EPROTOTYPE, one that does not listen is refused") {
  Snapshot datagrams = host();
  datagrams.add(bound("dgram", "unconnected"));
  CHECK(walk(datagrams, target("stream")).error == "EPROTOTYPE");
  Snapshot waiting = host();
  waiting.add(bound("stream", "unconnected"));
  CHECK(walk(waiting, target()).error == "ECONNREFUSED");
  CHECK(walk(waiting, target()).culprit->kind == "socket");
}

TEST_CASE("a queue is full when more wait than the backlog says") {
  Snapshot snapshot = host();
  UnixSocket busy = bound();
  busy.queue = Int{4};
  snapshot.add(busy);
  CHECK(walk(snapshot, target()).outcome == Outcome::open);
  Snapshot full = host();
  busy.queue = Int{5};
  full.add(busy);
  const Fate denied = walk(full, target());
  CHECK(denied.error == "EAGAIN");
  CHECK(denied.stopped_at == Stage::queue_accept);
}

TEST_CASE("a datagram socket that is connected takes messages of its peer only") {
  Snapshot snapshot = host();
  UnixSocket socket = bound("dgram", "connected");
  socket.peer_inode = Int{71};
  snapshot.add(socket);
  CHECK(walk(snapshot, target()).error == "EPERM");
}

TEST_CASE(
    "a datagram queue that takes no more is EAGAIN; one that could not be asked is likely open") {
  Snapshot full = host();
  full.add(bound("dgram", "unconnected"));
  DatagramRoom room;
  room.netns = world::netns;
  room.path = Text(path);
  room.abstract = false;
  room.reached = true;
  room.writable = false;
  full.add(room);
  CHECK(walk(full, target()).error == "EAGAIN");
  Snapshot unasked = host();
  unasked.add(bound("dgram", "unconnected"));
  const Fate likely = walk(unasked, target());
  CHECK(likely.outcome == Outcome::open);
  CHECK(likely.certainty == Certainty::likely);
}

TEST_CASE("an abstract name belongs to one network namespace and one type") {
  Snapshot snapshot = world::empty_host();
  UnixSocket socket = bound();
  socket.path = Text("app");
  socket.abstract = true;
  socket.file_inode = Absent{};
  socket.netns = world::netns + 1;
  snapshot.add(socket);
  const auto name = target("", "app", true);
  CHECK(walk(snapshot, name).outcome == Outcome::refused);
  socket.netns = world::netns;
  snapshot.add(socket);
  CHECK(walk(snapshot, name).outcome == Outcome::open);
  CHECK(walk(snapshot, target("dgram", "app", true)).outcome == Outcome::refused);
}

TEST_CASE("names have room for 108 bytes, abstract ones for one less") {
  const Snapshot snapshot = world::empty_host();
  const std::string name(108, 'x');
  CHECK(walk(snapshot, target("", name.c_str(), true)).error == "EINVAL");
  CHECK(walk(snapshot, target("", name.substr(1).c_str(), true)).error == "ECONNREFUSED");
  CHECK(walk(snapshot, target("", ("/" + name).c_str())).error == "EINVAL");
}

TEST_CASE("a way that could not be looked at is unknown, not missing") {
  Snapshot snapshot = world::empty_host();
  snapshot.add(world::root());
  PathStepFacts hidden;
  hidden.path = Text(path);
  hidden.position = Int{0};
  hidden.type = Unknown{"path./run/app.sock"};
  snapshot.add(hidden);
  CHECK(walk(snapshot, target()).outcome == Outcome::unknown);
}

TEST_CASE(
    "bind() fails for whatever is at the path, and tells a used socket from a file left over") {
  Snapshot used = host();
  used.add(bound());
  CHECK(bind(used, target()).error == "EADDRINUSE");
  CHECK_FALSE(bind(used, target()).evidence.empty());
  const Fate stale = bind(host(), target());
  CHECK(stale.error == "EADDRINUSE");
  CHECK(stale.culprit->text == "no socket is bound to this file");
}

TEST_CASE("bind() needs the directory, and the right to write there") {
  Snapshot free = world::empty_host();
  free.add(world::root());
  add_steps(free, {{"/", "directory"}, {"/run", "directory"}, {path, "missing"}});
  CHECK(bind(free, target()).outcome == Outcome::open);
  CHECK(bind(free, target(), user(1000)).error == "EACCES");
  Snapshot nowhere = world::empty_host();
  nowhere.add(world::root());
  PathStepFacts gone;
  gone.path = Text(path);
  gone.position = Int{0};
  gone.resolved = Text("/run");
  gone.type = Text("missing");
  gone.last = false;
  nowhere.add(gone);
  CHECK(bind(nowhere, target()).error == "ENOENT");
}

TEST_CASE("a read-only file system is EROFS, for root as well") {
  Snapshot snapshot = world::empty_host();
  snapshot.add(world::root());
  PathStepFacts directory;
  directory.path = Text(path);
  directory.position = Int{0};
  directory.resolved = Text("/run");
  directory.type = Text("directory");
  directory.last = false;
  directory.mode = Int{0755};
  directory.uid = Int{0};
  directory.gid = Int{0};
  directory.read_only = true;
  snapshot.add(directory);
  PathStepFacts missing;
  missing.path = Text(path);
  missing.position = Int{1};
  missing.resolved = Text(path);
  missing.type = Text("missing");
  missing.last = true;
  snapshot.add(missing);
  CHECK(bind(snapshot, target()).error == "EROFS");
}
