#include "platform/linux/xtables/nat_range.h"

namespace synfate::xt {

NatLayout nat_layout(std::string_view target, unsigned revision, IpFamily family) {
  if (revision == 2)
    return NatLayout::range2;
  if (target == "DNAT" || target == "SNAT")
    return revision == 0 ? NatLayout::compat : NatLayout::range;
  return family == IpFamily::v4 ? NatLayout::compat : NatLayout::range;
}

NatRange nat_range_of(ByteView info, NatLayout layout, IpFamily family) {
  if (layout == NatLayout::compat) {
    const auto wire = load<wire::NatRangeCompat>(info).value_or(wire::NatRangeCompat{}).range;
    return {wire.flags,
            address_of(wire.min),
            address_of(wire.max),
            from_network(wire.min_port_be),
            from_network(wire.max_port_be),
            0};
  }
  wire::NatRange2 wire{};
  std::memcpy(&wire, info.data(), std::min(info.size(), sizeof wire));
  NatRange range{wire.flags,
                 address_of(wire.min, family),
                 address_of(wire.max, family),
                 from_network(wire.min_port_be),
                 from_network(wire.max_port_be),
                 0};
  if (layout == NatLayout::range2)
    range.port_base = from_network(wire.base_port_be);
  return range;
}

} // namespace synfate::xt
