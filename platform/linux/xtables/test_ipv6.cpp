// Matches on IPv6 extension headers: net/ipv6/netfilter/ip6t_ah.c, ip6t_frag.c, ip6t_hbh.c,
// ip6t_rt.c, ip6t_ipv6header.c, ip6t_mh.c, ip6t_srh.c, net/ipv6/exthdrs_core.c: ipv6_find_hdr();
// Linux 6.12.
#include <algorithm>

#include "platform/linux/xtables/test_core.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

constexpr std::uint8_t hop_by_hop = 0;
constexpr std::uint8_t routing = 43;
constexpr std::uint8_t fragment = 44;
constexpr std::uint8_t esp = 50;
constexpr std::uint8_t authentication = 51;
constexpr std::uint8_t no_next = 59;
constexpr std::uint8_t destination_options = 60;

bool is_extension(std::uint8_t header) {
  return header == hop_by_hop || header == routing || header == fragment ||
         header == authentication || header == destination_options;
}

struct ExtensionHeader {
  std::uint8_t type = 0;
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// The extension headers in order, as far as they are known.
struct HeaderChain {
  std::vector<ExtensionHeader> headers;
  std::uint8_t last = 0; ///< the header behind them
  bool truncated = false;
};

HeaderChain chain_of(const PacketClass& packet) {
  HeaderChain chain;
  const Octets network(packet.network);
  if (network.size() < 40) {
    chain.truncated = true;
    return chain;
  }
  chain.last = network[6].value;
  std::size_t offset = 40;
  while (is_extension(chain.last)) {
    const Octets head = octets_at(packet, offset, 2);
    if (head.empty() || !head[0].is_known() || !head[1].is_known()) {
      chain.truncated = true;
      return chain;
    }
    const std::size_t size = chain.last == fragment         ? 8U
                             : chain.last == authentication ? (head[1].value + 2U) * 4U
                                                            : (head[1].value + 1U) * 8U;
    chain.headers.push_back({chain.last, offset, size});
    chain.last = head[0].value;
    offset += size;
  }
  return chain;
}

/// Finds a header and lets `test` look at it. Not there: no match. Cut off: hotdrop.
template <typename Test>
MatchAnswer with_extension(const MatchCall& call, std::uint8_t type, Test test) {
  const HeaderChain chain = chain_of(call.packet);
  for (const auto& header : chain.headers)
    if (header.type == type) {
      const Octets octets = octets_at(call.packet, header.offset, header.size);
      return octets.empty() ? hotdrop() : test(octets);
    }
  return chain.truncated ? hotdrop() : answer(false);
}

MatchAnswer length_is(std::size_t actual, std::uint32_t wanted, bool invert) {
  return answer((actual == wanted) != invert);
}

MatchAnswer options(const MatchCall& call, std::uint8_t type) {
  const auto info = call.as<wire::Options6>();
  return with_extension(call, type, [&](Octets octets) {
    MatchAnswer length = (info.flags & 1) == 0
                             ? answer(true)
                             : length_is(octets.size(), info.header_length, (info.invert & 1) != 0);
    if (length.truth == Truth::no || (info.flags & 2) == 0)
      return length;
    return undecided(call, "the header's options", "are those asked", "are not those asked");
  });
}

std::uint8_t header_bit(std::uint8_t type) {
  switch (type) {
  case hop_by_hop:
    return 128;
  case destination_options:
    return 64;
  case routing:
    return 32;
  case fragment:
    return 16;
  case authentication:
    return 8;
  default:
    return 0;
  }
}

} // namespace

MatchAnswer test_ah6(const MatchCall& call) {
  const auto ah = call.as<wire::Ah6>();
  return with_extension(call, authentication, [&](Octets octets) {
    if (octets.size() < 12)
      return hotdrop();
    return all(
        call,
        [&](const MatchCall& part) {
          return inverted(test_number(part, octets.subspan(4, 4), ah.spi[0], ah.spi[1], "ah spi"),
                          (ah.invert & 1) != 0);
        },
        [&](const MatchCall&) {
          return ah.header_length == 0
                     ? answer(true)
                     : length_is(octets.size(), ah.header_length, (ah.invert & 2) != 0);
        },
        [&](const MatchCall& part) {
          return ah.reserved == 0 ? answer(true)
                                  : test_number(part, octets.subspan(2, 2), 0, 0, "ah reserved");
        });
  });
}

MatchAnswer test_frag(const MatchCall& call) {
  const auto frag = call.as<wire::Frag6>();
  return with_extension(call, fragment, [&](Octets octets) {
    const auto bits = [&](const MatchCall& part, std::uint8_t flag, std::uint8_t high,
                          std::uint8_t low, bool wanted) {
      if ((frag.flags & flag) == 0)
        return answer(true);
      const std::array<std::uint8_t, 2> mask{high, low};
      const std::array<std::uint8_t, 2> zero{};
      return inverted(test_equal(part, octets.subspan(2, 2), mask, zero, "frag frag-off"), wanted);
    };
    return all(
        call,
        [&](const MatchCall& part) {
          return inverted(
              test_number(part, octets.subspan(4, 4), frag.id[0], frag.id[1], "frag id"),
              (frag.invert & 1) != 0);
        },
        [&](const MatchCall& part) {
          return (frag.flags & 0x04) == 0 ? answer(true)
                                          : test_byte(part, octets[1], 0xff, 0, "frag reserved");
        },
        [&](const MatchCall& part) { return bits(part, 0x04, 0x00, 0x06, false); },
        [&](const MatchCall& part) { return bits(part, 0x08, 0xff, 0xf8, false); },
        [&](const MatchCall& part) { return bits(part, 0x10, 0x00, 0x01, true); },
        [&](const MatchCall& part) { return bits(part, 0x20, 0x00, 0x01, false); });
  });
}

MatchAnswer test_hbh(const MatchCall& call) {
  return options(call, hop_by_hop);
}

MatchAnswer test_dst(const MatchCall& call) {
  return options(call, destination_options);
}

MatchAnswer test_rt(const MatchCall& call) {
  const auto rt = call.as<wire::Routing6>();
  return with_extension(call, routing, [&](Octets octets) {
    return all(
        call,
        [&](const MatchCall& part) {
          return inverted(test_number(part, octets.subspan(3, 1), rt.segments_left[0],
                                      std::min(rt.segments_left[1], 255U), "rt seg-left"),
                          (rt.invert & 2) != 0);
        },
        [&](const MatchCall&) {
          return (rt.flags & 4) == 0
                     ? answer(true)
                     : length_is(octets.size(), rt.header_length, (rt.invert & 4) != 0);
        },
        [&](const MatchCall& part) {
          return (rt.flags & 1) == 0 ? answer(true)
                                     : inverted(test_number(part, octets.subspan(2, 1), rt.type,
                                                            rt.type, "rt type"),
                                                (rt.invert & 1) != 0);
        },
        [&](const MatchCall& part) {
          return (rt.flags & 0x38) == 0 ? answer(true)
                                        : undecided(part, "the routing header's addresses",
                                                    "are those asked", "are not those asked");
        });
  });
}

MatchAnswer test_ipv6header(const MatchCall& call) {
  const auto info = call.as<wire::Header6>();
  const HeaderChain chain = chain_of(call.packet);
  if (chain.truncated)
    return hotdrop();
  std::uint8_t found = 0;
  for (const auto& header : chain.headers)
    found |= header_bit(header.type);
  found |= chain.last == no_next ? 2 : chain.last == esp ? 4 : 1;
  if (info.soft != 0)
    return answer(((found ^ info.wanted ^ info.invert) & info.wanted) == 0);
  return answer((found == info.wanted) == (info.invert == 0));
}

MatchAnswer test_mh(const MatchCall& call) {
  if (call.transport.fragment_offset != 0)
    return answer(false);
  const auto mh = call.as<wire::Mobility6>();
  const HeaderView header = header_at(call, call.transport.offset, 6);
  if (header.missing)
    return hotdrop();
  if (header.octets.empty())
    return undecided(call, "the mobility header", "has the type", "does not have the type");
  return inverted(
      test_number(call, header.octets.subspan(2, 1), mh.types[0], mh.types[1], "mh type"),
      (mh.invert & 1) != 0);
}

MatchAnswer test_srh0(const MatchCall& call) {
  return with_extension(call, routing, [&](Octets) {
    return undecided(call, "the segment routing header", "is as asked", "is not as asked");
  });
}

MatchAnswer test_srh1(const MatchCall& call) {
  return test_srh0(call);
}

} // namespace synfate::xt
