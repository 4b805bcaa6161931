// Matches on the transport header: net/netfilter/xt_tcpudp.c, xt_multiport.c, xt_sctp.c, xt_dccp.c,
// xt_esp.c, xt_ipcomp.c, xt_tcpmss.c, xt_l2tp.c, net/ipv4/netfilter/ipt_ah.c; Linux 6.12.
#include <algorithm>

#include "platform/linux/xtables/test_core.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

/// A header the match must see: hotdrop if the packet is too short, both answers if it lies in a
/// payload nobody knows.
template <typename Test>
MatchAnswer with_header(const MatchCall& call, std::size_t size, std::string_view field,
                        Test test) {
  const HeaderView header = header_at(call, call.transport.offset, size);
  if (header.missing)
    return hotdrop();
  if (header.octets.empty())
    return undecided(call, "the header beyond what is known", "matches", "does not match", field);
  return test(header.octets);
}

MatchAnswer test_port(const MatchCall& call, unsigned offset, const std::uint16_t (&range)[2],
                      bool invert, std::string_view field) {
  if (range[0] == 0 && range[1] == 0xffff)
    return invert ? not_matched(field) : answer(true);
  const Octets octets = octets_at(call.packet, call.transport.offset + offset, 2);
  return inverted(test_number(call, octets, range[0], range[1], field), invert);
}

/// What became of a search through TCP options.
enum class Found : std::uint8_t { no, yes, unknown };

struct OptionSearch {
  Found found = Found::no;
  std::size_t offset = 0; ///< of the option, from the first option
};

/// tcp_find_option(), tcpmss_mt(): steps over options until `wanted` accepts one.
template <typename Wanted> OptionSearch find_option(Octets options, Wanted wanted) {
  for (std::size_t at = 0; at < options.size();) {
    if (!options[at].is_known())
      return {Found::unknown, at};
    if (wanted(at))
      return {Found::yes, at};
    if (options[at].value < 2 || at == options.size() - 1) {
      ++at;
      continue;
    }
    if (!options[at + 1].is_known())
      return {Found::unknown, at};
    at += options[at + 1].value != 0 ? options[at + 1].value : 1U;
  }
  return {};
}

struct TcpOptions {
  Octets octets;
  bool malformed = false;
  bool unknown = false;
};

/// The options of a TCP header, from the data offset.
TcpOptions tcp_options(const MatchCall& call) {
  const Octets header = octets_at(call.packet, call.transport.offset, 20);
  if (header.empty() || (header[12].known & 0xf0) != 0xf0)
    return {{}, false, true};
  const unsigned size = static_cast<unsigned>(header[12].value >> 4) * 4;
  if (size < 20)
    return {{}, true, false};
  if (size == 20)
    return {};
  const HeaderView options = header_at(call, call.transport.offset + 20U, size - 20);
  return {options.octets, options.missing, options.octets.empty()};
}

MatchAnswer test_tcp_option(const MatchCall& call, std::uint8_t wanted, bool invert) {
  const TcpOptions options = tcp_options(call);
  if (options.malformed)
    return hotdrop();
  const auto search = find_option(
      options.octets, [&](std::size_t at) { return options.octets[at].value == wanted; });
  if (options.unknown || search.found == Found::unknown)
    return undecided(call, "the TCP options", "have it", "do not have it", "tcp option");
  return inverted(search.found == Found::yes ? answer(true) : not_matched("tcp option"), invert);
}

/// The ports of a list as one set.
struct PortList {
  std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges;
};

PortList ports_of(const wire::Multiport1& info) {
  PortList list;
  for (unsigned at = 0; at < std::min<unsigned>(info.count, 15); ++at) {
    const std::uint16_t first = info.ports[at];
    const bool range = info.range[at] != 0 && at + 1 < 15;
    list.ranges.emplace_back(first, range ? info.ports[++at] : first);
  }
  return list;
}

MatchAnswer in_list(const MatchCall& call, const PortList& list, unsigned offset,
                    std::string_view field) {
  const Octets octets = octets_at(call.packet, call.transport.offset + offset, 2);
  MatchAnswer none = answer(true);
  for (const auto& [first, last] : list.ranges)
    none = and_then(call, std::move(none), [&, from = first, to = last](const MatchCall& part) {
      return inverted(test_number(part, octets, from, to, field), true);
    });
  return inverted(std::move(none), true);
}

MatchAnswer multiport(const MatchCall& call, const wire::Multiport1& info) {
  if (call.transport.fragment_offset != 0)
    return answer(false);
  return with_header(call, 4, "th dport", [&](Octets) {
    const PortList list = ports_of(info);
    const bool udp = call.transport.proto == 17;
    const auto source = [&](const MatchCall& part) {
      return in_list(part, list, 0, udp ? "udp sport" : "tcp sport");
    };
    const auto destination = [&](const MatchCall& part) {
      return in_list(part, list, 2, udp ? "udp dport" : "tcp dport");
    };
    MatchAnswer result = info.mode == 0   ? source(call)
                         : info.mode == 1 ? destination(call)
                                          : either(call, source, destination);
    const std::string field = udp ? "udp dport" : "tcp dport";
    result = inverted(std::move(result), info.invert != 0);
    if (result.truth == Truth::no)
      result.field = info.mode == 0 ? (udp ? "udp sport" : "tcp sport") : field;
    return result;
  });
}

MatchAnswer spi(const MatchCall& call, std::size_t header, std::size_t offset, std::size_t size,
                const std::uint32_t (&range)[2], bool invert, std::string_view field) {
  if (call.transport.fragment_offset != 0)
    return answer(false);
  return with_header(call, header, field, [&](Octets octets) {
    return inverted(test_number(call, octets.subspan(offset, size), range[0], range[1], field),
                    invert);
  });
}

MatchAnswer icmp(const MatchCall& call, std::string_view field, bool any_type) {
  if (call.transport.fragment_offset != 0)
    return answer(false);
  const auto info = call.as<wire::Icmp>();
  return with_header(call, 8, field, [&](Octets octets) {
    const bool invert = (info.invert & 1) != 0;
    if (any_type && info.type == 0xff)
      return inverted(answer(true), invert);
    return inverted(all(
                        call,
                        [&](const MatchCall& part) {
                          return test_byte(part, octets[0], 0xff, info.type, field);
                        },
                        [&](const MatchCall& part) {
                          return test_number(part, octets.subspan(1, 1), info.code[0], info.code[1],
                                             field);
                        }),
                    invert);
  });
}

} // namespace

MatchAnswer test_tcp(const MatchCall& call) {
  if (call.transport.fragment_offset != 0)
    return call.transport.fragment_offset == 1 ? hotdrop() : answer(false);
  const auto tcp = call.as<wire::Tcp>();
  return with_header(call, 20, "tcp flags", [&](Octets header) {
    return all(
        call,
        [&](const MatchCall& part) {
          return test_port(part, 0, tcp.source, (tcp.invert & 1) != 0, "tcp sport");
        },
        [&](const MatchCall& part) {
          return test_port(part, 2, tcp.destination, (tcp.invert & 2) != 0, "tcp dport");
        },
        [&](const MatchCall& part) {
          return inverted(test_byte(part, header[13], tcp.flag_mask, tcp.flag_compare, "tcp flags"),
                          (tcp.invert & 4) != 0);
        },
        [&](const MatchCall& part) {
          return tcp.option == 0 ? answer(true)
                                 : test_tcp_option(part, tcp.option, (tcp.invert & 8) != 0);
        });
  });
}

MatchAnswer test_udp(const MatchCall& call) {
  if (call.transport.fragment_offset != 0)
    return answer(false);
  const auto udp = call.as<wire::Udp>();
  return with_header(call, 8, "udp dport", [&](Octets) {
    return all(
        call,
        [&](const MatchCall& part) {
          return test_port(part, 0, udp.source, (udp.invert & 1) != 0, "udp sport");
        },
        [&](const MatchCall& part) {
          return test_port(part, 2, udp.destination, (udp.invert & 2) != 0, "udp dport");
        });
  });
}

MatchAnswer test_udplite(const MatchCall& call) {
  return test_udp(call);
}

MatchAnswer test_icmp(const MatchCall& call) {
  return icmp(call, "icmp type", true);
}

MatchAnswer test_icmp6(const MatchCall& call) {
  return icmp(call, "icmpv6 type", false);
}

MatchAnswer test_multiport0(const MatchCall& call) {
  const auto old = call.as<wire::Multiport0>();
  wire::Multiport1 info{};
  info.mode = old.mode;
  info.count = old.count;
  std::ranges::copy(old.ports, info.ports);
  return multiport(call, info);
}

MatchAnswer test_multiport1(const MatchCall& call) {
  return multiport(call, call.as<wire::Multiport1>());
}

MatchAnswer test_sctp(const MatchCall& call) {
  if (call.transport.fragment_offset != 0)
    return answer(false);
  const auto sctp = call.as<wire::Sctp>();
  return with_header(call, 12, "sctp dport", [&](Octets) {
    return all(
        call,
        [&](const MatchCall& part) {
          return (sctp.flags & 1) == 0
                     ? answer(true)
                     : test_port(part, 0, sctp.source, (sctp.invert & 1) != 0, "sctp sport");
        },
        [&](const MatchCall& part) {
          return (sctp.flags & 2) == 0
                     ? answer(true)
                     : test_port(part, 2, sctp.destination, (sctp.invert & 2) != 0, "sctp dport");
        },
        [&](const MatchCall& part) {
          return (sctp.flags & 4) == 0 ? answer(true)
                                       : undecided(part, "the chunk types", "are those asked",
                                                   "are not those asked", "sctp chunk");
        });
  });
}

MatchAnswer test_dccp(const MatchCall& call) {
  if (call.transport.fragment_offset != 0)
    return answer(false);
  const auto dccp = call.as<wire::Dccp>();
  return with_header(call, 12, "dccp dport", [&](Octets header) {
    return all(
        call,
        [&](const MatchCall& part) {
          return (dccp.flags & 1) == 0
                     ? answer(true)
                     : test_port(part, 0, dccp.source, (dccp.invert & 1) != 0, "dccp sport");
        },
        [&](const MatchCall& part) {
          return (dccp.flags & 2) == 0
                     ? answer(true)
                     : test_port(part, 2, dccp.destination, (dccp.invert & 2) != 0, "dccp dport");
        },
        [&](const MatchCall& part) {
          if ((dccp.flags & 4) == 0)
            return answer(true);
          if (!header[8].is_known())
            return undecided(part, "the DCCP type", "is asked", "is not asked", "dccp type");
          const unsigned type = header[8].value >> 1 & 0xfU;
          return inverted(answer((dccp.type_mask >> type & 1U) != 0), (dccp.invert & 4) != 0);
        },
        [&](const MatchCall& part) {
          return (dccp.flags & 8) == 0 ? answer(true)
                                       : undecided(part, "the DCCP options", "have it",
                                                   "do not have it", "dccp option");
        });
  });
}

MatchAnswer test_esp(const MatchCall& call) {
  const auto esp = call.as<wire::Esp>();
  return spi(call, 8, 0, 4, esp.spi, (esp.invert & 1) != 0, "esp spi");
}

MatchAnswer test_ah(const MatchCall& call) {
  const auto ah = call.as<wire::Esp>();
  return spi(call, 12, 4, 4, ah.spi, (ah.invert & 1) != 0, "ah spi");
}

MatchAnswer test_ipcomp(const MatchCall& call) {
  const auto comp = call.as<wire::Ipcomp>();
  return spi(call, 4, 2, 2, comp.spi, (comp.invert & 1) != 0, "comp cpi");
}

MatchAnswer test_tcpmss(const MatchCall& call) {
  const auto info = call.as<wire::Tcpmss>();
  return with_header(call, 20, "tcp option maxseg", [&](Octets) {
    const TcpOptions options = tcp_options(call);
    if (options.malformed)
      return hotdrop();
    const Octets octets = options.octets;
    const auto is_mss = [&](std::size_t at) {
      return octets[at].value == 2 && octets.size() - at >= 4 && octets[at + 1].is_known() &&
             octets[at + 1].value == 4;
    };
    const auto search = find_option(octets, is_mss);
    if (options.unknown || search.found == Found::unknown)
      return undecided(call, "the MSS option", "is in the range", "is not in the range",
                       "tcp option maxseg size");
    if (search.found == Found::no)
      return inverted(answer(false), info.invert != 0);
    return inverted(test_number(call, octets.subspan(search.offset + 2, 2), info.min, info.max,
                                "tcp option maxseg size"),
                    info.invert != 0);
  });
}

MatchAnswer test_l2tp(const MatchCall& call) {
  if (call.transport.fragment_offset != 0)
    return answer(false);
  return undecided(call, "the L2TP header", "matches", "does not match");
}

} // namespace synfate::xt
