#include "platform/linux/xtables/set_type.h"

#include <algorithm>

#include "platform/linux/xtables/text.h"

namespace synfate::xt {

std::vector<Dimension> dimensions_of(std::string_view type) {
  std::vector<Dimension> dimensions;
  type.remove_prefix(std::min(type.size(), type.find(':') + 1));
  while (!type.empty()) {
    const auto word = type.substr(0, type.find(','));
    type.remove_prefix(std::min(type.size(), word.size() + 1));
    dimensions.push_back(word == "port"    ? Dimension::port
                         : word == "iface" ? Dimension::interface
                         : word == "mark"  ? Dimension::mark
                         : word == "mac"   ? Dimension::hardware
                         : word == "set"   ? Dimension::list
                                           : Dimension::address);
  }
  return dimensions;
}

std::string set_proto_name(std::uint8_t proto) {
  return proto == 58 ? "icmpv6" : proto_name(proto);
}

std::optional<std::uint8_t> set_proto_number(std::string_view name) {
  for (unsigned proto = 0; proto < 256; ++proto)
    if (set_proto_name(static_cast<std::uint8_t>(proto)) == name)
      return static_cast<std::uint8_t>(proto);
  return std::nullopt;
}

} // namespace synfate::xt
