#include "platform/linux/model/confirmation.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/programs/tables.h"
#include "platform/linux/sockets/tables.h"

namespace synfate {

std::string inode_note(const Socket& socket) {
  return socket.inode.known() ? fmt::format("inode {}", socket.inode.value()) : std::string();
}

namespace {

/// Client ports that tell a reuseport group of two from a single receiver but once in 128 times.
constexpr std::array<Int, 8> client_ports{32768, 35001, 38002, 41003, 44004, 47005, 50006, 53007};

/// The kernel's answer; nothing if it is pending, was not recorded, or could not be had.
std::optional<SocketLookup> ask_kernel(Walk& walk, const Journey& journey,
                                       const LookupQuestion& question, Int client_port) {
  const Request request = lookup_request(walk, journey.netns, question, client_port);
  const Snapshot& snapshot = walk.inquiry.snapshot();
  // A whole snapshot of a host has tables, not questions; and of many clients a few are asked for
  // before, one by one.
  if ((snapshot.sealed() || walk.classes != nullptr) && snapshot.answer(request) == nullptr)
    return std::nullopt;
  auto rows = walk.inquiry.rows<SocketLookup>(request.keys);
  if (rows.empty())
    return std::nullopt;
  return std::move(rows.front());
}

bool is_answer(const Socket& socket, const SocketLookup& answer) {
  return answer.cookie.known() && socket.cookie == answer.cookie;
}

const Socket* find_answer(const std::vector<Socket>& sockets, const SocketLookup& answer) {
  const auto at = std::ranges::find_if(
      sockets, [&](const Socket& socket) { return is_answer(socket, answer); });
  return at == sockets.end() ? nullptr : &*at;
}

/// The socket as the answer itself describes it, when it is none of those that were read.
Socket described(const Walk& walk, const SocketLookup& answer) {
  Socket socket;
  socket.netns = answer.netns;
  socket.proto = std::string(to_string(walk.flow.proto));
  socket.state = answer.state;
  socket.local_address = answer.answered_address;
  socket.local_port = answer.answered_port;
  socket.interface_index = answer.answered_interface_index;
  socket.inode = answer.inode;
  socket.cookie = answer.cookie;
  return socket;
}

/// The socket the kernel named: from those read, or, on another port, read now.
Socket named_socket(Walk& walk, const Journey& journey, const std::vector<Socket>& sockets,
                    const LookupQuestion& question, const SocketLookup& answer) {
  if (const Socket* found = find_answer(sockets, answer))
    return *found;
  if (answer.answered_port.known() && !answer.answered_port.is(question.port)) {
    const auto others =
        walk.inquiry.rows<Socket>({{"netns", journey.netns},
                                   {"proto", std::string(to_string(walk.flow.proto))},
                                   {"state", answer.state.value_or("listen")},
                                   {"local_port", answer.answered_port.value()}});
    if (const Socket* found = find_answer(others, answer))
      return *found;
  }
  return described(walk, answer);
}

std::string confirmed_note(const Socket& socket) {
  const std::string inode = inode_note(socket);
  return inode.empty() ? "the kernel's own lookup agrees"
                       : inode + ", as the kernel's own lookup says";
}

/// Of equal UDP sockets: those that the kernel names for different clients.
std::optional<std::vector<Socket>> named_among_equals(Walk& walk, const Journey& journey,
                                                      const LookupQuestion& question,
                                                      const std::vector<Socket>& equals) {
  std::vector<Socket> named;
  for (const Int port : client_ports) {
    const auto answer = ask_kernel(walk, journey, question, port);
    if (!answer)
      continue;
    const Socket* socket = find_answer(equals, *answer);
    if (socket == nullptr)
      return std::nullopt;
    if (find_answer(named, *answer) == nullptr)
      named.push_back(*socket);
  }
  if (named.empty())
    return std::nullopt;
  return named.size() > 1 ? equals : named; // all of a group, though few were asked
}

Receivers chosen_by_model(const LookupAnswer& answer, const std::vector<Socket>& sockets) {
  Receivers receivers;
  for (const auto at : answer.chosen)
    receivers.sockets.push_back(sockets[at]);
  if (!receivers.sockets.empty())
    receivers.note = inode_note(receivers.sockets.front());
  return receivers;
}

/// The sk_lookup program of the namespace; pass_socket_programs() has asked for it.
Culprit lookup_program(Walk& walk, const Journey& journey) {
  for (const auto& row : walk.inquiry.rows<PacketProgram>({{"netns", journey.netns}}))
    if (row.point.is("sk_lookup") && row.program.known())
      return {"bpf_program", fmt::format("{}", row.program.value()),
              fmt::format("the sk_lookup program {}", row.program.value())};
  return {"bpf_program", "sk_lookup", "a BPF program chooses the socket"};
}

Stop no_receiver(Walk& walk, const Journey& journey, const Socket& passed_over) {
  const bool tcp = walk.flow.proto == Proto::tcp;
  return {Outcome::refused,
          tcp ? Icmp::none : Icmp::port,
          "ECONNREFUSED",
          Stage::socket_lookup,
          lookup_program(walk, journey),
          fmt::format("the kernel's own lookup finds no socket, though {} matches",
                      socket_id(passed_over))};
}

Receivers overruled(Walk& walk, Journey& journey, const LookupQuestion& question,
                    const std::vector<Socket>& sockets, const Receivers& model,
                    const SocketLookup& answer) {
  if (!answer.found.is(true)) {
    assume(journey, "the kernel's own lookup finds no socket, as when a BPF program of type "
                    "sk_lookup refuses the packet");
    return {{}, {}, no_receiver(walk, journey, model.sockets.front())};
  }
  const Socket named = named_socket(walk, journey, sockets, question, answer);
  assume(journey,
         fmt::format("the kernel's own lookup names {}, not {}: a BPF program (sk_lookup), "
                     "or sockets that changed meanwhile",
                     socket_id(named),
                     model.sockets.empty() ? "none" : socket_id(model.sockets.front())));
  return {{named}, confirmed_note(named), {}};
}

/// SO_REUSEPORT is not readable, so the kernel may rightly prefer one that the model found as well.
bool is_candidate(const Walk& walk, const LookupQuestion& question, const Socket& socket) {
  return (walk.flow.proto == Proto::tcp ? tcp_listener_mismatch(socket, question)
                                        : udp_socket_mismatch(socket, question)) == Mismatch::none;
}

/// The receivers around a socket that the kernel named: its group, if the model knows one.
Receivers around(const Socket& named, const Receivers& model) {
  if (model.sockets.size() > 1 && may_share(named, model.sockets.front()))
    return {model.sockets, confirmed_note(model.sockets.front()), {}};
  return {{named}, confirmed_note(named), {}};
}

Receivers settle_equals(Walk& walk, Journey& journey, const LookupQuestion& question,
                        Receivers model) {
  auto named = named_among_equals(walk, journey, question, model.sockets);
  if (named) {
    const std::string note = confirmed_note(named->front());
    return {std::move(*named), note, {}};
  }
  model.sockets.resize(1);
  assume(journey, "the sockets of this port do not share it by SO_REUSEPORT");
  return model;
}

} // namespace

Request lookup_request(const Walk& walk, Int netns, const LookupQuestion& question,
                       Int client_port) {
  const Int device = question.interface_index;
  return {std::string(table_name<SocketLookup>()),
          {{"netns", netns},
           {"proto", std::string(to_string(walk.flow.proto))},
           {"local_address", question.destination},
           {"local_port", Int{question.port}},
           {"remote_address", question.source},
           {"interface_index", device == 0 ? Cell(Absent{}) : Cell(device)},
           {"remote_port", client_port}}};
}

Receivers choose_receivers(Walk& walk, Journey& journey, const LookupQuestion& question,
                           const std::vector<Socket>& sockets) {
  const auto answer = walk.flow.proto == Proto::tcp ? look_up_tcp_listener(sockets, question)
                                                    : look_up_udp_socket(sockets, question);
  Receivers model = chosen_by_model(answer, sockets);
  const auto kernel = ask_kernel(walk, journey, question, question.source_port);
  if (walk.inquiry.pending()) {
    for (const auto& socket : model.sockets)
      foresee_service(walk, socket);
    return model;
  }
  model.may_be_v6only = answer.uncertain && !kernel;
  if (kernel && kernel->found.is(false) && model.sockets.empty())
    return model;
  if (kernel && kernel->found.is(true)) {
    const Socket* named = find_answer(sockets, *kernel);
    if (named == nullptr || !is_candidate(walk, question, *named))
      return overruled(walk, journey, question, sockets, model, *kernel);
    if (!answer.equals || !may_share(*named, model.sockets.front()))
      return around(*named, model);
  } else if (kernel) {
    return overruled(walk, journey, question, sockets, model, *kernel);
  }
  return answer.equals ? settle_equals(walk, journey, question, std::move(model)) : model;
}

} // namespace synfate
