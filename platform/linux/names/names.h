// Names of hosts and services: the databases behind getaddrinfo(3) and services(5).
#pragma once

#include "core/model/target.h"

namespace synfate {

class LinuxNames : public NameService {
public:
  Result<std::vector<IpAddress>> addresses_of(const std::string& host) const override;
  std::uint16_t port_of(const std::string& service, Proto proto) const override;
  std::vector<std::string> service_names() const override;
  Result<Identity> identity_of(const std::string& user) const override;
};

} // namespace synfate
