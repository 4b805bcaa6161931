#include <array>

#include "platform/linux/xtables/print_matches.h"

namespace synfate::xt {
namespace {

constexpr std::array<BitName, 12> address_types{{{1U << 0, "UNSPEC"},
                                                 {1U << 1, "UNICAST"},
                                                 {1U << 2, "LOCAL"},
                                                 {1U << 3, "BROADCAST"},
                                                 {1U << 4, "ANYCAST"},
                                                 {1U << 5, "MULTICAST"},
                                                 {1U << 6, "BLACKHOLE"},
                                                 {1U << 7, "UNREACHABLE"},
                                                 {1U << 8, "PROHIBIT"},
                                                 {1U << 9, "THROW"},
                                                 {1U << 10, "NAT"},
                                                 {1U << 11, "XRESOLVE"}}};

void print_types(std::string& out, std::string_view name, std::uint16_t types, bool inverted) {
  if (types == 0)
    return;
  option(out, inverted, name);
  append(out, " {}", bit_names(types, address_types));
}

void print_range(std::string& out, std::string_view name, bool inverted,
                 const wire::InetAddress& first, const wire::InetAddress& last, IpFamily family) {
  option(out, inverted, name);
  append(out, " {}-{}", address_of(first, family).to_string(),
         address_of(last, family).to_string());
}

void print_owner_range(std::string& out, bool inverted, std::string_view name, std::uint32_t first,
                       std::uint32_t last) {
  option(out, inverted, name);
  append(out, " {}", first);
  if (first != last)
    append(out, "-{}", last);
}

std::string tunnel_address(const wire::InetAddress& address, const wire::InetAddress& mask,
                           IpFamily family) {
  const std::size_t size = family == IpFamily::v4 ? 4 : 16;
  std::string text = masked_address(ByteView(address).first(size), ByteView(mask).first(size));
  const std::string_view full = family == IpFamily::v4 ? "/32" : "/128";
  if (text.ends_with(full))
    text.resize(text.size() - full.size());
  return text;
}

void print_policy_element(std::string& out, const wire::PolicyElement& element, IpFamily family) {
  const auto has = [&](unsigned bit) { return (element.match >> bit & 1) != 0; };
  const auto inverted = [&](unsigned bit) { return (element.invert >> bit & 1) != 0; };
  if (has(5)) {
    option(out, inverted(5), "--reqid");
    append(out, " {}", element.reqid);
  }
  if (has(4)) {
    option(out, inverted(4), "--spi");
    append(out, " 0x{:x}", element.spi);
  }
  if (has(2)) {
    option(out, inverted(2), "--proto");
    append(out, " {}", proto_name(element.proto));
  }
  if (has(3)) {
    option(out, inverted(3), "--mode");
    out += element.mode == 0 ? " transport" : " tunnel";
  }
  if (has(1)) {
    option(out, inverted(1), "--tunnel-dst");
    append(out, " {}", tunnel_address(element.destination, element.destination_mask, family));
  }
  if (has(0)) {
    option(out, inverted(0), "--tunnel-src");
    append(out, " {}", tunnel_address(element.source, element.source_mask, family));
  }
}

void print_cgroup_path(std::string& out, bool inverted, std::string_view path) {
  option(out, inverted, "--path");
  append(out, " {}", quoted(path));
}

void print_cgroup_id(std::string& out, bool inverted, std::uint32_t id) {
  option(out, inverted, "--cgroup");
  append(out, " {}", id);
}

void print_set_flags(std::string& out, std::uint32_t flags) {
  out += (flags & 0x80) != 0 ? " --return-nomatch" : "";
  out += (flags & 0x08) != 0 ? " ! --update-counters" : "";
  out += (flags & 0x10) != 0 ? " ! --update-subcounters" : "";
}

template <typename Counter>
void print_set_counter(std::string& out, std::string_view name, const Counter& counter) {
  switch (counter.operation) {
  case 1:
    append(out, " --{}-eq {}", name, std::uint64_t{counter.value});
    break;
  case 2:
    append(out, " ! --{}-eq {}", name, std::uint64_t{counter.value});
    break;
  case 3:
    append(out, " --{}-lt {}", name, std::uint64_t{counter.value});
    break;
  case 4:
    append(out, " --{}-gt {}", name, std::uint64_t{counter.value});
    break;
  default: // no counter is asked
    break;
  }
}

template <typename Match> void print_counted_set(std::string& out, const PrintCall& call) {
  const auto match = call.as<Match>();
  print_match_set(out, call, match.set);
  print_set_flags(out, match.flags);
  print_set_counter(out, "packets", match.packets);
  print_set_counter(out, "bytes", match.bytes);
}

} // namespace

std::string set_name(const PrintCall& call, std::uint16_t index) {
  const std::string name = call.names.set ? call.names.set(index) : std::string();
  return name.empty() ? fmt::format("[set {}]", index) : quoted_set(name);
}

std::string quoted_set(std::string_view name) {
  for (const char letter : name)
    if (letter <= ' ' || letter > '~' || letter == '"' || letter == '\\')
      return in_quotes(name);
  return std::string(name);
}

void print_set_directions(std::string& out, const wire::SetReference& set) {
  out += ' ';
  for (unsigned at = 1; at <= std::min<unsigned>(set.dimensions, 6); ++at)
    append(out, "{}{}", at == 1 ? "" : ",", (set.flags >> at & 1) != 0 ? "src" : "dst");
}

void print_match_set(std::string& out, const PrintCall& call, const wire::SetReference& set) {
  option(out, (set.flags & 1) != 0, "--match-set");
  append(out, " {}", set_name(call, set.index));
  print_set_directions(out, set);
}

wire::SetReference set_reference_of(const wire::SetReference0& old) {
  wire::SetReference set{old.index, 0, 0};
  for (unsigned at = 0; at < 6 && old.flags[at] != 0; ++at) {
    set.dimensions = static_cast<std::uint8_t>(at + 1);
    if ((old.flags[at] & 1) != 0) // IPSET_SRC
      set.flags = static_cast<std::uint8_t>(set.flags | 1U << (at + 1));
  }
  if ((old.flags[0] & 4) != 0) // IPSET_MATCH_INV
    set.flags |= 1;
  return set;
}

void print_addrtype0(std::string& out, const PrintCall& call) {
  const auto type = call.as<wire::Addrtype0>();
  print_types(out, "--src-type", type.source, type.invert_source != 0);
  print_types(out, "--dst-type", type.destination, type.invert_destination != 0);
}

void print_addrtype1(std::string& out, const PrintCall& call) {
  const auto type = call.as<wire::Addrtype1>();
  print_types(out, "--src-type", type.source, (type.flags & 1) != 0);
  print_types(out, "--dst-type", type.destination, (type.flags & 2) != 0);
  out += (type.flags & 4) != 0 ? " --limit-iface-in" : "";
  out += (type.flags & 8) != 0 ? " --limit-iface-out" : "";
}

void print_iprange(std::string& out, const PrintCall& call) {
  const auto range = call.as<wire::Iprange>();
  if ((range.flags & 0x01) != 0)
    print_range(out, "--src-range", (range.flags & 0x10) != 0, range.source_min, range.source_max,
                call.family);
  if ((range.flags & 0x02) != 0)
    print_range(out, "--dst-range", (range.flags & 0x20) != 0, range.destination_min,
                range.destination_max, call.family);
}

void print_rpfilter(std::string& out, const PrintCall& call) {
  const auto flags = call.as<wire::Rpfilter>().flags;
  out += (flags & 1) != 0 ? " --loose" : "";
  out += (flags & 2) != 0 ? " --validmark" : "";
  out += (flags & 4) != 0 ? " --accept-local" : "";
  out += (flags & 8) != 0 ? " --invert" : "";
}

void print_policy(std::string& out, const PrintCall& call) {
  const auto policy = call.as<wire::Policy>();
  out += (policy.flags & 1) != 0 ? " --dir in" : " --dir out";
  if ((policy.flags & 4) != 0) {
    out += " --pol none";
    return;
  }
  out += " --pol ipsec";
  out += (policy.flags & 8) != 0 ? " --strict" : "";
  for (unsigned at = 0; at < std::min<unsigned>(policy.length, 4); ++at) {
    out += at == 0 ? "" : " --next";
    print_policy_element(out, policy.elements[at], call.family);
  }
}

void print_owner(std::string& out, const PrintCall& call) {
  const auto owner = call.as<wire::Owner>();
  if ((owner.match & 4) != 0)
    option(out, (owner.invert & 4) != 0, "--socket-exists");
  if ((owner.match & 1) != 0)
    print_owner_range(out, (owner.invert & 1) != 0, "--uid-owner", owner.uid_min, owner.uid_max);
  if ((owner.match & 2) != 0)
    print_owner_range(out, (owner.invert & 2) != 0, "--gid-owner", owner.gid_min, owner.gid_max);
  out += (owner.match & 8) != 0 ? " --suppl-groups" : "";
}

void print_socket(std::string& out, const PrintCall& call) {
  const auto flags = call.as<wire::SocketMatch>().flags;
  out += (flags & 1) != 0 ? " --transparent" : "";
  out += (flags & 2) != 0 ? " --nowildcard" : "";
  out += (flags & 4) != 0 ? " --restore-skmark" : "";
}

void print_cgroup0(std::string& out, const PrintCall& call) {
  const auto cgroup = call.as<wire::Cgroup0>();
  print_cgroup_id(out, cgroup.invert != 0, cgroup.id);
}

void print_cgroup1(std::string& out, const PrintCall& call) {
  const auto cgroup = call.as<wire::Cgroup1>();
  if (cgroup.has_path != 0)
    print_cgroup_path(out, cgroup.invert_path != 0, text_of(cgroup.path));
  if (cgroup.has_classid != 0)
    print_cgroup_id(out, cgroup.invert_classid != 0, cgroup.classid);
}

void print_cgroup2(std::string& out, const PrintCall& call) {
  const auto cgroup = call.as<wire::Cgroup2>();
  std::uint32_t id = 0;
  std::memcpy(&id, cgroup.path, sizeof id);
  if (cgroup.has_path != 0)
    print_cgroup_path(out, cgroup.invert_path != 0, text_of(cgroup.path));
  if (cgroup.has_classid != 0)
    print_cgroup_id(out, cgroup.invert_classid != 0, id);
}

void print_set0(std::string& out, const PrintCall& call) {
  print_match_set(out, call, set_reference_of(call.as<wire::SetMatch0>().set));
}

void print_set1(std::string& out, const PrintCall& call) {
  const auto match = call.as<wire::SetMatch1>();
  print_match_set(out, call, match.set);
  print_set_flags(out, match.set.flags & 0x80U);
}

void print_set3(std::string& out, const PrintCall& call) {
  print_counted_set<wire::SetMatch3>(out, call);
}

void print_set4(std::string& out, const PrintCall& call) {
  print_counted_set<wire::SetMatch4>(out, call);
}

void print_osf(std::string& out, const PrintCall& call) {
  const auto osf = call.as<wire::Osf>();
  option(out, (osf.flags & 8) != 0, "--genre");
  append(out, " {}", quoted(text_of(osf.genre)));
  if ((osf.flags & 2) != 0)
    append(out, " --ttl {}", osf.ttl);
  if ((osf.flags & 4) != 0)
    append(out, " --log {}", osf.log_level);
}

void print_ipvs(std::string& out, const PrintCall& call) {
  const auto ipvs = call.as<wire::Ipvs>();
  if (ipvs.wanted == 1) {
    option(out, (ipvs.invert & 1) != 0, "--ipvs");
    return;
  }
  const auto number = [&](unsigned bit, std::string_view name, unsigned value) {
    if ((ipvs.wanted & bit) == 0)
      return;
    option(out, (ipvs.invert & bit) != 0, name);
    append(out, " {}", value);
  };
  number(0x02, "--vproto", ipvs.l4proto);
  if ((ipvs.wanted & 0x04) != 0) {
    option(out, (ipvs.invert & 0x04) != 0, "--vaddr");
    append(out, " {}", tunnel_address(ipvs.address, ipvs.mask, call.family));
  }
  number(0x08, "--vport", from_network(ipvs.port_be));
  if ((ipvs.wanted & 0x10) != 0)
    out += (ipvs.invert & 0x10) != 0 ? " --vdir REPLY" : " --vdir ORIGINAL";
  number(0x20, "--vmethod", ipvs.forward_method);
  number(0x40, "--vportctl", from_network(ipvs.control_port_be));
}

} // namespace synfate::xt
