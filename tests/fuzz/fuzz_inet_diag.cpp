// Any bytes as an answer of inet_diag: the first byte chooses the protocol.
#include <cstddef>
#include <cstdint>

#include "platform/linux/sockets/inet_diag.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  if (size == 0)
    return 0;
  const auto protocols = socket_protocols();
  const auto& protocol = protocols[data[0] % protocols.size()];
  const netlink::ByteView bytes(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  netlink::for_each_message(bytes, [&](const netlink::Message& message) {
    if (const auto row = parse_inet_diag(message, protocol))
      (void)to_cells(*row);
    return true;
  });
  (void)parse_inet_diag({20, 0, 1, bytes}, protocol);
  return 0;
}
