// Which clients a plain question is about. contract.md, "Flows of a plain synfate 8080".
#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "core/facts/tables.h"
#include "core/model/model.h"

namespace synfate {

/// The clients of plain questions. Ports of the same addresses and families have the same clients,
/// so they are looked for once while nothing new is read.
class PlainFlows {
public:
  /// localhost, one on-link source for each interface with a global address, and one over the
  /// default route; only the families in which something holds the port, both if nothing does.
  std::vector<Flow> of(Inquiry& inquiry, const Target& target);

private:
  using Kind = std::tuple<Proto, std::vector<IpAddress>, std::string, bool, bool>;

  std::size_t answers_ = 0; ///< of the snapshot, when the flows below were found
  std::map<Kind, std::vector<Flow>> known_;
};

/// The flows of one --from ADDR[%IFACE]: one for each address of the target that such a client
/// would call.
std::vector<Flow> flows_from_client(Inquiry& inquiry, const Target& target, const IpAddress& from,
                                    const std::string& interface);

/// The address that a client over an interface calls: the first global one of the interface, else
/// any other of it, else the first global one of the host. Nothing if it has none of the family.
std::optional<IpAddress> address_called(const std::vector<Address>& addresses, Int interface_index,
                                        IpFamily family);

} // namespace synfate
