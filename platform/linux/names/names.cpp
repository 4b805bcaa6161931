#include "platform/linux/names/names.h"

#include <algorithm>
#include <memory>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
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

} // namespace synfate
