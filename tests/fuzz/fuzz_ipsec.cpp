// Any bytes as a policy of IPsec.
#include <cstddef>
#include <cstdint>

#include "platform/linux/routing/ipsec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  netlink::Message message;
  message.payload = std::as_bytes(std::span(data, size));
  const auto row = linux_routing::decode_ipsec_policy(message, 1);
  if (!row)
    return 0;
  const IpPrefix source(row->source.value(), static_cast<unsigned>(row->source_length.value()));
  if (!source.contains(row->source.value()) || row->required.value() > row->templates.value())
    __builtin_trap();
  return 0;
}
