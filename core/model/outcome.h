// The words of an answer: outcome, certainty, stage, packet, culprit. See docs/glossary.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synfate {

/// What the client sees.
enum class Outcome : std::uint8_t {
  open,        ///< connected, and the owner of the listener is able to serve
  refused,     ///< an RST, or an ICMP port unreachable; Unix: no listener behind the name
  timeout,     ///< no answer at all
  unreachable, ///< an ICMP error
  stalled,     ///< the kernel completes the handshake, nobody serves
  reset,       ///< connected, then reset or closed at once
  denied,      ///< the caller's own kernel refuses to try
  unknown,     ///< it cannot be told
};
std::string_view to_string(Outcome outcome);
std::optional<Outcome> outcome_from(std::string_view name);

/// How sure an answer is. The greater value is the weaker claim.
enum class Certainty : std::uint8_t { certain, likely, possible };
std::string_view to_string(Certainty certainty);
std::optional<Certainty> certainty_from(std::string_view name);

/// The code of an ICMP error, as a client's errno depends on it.
enum class Icmp : std::uint8_t {
  none,
  port,
  net,
  host,
  proto,
  admin_prohibited,
  host_prohibited,
  net_prohibited,
  no_route,         ///< ICMPv6 1/0
  addr_unreachable, ///< ICMPv6 1/3
  policy_fail,      ///< ICMPv6 1/5
  reject_route,     ///< ICMPv6 1/6
};
std::string_view to_string(Icmp icmp); ///< "" for none
std::optional<Icmp> icmp_from(std::string_view name);

/// The stages of the inbound path, in its order.
enum class Stage : std::uint8_t {
  client,
  interface,
  xdp,
  tc_ingress,
  ingress,
  bridge,
  prerouting,
  route,
  input,
  forward,
  socket_lookup,
  socket_policy,
  queue_syn,
  queue_accept,
  reply_route,
  output,
  postrouting,
  egress,
  accept,
  service,
};
std::string_view to_string(Stage stage); ///< "socket.lookup"
std::optional<Stage> stage_from(std::string_view name);

/// The packets of a handshake, or a datagram; what answers instead of them; and what comes before
/// them on a link: an ARP or neighbour discovery message.
enum class Packet : std::uint8_t { syn, synack, ack, data, datagram, reset, icmp, neighbour };
std::string_view to_string(Packet packet);

/// What a stage did with a packet.
enum class Verdict : std::uint8_t { pass, stop, divert, unknown, assumed };
std::string_view to_string(Verdict verdict);

/// The one object that decided something.
struct Culprit {
  std::string kind; ///< socket, process, nft_rule, sysctl …
  std::string id;   ///< parts joined by "/", see contract
  std::string text; ///< what it says, for people; may be empty

  friend bool operator==(const Culprit&, const Culprit&) = default;
};

/// One part of a culprit's id with "/" and "%" written as %2F and %25.
std::string id_part(std::string_view part);
/// The part as it was.
std::string plain_part(std::string_view written);

} // namespace synfate
