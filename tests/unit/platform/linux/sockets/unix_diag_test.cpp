// Messages captured from Linux 6.18, damaged ones, and real sockets.
#include "platform/linux/sockets/unix_diag.h"

#include <cstring>

#include <linux/unix_diag.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "platform/linux/sockets/read_sockets.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/directory.h"
#include "tests/unit/platform/linux/sockets/bytes.h"
#include "tests/unit/platform/linux/sockets/loopback.h"

using namespace synfate;

namespace {

constexpr std::string_view listener = R"(
  01010a00 09970100 41100000 00000000 13000000 2f746d70 2f736b2d 612e736f 636b0000 0c000100 5120a700
  0000e00f 08000300 0a970100 0c000400 01000000 03000000 28000500 00000000 00400300 00000000 00400300
  00000000 00000000 00000000 00000000 02000000 05000600 00000000 08000700 e8030000)";
constexpr std::string_view client = R"(
  01010100 0a970100 42100000 00000000 08000200 09970100 0c000400 00000000 00000000)";
constexpr std::string_view abstract = R"(
  01020700 0b970100 43100000 00000000 12000000 00736b2d 61627374 72616374 00780000)";

UnixSocket parsed(std::string_view hex) {
  const auto bytes = test::bytes_of(hex);
  const auto socket = parse_unix_diag(test::message_of(bytes));
  REQUIRE(socket);
  return *socket;
}

struct Answer {
  std::vector<UnixSocket> rows;
  std::vector<Gap> gaps;
};

Answer ask(const UnixSocketQuery& query, bool sock_diag = true) {
  Answer answer;
  SocketSource source;
  source.sock_diag = sock_diag;
  read_unix_sockets(query, source,
                    {[&](const UnixSocket& row) {
                       answer.rows.push_back(row);
                       return true;
                     },
                     [&](const Gap& gap) { answer.gaps.push_back(gap); }});
  return answer;
}

FileDescriptor listening_at(const std::string& path, int backlog) {
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof(name.sun_path) - 1);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0 ||
      listen(fd.get(), backlog) != 0)
    return FileDescriptor();
  return fd;
}

} // namespace

TEST_CASE("a Unix listener is read with its file, its queue and its drops") {
  const auto row = parsed(listener);
  CHECK(row.type.is("stream"));
  CHECK(row.state.is("listen"));
  CHECK(row.path.is("/tmp/sk-a.sock"));
  CHECK(row.abstract.is(false));
  CHECK(row.file_inode.is(10952785));
  CHECK(row.file_device.is(static_cast<Int>(makedev(254, 0))));
  CHECK(row.queue.is(1));
  CHECK(row.queue_limit.is(3));
  CHECK(row.drops.is(2));
  CHECK(row.uid.is(1000));
  CHECK(row.inode.is(104201));
}

TEST_CASE("a Unix client knows its peer and has no name") {
  const auto row = parsed(client);
  CHECK(row.state.is("connected"));
  CHECK(row.peer_inode.is(104201));
  CHECK(row.path.absent());
  CHECK(row.queue_limit.absent());
}

TEST_CASE("an abstract name loses its leading NUL and keeps every other byte") {
  const auto row = parsed(abstract);
  CHECK(row.type.is("dgram"));
  CHECK(row.state.is("unconnected"));
  CHECK(row.abstract.is(true));
  CHECK(row.path.is(Text("sk-abstract\0x", 13)));
}

TEST_CASE("every shortened Unix message is read as far as it goes or refused") {
  for (const auto sample : {listener, client, abstract})
    for (auto bytes = test::bytes_of(sample); !bytes.empty(); bytes.pop_back())
      CHECK(parse_unix_diag(test::message_of(bytes)).has_value() ==
            (bytes.size() >= sizeof(unix_diag_msg)));
}

TEST_CASE("a real Unix listener is found by state, path and inode") {
  const test::Directory directory;
  const auto path = directory.path() + "/app.sock";
  const auto fd = listening_at(path, 3);
  REQUIRE(fd.valid());
  const auto inode = test::inode_of(fd.get());
  struct stat file{};
  REQUIRE(stat(path.c_str(), &file) == 0);
  for (const UnixSocketQuery& query :
       {UnixSocketQuery{"listen", path, {}}, UnixSocketQuery{{}, {}, inode}}) {
    const auto answer = ask(query);
    REQUIRE(answer.rows.size() == 1);
    CHECK(answer.rows[0].path.is(path));
    CHECK(answer.rows[0].inode.is(inode));
    CHECK(answer.rows[0].file_inode.is(static_cast<Int>(file.st_ino & 0xffffffff)));
    CHECK(answer.rows[0].file_device.is(static_cast<Int>(file.st_dev)));
    CHECK(answer.gaps.empty());
  }
  CHECK(ask({"connected", path, {}}).rows.empty());
  CHECK(ask({"asleep", path, {}}).rows.empty());
}

TEST_CASE("an inode no Unix socket has is answered with nothing, and that is no gap") {
  const auto internet = test::bound(SOCK_DGRAM, IpAddress::loopback(IpFamily::v4));
  const auto answer = ask({{}, {}, test::inode_of(internet.get())});
  CHECK(answer.rows.empty());
  CHECK(answer.gaps.empty());
}

TEST_CASE("without sock_diag /proc lists Unix sockets and says what it cannot tell") {
  const test::Directory directory;
  const auto path = directory.path() + "/app.sock";
  const auto fd = listening_at(path, 3);
  const auto answer = ask({"listen", path, {}}, false);
  REQUIRE(answer.rows.size() == 1);
  CHECK(answer.rows[0].inode.is(test::inode_of(fd.get())));
  CHECK(answer.rows[0].file_inode.unknown());
  CHECK(answer.rows[0].queue.unknown());
  REQUIRE(answer.gaps.size() == 1);
  CHECK(answer.gaps[0].id == "sockets.sock_diag");
}
