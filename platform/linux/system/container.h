// Which kind of container this process lives in.
//
// Sources, the first that knows wins: /run/systemd/container (systemd(1) writes the container's
// type there), /run/.containerenv (podman), /.dockerenv, the environment of process 1
// (container=lxc), and the cgroup of process 1:
//
//   0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-5f….scope
//   12:memory:/docker/3c2f…
//
// With a private cgroup namespace the last says only "0::/". Tested by
// tests/unit/platform/linux/system/container_test.cpp.
#pragma once

#include <string>
#include <string_view>

namespace synfate {

/// "docker", "kubernetes", "lxc" …; "" if the text of a cgroup file names no container.
std::string container_of_cgroup(std::string_view cgroup_file);

/// The value of `container=` in the bytes of an environ file, or "".
std::string container_of_environment(std::string_view environ_file);

/// The kind of container, "" if there is no sign of one. `root` goes before all paths.
std::string find_container(const std::string& root);

} // namespace synfate
