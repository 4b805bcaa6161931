#include "platform/linux/xtables/read_ipset.h"

#include <array>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "platform/linux/kernel_module.h"
#include "platform/linux/xtables/set_type.h"
#include "platform/linux/xtables/text.h"

namespace synfate::xt {
namespace {

constexpr int tries = 5;
/// IPSET_PROTOCOL of Linux 4.20 and later; with it a listing tells each set's index.
constexpr std::uint8_t protocol = 7;

netlink::Request request_of(unsigned command, std::uint16_t flags, std::uint8_t family) {
  netlink::Request request(static_cast<std::uint16_t>(NFNL_SUBSYS_IPSET << 8 | command), flags);
  nfgenmsg header{};
  header.nfgen_family = family;
  header.version = NFNETLINK_V0;
  request.append(header);
  request.attribute(IPSET_ATTR_PROTOCOL, protocol);
  return request;
}

std::uint16_t big(std::uint16_t type) {
  return static_cast<std::uint16_t>(type | NLA_F_NET_BYTEORDER);
}

void put_big32(netlink::Request& request, std::uint16_t type, std::uint32_t value) {
  request.attribute_big32(big(type), value);
}

void put_address(netlink::Request& request, std::uint16_t type, const IpAddress& address) {
  const auto nest = request.begin_nest(type);
  request.attribute(big(address.is_v4() ? IPSET_ATTR_IPADDR_IPV4 : IPSET_ATTR_IPADDR_IPV6),
                    address.bytes());
  request.end_nest(nest);
}

std::optional<IpAddress> address_in(const netlink::Attributes& data, std::uint16_t type) {
  const auto nest = data.find(type);
  if (!nest)
    return std::nullopt;
  const netlink::Attributes inside(nest->payload);
  auto bytes = inside.find(IPSET_ATTR_IPADDR_IPV4);
  if (!bytes)
    bytes = inside.find(IPSET_ATTR_IPADDR_IPV6);
  if (!bytes)
    return std::nullopt;
  return IpAddress::from_bytes(bytes->payload);
}

template <typename T> Fact<Int> number(const std::optional<T>& value) {
  return value ? Fact<Int>(Int{*value}) : Fact<Int>();
}

Fact<Int> big32_in(const netlink::Attributes& data, std::uint16_t type) {
  const auto attribute = data.find(type);
  return attribute ? number(attribute->big32()) : Fact<Int>();
}

Fact<Int> big16_in(const netlink::Attributes& data, std::uint16_t type) {
  const auto attribute = data.find(type);
  return attribute ? number(attribute->big16()) : Fact<Int>();
}

Fact<Int> u8_in(const netlink::Attributes& data, std::uint16_t type) {
  const auto attribute = data.find(type);
  return attribute ? number(attribute->u8()) : Fact<Int>();
}

Fact<Text> text_in(const netlink::Attributes& data, std::uint16_t type) {
  const auto attribute = data.find(type);
  return attribute ? Fact<Text>(Text(attribute->text())) : Fact<Text>();
}

Fact<IpAddress> address_fact(const netlink::Attributes& data, std::uint16_t type) {
  const auto address = address_in(data, type);
  return address ? Fact<IpAddress>(*address) : Fact<IpAddress>();
}

Fact<Text> hardware_in(const netlink::Attributes& data) {
  const auto attribute = data.find(IPSET_ATTR_ETHER);
  if (!attribute || attribute->payload.size() != 6)
    return {};
  std::string text;
  for (const auto octet : attribute->payload)
    text += fmt::format("{}{:02x}", text.empty() ? "" : ":", std::to_integer<unsigned>(octet));
  return Text(text);
}

void put_flags(IpsetElement& row, const netlink::Attributes& data) {
  const auto flags = data.find(IPSET_ATTR_CADT_FLAGS);
  const std::uint32_t bits = flags ? flags->big32().value_or(0) : 0;
  row.nomatch = (bits & IPSET_FLAG_NOMATCH) != 0;
  row.physical = (bits & IPSET_FLAG_PHYSDEV) != 0;
  row.wildcard = (bits & IPSET_FLAG_IFACE_WILDCARD) != 0;
}

void append(std::string& text, std::string_view part) {
  if (!text.empty())
    text += ',';
  text += part;
}

std::string network_text(const Fact<IpAddress>& address, const Fact<Int>& length) {
  auto text = address.value().to_string();
  const std::int64_t whole = address.value().is_v4() ? 32 : 128;
  if (length.known() && length.value() != whole)
    text += fmt::format("/{}", length.value());
  return text;
}

/// The parts joined as `ipset list` joins them; it tells the elements of a set apart.
std::string element_text(const IpsetElement& row) {
  std::string text;
  if (row.address.known())
    append(text, network_text(row.address, row.prefix_length));
  if (row.address_to.known())
    text += "-" + row.address_to.value().to_string();
  if (row.mark.known())
    append(text, fmt::format("0x{:08x}", row.mark.value()));
  if (row.port.known()) {
    auto port =
        (row.proto.known() ? row.proto.value() + ":" : "") + std::to_string(row.port.value());
    if (row.port_to.known())
      port += fmt::format("-{}", row.port_to.value());
    append(text, port);
  }
  if (row.address2.known())
    append(text, network_text(row.address2, row.prefix_length2));
  if (row.hardware_address.known())
    append(text, row.hardware_address.value());
  if (row.interface.known())
    append(text, (row.physical.is(true) ? "physdev:" : "") + row.interface.value());
  if (row.member.known())
    append(text, row.member.value());
  return text;
}

IpsetElement parse_element(const netlink::Attributes& data) {
  IpsetElement row;
  row.address = address_fact(data, IPSET_ATTR_IP);
  row.address_to = address_fact(data, IPSET_ATTR_IP_TO);
  row.prefix_length = u8_in(data, IPSET_ATTR_CIDR);
  if (const auto proto = data.find(IPSET_ATTR_PROTO); proto && proto->u8())
    row.proto = set_proto_name(*proto->u8());
  row.port = big16_in(data, IPSET_ATTR_PORT);
  row.port_to = big16_in(data, IPSET_ATTR_PORT_TO);
  row.address2 = address_fact(data, IPSET_ATTR_IP2);
  row.prefix_length2 = u8_in(data, IPSET_ATTR_CIDR2);
  row.interface = text_in(data, IPSET_ATTR_IFACE);
  row.mark = big32_in(data, IPSET_ATTR_MARK);
  row.hardware_address = hardware_in(data);
  row.member = text_in(data, IPSET_ATTR_NAME);
  row.timeout = big32_in(data, IPSET_ATTR_TIMEOUT);
  if (row.timeout.is(0)) // ip_set_timeout_get(): of an element that stays
    row.timeout = {};
  row.comment = text_in(data, IPSET_ATTR_COMMENT);
  put_flags(row, data);
  row.element = element_text(row);
  return row;
}

template <typename T> std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const auto end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end)
    return std::nullopt;
  return value;
}

bool put_port(netlink::Request& request, std::string_view text) {
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    const auto proto = set_proto_number(text.substr(0, colon));
    if (!proto)
      return false;
    request.attribute(IPSET_ATTR_PROTO, *proto);
    text.remove_prefix(colon + 1);
  }
  const auto port = parse_number<std::uint16_t>(text);
  if (!port)
    return false;
  const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(*port >> 8),
                                          static_cast<std::uint8_t>(*port & 0xff)};
  request.attribute(big(IPSET_ATTR_PORT), std::as_bytes(std::span(bytes)));
  return true;
}

bool put_hardware(netlink::Request& request, std::string_view text) {
  std::array<std::uint8_t, 6> bytes{};
  if (text.size() != 17)
    return false;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const auto octet = parse_number<std::uint8_t>(text.substr(3 * at, 2), 16);
    if (!octet)
      return false;
    bytes[at] = *octet;
  }
  request.attribute(IPSET_ATTR_ETHER, std::as_bytes(std::span(bytes)));
  return true;
}

bool put_part(netlink::Request& request, Dimension dimension, std::string_view text, bool second) {
  switch (dimension) {
  case Dimension::address: {
    const auto address = IpAddress::parse(text);
    if (address)
      put_address(request,
                  static_cast<std::uint16_t>(second ? int{IPSET_ATTR_IP2} : int{IPSET_ATTR_IP}),
                  *address);
    return address.has_value();
  }
  case Dimension::port:
    return put_port(request, text);
  case Dimension::interface:
    request.attribute(IPSET_ATTR_IFACE, text);
    return true;
  case Dimension::mark: {
    const auto mark =
        parse_number<std::uint32_t>(text.substr(std::min<std::size_t>(2, text.size())), 16);
    if (mark)
      put_big32(request, IPSET_ATTR_MARK, *mark);
    return mark.has_value();
  }
  case Dimension::hardware:
    return put_hardware(request, text);
  case Dimension::list:
    request.attribute(IPSET_ATTR_NAME, text);
    return true;
  }
  return false;
}

Error gone(std::string_view doing, const std::string& set) {
  return {ErrorCode::not_found, std::string(doing), set, ENOENT, "there is no such set", {}};
}

/// The kernel's ways to say that an element is not in a set: it is not there, or cannot be
/// (ip_set_test() takes every error of a packet's lookup for no).
bool means_no(int error) {
  return error == IPSET_ERR_EXIST || error >= IPSET_ERR_TYPE_SPECIFIC;
}

} // namespace

Result<IpsetReader> IpsetReader::open(Int netns, std::chrono::milliseconds timeout,
                                      const std::string& root) {
  constexpr auto doing = "reading ipset";
  if (module_waits(root, "ip_set"))
    return Error{ErrorCode::unsupported, doing, {}, 0, "ipset is not loaded", {}};
  SYNFATE_TRY(socket, netlink::Socket::open(NETLINK_NETFILTER, timeout));
  auto request = request_of(IPSET_CMD_PROTOCOL, 0, 0);
  const auto status = socket.exchange(request, doing, [](const netlink::Message&) { return true; });
  if (!status) {
    Error error = status.error();
    if (error.os_error == EINVAL || error.os_error == EOPNOTSUPP) // no such subsystem
      error.code = ErrorCode::unsupported;
    return error;
  }
  return IpsetReader(std::move(socket), netns);
}

Result<std::vector<Ipset>> IpsetReader::headers(const std::string& set) {
  constexpr auto doing = "reading the sets of ipset";
  for (int attempt = 1;; ++attempt) {
    auto request = request_of(IPSET_CMD_LIST, NLM_F_DUMP, 0);
    if (!set.empty())
      request.attribute(IPSET_ATTR_SETNAME, set);
    put_big32(request, IPSET_ATTR_FLAGS, IPSET_FLAG_LIST_HEADER);
    std::vector<Ipset> rows;
    const auto status = socket_.exchange(request, doing, [&](const netlink::Message& message) {
      if (auto row = parse_ipset(message)) {
        row->netns = netns_;
        rows.push_back(std::move(*row));
      }
      return true;
    });
    if (status)
      return rows;
    if (status.error().os_error == ENOENT)
      return std::vector<Ipset>{};
    if (status.error().code != ErrorCode::interrupted || attempt == tries)
      return status.error();
  }
}

Result<std::vector<Ipset>> IpsetReader::read_sets() {
  return headers({});
}

Result<std::vector<IpsetElement>> IpsetReader::read_elements(const std::string& set) {
  for (int attempt = 1;; ++attempt) {
    auto request = request_of(IPSET_CMD_LIST, NLM_F_DUMP, 0);
    request.attribute(IPSET_ATTR_SETNAME, set);
    std::vector<IpsetElement> rows;
    const auto status =
        socket_.exchange(request, "reading a set of ipset", [&](const netlink::Message& message) {
          for (auto& row : parse_ipset_elements(message)) {
            row.netns = netns_;
            row.set = set;
            row.position = static_cast<Int>(rows.size());
            rows.push_back(std::move(row));
          }
          return true;
        });
    if (status)
      return rows;
    if (status.error().os_error == ENOENT)
      return std::vector<IpsetElement>{};
    if (status.error().code != ErrorCode::interrupted || attempt == tries)
      return status.error();
  }
}

Result<IpsetTest> IpsetReader::test(const std::string& set, const std::string& element) {
  constexpr auto doing = "asking ipset for an element";
  SYNFATE_TRY(sets, headers(set));
  if (sets.empty())
    return gone(doing, set);
  const auto& header = sets.front();
  const auto family =
      header.family.is("ip") ? NFPROTO_IPV4 : (header.family.is("ip6") ? NFPROTO_IPV6 : 0);
  auto request = request_of(IPSET_CMD_TEST, 0, static_cast<std::uint8_t>(family));
  request.attribute(IPSET_ATTR_SETNAME, set);
  const auto data = request.begin_nest(IPSET_ATTR_DATA);
  const bool fits = put_ipset_element(request, header.type.value_or(""), element);
  request.end_nest(data);
  if (!fits)
    return Error{
        ErrorCode::invalid_input,
        doing,
        set,
        0,
        fmt::format("'{}' is no element of a set of type {}", element, header.type.value_or("?")),
        {}};
  const auto status =
      socket_.exchange(request, doing, [](const netlink::Message&) { return true; });
  if (!status && !means_no(status.error().os_error) && status.error().os_error != EINVAL)
    return status.error();
  IpsetTest row;
  row.netns = netns_;
  row.set = set;
  row.element = element;
  row.matched = bool{status};
  return row;
}

std::optional<Ipset> parse_ipset(const netlink::Message& message) {
  const auto attributes = message.attributes(sizeof(nfgenmsg));
  const auto name = attributes.find(IPSET_ATTR_SETNAME);
  const auto type = attributes.find(IPSET_ATTR_TYPENAME);
  if (!name || !type)
    return std::nullopt;
  Ipset row;
  row.name = Text(name->text());
  row.type = Text(type->text());
  row.index = big16_in(attributes, IPSET_ATTR_INDEX);
  row.revision = u8_in(attributes, IPSET_ATTR_REVISION);
  const auto family = u8_in(attributes, IPSET_ATTR_FAMILY);
  if (family.is(NFPROTO_IPV4) || family.is(NFPROTO_IPV6))
    row.family = Text(family.is(NFPROTO_IPV4) ? "ip" : "ip6");
  const auto data = attributes.find(IPSET_ATTR_DATA);
  const netlink::Attributes inside(data ? data->payload : netlink::ByteView());
  row.elements = big32_in(inside, IPSET_ATTR_ELEMENTS);
  row.references = big32_in(inside, IPSET_ATTR_REFERENCES);
  row.max_elements = big32_in(inside, IPSET_ATTR_MAXELEM);
  row.timeout = big32_in(inside, IPSET_ATTR_TIMEOUT);
  row.netmask = u8_in(inside, IPSET_ATTR_NETMASK);
  row.markmask = big32_in(inside, IPSET_ATTR_MARKMASK);
  row.flags = big32_in(inside, IPSET_ATTR_CADT_FLAGS);
  return row;
}

std::vector<IpsetElement> parse_ipset_elements(const netlink::Message& message) {
  std::vector<IpsetElement> rows;
  const auto list = message.attributes(sizeof(nfgenmsg)).find(IPSET_ATTR_ADT);
  if (!list)
    return rows;
  for (const auto& entry : netlink::Attributes(list->payload))
    if (entry.type == IPSET_ATTR_DATA)
      rows.push_back(parse_element(netlink::Attributes(entry.payload)));
  return rows;
}

bool put_ipset_element(netlink::Request& request, std::string_view type, std::string_view element) {
  bool second = false;
  for (const auto dimension : dimensions_of(type)) {
    const auto comma = std::min(element.find(','), element.size());
    const auto part = element.substr(0, comma);
    if (part.empty() || !put_part(request, dimension, part, second))
      return false;
    second = second || dimension == Dimension::address;
    element.remove_prefix(std::min(comma + 1, element.size()));
  }
  return element.empty();
}

} // namespace synfate::xt
