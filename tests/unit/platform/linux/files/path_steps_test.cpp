#include "platform/linux/files/path_steps.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/catch.h"

using namespace synfate;
namespace fs = std::filesystem;

namespace {

/// A directory that is removed with everything in it.
class Folder {
public:
  Folder() {
    std::string name = "/tmp/synfate-steps-XXXXXX";
    path_ = fs::canonical(mkdtemp(name.data()));
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
  fs::path path_;
};

struct Steps {
  std::vector<PathStepFacts> rows;
  std::vector<Gap> gaps;

  const PathStepFacts& last() const { return rows.back(); }
};

Steps steps_to(const std::string& path, Int root_pid = 0) {
  Steps steps;
  read_path_steps({path, root_pid, ""}, {[&](const PathStepFacts& row) {
                                           steps.rows.push_back(row);
                                           return true;
                                         },
                                         [&](const Gap& gap) { steps.gaps.push_back(gap); }});
  return steps;
}

void make_socket(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  close(fd);
}

} // namespace

TEST_CASE("the steps of a path go from the root to the file") {
  const Folder folder;
  make_socket(folder / "x.sock");
  REQUIRE(chmod((folder / "x.sock").c_str(), 0640) == 0);
  const auto steps = steps_to(folder / "x.sock");
  REQUIRE(steps.rows.size() == 4); // /, /tmp, the folder, the socket
  CHECK(steps.rows.front().resolved.is("/"));
  CHECK(steps.rows.front().type.is("directory"));
  CHECK(steps.last().resolved.is(folder / "x.sock"));
  CHECK(steps.last().type.is("socket"));
  CHECK(steps.last().last.is(true));
  CHECK(steps.last().mode.is(0640));
  struct stat status{};
  REQUIRE(stat((folder / "x.sock").c_str(), &status) == 0);
  CHECK(steps.last().inode.is(static_cast<Int>(status.st_ino)));
  CHECK(steps.gaps.empty());
}

TEST_CASE("what is missing ends the way, and says where") {
  const Folder folder;
  CHECK(steps_to(folder / "no/x.sock").last().type.is("missing"));
  CHECK(steps_to(folder / "no/x.sock").last().resolved.is(folder / "no"));
  CHECK(steps_to(folder / "no/x.sock").last().last.is(false));
  CHECK(steps_to(folder / "x.sock").last().last.is(true));
}

TEST_CASE("links are followed, relative and absolute, and are steps themselves") {
  const Folder folder;
  make_socket(folder / "x.sock");
  fs::create_symlink("x.sock", folder / "near");
  fs::create_symlink(folder / "near", folder / "far");
  const auto steps = steps_to(folder / "far");
  CHECK(steps.last().resolved.is(folder / "x.sock"));
  std::vector<std::string> targets;
  for (const auto& row : steps.rows)
    if (row.type.is("link"))
      targets.push_back(row.link_target.value_or(""));
  CHECK(targets == std::vector<std::string>{folder / "near", "x.sock"});
}

TEST_CASE("a link to its own directory ends there") {
  const Folder folder;
  fs::create_symlink(".", folder / "here");
  const auto steps = steps_to(folder / "here");
  CHECK(steps.last().type.is("directory"));
  CHECK(steps.last().last.is(true));
}

TEST_CASE("links in a circle are told after forty") {
  const Folder folder;
  fs::create_symlink("b", folder / "a");
  fs::create_symlink("a", folder / "b");
  CHECK(steps_to(folder / "a").last().type.is("loop"));
}

TEST_CASE("two dots lead up, and at the root nowhere else") {
  const Folder folder;
  make_socket(folder / "x.sock");
  fs::create_directory(folder / "sub");
  CHECK(steps_to(folder / "sub/../x.sock").last().type.is("socket"));
  CHECK(steps_to("/../../tmp").last().resolved.is("/tmp"));
}

TEST_CASE("a file in the place of a directory ends the way with names left") {
  const Folder folder;
  std::ofstream(folder / "plain") << "x";
  const auto steps = steps_to(folder / "plain/x.sock");
  CHECK(steps.last().type.is("file"));
  CHECK(steps.last().last.is(false));
}

TEST_CASE("a name of more than 255 bytes is too long") {
  const Folder folder;
  CHECK(steps_to(folder / std::string(256, 'x')).last().type.is("too_long"));
}

TEST_CASE("a process that is not there is a gap, not a missing file") {
  const auto steps = steps_to("/tmp", 0x3FFFFFFF);
  REQUIRE(steps.rows.size() == 1);
  CHECK(steps.last().type.unknown());
  CHECK(steps.gaps.size() == 1);
}

TEST_CASE("names may hold any byte but a slash") {
  const Folder folder;
  make_socket(folder / "a\n\x1b[31m\xff");
  CHECK(steps_to(folder / "a\n\x1b[31m\xff").last().type.is("socket"));
}
