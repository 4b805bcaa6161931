// What a set of ipset is made of: "hash:ip,port,net" is an address, a port and a network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synfate::xt {

enum class Dimension : std::uint8_t { address, port, interface, mark, hardware, list };

/// The parts of a set's type, in order.
std::vector<Dimension> dimensions_of(std::string_view type);

/// A protocol as ipset writes it before a port: tcp, udp, icmpv6 … or its number.
std::string set_proto_name(std::uint8_t proto);
/// The same backwards.
std::optional<std::uint8_t> set_proto_number(std::string_view name);

} // namespace synfate::xt
