// What expressions load into registers: bytes of the packet, metadata, conntrack, options.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/carried.h"
#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/netfilter/machine.h"
#include "platform/linux/netfilter/serving_sockets.h"

namespace synfate {
namespace {

constexpr std::uint8_t packet_multicast = 2;
constexpr std::uint8_t packet_broadcast = 1;
constexpr std::uint8_t packet_loopback = 5;

/// include/uapi/linux/netfilter/nf_conntrack_common.h: NF_CT_STATE_BIT() of enum ip_conntrack_info.
std::uint32_t state_bit(CtState state) {
  switch (state) {
  case CtState::none:
  case CtState::invalid:
    return 1;
  case CtState::established:
    return 2;
  case CtState::related:
    return 4;
  case CtState::fresh:
    return 8;
  case CtState::untracked:
    return 64;
  }
  return 1;
}

/// The Ethernet header is that of the frame it leaves in: __dev_queue_xmit(), br_dev_xmit().
bool has_new_header(const HookRequest& request) {
  const bool leaves = request.hook == Hook::output || request.hook == Hook::postrouting;
  return request.hook == Hook::egress || (request.family == HookFamily::bridge && leaves);
}

/// br_netfilter routed it, for NAT has changed its destination, before the bridge device takes it:
/// net/bridge/br_netfilter_hooks.c: br_nf_pre_routing_finish(), Linux 6.12.
bool routed_by_bridge(Hook hook, const PacketClass& packet) {
  return hook == Hook::ingress && packet.meta.in.kind.is("bridge") &&
         packet.meta.physical_in != 0 && (packet.ct.status & ct_status_destination_nat) != 0;
}

/// The skb has a valid route: not before routing, except on loopback, where the sender's stays.
bool has_route(Hook hook, const PacketClass& packet) {
  return (hook != Hook::prerouting && hook != Hook::ingress) || packet.meta.in.loopback ||
         routed_by_bridge(hook, packet);
}

} // namespace

void Machine::perform(const nft::Payload& load) {
  const auto& packet = this->packet();
  if (load.base == nft::PayloadBase::link) {
    const auto link = link_header(packet, has_new_header(request_));
    if (link.empty() || load.offset + load.length > link.size() + packet.network.size())
      return break_rule();
    std::vector<Octet> octets;
    for (std::size_t at = load.offset; at < load.offset + load.length; ++at)
      octets.push_back(at < link.size() ? link[at] : packet.network[at - link.size()]);
    return store(load.dreg, octets);
  }
  std::size_t offset = load.offset;
  if (load.base != nft::PayloadBase::network) {
    const auto info = transport_info(packet);
    if (!info.valid || info.fragment_offset != 0)
      return break_rule();
    offset += info.offset;
    if (load.base == nft::PayloadBase::tunnel)
      return break_rule();
    if (load.base == nft::PayloadBase::inner) {
      if (info.proto != 6 && info.proto != 17)
        return break_rule();
      offset += packet.network.size() - info.offset; // the headers end where the payload begins
    }
  }
  if (offset + load.length <= packet.network.size())
    return store(load.dreg, std::span(packet.network).subspan(offset, load.length));
  if (!reaches_payload(packet, offset, load.length))
    return break_rule();
  store_free(load.dreg, load.length);
  if (!packet.payload_length.known())
    undecided("the data is long enough for " + subject(), "the data is too short for " + subject());
}

void Machine::perform(const nft::PayloadSet& write) {
  const auto octets = value(write.sreg, write.length);
  std::size_t offset = write.offset;
  if (write.base == nft::PayloadBase::link) {
    if (link_header(packet(), has_new_header(request_)).empty())
      return break_rule();
    if (offset + octets.size() <= packet().link.size())
      std::ranges::copy(octets, change().link.begin() + static_cast<std::ptrdiff_t>(offset));
    return;
  }
  if (write.base != nft::PayloadBase::network) {
    const auto info = transport_info(packet());
    if (!info.valid || info.fragment_offset != 0 || write.base != nft::PayloadBase::transport)
      return break_rule();
    offset += info.offset;
  }
  if (offset + octets.size() <= packet().network.size())
    std::ranges::copy(octets, change().network.begin() + static_cast<std::ptrdiff_t>(offset));
  else if (!reaches_payload(packet(), offset, octets.size()))
    break_rule();
}

void Machine::perform(const nft::Meta& meta) {
  if (meta.set)
    set_meta(meta);
  else
    load_meta(meta);
}

/// net/netfilter/nft_meta.c: nft_meta_get_eval_ifname() and _kind().
void Machine::load_interface(const nft::Meta& meta) {
  using enum nft::MetaKey;
  const auto& in = packet().meta.in;
  const auto& out = packet().meta.out;
  const bool of_out = meta.key == oif || meta.key == oifname || meta.key == oiftype ||
                      meta.key == oifgroup || meta.key == oifkind;
  // iiftype is that of skb->dev: the way out once the packet has one
  const auto& device =
      meta.key == iiftype && !in.present() && request_.hook != Hook::output ? out : in;
  const auto& view = of_out ? out : device;
  if (meta.key == iif || meta.key == oif)
    return store_number(meta.reg, static_cast<std::uint64_t>(view.index), 4);
  if (meta.key == iifname || meta.key == oifname)
    return store_text(meta.reg, view.present() ? view.name : std::string());
  if (!view.present())
    return break_rule();
  if (meta.key == iifgroup || meta.key == oifgroup)
    return store_perhaps(meta.reg, view.group, 4);
  if (meta.key != iifkind && meta.key != oifkind)
    return store_perhaps(meta.reg, view.type, 2);
  if (!view.kind.known())
    return store_free(meta.reg, 16);
  if (view.kind.value().empty())
    return break_rule();
  store_text(meta.reg, view.kind.value());
}

/// net/bridge/netfilter/nft_meta_bridge.c: nft_meta_bridge_get_eval().
void Machine::load_bridge(const InterfaceView& port, nft::Slot slot) {
  if (request_.family != HookFamily::bridge || !port.present())
    return break_rule();
  store_text(slot, packet().meta.bridge);
}

void Machine::load_time(const nft::Meta& meta) {
  using enum nft::MetaKey;
  const auto& time = packet().meta.time_ms;
  const unsigned size = meta.key == time_ns ? 8 : meta.key == time_day ? 1 : 4;
  if (!time.known())
    return store_free(meta.reg, size);
  const Int seconds = time.value() / 1000;
  if (meta.key == time_ns)
    return store_number(meta.reg, static_cast<std::uint64_t>(time.value()) * 1000000U, 8);
  if (meta.key == time_hour)
    return store_number(meta.reg, static_cast<std::uint64_t>(seconds % 86400), 4);
  const auto& west = packet().meta.minutes_west;
  if (!west.known())
    return store_free(meta.reg, 1);
  const Int days = (seconds - west.value() * 60) / 86400;
  store_number(meta.reg, static_cast<std::uint64_t>((4 + days) % 7), 1);
}

void Machine::load_socket_owner(const nft::Meta& meta) {
  const auto& socket = packet().meta.socket;
  if (!socket.present && demultiplexed_early(request_, packet())) {
    undecided("a process holds the connection's socket", "no process has accepted the connection");
    return store_free(meta.reg, 4);
  }
  if (!socket.present)
    return break_rule();
  if (meta.key == nft::MetaKey::cgroup)
    return store_perhaps(meta.reg, socket.class_id, 4);
  if (!socket.has_file)
    return break_rule();
  store_perhaps(meta.reg, meta.key == nft::MetaKey::skuid ? socket.uid : socket.gid, 4);
}

/// net/netfilter/nft_meta.c: nft_meta_get_eval().
void Machine::load_meta(const nft::Meta& meta) {
  using enum nft::MetaKey;
  const auto& packet = this->packet();
  const auto& data = packet.meta;
  switch (meta.key) {
  case len: {
    auto length = packet_length(packet);
    if (length.known() && request_.hook == Hook::egress)
      length = length.value() + static_cast<std::uint32_t>(link_header(packet, true).size());
    return store_perhaps(meta.reg, length, 4);
  }
  case protocol: {
    const auto type = ethertype_of(packet);
    return store_bytes(meta.reg, {reinterpret_cast<const char*>(type.data()), type.size()});
  }
  case nfproto:
    return store_number(meta.reg, static_cast<std::uint64_t>(protocol_family()), 1);
  case l4proto: {
    const auto info = transport_info(packet);
    return info.valid ? store_number(meta.reg, info.proto, 1) : break_rule();
  }
  case priority:
    return store_perhaps(meta.reg, data.priority, 4);
  case mark:
    return store_perhaps(meta.reg, data.mark, 4);
  case secmark:
    return store_perhaps(meta.reg, data.secmark, 4);
  case iif:
  case oif:
  case iifname:
  case oifname:
  case iiftype:
  case oiftype:
  case iifgroup:
  case oifgroup:
  case iifkind:
  case oifkind:
  case iiftype_of_hook:
    return load_interface(meta);
  case skuid:
  case skgid:
  case cgroup:
    return load_socket_owner(meta);
  case rtclassid:
    return has_route(request_.hook, packet) ? store_perhaps(meta.reg, data.route_realm, 4)
                                            : break_rule();
  case pkttype:
    if (data.packet_type.is(packet_loopback)) {
      const auto to = destination_of(packet).address;
      const bool multicast = packet.family == IpFamily::v6 || to.first.is_multicast();
      return store_number(meta.reg, multicast ? packet_multicast : packet_broadcast, 1);
    }
    return store_perhaps(meta.reg, data.packet_type, 1);
  case cpu:
    return store_perhaps(meta.reg, data.cpu, 4);
  case prandom:
    return store_free(meta.reg, 4);
  case secpath:
    return store_perhaps(meta.reg, data.ipsec, 1);
  case time_ns:
  case time_day:
  case time_hour:
    return load_time(meta);
  case sdif:
  case sdifname:
    if (data.in.master_index.is(0) || !data.in.present())
      return meta.key == sdif ? store_number(meta.reg, 0, 4) : store_text(meta.reg, "");
    return store_free(meta.reg, meta.key == sdif ? 4 : 16);
  case bri_iifname:
  case bri_oifname:
    return load_bridge(meta.key == bri_iifname ? data.in : data.out, meta.reg);
  case bri_iifpvid:
  case bri_iifvproto:
  case bri_iifhwaddr:
    return request_.family == HookFamily::bridge ? store_free(meta.reg, 16) : break_rule();
  case nftrace:
  case bri_broute:
    return break_rule(); // these can be set only
  }
}

void Machine::set_meta(const nft::Meta& meta) {
  using enum nft::MetaKey;
  const auto number = known_number(meta.reg, meta.key == pkttype ? 1 : 4);
  const auto perhaps = [&](const char* what) {
    return number ? Perhaps<std::uint32_t>(static_cast<std::uint32_t>(*number))
                  : Perhaps<std::uint32_t>::unknown(fmt::format("{} set by {}", what, subject()));
  };
  if (meta.key == mark)
    change().meta.mark = perhaps("the mark");
  else if (meta.key == priority)
    change().meta.priority = perhaps("the priority");
  else if (meta.key == secmark)
    change().meta.secmark = perhaps("the security mark");
  else if (meta.key == pkttype && number && *number < 4)
    change().meta.packet_type = static_cast<std::uint8_t>(*number);
}

void Machine::perform(const nft::Ct& ct) {
  if (ct.set)
    set_ct(ct);
  else
    load_ct(ct);
}

/// net/netfilter/nft_ct.c: nft_ct_get_eval().
void Machine::load_ct(const nft::Ct& ct) {
  using enum nft::CtKey;
  const auto& view = packet().ct;
  if (request_.family == HookFamily::bridge)
    return unknown(fmt::format("{} asks for the connection tracking of a bridge", subject()));
  if (ct.key == state) // a template comes with IP_CT_NEW
    return store_number(ct.reg, state_bit(view.pattern ? CtState::fresh : view.state), 4);
  if (!is_tracked(view))
    return break_rule();
  switch (ct.key) {
  case state:
    return;
  case direction:
    return store_number(ct.reg, view.reply ? 1 : 0, 1);
  case status:
    return store_number(ct.reg, view.status, 4);
  case mark:
    return store_perhaps(ct.reg, view.mark, 4);
  case secmark:
    return store_perhaps(ct.reg, view.secmark, 4);
  case helper: // that of the master of an expected connection
    return view.state == CtState::related ? store_free(ct.reg, 16) : break_rule();
  case labels: {
    std::string bytes(view.labels.begin(), view.labels.end());
    bytes.resize(16, '\0');
    return store_bytes(ct.reg, bytes);
  }
  case l3protocol:
    return store_number(ct.reg, packet().family == IpFamily::v4 ? 2 : 10, 1);
  case protocol:
    return store_number(ct.reg, view.original.proto, 1);
  case zone:
    return store_perhaps(ct.reg, ct.reply ? view.zone.of(*ct.reply) : view.zone.id, 2);
  case expiration:
  case id:
    return store_free(ct.reg, 4);
  case pkts:
  case bytes:
  case avgpkt:
    return load_counter(ct);
  case eventmask:
    return break_rule();
  case src:
  case dst:
  case proto_src:
  case proto_dst:
  case src_ip:
  case dst_ip:
  case src_ip6:
  case dst_ip6:
    return load_tuple(ct);
  }
}

void Machine::load_tuple(const nft::Ct& ct) {
  using enum nft::CtKey;
  const auto& view = packet().ct;
  const bool v4 = packet().family == IpFamily::v4;
  if (((ct.key == src_ip || ct.key == dst_ip) && !v4) ||
      ((ct.key == src_ip6 || ct.key == dst_ip6) && v4))
    return break_rule();
  const CtTuple& tuple = ct.reply.value_or(false) ? view.answer : view.original;
  const bool source = ct.key == src || ct.key == src_ip || ct.key == src_ip6 || ct.key == proto_src;
  const Endpoint& end = source ? tuple.source : tuple.destination;
  if (ct.key == proto_src || ct.key == proto_dst)
    return store(ct.reg, octets_of(end.port));
  store(ct.reg, octets_of(end.address, packet().family));
}

/// Without accounting the kernel counts nothing and loads zero: nft_ct_get_eval().
void Machine::load_counter(const nft::Ct& ct) {
  const auto counting = accounting(context_, request_.netns);
  if (counting == Accounting::off)
    return store_number(ct.reg, 0, 8);
  const auto what = ct.key == nft::CtKey::pkts    ? Carried::packets
                    : ct.key == nft::CtKey::bytes ? Carried::bytes
                                                  : Carried::average;
  const auto number = carried(request_, packet(), what, ct.reply);
  if (counting == Accounting::on && number)
    return store_number(ct.reg, *number, 8);
  store_free(ct.reg, 8);
}

/// net/netfilter/nft_ct.c: nft_ct_set_zone_eval(). Also what is not tracked gets a template.
void Machine::set_zone(const nft::Ct& ct) {
  if (is_tracked(packet().ct) || packet().ct.pattern)
    return;
  const auto number = known_number(ct.reg, 2);
  const auto id = number ? Perhaps<std::uint16_t>(static_cast<std::uint16_t>(*number))
                         : Perhaps<std::uint16_t>::unknown("the zone set by " + subject());
  give_template(change(), {id, !ct.reply || !*ct.reply, !ct.reply || *ct.reply, false});
}

void Machine::set_ct(const nft::Ct& ct) {
  using enum nft::CtKey;
  const auto& view = packet().ct;
  if (ct.key == zone)
    return set_zone(ct);
  if (!is_tracked(view))
    return;
  if (ct.key == labels) {
    std::vector<std::uint8_t> bytes;
    for (const auto& octet : value(ct.reg, 16))
      bytes.push_back(octet.value);
    change().ct.labels = std::move(bytes);
    return;
  }
  const auto number = known_number(ct.reg, 4);
  const auto perhaps = number ? Perhaps<std::uint32_t>(static_cast<std::uint32_t>(*number))
                              : Perhaps<std::uint32_t>::unknown("what " + subject() + " set");
  if (ct.key == mark)
    change().ct.mark = perhaps;
  else if (ct.key == secmark)
    change().ct.secmark = perhaps;
}

void Machine::perform(const nft::Rt& rt) {
  using enum nft::RtKey;
  const bool v4 = packet().family == IpFamily::v4;
  if (!has_route(request_.hook, packet()) || (rt.key == nexthop4 && !v4) ||
      (rt.key == nexthop6 && v4))
    return break_rule();
  switch (rt.key) {
  case classid:
    return store_perhaps(rt.dreg, packet().meta.route_realm, 4);
  case nexthop4:
    return store_free(rt.dreg, 4);
  case nexthop6:
    return store_free(rt.dreg, 16);
  case tcpmss:
    return store_free(rt.dreg, 2);
  case xfrm:
    return store_perhaps(rt.dreg, packet().meta.ipsec, 1);
  }
}

/// Where a TCP option begins, from the network header. net/netfilter/nft_exthdr.c: optlen().
std::optional<std::size_t> Machine::find_tcp_option(std::uint8_t type, bool& unknown_layout) const {
  const auto info = transport_info(packet());
  const auto& bytes = packet().network;
  const std::size_t end = std::min<std::size_t>(bytes.size(), info.offset + 60U);
  for (std::size_t at = info.offset + 20U; at + 1 < end;) {
    if (!bytes[at].is_known()) {
      unknown_layout = true;
      return std::nullopt;
    }
    if (bytes[at].value == type)
      return at;
    const bool single = bytes[at].value <= 1;
    if (!single && !bytes[at + 1].is_known()) {
      unknown_layout = true;
      return std::nullopt;
    }
    at += single || bytes[at + 1].value == 0 ? 1U : bytes[at + 1].value;
  }
  return std::nullopt;
}

void Machine::found_header(const nft::Exthdr& header, std::optional<std::size_t> offset) {
  if (header.present)
    return store_number(header.dreg, offset ? 1 : 0, 1);
  const auto& bytes = packet().network;
  if (!offset || *offset + header.offset + header.length > bytes.size())
    return break_rule();
  store(header.dreg, std::span(bytes).subspan(*offset + header.offset, header.length));
}

void Machine::tcp_option(const nft::Exthdr& header) {
  const auto info = transport_info(packet());
  if (!info.valid || info.proto != 6 || info.fragment_offset != 0) {
    if (header.present && header.dreg != nft::no_slot)
      return store_number(header.dreg, 0, 1);
    return break_rule();
  }
  bool unknown_layout = false;
  const auto at = find_tcp_option(header.type, unknown_layout);
  if (header.dreg != nft::no_slot) {
    if (unknown_layout)
      return store_free(header.dreg, header.present ? 1 : header.length);
    if (at && !header.present && packet().network[*at + 1].is_known() &&
        header.offset + header.length > packet().network[*at + 1].value)
      return break_rule();
    return found_header(header, at);
  }
  if (!at) // nothing to write or to remove: the rule goes on
    return;
  const std::size_t begin = *at + (header.sreg == nft::no_slot ? 0 : header.offset);
  const std::size_t size =
      header.sreg == nft::no_slot ? packet().network[*at + 1].value : header.length;
  auto& bytes = change().network;
  for (std::size_t place = begin; place < std::min(begin + size, bytes.size()); ++place)
    bytes[place] = header.sreg == nft::no_slot ? Octet::of(1) : Octet::any();
}

void Machine::perform(const nft::Exthdr& header) {
  switch (header.op) {
  case nft::ExthdrOp::tcp_option:
    return tcp_option(header);
  case nft::ExthdrOp::ipv4_option: // a Linux client sends none
    if (packet().family != IpFamily::v4)
      return break_rule();
    return found_header(header, std::nullopt);
  case nft::ExthdrOp::ipv6: { // nor extension headers
    if (packet().family != IpFamily::v6)
      return break_rule();
    return found_header(header, std::nullopt);
  }
  case nft::ExthdrOp::sctp_chunk:
  case nft::ExthdrOp::dccp_option:
    return header.present ? store_number(header.dreg, 0, 1) : break_rule();
  }
}

void Machine::perform(const nft::Xfrm& xfrm) {
  if (packet().meta.ipsec.is(false))
    return break_rule();
  store_free(xfrm.dreg, 16);
}

void Machine::perform(const nft::Tunnel& tunnel) {
  // no metadata of a collecting tunnel on packets of a physical or veth interface
  if (tunnel.key == 0)
    return store_number(tunnel.dreg, 0, 1);
  break_rule();
}

void Machine::perform(const nft::Inner& inner) {
  if (packet().payload_length.is(0))
    return break_rule();
  if (!inner.expression.empty())
    if (const auto* load = std::get_if<nft::Payload>(&inner.expression.front().operation))
      store_free(load->dreg, load->length);
  undecided("the data is a tunnel's packet", "the data is no tunnel's packet");
}

void Machine::perform(const nft::Osf& osf) {
  const auto info = transport_info(packet());
  const auto& bytes = packet().network;
  const bool syn = info.valid && info.proto == 6 && info.offset + 13U < bytes.size() &&
                   (bytes[info.offset + 13U].value & 0x02) != 0;
  if (packet().family != IpFamily::v4 || !syn)
    return break_rule();
  store_free(osf.dreg, 16);
}

/// One of `modulus` numbers, each a class of its own where they are few.
void Machine::choose(nft::Slot slot, std::uint32_t modulus, std::uint32_t offset,
                     const std::string& what) {
  constexpr std::uint32_t most = 64;
  if (modulus > most || speculative_)
    return store_free(slot, 4);
  const Culprit by = culprit();
  const PacketPointer whole = thread_.packet;
  for (std::uint32_t number = modulus; number-- > 0;) {
    auto part = std::make_shared<PacketClass>(*whole);
    if (modulus > 1)
      part->conditions.push_back(
          {fmt::format("{} mod {} gives {} (one in {})", what, modulus, number, modulus), by, {}});
    store_number(slot, number + offset, 4);
    if (number == 0)
      thread_.packet = std::move(part);
    else
      fork(std::move(part));
  }
}

void Machine::perform(const nft::Numgen& numgen) {
  choose(numgen.dreg, numgen.modulus, numgen.offset,
         numgen.random ? "numgen random" : "numgen inc");
}

void Machine::perform(const nft::Hash& hash) {
  choose(hash.dreg, hash.modulus, hash.offset, hash.symmetric ? "symhash" : "jhash");
}

} // namespace synfate
