#include "platform/linux/processes/port_mentions.h"

#include <string>
#include <vector>

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/directory.h"

using namespace synfate;
using namespace std::string_literals;

namespace {

struct Answer {
  std::vector<PortMention> rows;
  std::vector<Gap> gaps;
};

Answer mentions(const test::Directory& root, Int port) {
  ProcessSource source;
  source.root = root.path();
  Answer answer;
  read_port_mentions(port, source,
                     {[&](const PortMention& row) {
                        answer.rows.push_back(row);
                        return true;
                      },
                      [&](const Gap& gap) { answer.gaps.push_back(gap); }});
  return answer;
}

void process(const test::Directory& root, int pid, const std::string& name,
             const std::string& arguments) {
  const std::string folder = "proc/" + std::to_string(pid);
  root.file(folder + "/cmdline", arguments);
  root.file(folder + "/stat", std::to_string(pid) + " (" + name +
                                  ") S 1 1 1 0 -1 0 0 0 0 0 5 3 0 0 20 0 1 0 250 0 0\n");
}

} // namespace

TEST_CASE("a port is mentioned by its whole number") {
  CHECK(mentions_port("--listen 0.0.0.0:8080", 8080));
  CHECK(mentions_port("-p8080", 8080));
  CHECK(mentions_port("PORT=8080", 8080));
  CHECK(mentions_port("[::]:8080/", 8080));
  CHECK(mentions_port("18080 8080", 8080));
  CHECK(mentions_port("on 8080.", 8080));
  CHECK_FALSE(mentions_port("18080", 8080));
  CHECK_FALSE(mentions_port("80801", 8080));
  CHECK_FALSE(mentions_port("v1.8080.2", 8080));
  CHECK_FALSE(mentions_port("8080.5", 8080));
  CHECK_FALSE(mentions_port("cafe8080", 8080));
  CHECK_FALSE(mentions_port("8080f1", 8080));
  CHECK_FALSE(mentions_port("", 8080));
}

TEST_CASE("of a unit file only what sets something up counts") {
  using Lines = std::vector<std::string_view>;
  CHECK(unit_lines_with_port("[Socket]\nListenStream=8080\n", 8080) == Lines{"ListenStream=8080"});
  CHECK(unit_lines_with_port("ExecStart=/bin/shop --port 8080", 8080) ==
        Lines{"ExecStart=/bin/shop --port 8080"});
  CHECK(unit_lines_with_port("# ListenStream=8080\nDescription=port 8080\n", 8080).empty());
}

TEST_CASE("a unit is named once, or for streams and for datagrams") {
  using Lines = std::vector<std::string_view>;
  CHECK(unit_lines_with_port("ListenStream=111\nListenStream=[::]:111\n", 111) ==
        Lines{"ListenStream=111"});
  CHECK(unit_lines_with_port("ListenStream=111\nListenDatagram=111\nListenStream=[::]:111\n",
                             111) == Lines{"ListenStream=111", "ListenDatagram=111"});
  CHECK(unit_lines_with_port("ListenDatagram=69\n", 69) == Lines{"ListenDatagram=69"});
}

TEST_CASE("a unit for streams and datagrams is one row") {
  const test::Directory root;
  root.file("usr/lib/systemd/system/rpc.socket", "ListenStream=111\nListenDatagram=111\n");
  const auto answer = mentions(root, 111);
  REQUIRE(answer.rows.size() == 1);
  CHECK(answer.rows[0].text.is("ListenStream=111; ListenDatagram=111"));
}

TEST_CASE("processes and units that mention the port are named, in the order of systemd") {
  const test::Directory root;
  process(root, 12, "java", "java\0-Dserver.port=8080\0"s);
  process(root, 13, "nginx", "nginx: master process\0"s);
  root.file("etc/systemd/system/shop.service.d/port.conf", "[Service]\nEnvironment=PORT=8080\n");
  root.file("usr/lib/systemd/system/shop.service", "[Service]\nExecStart=/bin/shop :8080\n");
  root.file("usr/lib/systemd/system/web.socket", "[Socket]\nListenStream=8080\n");
  root.file("usr/lib/systemd/system/readme.txt", "ListenStream=8080\n");
  const auto answer = mentions(root, 8080);
  REQUIRE(answer.rows.size() == 3);
  CHECK(answer.rows[0].pid.is(12));
  CHECK(answer.rows[0].name.is("java"));
  CHECK(answer.rows[0].text.is("java -Dserver.port=8080"));
  CHECK(answer.rows[0].unit.absent());
  CHECK(answer.rows[1].unit.is("shop.service"));
  CHECK(answer.rows[1].file.is("/etc/systemd/system/shop.service.d/port.conf"));
  CHECK(answer.rows[1].text.is("Environment=PORT=8080"));
  CHECK(answer.rows[2].unit.is("web.socket"));
  CHECK(answer.rows[2].port.is(8080));
  CHECK(answer.gaps.empty());
}

TEST_CASE("without /proc the units are named and a gap says what is missing") {
  const test::Directory root;
  root.file("etc/systemd/system/web.socket", "[Socket]\nListenStream=443\n");
  const auto answer = mentions(root, 443);
  CHECK(answer.rows.size() == 1);
  REQUIRE(answer.gaps.size() == 1);
  CHECK(answer.gaps[0].id == "port_mentions");
}

TEST_CASE("a number that is no port is mentioned by nobody") {
  const test::Directory root;
  process(root, 12, "java",
          "java\0-1\0"
          "70000\0"s);
  CHECK(mentions(root, 70000).rows.empty());
  CHECK(mentions(root, 0).rows.empty());
}

TEST_CASE("a unit file is replaced by one of a folder that comes before") {
  const test::Directory root;
  root.file("etc/systemd/system/shop.service", "[Service]\nExecStart=/bin/shop --port 9090\n");
  root.file("usr/lib/systemd/system/shop.service", "[Service]\nExecStart=/bin/shop --port 8080\n");
  root.file("usr/lib/systemd/system/shop.service.d/more.conf",
            "[Service]\nEnvironment=PORT=7070\n");
  CHECK(mentions(root, 8080).rows.empty());
  CHECK(mentions(root, 9090).rows.size() == 1);
  CHECK(mentions(root, 7070).rows.size() == 1);
}

TEST_CASE("a masked unit is still named") {
  const test::Directory root;
  root.file("usr/lib/systemd/system/shop.service", "[Service]\nExecStart=/bin/shop --port 8080\n");
  root.link("etc/systemd/system/shop.service", "/dev/null");
  REQUIRE(mentions(root, 8080).rows.size() == 1);
  CHECK(mentions(root, 8080).rows[0].unit.is("shop.service"));
}
