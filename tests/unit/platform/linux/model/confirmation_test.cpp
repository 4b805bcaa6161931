#include "platform/linux/model/confirmation.h"

#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/sockets/tables.h"
#include "tests/unit/catch.h"

using namespace synfate;

namespace {

constexpr Int home = 1;
constexpr Int device = 2;

IpAddress address(const char* text) {
  return *IpAddress::parse(text);
}

Socket bound(Proto proto, const char* to, Int cookie, Int order) {
  Socket socket;
  socket.netns = home;
  socket.proto = std::string(to_string(proto));
  socket.state = Text(proto == Proto::tcp ? "listen" : "unconnected");
  socket.local_address = address(to);
  socket.local_port = 80;
  socket.inode = 100 + cookie;
  socket.cookie = cookie;
  socket.uid = 0;
  socket.bind_order = order;
  return socket;
}

/// A host with sockets, on which the kernel answers as told.
class World {
public:
  World() : snapshot_(schema()) {}

  void kernel_says(Proto proto, std::optional<Int> cookie, Int client_port = 0, Int port = 80) {
    SocketLookup row;
    row.netns = home;
    row.proto = std::string(to_string(proto));
    row.local_address = address("10.0.0.1");
    row.local_port = 80;
    row.remote_address = address("10.0.0.9");
    row.remote_port = client_port;
    row.interface_index = device;
    row.found = cookie.has_value();
    if (cookie) {
      row.state = Text("listen");
      row.cookie = *cookie;
      row.answered_address = address("0.0.0.0");
      row.answered_port = port;
    }
    snapshot_.add(row);
    snapshot_.answered({"socket_lookup", {}});
  }
  void has(const Socket& socket) {
    snapshot_.add(socket);
    snapshot_.answered({"socket", {}});
  }
  void seal() { snapshot_.seal(); }

  Receivers choose(Proto proto, const std::vector<Socket>& sockets) {
    flow_.proto = proto;
    journey_.netns = home;
    inquiry_.emplace(snapshot_);
    Walk walk{*inquiry_, flow_, ruleset_, nullptr};
    return choose_receivers(walk, journey_,
                            {address("10.0.0.9"), 0, address("10.0.0.1"), 80, device}, sockets);
  }
  bool pending() const { return inquiry_->pending(); }
  std::vector<std::string> tables_needed() const {
    std::vector<std::string> tables;
    for (const auto& need : inquiry_->needs())
      tables.push_back(need.table);
    return tables;
  }
  const std::vector<std::string>& assumptions() const { return journey_.assumptions; }

private:
  static Schema schema() {
    Schema schema;
    REQUIRE(add_core_tables(schema));
    REQUIRE(add_linux_socket_tables(schema));
    return schema;
  }

  Snapshot snapshot_;
  Flow flow_;
  Ruleset ruleset_;
  Journey journey_;
  std::optional<Inquiry> inquiry_;
};

std::vector<Int> cookies(const Receivers& receivers) {
  std::vector<Int> list;
  for (const auto& socket : receivers.sockets)
    list.push_back(socket.cookie.value());
  return list;
}

using Cookies = std::vector<Int>;

} // namespace

TEST_CASE("the kernel is asked for the model's choice, and agrees") {
  World world;
  world.choose(Proto::tcp, {bound(Proto::tcp, "0.0.0.0", 7, 0)});
  CHECK(world.pending());
  world.kernel_says(Proto::tcp, 7);
  const auto receivers = world.choose(Proto::tcp, {bound(Proto::tcp, "0.0.0.0", 7, 0)});
  CHECK_FALSE(world.pending());
  CHECK(cookies(receivers) == Cookies{7});
  CHECK(receivers.note == "inode 107, as the kernel's own lookup says");
  CHECK(world.assumptions().empty());
}

TEST_CASE("who holds the model's choice is asked together with the kernel's lookup") {
  World world;
  world.choose(Proto::tcp, {bound(Proto::tcp, "0.0.0.0", 7, 0)});
  CHECK(world.tables_needed() == std::vector<std::string>{"socket_lookup", "socket_owner"});
  world.kernel_says(Proto::tcp, 7);
  world.choose(Proto::tcp, {bound(Proto::tcp, "0.0.0.0", 7, 0)});
  CHECK(world.tables_needed().empty());
}

TEST_CASE("a replay of a whole snapshot answers by the model alone") {
  World world;
  world.seal();
  const auto receivers = world.choose(Proto::tcp, {bound(Proto::tcp, "0.0.0.0", 7, 0)});
  CHECK_FALSE(world.pending());
  CHECK(cookies(receivers) == Cookies{7});
  CHECK(receivers.note == "inode 107");
}

TEST_CASE("a kernel that finds no socket where one matches refuses, and that is an assumption") {
  World world;
  world.kernel_says(Proto::tcp, std::nullopt);
  const auto receivers = world.choose(Proto::tcp, {bound(Proto::tcp, "0.0.0.0", 7, 0)});
  CHECK(receivers.sockets.empty());
  REQUIRE(receivers.lost);
  CHECK(receivers.lost->outcome == Outcome::refused);
  CHECK(receivers.lost->culprit->kind == "bpf_program");
  CHECK(world.assumptions().size() == 1);
}

TEST_CASE("a socket of another port that the kernel names gets the packet") {
  World world;
  world.kernel_says(Proto::tcp, 8, 0, 9999);
  Socket elsewhere = bound(Proto::tcp, "127.0.0.1", 8, 0);
  elsewhere.local_port = 9999;
  world.has(elsewhere);
  const auto receivers = world.choose(Proto::tcp, {});
  REQUIRE(cookies(receivers) == Cookies{8});
  CHECK(receivers.sockets.front().inode.is(108));
  CHECK(world.assumptions().size() == 1);
}

TEST_CASE("a reuseport group stays one, whichever member the kernel names") {
  World world;
  world.kernel_says(Proto::tcp, 7);
  const auto receivers = world.choose(
      Proto::tcp, {bound(Proto::tcp, "0.0.0.0", 7, 1), bound(Proto::tcp, "0.0.0.0", 8, 0)});
  CHECK(cookies(receivers) == Cookies{8, 7});
  CHECK(world.assumptions().empty());
}

TEST_CASE("of equal UDP sockets the newest gets all when the kernel names it for every client") {
  World world;
  world.kernel_says(Proto::udp, 8);
  for (const Int port : {32768, 35001, 38002, 41003, 44004, 47005, 50006, 53007})
    world.kernel_says(Proto::udp, 8, port);
  const auto receivers = world.choose(
      Proto::udp, {bound(Proto::udp, "0.0.0.0", 7, 1), bound(Proto::udp, "0.0.0.0", 8, 0)});
  CHECK(cookies(receivers) == Cookies{8});
}

TEST_CASE("equal UDP sockets share when the kernel names several") {
  World world;
  world.kernel_says(Proto::udp, 8);
  for (const Int port : {32768, 35001, 38002, 41003, 44004, 47005, 50006, 53007})
    world.kernel_says(Proto::udp, port % 2 == 0 ? 8 : 7, port);
  const auto receivers = world.choose(
      Proto::udp, {bound(Proto::udp, "0.0.0.0", 7, 1), bound(Proto::udp, "0.0.0.0", 8, 0)});
  CHECK(cookies(receivers) == Cookies{8, 7});
}

TEST_CASE("without the kernel the newest of equal UDP sockets is assumed to get all") {
  World world;
  world.seal();
  const auto receivers = world.choose(
      Proto::udp, {bound(Proto::udp, "0.0.0.0", 7, 1), bound(Proto::udp, "0.0.0.0", 8, 0)});
  CHECK(cookies(receivers) == Cookies{8});
  CHECK(world.assumptions().size() == 1);
}
