// Paths as systemd and container runtimes make them, and recorded cgroup trees.
#include "platform/linux/processes/cgroup.h"

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/directory.h"

using namespace synfate;

namespace {

const std::string id = "0123456789ab" + std::string(52, 'c');

std::string container_of(const std::string& path) {
  return names_of_cgroup(path).container;
}
std::string unit_of(const std::string& path) {
  return names_of_cgroup(path).unit;
}

CgroupPaths unified(std::string path) {
  CgroupPaths paths;
  paths.unified = std::move(path);
  return paths;
}
CgroupPaths legacy(std::string path) {
  CgroupPaths paths;
  paths.by_controller["freezer"] = std::move(path);
  return paths;
}

} // namespace

TEST_CASE("v1 and v2 lines are told apart and controllers are split") {
  const auto paths = parse_cgroup("9:name=systemd:/system.slice/ssh.service\n5:cpu,cpuacct:/a:b\n"
                                  "6:freezer:/\n0::/\nnonsense\n7:pids:relative\n");
  CHECK(paths.unified == "/");
  CHECK(paths.by_controller.size() == 4);
  CHECK(paths.by_controller.at("cpuacct") == "/a:b");
  CHECK(paths.main() == "/system.slice/ssh.service");
  CHECK(names_of(paths).unit == "ssh.service");
  CHECK(parse_cgroup("0::/user.slice\n1:name=systemd:/other\n").main() == "/user.slice");
  CHECK(parse_cgroup("").main().empty());
  CHECK(parse_cgroup("0::/\n").main() == "/");
}

TEST_CASE("the unit is the deepest service, scope or socket") {
  CHECK(unit_of("/system.slice/nginx.service") == "nginx.service");
  CHECK(unit_of("/system.slice/system-postgresql.slice/postgresql@15-main.service/child") ==
        "postgresql@15-main.service");
  CHECK(unit_of("/user.slice/user-1000.slice/user@1000.service/app.slice/app.service") ==
        "app.service");
  CHECK(unit_of("/init.scope") == "init.scope");
  CHECK(unit_of("/system.slice").empty());
  CHECK(unit_of("/").empty());
  CHECK(unit_of("").empty());
}

TEST_CASE("containers are recognised by their runtime's naming") {
  CHECK(container_of("/system.slice/docker-" + id + ".scope") == "docker:0123456789ab");
  CHECK(container_of("/docker/" + id) == "docker:0123456789ab");
  CHECK(container_of("/user.slice/libpod-" + id + ".scope/container") == "podman:0123456789ab");
  CHECK(container_of("/user.slice/libpod-conmon-" + id + ".scope").empty());
  CHECK(container_of("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/"
                     "cri-containerd-" +
                     id + ".scope") == "containerd:0123456789ab");
  CHECK(container_of("/kubepods/besteffort/pod12/" + id) == "kubernetes:0123456789ab");
  CHECK(container_of("/kubepods.slice/x.slice/crio-" + id + ".scope") == "cri-o:0123456789ab");
  CHECK(container_of("/ecs/task/" + id) == "container:0123456789ab");
  CHECK(container_of("/lxc.payload.web/system.slice/nginx.service") == "lxc:web");
  CHECK(container_of("/lxc/web") == "lxc:web");
  CHECK(container_of("/lxc.monitor.web").empty());
  CHECK(container_of("/machine.slice/systemd-nspawn@db.service/payload") == "nspawn:db");
  CHECK(container_of("/machine.slice/machine-db.scope") == "nspawn:db");
  CHECK(container_of("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope").empty());
  CHECK(container_of("/system.slice/docker.service").empty());
  CHECK(container_of("/system.slice/docker-short.scope").empty());
}

TEST_CASE("a unit inside a container is named with the container") {
  const auto names = names_of_cgroup("/lxc.payload.web/system.slice/nginx.service");
  CHECK(names.unit == "nginx.service");
  CHECK(names.container == "lxc:web");
}

TEST_CASE("cgroup mounts are found among all mounts") {
  const auto mounts = parse_cgroup_mounts(
      "30 1 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
      "37 31 0:34 /box /sys/fs/cgroup/freezer rw,relatime shared:9 - cgroup cgroup rw,freezer\n"
      "36 31 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
      "41 31 0:38 / /mnt/a\\040b rw - cgroup2 cgroup2 rw,nsdelegate\nbroken\n");
  REQUIRE(mounts.unified);
  CHECK(mounts.unified->point == "/mnt/a b");
  const auto freezer = mounts.legacy("freezer");
  REQUIRE(freezer);
  CHECK(freezer->point == "/sys/fs/cgroup/freezer");
  CHECK(freezer->root == "/box");
  CHECK_FALSE(mounts.legacy("memory"));
  CHECK_FALSE(parse_cgroup_mounts("").unified);
}

TEST_CASE("a frozen v2 cgroup is told by its events, or by what was asked of an ancestor") {
  const test::Directory root;
  root.file("cg/a/b/cgroup.events", "populated 1\nfrozen 1\n");
  root.file("cg/c/cgroup.freeze", "1\n");
  root.file("cg/c/d/cgroup.events", "populated 1\nfrozen 0\n");
  root.file("cg/c/d/cgroup.freeze", "0\n");
  root.file("cg/e/cgroup.events", "populated 1\nfrozen 0\n");
  FrozenCgroups cgroups({CgroupMount{"/cg", "/"}, {}}, root.path());
  CHECK(*cgroups.frozen_by(unified("/a/b")) == "/cg/a/b/cgroup.freeze");
  CHECK(*cgroups.frozen_by(unified("/c/d")) == "/cg/c/cgroup.freeze");
  CHECK(cgroups.frozen_by(unified("/e"))->empty());
  CHECK(cgroups.frozen_by(unified("/"))->empty());
  CHECK(cgroups.frozen_by({})->empty());
}

TEST_CASE("a frozen v1 cgroup is told by freezer.state, also below another mount root") {
  const test::Directory root;
  root.file("fz/job/freezer.state", "FROZEN\n");
  root.file("fz/slow/freezer.state", "FREEZING\n");
  root.file("fz/slow/freezer.self_freezing", "1\n");
  root.file("fz/slow/inner/freezer.state", "FROZEN\n");
  root.file("fz/slow/inner/freezer.self_freezing", "0\n");
  root.file("fz/free/freezer.state", "THAWED\n");
  FrozenCgroups cgroups({std::nullopt, {{"freezer", {"/fz", "/box"}}}}, root.path());
  CHECK(*cgroups.frozen_by(legacy("/box/job")) == "/fz/job/freezer.state");
  CHECK(*cgroups.frozen_by(legacy("/box/slow")) == "/fz/slow/freezer.state");
  CHECK(*cgroups.frozen_by(legacy("/box/slow/inner")) == "/fz/slow/freezer.state");
  CHECK(cgroups.frozen_by(legacy("/box/free"))->empty());
  CHECK_FALSE(cgroups.frozen_by(legacy("/elsewhere/job")));
}

TEST_CASE("a cgroup that cannot be seen is an error, not a running one") {
  const test::Directory root;
  root.folder("cg");
  FrozenCgroups nowhere({}, root.path());
  CHECK_FALSE(nowhere.frozen_by(unified("/a")));
  FrozenCgroups mounted({CgroupMount{"/cg", "/"}, {}}, root.path());
  CHECK_FALSE(mounted.frozen_by(unified("/../outside")));
  CHECK_FALSE(mounted.frozen_by(unified("/gone")));
}

TEST_CASE("an id of no cgroup is an error") {
  CHECK_FALSE(read_cgroup_processes(987654321, {}));
  CHECK_FALSE(read_cgroup_processes(987654321, {CgroupMount{"/sys/fs/cgroup", "/"}, {}}));
}
