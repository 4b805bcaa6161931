#include "platform/linux/xtables/nat_range.h"
#include "platform/linux/xtables/print_targets.h"

namespace synfate::xt {
namespace {

void print_ports(std::string& out, const NatRange& range) {
  append(out, "{}", range.port_min);
  if (range.port_min != range.port_max)
    append(out, "-{}", range.port_max);
  if ((range.flags & nat_port_offset) != 0)
    append(out, "/{}", range.port_base);
}

void print_addresses(std::string& out, const NatRange& range) {
  append(out, "{}", range.min.to_string());
  if (range.min != range.max)
    append(out, "-{}", range.max.to_string());
}

void print_flags(std::string& out, const NatRange& range) {
  out += (range.flags & nat_random) != 0 ? " --random" : "";
  out += (range.flags & nat_random_fully) != 0 ? " --random-fully" : "";
  out += (range.flags & nat_persistent) != 0 ? " --persistent" : "";
}

void print_destination(std::string& out, const NatRange& range, std::string_view name) {
  append(out, " {} ", name);
  const bool has_ports = (range.flags & nat_ports) != 0;
  if ((range.flags & nat_addresses) != 0) {
    const bool brackets = has_ports && range.min.is_v6();
    out += brackets ? "[" : "";
    print_addresses(out, range);
    out += brackets ? "]" : "";
  }
  if (has_ports) {
    out += ':';
    print_ports(out, range);
  }
  print_flags(out, range);
}

void print_to_ports(std::string& out, const NatRange& range) {
  if ((range.flags & nat_ports) != 0) {
    out += " --to-ports ";
    print_ports(out, range);
  }
  print_flags(out, range);
}

} // namespace

void print_dnat(std::string& out, const PrintCall& call) {
  print_destination(
      out, nat_range_of(call.info, nat_layout("DNAT", call.revision, call.family), call.family),
      "--to-destination");
}

void print_snat(std::string& out, const PrintCall& call) {
  print_destination(
      out, nat_range_of(call.info, nat_layout("SNAT", call.revision, call.family), call.family),
      "--to-source");
}

void print_masquerade(std::string& out, const PrintCall& call) {
  print_to_ports(out, nat_range_of(call.info, nat_layout("MASQUERADE", call.revision, call.family),
                                   call.family));
}

void print_redirect(std::string& out, const PrintCall& call) {
  print_to_ports(out, nat_range_of(call.info, nat_layout("REDIRECT", call.revision, call.family),
                                   call.family));
}

void print_netmap(std::string& out, const PrintCall& call) {
  const NatRange range =
      nat_range_of(call.info, nat_layout("NETMAP", call.revision, call.family), call.family);
  std::vector<std::byte> mask;
  for (std::size_t at = 0; at < range.min.bytes().size(); ++at)
    mask.push_back(~(range.min.bytes()[at] ^ range.max.bytes()[at]));
  append(out, " --to {}", masked_address(range.min.bytes(), mask));
}

void print_tproxy0(std::string& out, const PrintCall& call) {
  const auto proxy = call.as<wire::Tproxy0>();
  append(out, " --on-port {} --on-ip {} --tproxy-mark 0x{:x}/0x{:x}", from_network(proxy.port_be),
         address_of(proxy.address).to_string(), proxy.mark_value, proxy.mark_mask);
}

void print_tproxy1(std::string& out, const PrintCall& call) {
  const auto proxy = call.as<wire::Tproxy1>();
  append(out, " --on-port {} --on-ip {} --tproxy-mark 0x{:x}/0x{:x}", from_network(proxy.port_be),
         address_of(proxy.address, call.family).to_string(), proxy.mark_value, proxy.mark_mask);
}

void print_npt(std::string& out, const PrintCall& call) {
  const auto npt = call.as<wire::Npt>();
  append(out, " --src-pfx {}/{} --dst-pfx {}/{}", address_of(npt.source, IpFamily::v6).to_string(),
         npt.source_length, address_of(npt.destination, IpFamily::v6).to_string(),
         npt.destination_length);
}

} // namespace synfate::xt
