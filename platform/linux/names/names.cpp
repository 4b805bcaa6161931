#include "platform/linux/names/names.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace synfate {
namespace {

std::optional<IpAddress> address_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return IpAddress::from_bytes(std::as_bytes(std::span(&v4.sin_addr, 1)));
  }
  if (address.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return IpAddress::from_bytes(std::as_bytes(std::span(&v6.sin6_addr, 1)));
  }
  return std::nullopt;
}

} // namespace

Result<std::vector<IpAddress>> LinuxNames::addresses_of(const std::string& host) const {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> keeper(found, &freeaddrinfo);
  if (code != 0)
    return Error{.code = ErrorCode::invalid_input,
                 .doing = "resolving the host name",
                 .where = fmt::format("'{}'", host),
                 .detail = gai_strerror(code),
                 .hint = "Check the spelling, or give the address itself."};
  std::vector<IpAddress> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next)
    if (const auto address = address_of(*at->ai_addr))
      if (std::ranges::find(addresses, *address) == addresses.end())
        addresses.push_back(*address);
  return addresses;
}

std::uint16_t LinuxNames::port_of(const std::string& service, Proto proto) const {
  servent entry{};
  servent* found = nullptr;
  std::vector<char> buffer(4096);
  if (getservbyname_r(service.c_str(), std::string(to_string(proto)).c_str(), &entry, buffer.data(),
                      buffer.size(), &found) != 0 ||
      found == nullptr)
    return 0;
  return ntohs(static_cast<std::uint16_t>(found->s_port));
}

std::vector<std::string> LinuxNames::service_names() const {
  std::vector<std::string> names;
  std::vector<char> buffer(4096);
  servent entry{};
  servent* found = nullptr;
  setservent(1);
  while (getservent_r(&entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    names.emplace_back(found->s_name);
  endservent();
  return names;
}

Result<Identity> LinuxNames::identity_of(const std::string& user) const {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  uid_t number = 0;
  const char* end = user.data() + user.size();
  const auto parsed = std::from_chars(user.data(), end, number);
  const bool numeric = parsed.ec == std::errc{} && parsed.ptr == end;
  if (numeric)
    getpwuid_r(number, &entry, buffer.data(), buffer.size(), &found);
  else
    getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr && numeric)
    return Identity{.uid = number, .groups = {}, .name = {}};
  if (found == nullptr)
    return Error{.code = ErrorCode::invalid_input,
                 .doing = "looking up the user",
                 .where = fmt::format("'{}'", user),
                 .detail = "the user database has no such user",
                 .hint = "Give a name of `getent passwd`, or a number."};
  Identity identity{.uid = found->pw_uid, .groups = {}, .name = found->pw_name};
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgrouplist(found->pw_name, found->pw_gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    getgrouplist(found->pw_name, found->pw_gid, groups.data(), &count);
  }
  groups.resize(static_cast<std::size_t>(count));
  identity.groups.assign(groups.begin(), groups.end());
  return identity;
}

} // namespace synfate
