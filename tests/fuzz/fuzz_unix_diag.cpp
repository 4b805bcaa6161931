// Any bytes as an answer of unix_diag.
#include <cstddef>
#include <cstdint>

#include "platform/linux/sockets/unix_diag.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  const netlink::ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
  netlink::for_each_message(bytes, [](const netlink::Message& message) {
    (void)parse_unix_diag(message);
    return true;
  });
  if (const auto row = parse_unix_diag({20, 0, 1, bytes}))
    (void)to_cells(*row);
  return 0;
}
