#include "core/model/owners.h"

#include <algorithm>
#include <utility>

namespace synfate {
namespace {

constexpr const char* owner_table = "socket_owner";

bool is_answered(const Snapshot& snapshot, const Request& request) {
  return snapshot.answer(request) != nullptr;
}

/// The rows that an answer, about many sockets or about one, has for this one.
std::vector<std::size_t> among(Inquiry& inquiry, Request answered, Int inode) {
  if (std::ranges::find(answered.keys, "inode", &Key::column) == answered.keys.end())
    answered.keys.push_back({"inode", inode});
  return inquiry.find(answered);
}

/// The widest question about every holder that was answered.
std::optional<Request> complete_question(const Snapshot& snapshot, const HeldSocket& socket) {
  if (Request all{owner_table, {}}; is_answered(snapshot, all))
    return all;
  if (auto listeners = owners_of_listeners(socket.netns, true); is_answered(snapshot, listeners))
    return listeners;
  if (auto one = all_owners_of(socket.inode); is_answered(snapshot, one))
    return one;
  return std::nullopt;
}

Cell hint(const std::optional<Int>& value) {
  return value ? Cell(*value) : Cell(Absent{});
}

} // namespace

HeldSocket held_socket(const Socket& socket) {
  const auto known = [](const Fact<Int>& fact) {
    return fact.known() ? std::optional(fact.value()) : std::nullopt;
  };
  return {socket.netns.value_or(0), socket.inode.value_or(0), known(socket.cgroup_id),
          known(socket.uid)};
}

std::vector<std::size_t> find_owners(Inquiry& inquiry, const HeldSocket& socket, bool complete) {
  const Snapshot& snapshot = inquiry.snapshot();
  if (auto question = complete_question(snapshot, socket))
    return among(inquiry, std::move(*question), socket.inode);
  if (complete)
    return inquiry.find(all_owners_of(socket.inode));
  if (auto many = owners_of_listeners(socket.netns, false); is_answered(snapshot, many))
    return among(inquiry, std::move(many), socket.inode);
  return inquiry.find({owner_table,
                       {{"complete", false},
                        {"hint_cgroup_id", hint(socket.cgroup_id)},
                        {"hint_uid", hint(socket.uid)},
                        {"inode", socket.inode}}});
}

bool holders_complete(const Snapshot& snapshot, const HeldSocket& socket) {
  const auto question = complete_question(snapshot, socket);
  return question && snapshot.answer(*question)->gaps.empty();
}

std::string kernel_link(Inquiry& inquiry, Int netns, Int port) {
  for (const auto& link : inquiry.rows<Interface>({{"netns", netns}}))
    if (link.udp_port.is(port))
      return link.kind.value_or("") + " " + link.name.value_or("");
  return {};
}

Request owners_of_listeners(Int netns, bool complete) {
  return {owner_table, {{"listeners_of", netns}, {"complete", complete}}};
}

Request all_owners_of(Int inode) {
  return {owner_table, {{"complete", true}, {"inode", inode}}};
}

} // namespace synfate
