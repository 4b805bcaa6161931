#include "platform/linux/model/unix_sockets.h"

#include <algorithm>

#include <fmt/format.h>

namespace synfate {
namespace {

constexpr Int low_32_bits = 0xFFFFFFFF;

int rank(const UnixSocket& socket) {
  if (socket.state.is("listen"))
    return 0;
  if (socket.state.is("unconnected"))
    return 1;
  return socket.type.is("dgram") ? 2 : 3;
}

void sort_by_rank(std::vector<FoundUnixSocket>& found) {
  std::ranges::stable_sort(found, {}, [](const FoundUnixSocket& one) { return rank(one.socket); });
}

} // namespace

bool same_inode(const PathStepFacts& file, const UnixSocket& socket) {
  return file.inode.known() && socket.file_inode.known() &&
         (file.inode.value() & low_32_bits) == socket.file_inode.value();
}

namespace {

enum class FileMatch : std::uint8_t { no, by_name, yes };

FileMatch matches(const UnixSocket& socket, const PathStepFacts& file, const std::string& path) {
  if (socket.abstract.is(true) || (socket.file_inode.absent() && socket.path.absent()))
    return FileMatch::no;
  const bool same_name = socket.path.is(path) || socket.path == file.resolved;
  if (!socket.file_inode.known() || !file.inode.known())
    return socket.file_inode.unknown() && same_name ? FileMatch::by_name : FileMatch::no;
  if (!same_inode(file, socket))
    return FileMatch::no;
  if (socket.file_device == file.device)
    return FileMatch::yes;
  // Some file systems (overlayfs, btrfs) give stat another device than they have.
  return same_name ? FileMatch::by_name : FileMatch::no;
}

void collect_matching(Inquiry& inquiry, Int netns, const PathStepFacts& file,
                      const std::string& path, std::vector<FoundUnixSocket>& found) {
  const Request request{std::string(table_name<UnixSocket>()), {{"netns", netns}}};
  for (const auto row : inquiry.find(request)) {
    auto socket = read_row<UnixSocket>(*inquiry.snapshot().table(request.table), row);
    if (const FileMatch match = matches(socket, file, path); match != FileMatch::no)
      found.push_back({std::move(socket), {request.table, row}, match == FileMatch::by_name});
  }
}

} // namespace

bool owns_name(const UnixSocket& socket) {
  return rank(socket) < 3;
}

std::vector<FoundUnixSocket> find_by_name(Inquiry& inquiry, const std::string& path) {
  std::vector<FoundUnixSocket> found;
  const auto look = [&](Int netns) {
    const Request request{std::string(table_name<UnixSocket>()), {{"netns", netns}}};
    for (const auto row : inquiry.find(request)) {
      auto socket = read_row<UnixSocket>(*inquiry.snapshot().table(request.table), row);
      if (socket.path.is(path) && !socket.abstract.is(true) && owns_name(socket))
        found.push_back({std::move(socket), {request.table, row}, true});
    }
  };
  const Int home = inquiry.snapshot().host().netns;
  look(home);
  if (found.empty() && !inquiry.pending())
    for (const auto& other : inquiry.rows<NetworkNamespace>({}))
      if (other.inode.known() && !other.inode.is(home))
        look(other.inode.value());
  sort_by_rank(found);
  return found;
}

SocketOfFile find_socket_of_file(Inquiry& inquiry, const PathStepFacts& file,
                                 const std::string& path) {
  const Int home = inquiry.snapshot().host().netns;
  SocketOfFile answer;
  std::vector<FoundUnixSocket> found;
  collect_matching(inquiry, home, file, path, found);
  answer.complete = !inquiry.incomplete();
  if (inquiry.pending())
    return answer;
  if (std::ranges::none_of(found, [](const auto& one) { return owns_name(one.socket); })) {
    const auto others = inquiry.rows<NetworkNamespace>({});
    answer.complete = answer.complete && !inquiry.incomplete();
    for (const auto& other : others) {
      if (!other.inode.known() || other.inode.is(home))
        continue;
      collect_matching(inquiry, other.inode.value(), file, path, found);
      answer.complete = answer.complete && !inquiry.incomplete();
    }
    if (inquiry.pending())
      return answer;
  }
  sort_by_rank(found);
  if (!found.empty())
    answer.found = std::move(found.front());
  return answer;
}

BoundToFile ask_bound_to_file(Inquiry& inquiry, const std::string& path, Int root_pid) {
  const auto rows = ask_datagram_room(inquiry, path, false, root_pid);
  if (inquiry.pending() || rows.empty())
    return BoundToFile::unknown;
  if (rows.front().reached.is(true))
    return BoundToFile::datagram;
  if (rows.front().error.is("ECONNREFUSED"))
    return BoundToFile::nothing;
  return rows.front().error.is("EPROTOTYPE") ? BoundToFile::other : BoundToFile::unknown;
}

std::vector<DatagramRoom> ask_datagram_room(Inquiry& inquiry, const std::string& path,
                                            bool abstract, Int root_pid) {
  return inquiry.rows<DatagramRoom>({{"netns", inquiry.snapshot().host().netns},
                                     {"abstract", abstract},
                                     {"root_pid", root_pid > 0 ? Cell(root_pid) : Cell(Absent{})},
                                     {"path", path}});
}

std::vector<FoundUnixSocket> find_abstract(Inquiry& inquiry, Int netns, const std::string& name) {
  std::vector<FoundUnixSocket> found;
  const Request request{std::string(table_name<UnixSocket>()), {{"netns", netns}, {"path", name}}};
  for (const auto row : inquiry.find(request)) {
    auto socket = read_row<UnixSocket>(*inquiry.snapshot().table(request.table), row);
    if (socket.abstract.is(true))
      found.push_back({std::move(socket), {request.table, row}, false});
  }
  sort_by_rank(found);
  return found;
}

Culprit unix_name_culprit(const std::string& path, bool abstract, std::string text) {
  return {"socket", "unix/" + id_part((abstract ? "@" : "") + path), std::move(text)};
}

Culprit unix_culprit(const UnixSocket& socket, std::string text) {
  if (text.empty())
    text = fmt::format("{} socket, {}", socket.type.value_or("unknown"),
                       socket.state.is("listen")      ? "listening"
                       : socket.state.is("connected") ? "connected"
                                                      : "not listening");
  return unix_name_culprit(socket.path.value_or(""), socket.abstract.value_or(false),
                           std::move(text));
}

} // namespace synfate
