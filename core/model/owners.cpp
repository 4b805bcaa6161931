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
  auto any = owners_of_listeners(socket.netns, true);
  any.keys.push_back({"inode", socket.inode});
  if (!is_answered(snapshot, any)) // none of those below then
    return std::nullopt;
  if (Request all{owner_table, {}}; is_answered(snapshot, all))
    return all;
  if (auto listeners = owners_of_listeners(socket.netns, true); is_answered(snapshot, listeners))
    return listeners;
  if (auto one = all_owners_of(socket.inode); is_answered(snapshot, one))
    return one;
  return std::nullopt;
}

/// Of the interfaces that were read.
std::string link_with(const Snapshot& snapshot, Int netns, Int port) {
  const Table* const links = snapshot.table(table_name<Interface>());
  const auto column = links == nullptr ? std::nullopt : links->spec().column("udp_port");
  if (!column)
    return {};
  for (const auto row : links->find(*column, port)) {
    const auto link = read_row<Interface>(*links, row);
    if (link.udp_port.is(port) && link.netns.is(netns))
      return link.kind.value_or("") + " " + link.name.value_or("");
  }
  return {};
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
  if (socket.for_a_link)
    return {};
  const Snapshot& snapshot = inquiry.snapshot();
  if (auto question = complete_question(snapshot, socket))
    return among(inquiry, std::move(*question), socket.inode);
  const auto many = owners_of_listeners(socket.netns, false);
  if (is_answered(snapshot, many)) {
    auto some = among(inquiry, many, socket.inode);
    if (!complete)
      return some;
    // One search for every holder does for all listeners as well.
    if (!some.empty() && !snapshot.sealed())
      return inquiry.find(owners_of_listeners(socket.netns, true));
  }
  if (complete)
    return inquiry.find(all_owners_of(socket.inode));
  return inquiry.find({owner_table,
                       {{"complete", false},
                        {"hint_cgroup_id", hint(socket.cgroup_id)},
                        {"hint_uid", hint(socket.uid)},
                        {"inode", socket.inode}}});
}

bool holders_complete(const Snapshot& snapshot, const HeldSocket& socket) {
  const auto question = complete_question(snapshot, socket);
  return socket.for_a_link || (question && snapshot.answer(*question)->gaps.empty());
}

std::string kernel_link(Inquiry& inquiry, Int netns, Int port) {
  inquiry.find({std::string(table_name<Interface>()), {{"netns", netns}}});
  return link_with(inquiry.snapshot(), netns, port);
}

bool may_be_for_a_link(const Socket& socket) {
  return socket.proto.is("udp") && socket.state.is("unconnected") && socket.local_port.known() &&
         socket.local_address.known() && socket.local_address.value().is_unspecified();
}

std::string kernel_link(const Snapshot& snapshot, const Socket& socket) {
  if (!may_be_for_a_link(socket))
    return {};
  return link_with(snapshot, socket.netns.value_or(0), socket.local_port.value());
}

Request owners_of_listeners(Int netns, bool complete) {
  return {owner_table, {{"listeners_of", netns}, {"complete", complete}}};
}

Request all_owners_of(Int inode) {
  return {owner_table, {{"complete", true}, {"inode", inode}}};
}

} // namespace synfate
