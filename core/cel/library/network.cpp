// IP addresses and address blocks: ip(), cidr(), isLoopback(), containsIP(), …
//
// The functions and their names are those that Kubernetes and the cel-spec tests have. A dotted
// quad inside an IPv6 address is refused as a text, but an IPv4 address and its v4-mapped form are
// equal and tested alike, since sockets of both families hold them.
#include "core/cel/library/tables.h"

#include <array>
#include <charconv>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;

Value parse_error(std::string message) {
  return Value::error(Failure::invalid_argument, std::move(message));
}

/// Why `text` is no address, though it might look like one; empty when nothing special is known.
std::string special_problem(std::string_view text, std::string_view what) {
  if (text.find('%') != std::string_view::npos)
    return std::string(what) + " with zone value is not allowed";
  if (text.find(':') != std::string_view::npos && text.find('.') != std::string_view::npos)
    return "IPv4-mapped IPv6 address is not allowed";
  return {};
}

Value parse_ip(std::string_view text) {
  auto problem = special_problem(text, "IP Address");
  if (!problem.empty())
    return parse_error(std::move(problem));
  const auto address = IpAddress::parse(text);
  return address ? Value::ip(*address)
                 : parse_error("IP Address '" + std::string(text) +
                               "' parse error during conversion from string");
}

Value parse_cidr(std::string_view text) {
  auto problem = special_problem(text, "CIDR");
  if (!problem.empty())
    return parse_error(std::move(problem));
  const auto failed = [&text] {
    return parse_error("CIDR '" + std::string(text) +
                       "': network address parse error during conversion from string");
  };
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address || slash == std::string_view::npos)
    return failed();
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool padded = digits.size() > 1 && digits.front() == '0';
  if (error != std::errc{} || end != digits.data() + digits.size() || padded ||
      length > address->width())
    return failed();
  return Value::cidr({*address, length});
}

/// A block of v4-mapped addresses is the block of IPv4 addresses they stand for.
IpPrefix prefix_of(const Cidr& block) {
  if (block.address.is_v4_mapped() && block.length >= 96)
    return {block.address.unmapped(), block.length - 96};
  return {block.address, block.length};
}

Value ip_from_string(CallContext&, Arguments arguments) {
  return parse_ip(arguments[0].as_text());
}
Value cidr_from_string(CallContext&, Arguments arguments) {
  return parse_cidr(arguments[0].as_text());
}
Value is_ip(CallContext&, Arguments arguments) {
  return Value::boolean(parse_ip(arguments[0].as_text()).is_known());
}
Value is_cidr(CallContext&, Arguments arguments) {
  return Value::boolean(parse_cidr(arguments[0].as_text()).is_known());
}
Value is_canonical(CallContext&, Arguments arguments) {
  const auto address = parse_ip(arguments[0].as_text());
  return address.is_known() ? Value::boolean(address.as_ip().to_string() == arguments[0].as_text())
                            : address;
}
Value ip_text(CallContext&, Arguments arguments) {
  return Value::string(arguments[0].as_ip().to_string());
}
Value cidr_text(CallContext&, Arguments arguments) {
  const auto block = arguments[0].as_cidr();
  return Value::string(block.address.to_string() + "/" + std::to_string(block.length));
}
Value same(CallContext&, Arguments arguments) {
  return arguments[0];
}

Value family(CallContext&, Arguments arguments) {
  return Value::integer(arguments[0].as_ip().is_v4() ? 4 : 6);
}

using Test = bool (*)(const IpAddress&);
template <Test test> Value address_is(CallContext&, Arguments arguments) {
  return Value::boolean(test(arguments[0].as_ip().unmapped()));
}

bool unspecified(const IpAddress& address) {
  return address.is_unspecified();
}
bool loopback(const IpAddress& address) {
  return address.is_loopback();
}
bool link_local_unicast(const IpAddress& address) {
  return address.is_link_local() && !address.is_multicast();
}
/// 224.0.0.0/24, and ff02::/16 with any flags (RFC 4291, 2.7).
bool link_local_multicast(const IpAddress& address) {
  if (address.is_v4())
    return (address.v4_host_order() >> 8) == 0xe00000;
  return address.is_multicast() && (std::to_integer<unsigned>(address.bytes()[1]) & 0xfU) == 2;
}
bool global_unicast(const IpAddress& address) {
  const bool broadcast = address.is_v4() && address.v4_host_order() == 0xffffffff;
  return !broadcast && !address.is_unspecified() && !address.is_loopback() &&
         !address.is_multicast() && !link_local_unicast(address);
}

bool block_contains(const Cidr& block, const IpAddress& address) {
  const auto prefix = prefix_of(block);
  return prefix.contains(prefix.address().is_v4() ? address.unmapped() : address.mapped()) ||
         prefix.contains(address);
}

Value contains_ip(CallContext&, Arguments arguments) {
  const auto address =
      arguments[1].is(Kind::string) ? parse_ip(arguments[1].as_text()) : arguments[1];
  return address.is_known()
             ? Value::boolean(block_contains(arguments[0].as_cidr(), address.as_ip()))
             : address;
}
Value contains_cidr(CallContext&, Arguments arguments) {
  const auto block =
      arguments[1].is(Kind::string) ? parse_cidr(arguments[1].as_text()) : arguments[1];
  return block.is_known()
             ? Value::boolean(
                   prefix_of(arguments[0].as_cidr()).contains(prefix_of(block.as_cidr())))
             : block;
}
Value cidr_address(CallContext&, Arguments arguments) {
  return Value::ip(arguments[0].as_cidr().address);
}
Value masked(CallContext&, Arguments arguments) {
  const auto block = arguments[0].as_cidr();
  return Value::cidr({IpPrefix(block.address, block.length).address(), block.length});
}
Value prefix_length(CallContext&, Arguments arguments) {
  return Value::integer(arguments[0].as_cidr().length);
}

constexpr std::array table{
    Declaration{"ip", "(string) -> net.IP", ip_from_string},
    Declaration{"ip", "(net.IP) -> net.IP", same},
    Declaration{"isIP", "(string) -> bool", is_ip},
    Declaration{"ip.isCanonical", "(string) -> bool", is_canonical},
    Declaration{"cidr", "(string) -> net.CIDR", cidr_from_string},
    Declaration{"cidr", "(net.CIDR) -> net.CIDR", same},
    Declaration{"isCIDR", "(string) -> bool", is_cidr},
    Declaration{"string", "(net.IP) -> string", ip_text},
    Declaration{"string", "(net.CIDR) -> string", cidr_text},
    Declaration{"family", "net.IP.() -> int", family},
    Declaration{"isUnspecified", "net.IP.() -> bool", address_is<unspecified>},
    Declaration{"isLoopback", "net.IP.() -> bool", address_is<loopback>},
    Declaration{"isLinkLocalUnicast", "net.IP.() -> bool", address_is<link_local_unicast>},
    Declaration{"isLinkLocalMulticast", "net.IP.() -> bool", address_is<link_local_multicast>},
    Declaration{"isGlobalUnicast", "net.IP.() -> bool", address_is<global_unicast>},
    Declaration{"containsIP", "net.CIDR.(string) -> bool", contains_ip},
    Declaration{"containsIP", "net.CIDR.(net.IP) -> bool", contains_ip},
    Declaration{"containsCIDR", "net.CIDR.(string) -> bool", contains_cidr},
    Declaration{"containsCIDR", "net.CIDR.(net.CIDR) -> bool", contains_cidr},
    Declaration{"ip", "net.CIDR.() -> net.IP", cidr_address},
    Declaration{"masked", "net.CIDR.() -> net.CIDR", masked},
    Declaration{"prefixLength", "net.CIDR.() -> int", prefix_length},
};

} // namespace

std::span<const Declaration> network() {
  return table;
}

} // namespace synfate::cel::library
