// Matches that ask what an address is: net/netfilter/xt_addrtype.c, xt_iprange.c,
// net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c; Linux 6.12.
#include <algorithm>

#include "core/facts/tables.h"
#include "platform/linux/xtables/address_sets.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

constexpr std::uint32_t type_unspec = 1U << 0;
constexpr std::uint32_t type_unicast = 1U << 1;
constexpr std::uint32_t type_local = 1U << 2;
constexpr std::uint32_t type_anycast = 1U << 4;
constexpr std::uint32_t type_multicast = 1U << 5;
constexpr std::uint32_t type_unreachable = 1U << 7;

IntervalSet v6_prefix(const char* text) {
  return IntervalSet::prefix(*IpPrefix::parse(text));
}

MatchAnswer unread(const MatchCall& call, std::string_view field) {
  return undecided(call, "the type of the address, which could not be read,", "is the one asked",
                   "is not the one asked", field);
}

/// match_type6(): every kind of type that is asked has to hold.
MatchAnswer type6(const MatchCall& call, const AddressTerm& term, std::uint32_t types, Int device,
                  std::string_view field) {
  IntervalSet wanted = IntervalSet::all(128);
  const IntervalSet multicast = v6_prefix("ff00::/8");
  const IntervalSet any = v6_prefix("::/128");
  if ((types & type_multicast) != 0)
    wanted = wanted & multicast;
  if ((types & type_unicast) != 0) // IPV6_ADDR_UNICAST: v4-mapped addresses do not have it
    wanted = wanted - multicast - any - v6_prefix("::ffff:0:0/96");
  if ((types & type_unspec) != 0)
    wanted = wanted & any;
  if ((types & (type_local | type_anycast | type_unreachable)) == 0)
    return in_addresses(call, term, wanted, field);
  const ReadSet routed = addresses_of_type(call, types & (type_local | type_anycast), device);
  if (!routed.known)
    return unread(call, field);
  if ((types & type_unreachable) == 0)
    return in_addresses(call, term, wanted & routed.addresses, field);
  return either(
      call,
      [&](const MatchCall& part) {
        return in_addresses(part, term, wanted & routed.addresses, field);
      },
      [&](const MatchCall& part) {
        return all(
            part, [&](const MatchCall& deep) { return in_addresses(deep, term, wanted, field); },
            [&](const MatchCall& deep) {
              return undecided(deep, "the address", "is unreachable", "is reachable", field);
            });
      });
}

MatchAnswer test_type(const MatchCall& call, const AddressTerm& term, std::uint32_t types,
                      Int device, bool invert, std::string_view field) {
  if (types == 0)
    return answer(true);
  if (call.packet.family == IpFamily::v6)
    return inverted(type6(call, term, types, device, field), invert);
  const ReadSet set = addresses_of_type(call, types, device);
  return inverted(set.known ? in_addresses(call, term, set.addresses, field) : unread(call, field),
                  invert);
}

MatchAnswer addrtype(const MatchCall& call, const wire::Addrtype1& info) {
  const auto& meta = call.packet.meta;
  const Int device = (info.flags & 4) != 0   ? meta.in.index
                     : (info.flags & 8) != 0 ? meta.out.index
                                             : 0;
  return all(
      call,
      [&](const MatchCall& part) {
        return test_type(part, source_of(part.packet).address, info.source, device,
                         (info.flags & 1) != 0, "fib saddr type");
      },
      [&](const MatchCall& part) {
        return test_type(part, destination_of(part.packet).address, info.destination, device,
                         (info.flags & 2) != 0, "fib daddr type");
      });
}

MatchAnswer in_range(const MatchCall& call, Octets octets, const wire::InetAddress& first,
                     const wire::InetAddress& last, bool invert, std::string_view field) {
  const auto from = as_u8(first).first(octets.size());
  const auto to = as_u8(last).first(octets.size());
  if (std::ranges::lexicographical_compare(to, from))
    return inverted(not_matched(field), invert);
  return inverted(test_between(call, octets, from, to, field), invert);
}

/// The kernel's own answer for the way back to one source.
MatchAnswer rpfilter_single(const MatchCall& call, const IpAddress& source, std::uint8_t flags) {
  const auto& in = call.packet.meta.in;
  const auto& mark = call.packet.meta.mark;
  const bool marked = (flags & 2) != 0 && mark.known();
  auto& inquiry = call.context.inquiry;
  const auto from = // rpfilter_lookup_reverse()
      only_address(destination_of(call.packet).address, call.packet);
  const auto found =
      look_up_route(call.context, call.request.netns, source, from, marked ? mark.value() : 0);
  if (inquiry.pending() || !found || inquiry.incomplete())
    return undecided(call, "the way back to the source, which could not be asked for,",
                     "leads out where the packet came in", "does not", "fib saddr . iif oif");
  const auto& row = *found;
  const bool local = row.type.is("local");
  const bool usable =
      row.error.value_or(0) == 0 && (row.type.is("unicast") || (local && (flags & 4) != 0));
  const bool back = (flags & 1) != 0 || row.interface_index.is(in.index) ||
                    (local && call.packet.family == IpFamily::v6);
  return usable && back ? matched("fib saddr . iif oif") : not_matched("fib saddr . iif oif");
}

MatchAnswer rpfilter(const MatchCall& call, std::uint8_t flags) {
  const auto& in = call.packet.meta.in;
  if (in.loopback || call.packet.meta.packet_type.is(5))
    return answer(true);
  const auto term = source_of(call.packet).address;
  const auto only =
      term.kind == AddressTerm::Kind::client ? call.packet.addresses.only() : std::nullopt;
  if (term.kind == AddressTerm::Kind::known || only)
    return rpfilter_single(call, only ? to_address(*only, call.packet.family) : term.first, flags);
  const ReadSet routed = sources_routed_by(call, (flags & 1) != 0 ? 0 : in.index, (flags & 4) != 0);
  if (!routed.known)
    return unread(call, "fib saddr . iif oif");
  return in_addresses(call, term, routed.addresses, "fib saddr . iif oif");
}

} // namespace

MatchAnswer test_addrtype0(const MatchCall& call) {
  const auto old = call.as<wire::Addrtype0>();
  const std::uint32_t flags =
      (old.invert_source != 0 ? 1U : 0U) | (old.invert_destination != 0 ? 2U : 0U);
  return addrtype(call, {old.source, old.destination, flags});
}

MatchAnswer test_addrtype1(const MatchCall& call) {
  return addrtype(call, call.as<wire::Addrtype1>());
}

MatchAnswer test_iprange(const MatchCall& call) {
  const auto range = call.as<wire::Iprange>();
  return all(
      call,
      [&](const MatchCall& part) {
        return (range.flags & 0x01) == 0
                   ? answer(true)
                   : in_range(part, source_octets(part.packet), range.source_min, range.source_max,
                              (range.flags & 0x10) != 0, source_field(part.packet));
      },
      [&](const MatchCall& part) {
        return (range.flags & 0x02) == 0
                   ? answer(true)
                   : in_range(part, destination_octets(part.packet), range.destination_min,
                              range.destination_max, (range.flags & 0x20) != 0,
                              destination_field(part.packet));
      });
}

MatchAnswer test_rpfilter(const MatchCall& call) {
  const auto flags = call.as<wire::Rpfilter>().flags;
  return inverted(rpfilter(call, flags), (flags & 8) != 0);
}

} // namespace synfate::xt
