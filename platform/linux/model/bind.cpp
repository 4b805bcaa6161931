// net/socket.c: __sys_bind(), __sys_listen(); the checks are those of bind_address.h, then those of
// bind_conflict.h; Linux 6.12.
#include "platform/linux/model/bind.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/bind_address.h"
#include "platform/linux/model/bind_conflict.h"
#include "platform/linux/model/client_ports.h"
#include "platform/linux/programs/tables.h"

namespace synfate {
namespace {

constexpr Stage where = Stage::client; // bind() is the caller's own kernel
constexpr std::size_t most_told = 64;  // of sockets in the way: a busy port has thousands

Flow bind_flow(const Target& target, const BindRequest& request, const IpAddress& address) {
  Flow flow;
  flow.proto = target.proto;
  flow.local = true;
  flow.from = address;
  flow.from_interface = request.flags.interface;
  flow.name = "bind";
  flow.to = address;
  flow.port = target.port;
  flow.identity = request.identity;
  flow.bind = request.flags;
  return flow;
}

void deny(Fate& fate, std::string error, Culprit culprit, std::string note) {
  fate.blockers.push_back({where, culprit});
  if (fate.outcome == Outcome::denied)
    return;
  fate.outcome = Outcome::denied;
  fate.error = std::move(error);
  fate.stopped_at = where;
  fate.culprit = culprit;
  fate.path.push_back({.packet = Packet::syn,
                       .stage = where,
                       .chain = {},
                       .priority = {},
                       .verdict = Verdict::stop,
                       .by = std::move(culprit),
                       .note = std::move(note),
                       .carried = {}});
}

std::string state_words(const Socket& socket) {
  const std::string state = socket.state.value_or("");
  std::string words = state == "listen"        ? "listening"
                      : state == "bound"       ? "bound, not listening"
                      : state == "time_wait"   ? "a closed connection (TIME_WAIT)"
                      : state == "unconnected" ? "bound"
                      : state == "established" && socket.proto.is("udp")
                          ? "connected"
                          : "a connection (" + state + ")";
  if (socket.remote_address.known() && !socket.remote_address.value().is_unspecified())
    words += fmt::format(" with {} port {}", socket.remote_address.value().to_string(),
                         socket.remote_port.value_or(0));
  if (socket.interface.known())
    words += " on " + socket.interface.value();
  return words;
}

/// What bind() does if the flags of the other socket are as most programs set them.
bool probably_in_the_way(const Socket& holder, Clash clash, std::span<const Socket> sockets,
                         Int first_ephemeral, Int last_ephemeral) {
  if (clash == Clash::certain || clash == Clash::likely || clash == Clash::perhaps)
    return true;
  if (clash == Clash::unless_reuse_port) // two listeners of one address can only share it
    return std::ranges::count_if(sockets, [&](const Socket& other) {
             return other.state == holder.state && other.local_address == holder.local_address &&
                    other.interface_index == holder.interface_index &&
                    !other.remote_address.known();
           }) < 2;
  const auto in_range = [&](const Fact<Int>& port) {
    return port.known() && port.value() >= first_ephemeral && port.value() <= last_ephemeral;
  };
  // Servers set SO_REUSEADDR, and what they accept inherits it; clients do not.
  return in_range(holder.local_port) && holder.remote_port.known() &&
         !in_range(holder.remote_port) && holder.remote_port.value_or(0) != 0;
}

std::string flag_words(Clash clash) {
  switch (clash) {
  case Clash::unless_reuse_address:
    return "SO_REUSEADDR";
  case Clash::unless_reuse_port:
    return "SO_REUSEPORT";
  case Clash::unless_either:
    return "SO_REUSEADDR or SO_REUSEPORT";
  case Clash::none:
  case Clash::certain:
  case Clash::likely:
  case Clash::perhaps:
    break;
  }
  return {};
}

std::string alternative_words(const Socket& holder, Clash clash, bool in_the_way) {
  const std::string flags = flag_words(clash);
  const std::string who = fmt::format("{} ({})", socket_id(holder), state_words(holder));
  if (flags.empty())
    return clash == Clash::perhaps ? who + " does not serve IPv4 or this interface"
                                   : "the port was shared before in a way that lets this socket in";
  return in_the_way ? fmt::format("{} was opened with {}", who, flags)
                    : fmt::format("{} was opened without {}", who, flags);
}

/// Sockets of one address and state read alike: one line stands for all of them.
bool is_told(const Fate& fate, const Alternative& other) {
  return std::ranges::any_of(fate.alternatives, [&](const Alternative& told) {
    return told.outcome == other.outcome && told.when == other.when;
  });
}

/// TCP keeps one bucket per port and VRF; sockets of another VRF are no neighbours.
std::vector<Socket> sockets_of_port(Inquiry& inquiry, const BindQuestion& question,
                                    const std::vector<Interface>& interfaces) {
  const BindClaim& claim = question.claim;
  auto sockets = inquiry.rows<Socket>({{"netns", question.netns},
                                       {"proto", std::string(to_string(claim.proto))},
                                       {"local_port", Int{claim.port}}});
  const bool apart =
      claim.proto == Proto::tcp &&
      std::ranges::any_of(interfaces, [](const Interface& one) { return one.kind.is("vrf"); });
  if (apart && ask_number(inquiry, question.netns, "net.ipv4.tcp_l3mdev_accept").value_or(0) == 0)
    std::erase_if(sockets, [&](const Socket& socket) {
      return l3_domain_of(interfaces, socket.interface_index.value_or(0)) != claim.l3_domain;
    });
  return sockets;
}

void apply_holders(Inquiry& inquiry, const BindQuestion& question,
                   const std::vector<Interface>& interfaces, Fate& fate) {
  const auto sockets = sockets_of_port(inquiry, question, interfaces);
  const bool incomplete = inquiry.incomplete();
  const auto range = ask_ephemeral_range(inquiry, question.netns);
  if (inquiry.pending())
    return;
  bool certainly_taken = false;
  bool open_question = incomplete;
  const bool free_so_far = fate.outcome != Outcome::denied;
  for (const auto& [at, clash] : holders_in_the_way(question.claim, sockets)) {
    const Socket& holder = sockets[at];
    const bool taken = probably_in_the_way(holder, clash, sockets, range.first, range.last);
    if (fate.evidence.size() < most_told)
      add_evidence(inquiry, fate.evidence, holder);
    if (taken && fate.blockers.size() < most_told)
      deny(fate, "EADDRINUSE", socket_culprit(holder, state_words(holder)), state_words(holder));
    certainly_taken = certainly_taken || clash == Clash::certain;
    if (certainly_taken)
      continue;
    open_question = true;
    Alternative other{taken ? Outcome::open : Outcome::denied, Icmp::none, where,
                      socket_culprit(holder), alternative_words(holder, clash, taken)};
    if (fate.alternatives.size() < most_told && !is_told(fate, other))
      fate.alternatives.push_back(std::move(other));
  }
  if (certainly_taken || !free_so_far)
    fate.alternatives.clear();
  else if (open_question)
    fate.certainty = std::max(fate.certainty, Certainty::likely);
}

/// The first refusal decides; how sure it is depends on it alone.
void apply_refusals(const std::vector<BindRefusal>& refusals, Fate& fate) {
  for (const auto& refusal : refusals) {
    if (fate.outcome != Outcome::denied)
      fate.certainty = refusal.certainty;
    deny(fate, refusal.error, refusal.culprit, refusal.note);
  }
}

/// Only a socket that could not be read at all leaves the answer open.
bool sockets_unread(const Inquiry& inquiry, Proto proto) {
  const std::string gap = fmt::format("sockets.{}", to_string(proto));
  return std::ranges::find(inquiry.gaps(), gap) != inquiry.gaps().end() ||
         std::ranges::find(inquiry.gaps(), "not-recorded.socket") != inquiry.gaps().end();
}

std::optional<Int> index_of_device(const std::vector<Interface>& interfaces,
                                   const std::string& name) {
  for (const auto& interface : interfaces)
    if (interface.name.is(name))
      return interface.index.value_or(0);
  return std::nullopt;
}

/// False if the socket cannot even be made, or bound to its interface.
bool prepare(Inquiry& inquiry, const BindRequest& request, BindQuestion& question, Fate& fate,
             const std::vector<Interface>& interfaces) {
  if (question.claim.address.is_v6()) {
    const auto v6only = ask_number(inquiry, question.netns, "net.ipv6.bindv6only");
    if (!v6only && !inquiry.incomplete() && !inquiry.pending()) {
      deny(fate, "EAFNOSUPPORT", {"sysctl", "net.ipv6", "this kernel runs without IPv6"},
           "there is no IPv6 here");
      return false;
    }
    question.claim.v6only = request.flags.v6only || v6only.value_or(0) != 0;
  }
  if (request.flags.interface.empty())
    return true;
  const auto index = index_of_device(interfaces, request.flags.interface);
  if (!index && !inquiry.pending()) {
    deny(fate, "ENODEV",
         {"interface", id_part(request.flags.interface), "there is no interface of this name"},
         "SO_BINDTODEVICE fails");
    return false;
  }
  question.claim.interface_index = index.value_or(0);
  question.claim.l3_domain = l3_domain_of(interfaces, question.claim.interface_index);
  return true;
}

/// What a program of the caller's cgroup decides cannot be read (net/ipv4/af_inet.c: inet_create(),
/// inet_bind_sk(), __inet_bind()); it is taken to allow the call.
void pass_programs(Inquiry& inquiry, const IpAddress& address, Fate& fate) {
  const std::string family = address.is_v6() ? "6" : "4";
  for (const auto& row : inquiry.rows<CgroupProgram>({{"cgroup_id", Int{0}}})) {
    const std::string point = row.point.value_or("");
    if (point != "create" && point != "bind" + family && point != "post_bind" + family)
      continue;
    fate.certainty = std::max(fate.certainty, Certainty::likely);
    fate.assumptions.push_back(
        fmt::format("the {} program {} of this cgroup lets it", point, row.program.value_or(0)));
  }
}

Fate attempt(Inquiry& inquiry, const Target& target, const BindRequest& request,
             const IpAddress& address) {
  Fate fate;
  fate.outcome = Outcome::open;
  fate.final_address = address;
  fate.final_port = target.port;
  BindQuestion question;
  question.netns = inquiry.snapshot().host().netns;
  fate.final_netns = question.netns;
  question.claim.proto = target.proto;
  question.claim.address = address;
  question.claim.port = target.port;
  question.claim.reuse_address = request.flags.reuse_address;
  question.claim.reuse_port = request.flags.reuse_port;
  question.zone = target.zone;
  question.identity = request.identity;
  const auto interfaces = ask_interfaces(inquiry, question.netns);
  if (!prepare(inquiry, request, question, fate, interfaces))
    return fate;
  const auto user = binding_user(inquiry, question);
  question.claim.uid = user.value_or(0);
  apply_refusals(address_and_port_refusals(inquiry, question), fate);
  apply_holders(inquiry, question, interfaces, fate);
  if (!user && request.flags.reuse_port)
    fate.certainty = std::max(fate.certainty, Certainty::likely);
  if (fate.outcome == Outcome::open)
    pass_programs(inquiry, address, fate);
  if (fate.outcome == Outcome::open && sockets_unread(inquiry, target.proto))
    fate.outcome = Outcome::unknown;
  fate.gaps = inquiry.gaps();
  return fate;
}

bool alike(const Fate& left, const Fate& right) {
  return left.outcome == right.outcome && left.error == right.error &&
         left.certainty == right.certainty && left.culprit == right.culprit;
}

} // namespace

std::vector<FlowReport> bind_attempts(Inquiry& inquiry, const Target& target,
                                      const BindRequest& request) {
  std::vector<FlowReport> attempts;
  const auto add = [&](const IpAddress& address) {
    attempts.push_back(
        {bind_flow(target, request, address), attempt(inquiry, target, request, address)});
  };
  if (target.proto == Proto::unix_socket) {
    attempts.push_back(bind_unix_attempt(inquiry, target, request));
    return attempts;
  }
  for (const auto& address : target.addresses)
    add(address);
  if (!target.addresses.empty())
    return attempts;
  add(IpAddress::any(IpFamily::v6));
  if (request.flags.v6only)
    return attempts;
  add(IpAddress::any(IpFamily::v4));
  if (attempts.front().fate.error == "EAFNOSUPPORT")
    attempts.erase(attempts.begin());
  else if (alike(attempts.front().fate, attempts.back().fate))
    attempts.pop_back();
  return attempts;
}

} // namespace synfate
