#include "platform/linux/xtables/print_matches.h"

#include <array>

namespace synfate::xt {
namespace {

constexpr std::array<BitName, 6> tcp_flags{
    {{1, "FIN"}, {2, "SYN"}, {4, "RST"}, {8, "PSH"}, {16, "ACK"}, {32, "URG"}}};

std::string tcp_flag_names(std::uint8_t flags) {
  const std::string names = bit_names(flags, tcp_flags);
  return names.empty() ? "NONE" : names;
}

void print_ports(std::string& out, std::string_view name, const std::uint16_t (&ports)[2],
                 bool inverted) {
  if (ports[0] != 0 || ports[1] != 0xffff || inverted)
    ranged(out, inverted, name, ports[0], ports[1]);
}

void print_spi(std::string& out, std::string_view name, const std::uint32_t (&spi)[2],
               bool inverted) {
  if (spi[0] != 0 || spi[1] != 0xffffffff || inverted)
    ranged(out, inverted, name, spi[0], spi[1]);
}

void print_port_list(std::string& out, std::uint8_t mode, bool inverted) {
  option(out, inverted, mode == 0 ? "--sports" : mode == 1 ? "--dports" : "--ports");
  out += ' ';
}

void print_icmp_type(std::string& out, const PrintCall& call, std::string_view name) {
  const auto icmp = call.as<wire::Icmp>();
  option(out, (icmp.invert & 1) != 0, name);
  if (icmp.type == 0xff) {
    out += " any";
    return;
  }
  append(out, " {}", icmp.type);
  if (icmp.code[0] == icmp.code[1])
    append(out, "/{}", icmp.code[0]);
  else if (icmp.code[0] != 0 || icmp.code[1] != 0xff)
    append(out, "/{}-{}", icmp.code[0], icmp.code[1]);
}

constexpr std::array<std::string_view, 15> sctp_chunks{
    "DATA",          "INIT",       "INIT_ACK", "SACK",         "HEARTBEAT",
    "HEARTBEAT_ACK", "ABORT",      "SHUTDOWN", "SHUTDOWN_ACK", "ERROR",
    "COOKIE_ECHO",   "COOKIE_ACK", "ECN_ECNE", "ECN_CWR",      "SHUTDOWN_COMPLETE"};

std::string sctp_chunk_name(unsigned type) {
  if (type < sctp_chunks.size())
    return std::string(sctp_chunks[type]);
  constexpr std::array<std::pair<unsigned, std::string_view>, 7> others{{{0x40, "I_DATA"},
                                                                         {0x80, "ASCONF_ACK"},
                                                                         {0x82, "RE_CONFIG"},
                                                                         {0x84, "PAD"},
                                                                         {0xc0, "FORWARD_TSN"},
                                                                         {0xc1, "ASCONF"},
                                                                         {0xc2, "I_FORWARD_TSN"}}};
  for (const auto& [number, name] : others)
    if (number == type)
      return std::string(name);
  return fmt::format("0x{:02x}", type);
}

/// ":Be": a capital letter for a flag that must be set, a small one for one that must not.
void print_chunk_flags(std::string& out, const wire::Sctp& sctp, unsigned type) {
  const std::string_view letters = type == 0 ? "----IUBE" : "-------T";
  for (int at = 0; at < std::min(sctp.flag_count, 4); ++at) {
    const auto& flag = sctp.flag_info[at];
    if (flag.chunk_type != type || flag.mask == 0)
      continue;
    out += ':';
    for (int bit = 7; bit >= 0; --bit)
      if ((flag.mask >> bit & 1) != 0) {
        const char letter = letters[static_cast<std::size_t>(7 - bit)];
        const bool small = (flag.flag >> bit & 1) == 0 && letter != '-';
        out += small ? static_cast<char>(letter - 'A' + 'a') : letter;
      }
  }
}

void print_chunks(std::string& out, const wire::Sctp& sctp) {
  option(out, (sctp.invert & 4) != 0, "--chunk-types");
  out += sctp.chunk_match == 1 ? " any " : sctp.chunk_match == 2 ? " all " : " only ";
  bool first = true;
  std::size_t count = 0;
  for (unsigned type = 0; type < 256; ++type)
    count += sctp.chunk_map[type / 32] >> type % 32 & 1U;
  if (count == 0 || count == 256) {
    out += count == 0 ? "NONE" : "ALL";
    return;
  }
  for (unsigned type = 0; type < 256; ++type) {
    if ((sctp.chunk_map[type / 32] >> type % 32 & 1U) == 0)
      continue;
    append(out, "{}{}", first ? "" : ",", sctp_chunk_name(type));
    first = false;
    print_chunk_flags(out, sctp, type);
  }
}

constexpr std::array<BitName, 11> dccp_types{{{1, "REQUEST"},
                                              {2, "RESPONSE"},
                                              {4, "DATA"},
                                              {8, "ACK"},
                                              {16, "DATAACK"},
                                              {32, "CLOSEREQ"},
                                              {64, "CLOSE"},
                                              {128, "RESET"},
                                              {256, "SYNC"},
                                              {512, "SYNCACK"},
                                              {1024, "INVALID"}}};

} // namespace

void print_tcp(std::string& out, const PrintCall& call) {
  const auto tcp = call.as<wire::Tcp>();
  print_ports(out, "--sport", tcp.source, (tcp.invert & 1) != 0);
  print_ports(out, "--dport", tcp.destination, (tcp.invert & 2) != 0);
  if (tcp.option != 0 || (tcp.invert & 8) != 0) {
    option(out, (tcp.invert & 8) != 0, "--tcp-option");
    append(out, " {}", tcp.option);
  }
  if (tcp.flag_mask != 0 || (tcp.invert & 4) != 0) {
    option(out, (tcp.invert & 4) != 0, "--tcp-flags");
    append(out, " {} {}", tcp_flag_names(tcp.flag_mask), tcp_flag_names(tcp.flag_compare));
  }
}

void print_udp(std::string& out, const PrintCall& call) {
  const auto udp = call.as<wire::Udp>();
  print_ports(out, "--sport", udp.source, (udp.invert & 1) != 0);
  print_ports(out, "--dport", udp.destination, (udp.invert & 2) != 0);
}

void print_icmp(std::string& out, const PrintCall& call) {
  print_icmp_type(out, call, "--icmp-type");
}

void print_icmp6(std::string& out, const PrintCall& call) {
  print_icmp_type(out, call, "--icmpv6-type");
}

void print_multiport0(std::string& out, const PrintCall& call) {
  const auto ports = call.as<wire::Multiport0>();
  print_port_list(out, ports.mode, false);
  for (unsigned at = 0; at < std::min<unsigned>(ports.count, 15); ++at)
    append(out, "{}{}", at == 0 ? "" : ",", ports.ports[at]);
}

void print_multiport1(std::string& out, const PrintCall& call) {
  const auto ports = call.as<wire::Multiport1>();
  print_port_list(out, ports.mode, ports.invert != 0);
  for (unsigned at = 0; at < std::min<unsigned>(ports.count, 15); ++at) {
    append(out, "{}{}", at == 0 ? "" : ",", ports.ports[at]);
    if (ports.range[at] != 0 && at + 1 < 15) {
      append(out, ":{}", ports.ports[at + 1]);
      ++at;
    }
  }
}

void print_sctp(std::string& out, const PrintCall& call) {
  const auto sctp = call.as<wire::Sctp>();
  if ((sctp.flags & 1) != 0)
    ranged(out, (sctp.invert & 1) != 0, "--sport", sctp.source[0], sctp.source[1]);
  if ((sctp.flags & 2) != 0)
    ranged(out, (sctp.invert & 2) != 0, "--dport", sctp.destination[0], sctp.destination[1]);
  if ((sctp.flags & 4) != 0)
    print_chunks(out, sctp);
}

void print_dccp(std::string& out, const PrintCall& call) {
  const auto dccp = call.as<wire::Dccp>();
  if ((dccp.flags & 1) != 0)
    ranged(out, (dccp.invert & 1) != 0, "--sport", dccp.source[0], dccp.source[1]);
  if ((dccp.flags & 2) != 0)
    ranged(out, (dccp.invert & 2) != 0, "--dport", dccp.destination[0], dccp.destination[1]);
  if ((dccp.flags & 4) != 0) {
    option(out, (dccp.invert & 4) != 0, "--dccp-types");
    append(out, " {}", bit_names(dccp.type_mask, dccp_types));
  }
  if ((dccp.flags & 8) != 0) {
    option(out, (dccp.invert & 8) != 0, "--dccp-option");
    append(out, " {}", dccp.option);
  }
}

void print_esp(std::string& out, const PrintCall& call) {
  const auto esp = call.as<wire::Esp>();
  print_spi(out, "--espspi", esp.spi, (esp.invert & 1) != 0);
}

void print_ah(std::string& out, const PrintCall& call) {
  const auto ah = call.as<wire::Esp>();
  print_spi(out, "--ahspi", ah.spi, (ah.invert & 1) != 0);
}

void print_ipcomp(std::string& out, const PrintCall& call) {
  const auto ipcomp = call.as<wire::Ipcomp>();
  print_spi(out, "--ipcompspi", ipcomp.spi, (ipcomp.invert & 1) != 0);
  if (ipcomp.reserved != 0)
    out += " --compres";
}

void print_tcpmss(std::string& out, const PrintCall& call) {
  const auto mss = call.as<wire::Tcpmss>();
  ranged(out, mss.invert != 0, "--mss", mss.min, mss.max);
}

void print_l2tp(std::string& out, const PrintCall& call) {
  const auto l2tp = call.as<wire::L2tp>();
  if ((l2tp.flags & 1) != 0)
    append(out, " --tid {}", l2tp.tunnel);
  if ((l2tp.flags & 2) != 0)
    append(out, " --sid {}", l2tp.session);
  if ((l2tp.flags & 4) != 0)
    append(out, " --pversion {}", l2tp.version);
  if ((l2tp.flags & 8) != 0)
    append(out, " --type {}", l2tp.type == 0 ? "control" : "data");
}

} // namespace synfate::xt
