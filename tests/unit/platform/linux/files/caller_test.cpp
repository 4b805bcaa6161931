#include "platform/linux/files/caller.h"

#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

/// A datagram socket with an abstract name of this process.
class Receiver {
public:
  Receiver() : name_("synfate-room-" + std::to_string(getpid())) {
    address_.sun_family = AF_UNIX;
    std::memcpy(address_.sun_path + 1, name_.data(), name_.size());
    size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
    file_ = socket(AF_UNIX, SOCK_DGRAM, 0);
    REQUIRE(bind(file_, reinterpret_cast<const sockaddr*>(&address_), size_) == 0);
  }
  ~Receiver() { close(file_); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Sends until nothing more is taken.
  void fill() const {
    const int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    while (sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address_), size_) == 1) {
    }
    close(sender);
  }
  void read_one() const {
    char byte = 0;
    REQUIRE(recv(file_, &byte, 1, 0) == 1);
  }
  DatagramRoom room() const {
    DatagramRoom asked;
    asked.path = name_;
    asked.abstract = true;
    return read_datagram_room(asked, "");
  }

private:
  std::string name_;
  sockaddr_un address_{};
  socklen_t size_ = 0;
  int file_ = -1;
};

} // namespace

TEST_CASE("the caller is who we are") {
  const Caller caller = read_caller(4711, "");
  CHECK(caller.netns.is(4711));
  CHECK(caller.uid.is(Int{geteuid()}));
  CHECK(caller.groups.value_or("").starts_with(std::to_string(getegid())));
  REQUIRE(caller.capabilities.known());
  CHECK(caller.capabilities.value().size() == 16);
}

TEST_CASE("without /proc the capabilities are no empty set") {
  CHECK_FALSE(read_caller(1, "/nowhere").capabilities.known());
}

TEST_CASE("a datagram socket has room until its queue is full, and again after a read") {
  const Receiver receiver;
  CHECK(receiver.room().writable.is(true));
  receiver.fill();
  CHECK(receiver.room().reached.is(true));
  CHECK(receiver.room().writable.is(false));
  receiver.read_one();
  CHECK(receiver.room().writable.is(true));
}

TEST_CASE("nobody behind a name is not the same as a full queue") {
  DatagramRoom asked;
  asked.path = Text("synfate-nobody-has-this-name");
  asked.abstract = true;
  const auto room = read_datagram_room(asked, "");
  CHECK(room.reached.is(false));
  CHECK_FALSE(room.writable.known());
}

TEST_CASE("a name that fits into no address is not reached") {
  DatagramRoom asked;
  asked.path = Text(200, 'x');
  asked.abstract = false;
  CHECK_FALSE(read_datagram_room(asked, "").writable.known());
}
