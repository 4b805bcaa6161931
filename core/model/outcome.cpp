#include "core/model/outcome.h"

#include <array>
#include <utility>

namespace synfate {
namespace {

template <typename T, std::size_t n> using Names = std::array<std::pair<T, std::string_view>, n>;

template <typename T, std::size_t n> std::string_view name_of(const Names<T, n>& names, T wanted) {
  for (const auto& [value, name] : names)
    if (value == wanted)
      return name;
  return "";
}

template <typename T, std::size_t n>
std::optional<T> value_of(const Names<T, n>& names, std::string_view wanted) {
  for (const auto& [value, name] : names)
    if (name == wanted)
      return value;
  return std::nullopt;
}

constexpr Names<Outcome, 8> outcomes{{{Outcome::open, "open"},
                                      {Outcome::refused, "refused"},
                                      {Outcome::timeout, "timeout"},
                                      {Outcome::unreachable, "unreachable"},
                                      {Outcome::stalled, "stalled"},
                                      {Outcome::reset, "reset"},
                                      {Outcome::denied, "denied"},
                                      {Outcome::unknown, "unknown"}}};

constexpr Names<Certainty, 3> certainties{{{Certainty::certain, "certain"},
                                           {Certainty::likely, "likely"},
                                           {Certainty::possible, "possible"}}};

constexpr Names<Icmp, 12> icmps{{{Icmp::none, ""},
                                 {Icmp::port, "port"},
                                 {Icmp::net, "net"},
                                 {Icmp::host, "host"},
                                 {Icmp::proto, "proto"},
                                 {Icmp::admin_prohibited, "admin-prohibited"},
                                 {Icmp::host_prohibited, "host-prohibited"},
                                 {Icmp::net_prohibited, "net-prohibited"},
                                 {Icmp::no_route, "no-route"},
                                 {Icmp::addr_unreachable, "addr-unreachable"},
                                 {Icmp::policy_fail, "policy-fail"},
                                 {Icmp::reject_route, "reject-route"}}};

constexpr Names<Stage, 20> stages{{{Stage::client, "client"},
                                   {Stage::interface, "interface"},
                                   {Stage::xdp, "xdp"},
                                   {Stage::tc_ingress, "tc.ingress"},
                                   {Stage::ingress, "ingress"},
                                   {Stage::bridge, "bridge"},
                                   {Stage::prerouting, "prerouting"},
                                   {Stage::route, "route"},
                                   {Stage::input, "input"},
                                   {Stage::forward, "forward"},
                                   {Stage::socket_lookup, "socket.lookup"},
                                   {Stage::socket_policy, "socket.policy"},
                                   {Stage::queue_syn, "queue.syn"},
                                   {Stage::queue_accept, "queue.accept"},
                                   {Stage::reply_route, "reply.route"},
                                   {Stage::output, "output"},
                                   {Stage::postrouting, "postrouting"},
                                   {Stage::egress, "egress"},
                                   {Stage::accept, "accept"},
                                   {Stage::service, "service"}}};

constexpr Names<Packet, 8> packets{{{Packet::syn, "syn"},
                                    {Packet::synack, "synack"},
                                    {Packet::ack, "ack"},
                                    {Packet::data, "data"},
                                    {Packet::datagram, "datagram"},
                                    {Packet::reset, "rst"},
                                    {Packet::icmp, "icmp"},
                                    {Packet::neighbour, "neighbour"}}};

constexpr Names<Verdict, 5> verdicts{{{Verdict::pass, "pass"},
                                      {Verdict::stop, "stop"},
                                      {Verdict::divert, "divert"},
                                      {Verdict::unknown, "unknown"},
                                      {Verdict::assumed, "assumed"}}};

} // namespace

std::string_view to_string(Outcome outcome) {
  return name_of(outcomes, outcome);
}
std::optional<Outcome> outcome_from(std::string_view name) {
  return value_of(outcomes, name);
}
std::string_view to_string(Certainty certainty) {
  return name_of(certainties, certainty);
}
std::optional<Certainty> certainty_from(std::string_view name) {
  return value_of(certainties, name);
}
std::string_view to_string(Icmp icmp) {
  return name_of(icmps, icmp);
}
std::optional<Icmp> icmp_from(std::string_view name) {
  return value_of(icmps, name);
}
std::string_view to_string(Stage stage) {
  return name_of(stages, stage);
}
std::optional<Stage> stage_from(std::string_view name) {
  return value_of(stages, name);
}
std::string_view to_string(Packet packet) {
  return name_of(packets, packet);
}
std::string_view to_string(Verdict verdict) {
  return name_of(verdicts, verdict);
}

std::string id_part(std::string_view part) {
  std::string escaped;
  for (const char letter : part) {
    if (letter == '/')
      escaped += "%2F";
    else if (letter == '%')
      escaped += "%25";
    else
      escaped += letter;
  }
  return escaped;
}

std::string plain_part(std::string_view written) {
  std::string plain;
  for (std::size_t at = 0; at < written.size(); ++at) {
    const auto code = written.substr(at, 3);
    if (code == "%2F" || code == "%25") {
      plain += code == "%2F" ? '/' : '%';
      at += 2;
    } else {
      plain += written[at];
    }
  }
  return plain;
}

} // namespace synfate
