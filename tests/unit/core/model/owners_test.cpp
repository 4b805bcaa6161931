#include "core/model/owners.h"

#include "tests/unit/catch.h"

namespace {

using namespace synfate;

constexpr Int netns = 7;

Snapshot empty() {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  return Snapshot(std::move(schema));
}

HeldSocket socket_of(Int inode) {
  return {netns, inode, 11, 1000};
}

SocketOwner owner(Int inode, Int pid) {
  SocketOwner row;
  row.inode = inode;
  row.pid = pid;
  row.fd = 3;
  return row;
}

SocketOwner among_listeners(Int inode, Int pid, bool complete) {
  SocketOwner row = owner(inode, pid);
  row.listeners_of = netns;
  row.complete = complete;
  return row;
}

} // namespace

TEST_CASE("one socket is asked for with hints, so that its search is short") {
  const Snapshot snapshot = empty();
  Inquiry inquiry(snapshot);
  CHECK(find_owners(inquiry, socket_of(5), false).empty());
  REQUIRE(inquiry.needs().size() == 1);
  CHECK(to_string(inquiry.needs().front()) ==
        "socket_owner where complete = false and hint_cgroup_id = 11 and hint_uid = 1000 and "
        "inode = 5");
}

TEST_CASE("the answer about all listeners answers for each of them") {
  Snapshot snapshot = empty();
  snapshot.add(among_listeners(5, 100, false));
  snapshot.add(among_listeners(6, 200, false));
  snapshot.answered(owners_of_listeners(netns, false));
  Inquiry inquiry(snapshot);
  CHECK(find_owners(inquiry, socket_of(5), false) == std::vector<std::size_t>{0});
  CHECK(find_owners(inquiry, socket_of(6), false) == std::vector<std::size_t>{1});
  CHECK(find_owners(inquiry, socket_of(7), false).empty());
  CHECK_FALSE(inquiry.pending());
  CHECK_FALSE(holders_complete(snapshot, socket_of(5)));
}

TEST_CASE("the answer about one namespace's listeners says nothing of another's") {
  Snapshot snapshot = empty();
  snapshot.answered(owners_of_listeners(netns, false));
  Inquiry inquiry(snapshot);
  HeldSocket elsewhere = socket_of(5);
  elsewhere.netns = netns + 1;
  CHECK(find_owners(inquiry, elsewhere, false).empty());
  CHECK(inquiry.pending());
}

TEST_CASE("who asks for every holder is not content with the first") {
  Snapshot snapshot = empty();
  snapshot.add(among_listeners(5, 100, false));
  snapshot.add(among_listeners(6, 200, false));
  snapshot.answered(owners_of_listeners(netns, false));
  Inquiry inquiry(snapshot);
  CHECK(find_owners(inquiry, socket_of(5), true).empty());
  CHECK(find_owners(inquiry, socket_of(6), true).empty()); // one search does for both
  CHECK(inquiry.needs() == std::vector<Request>{owners_of_listeners(netns, true)});
}

TEST_CASE("the holders of what is no listener are searched for by themselves") {
  Snapshot snapshot = empty();
  snapshot.add(among_listeners(5, 100, false));
  snapshot.answered(owners_of_listeners(netns, false));
  Inquiry inquiry(snapshot);
  CHECK(find_owners(inquiry, socket_of(7), true).empty());
  CHECK(inquiry.needs() == std::vector<Request>{all_owners_of(7)});
}

TEST_CASE("a complete answer is preferred, and says that it is complete") {
  Snapshot snapshot = empty();
  SocketOwner first = owner(5, 100), second = owner(5, 101);
  first.complete = second.complete = true;
  snapshot.add(among_listeners(5, 100, false));
  snapshot.add(first);
  snapshot.add(second);
  snapshot.answered(owners_of_listeners(netns, false));
  snapshot.answered(all_owners_of(5));
  Inquiry inquiry(snapshot);
  CHECK(find_owners(inquiry, socket_of(5), false) == std::vector<std::size_t>{1, 2});
  CHECK(holders_complete(snapshot, socket_of(5)));
}

TEST_CASE("everything read at once answers whatever is asked") {
  Snapshot snapshot = empty();
  snapshot.add(owner(5, 100));
  snapshot.add(owner(6, 100));
  snapshot.answered({"socket_owner", {}});
  snapshot.seal();
  Inquiry inquiry(snapshot);
  CHECK(find_owners(inquiry, socket_of(5), false) == std::vector<std::size_t>{0});
  CHECK(find_owners(inquiry, socket_of(6), true) == std::vector<std::size_t>{1});
  CHECK(inquiry.gaps().empty());
  CHECK(holders_complete(snapshot, socket_of(5)));
}

TEST_CASE("an answer with a gap is not complete") {
  Snapshot snapshot = empty();
  snapshot.answered(all_owners_of(5), {"owners"});
  Inquiry inquiry(snapshot);
  CHECK(find_owners(inquiry, socket_of(5), true).empty());
  CHECK(inquiry.incomplete());
  CHECK_FALSE(holders_complete(snapshot, socket_of(5)));
}

TEST_CASE("nobody is searched for that holds a socket of the kernel") {
  const Snapshot snapshot = empty();
  HeldSocket socket = socket_of(5);
  socket.for_a_link = true;
  Inquiry inquiry(snapshot);
  CHECK(find_owners(inquiry, socket, true).empty());
  CHECK_FALSE(inquiry.pending());
  CHECK(holders_complete(snapshot, socket));
}
