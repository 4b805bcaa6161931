#include "platform/linux/system/container.h"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "tests/unit/catch.h"

using namespace synfate;

TEST_CASE("a cgroup's path names the engine that made the container") {
  CHECK(container_of_cgroup("12:memory:/docker/3c2fa\n0::/\n") == "docker");
  CHECK(container_of_cgroup("0::/kubepods.slice/cri-containerd-5f.scope\n") == "kubernetes");
  CHECK(container_of_cgroup("0::/machine.slice/libpod-7.scope\n") == "podman");
  CHECK(container_of_cgroup("0::/init.scope\n").empty());
  CHECK(container_of_cgroup("0::/\n").empty());
}

TEST_CASE("the environment of process 1 may name the container") {
  CHECK(container_of_environment(std::string_view("A=1\0container=lxc\0B=2\0", 23)) == "lxc");
  CHECK(container_of_environment(std::string_view("Xcontainer=lxc\0", 15)).empty());
  CHECK(container_of_environment("").empty());
}

TEST_CASE("a podman container is known by its file, a bare host by none") {
  const auto root = std::filesystem::temp_directory_path() /
                    ("synfate-container-test-" + std::to_string(getpid()));
  std::filesystem::create_directories(root / "run/systemd");
  CHECK(find_container(root.string()).empty());
  std::ofstream(root / "run/.containerenv") << "";
  CHECK(find_container(root.string()) == "podman");
  std::ofstream(root / "run/systemd/container") << "systemd-nspawn\n";
  CHECK(find_container(root.string()) == "systemd-nspawn");
  std::filesystem::remove_all(root);
}
