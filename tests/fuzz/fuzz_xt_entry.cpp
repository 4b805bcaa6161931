// Any bytes as one rule of iptables-legacy: decoding and printing never read outside of them.
#include <cstddef>
#include <cstdint>

#include "platform/linux/xtables/entry.h"
#include "platform/linux/xtables/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  const auto bytes = std::as_bytes(std::span(data, size));
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
    if (const auto entry = xt::decode_entry(bytes, family))
      (void)xt::rule_text(*entry, "chain", {});
  return 0;
}
