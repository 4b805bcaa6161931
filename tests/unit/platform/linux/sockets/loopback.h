// Real sockets on loopback for tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/ip.h"
#include "platform/linux/file.h"

namespace synfate::test {

inline std::pair<sockaddr_storage, socklen_t> sockaddr_of(const IpAddress& address,
                                                          std::uint16_t port) {
  sockaddr_storage storage{};
  if (address.is_v4()) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    std::memcpy(&v4->sin_addr, address.bytes().data(), 4);
    return {storage, sizeof(sockaddr_in)};
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  std::memcpy(&v6->sin6_addr, address.bytes().data(), 16);
  return {storage, sizeof(sockaddr_in6)};
}

inline std::uint16_t port_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  return ntohs(storage.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in*>(&storage)->sin_port
                   : reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
}

/// A socket bound to an address; port 0 lets the kernel choose. Invalid if that failed.
inline FileDescriptor bound(int type, const IpAddress& address, std::uint16_t port = 0,
                            bool reuse = false, bool v6only = true) {
  FileDescriptor fd(socket(address.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0));
  const int on = 1;
  const int only = v6only ? 1 : 0;
  if (reuse)
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.is_v6())
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
  const auto [storage, size] = sockaddr_of(address, port);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0)
    return FileDescriptor();
  return fd;
}

inline FileDescriptor listening(const IpAddress& address, int backlog = 5, bool v6only = true) {
  auto fd = bound(SOCK_STREAM, address, 0, true, v6only);
  if (listen(fd.get(), backlog) != 0)
    return FileDescriptor();
  return fd;
}

inline FileDescriptor connected(int type, const IpAddress& address, std::uint16_t port) {
  FileDescriptor fd(socket(address.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0));
  const auto [storage, size] = sockaddr_of(address, port);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0)
    return FileDescriptor();
  return fd;
}

inline std::int64_t inode_of(int fd) {
  struct stat status{};
  fstat(fd, &status);
  return static_cast<std::int64_t>(status.st_ino);
}

} // namespace synfate::test
