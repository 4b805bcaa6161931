// Any bytes as a message of ipset, and any text as an element of a set: its type, a space, the
// element.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/linux/xtables/read_ipset.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  netlink::Message message;
  message.payload = std::as_bytes(std::span(data, size));
  static_cast<void>(xt::parse_ipset(message));
  static_cast<void>(xt::parse_ipset_elements(message));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto space = text.find(' ');
  if (space == text.npos)
    return 0;
  netlink::Request request(0, 0);
  static_cast<void>(xt::put_ipset_element(request, text.substr(0, space), text.substr(space + 1)));
  return 0;
}
