#include "platform/linux/netfilter/own_addresses.h"

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <optional>

#include "core/facts/tables.h"

namespace synfate {
namespace {

std::optional<IpAddress> known_destination(const PacketClass& packet) {
  const auto to = destination_of(packet).address;
  if (to.kind == AddressTerm::Kind::known)
    return to.first;
  const auto only = to.kind == AddressTerm::Kind::client ? packet.addresses.only() : std::nullopt;
  return only ? std::optional(to_address(*only, packet.family)) : std::nullopt;
}

/// The addresses of a family, of one device or of all of them.
std::optional<std::vector<Address>> read(Inquiry& inquiry, Int netns, std::optional<Int> device,
                                         IpFamily family) {
  std::vector<Key> keys{{"netns", netns}};
  if (device)
    keys.push_back({"interface_index", *device});
  auto rows = inquiry.rows<Address>(std::move(keys));
  if (inquiry.pending() || inquiry.incomplete())
    return std::nullopt;
  std::erase_if(rows, [&](const Address& row) {
    return !row.address.known() || row.address.value().family() != family;
  });
  return rows;
}

bool is_primary(const Address& row) {
  return !row.secondary.is(true);
}

/// inet_ifa_match()
bool is_in_network(const Address& row, const IpAddress& address) {
  const IpAddress base = row.peer.known() ? row.peer.value() : row.address.value();
  const auto length = static_cast<unsigned>(row.prefix_length.value_or(base.width()));
  return IpPrefix(base, length).contains(address);
}

void add(OwnAddresses& found, const Address& row) {
  if (std::ranges::find(found.choices, row.address.value()) == found.choices.end())
    found.choices.push_back(row.address.value());
}

/// Which device comes first in the kernel's list is not shown.
OwnAddresses first_of_each_device(const std::vector<Address>& rows) {
  OwnAddresses found;
  std::vector<Int> devices;
  for (const auto& row : rows) {
    const Int device = row.interface_index.value_or(0);
    if (std::ranges::find(devices, device) != devices.end())
      continue;
    devices.push_back(device);
    add(found, row);
  }
  return found;
}

/// Of the device's own: that of the next hop's network, else the first. The next hop of a packet
/// that is not for a network of this device is a gateway in one of them.
OwnAddresses among(const std::vector<Address>& rows, const std::optional<IpAddress>& to) {
  OwnAddresses found;
  const auto near =
      std::ranges::find_if(rows, [&](const Address& row) { return to && is_in_network(row, *to); });
  if (near != rows.end())
    add(found, *near);
  else
    for (const auto& row : rows)
      add(found, row);
  return found;
}

/// inet_select_addr()
OwnAddresses select_v4(Inquiry& inquiry, Int netns, const InterfaceView& out,
                       const PacketClass& packet) {
  auto rows = read(inquiry, netns, std::nullopt, IpFamily::v4);
  if (!rows)
    return {{}, false};
  std::erase_if(*rows, [](const Address& row) {
    return !is_primary(row) || !row.scope.is("global"); // RT_SCOPE_UNIVERSE
  });
  std::vector<Address> own;
  std::ranges::copy_if(*rows, std::back_inserter(own),
                       [&](const Address& row) { return row.interface_index.is(out.index); });
  if (!own.empty())
    return among(own, known_destination(packet));
  return first_of_each_device(*rows);
}

// IPv6 -----------------------------------------------------------------------------------------

/// __ipv6_addr_src_scope(): 1 node, 2 link, 5 site, 14 global.
int scope_of(const IpAddress& address) {
  constexpr int link = 2;
  constexpr int site = 5;
  constexpr int global = 14;
  const auto bytes = address.bytes();
  const auto first = std::to_integer<unsigned>(bytes[0]);
  const auto second = std::to_integer<unsigned>(bytes[1]);
  if (first == 0xff)
    return static_cast<int>(second & 0x0fU);
  if (address.is_loopback() || address.is_link_local())
    return link;
  return first == 0xfe && (second & 0xc0U) == 0xc0 ? site : global;
}

/// ip6addrlbl_init_table[] of net/ipv6/addrlabel.c.
int label_of(const IpAddress& address) {
  struct Entry {
    const char* prefix;
    int label;
  };
  constexpr std::array table{Entry{"::1/128", 0},      Entry{"::ffff:0:0/96", 4},
                             Entry{"::/96", 3},        Entry{"2001::/32", 6},
                             Entry{"2001:10::/28", 7}, Entry{"2002::/16", 2},
                             Entry{"fc00::/7", 5}};
  for (const auto& entry : table)
    if (IpPrefix::parse(entry.prefix)->contains(address))
      return entry.label;
  return 1;
}

int common_bits(const IpAddress& one, const IpAddress& other) {
  const auto a = one.bytes();
  const auto b = other.bytes();
  int bits = 0;
  for (std::size_t at = 0; at < a.size(); ++at, bits += 8)
    if (const auto differ = std::to_integer<std::uint8_t>(a[at] ^ b[at]); differ != 0)
      return bits + std::countl_zero(differ);
  return bits;
}

/// The rules of ipv6_get_saddr_eval() in their order; the greatest wins, of equals the first.
struct Score {
  bool same = false;
  int scope = 0;
  bool preferred = false;
  bool device = false;
  bool label = false;
  bool lasting = false;
  int prefix = 0;
  friend auto operator<=>(const Score&, const Score&) = default;
};

Score score_of(const Address& row, const IpAddress& to, Int device) {
  constexpr int not_enough = 128;
  const IpAddress& own = row.address.value();
  const int scope = scope_of(own);
  Score score;
  score.same = own == to;
  score.scope = scope >= scope_of(to) ? -scope : scope - not_enough;
  score.preferred = !row.deprecated.is(true);
  score.device = row.interface_index.is(device);
  score.label = label_of(own) == label_of(to);
  score.lasting = !row.temporary.is(true); // use_tempaddr below 2
  score.prefix =
      std::min(common_bits(own, to), static_cast<int>(row.prefix_length.value_or(own.width())));
  return score;
}

/// ipv6_dev_get_saddr()
OwnAddresses select_v6(Inquiry& inquiry, Int netns, const InterfaceView& out,
                       const PacketClass& packet) {
  constexpr int link = 2;
  const auto to = known_destination(packet);
  const bool of_device = to && (scope_of(*to) <= link || to->is_multicast());
  auto rows =
      read(inquiry, netns, of_device ? std::optional(out.index) : std::nullopt, IpFamily::v6);
  if (!rows || !to)
    return {{}, false};
  std::erase_if(
      *rows, [](const Address& row) { return row.tentative.is(true) || row.duplicate.is(true); });
  if (rows->empty())
    return {};
  const auto score = [&](const Address& row) { return score_of(row, *to, out.index); };
  const Score best = score(std::ranges::max(*rows, {}, score));
  std::erase_if(*rows, [&](const Address& row) { return score(row) < best; });
  return first_of_each_device(*rows);
}

/// The first of a device that suits.
template <typename Suits>
OwnAddresses first(Inquiry& inquiry, Int netns, const InterfaceView& device, IpFamily family,
                   Suits suits) {
  const auto rows = read(inquiry, netns, device.index, family);
  if (!rows)
    return {{}, false};
  OwnAddresses found;
  if (const auto row = std::ranges::find_if(*rows, suits); row != rows->end())
    add(found, *row);
  return found;
}

} // namespace

OwnAddresses masquerade_sources(Inquiry& inquiry, Int netns, const InterfaceView& out,
                                const PacketClass& packet) {
  return packet.family == IpFamily::v4 ? select_v4(inquiry, netns, out, packet)
                                       : select_v6(inquiry, netns, out, packet);
}

OwnAddresses redirect_destinations(Inquiry& inquiry, Int netns, const InterfaceView& in,
                                   const PacketClass& packet) {
  const auto to = known_destination(packet);
  return first(inquiry, netns, in, packet.family, [&](const Address& row) {
    return packet.family == IpFamily::v4
               ? is_primary(row)
               : !row.tentative.is(true) && (!to || scope_of(row.address.value()) == scope_of(*to));
  });
}

OwnAddresses proxy_destinations(Inquiry& inquiry, Int netns, const InterfaceView& in,
                                const PacketClass& packet) {
  return first(inquiry, netns, in, packet.family, [&](const Address& row) {
    return packet.family == IpFamily::v4 ? is_primary(row)
                                         : !row.tentative.is(true) && !row.deprecated.is(true);
  });
}

} // namespace synfate
