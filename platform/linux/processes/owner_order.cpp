#include "platform/linux/processes/owner_order.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

#include "platform/linux/processes/descriptors.h"

namespace synfate {

namespace {

constexpr std::size_t probes = 17;             ///< processes that are looked at first
constexpr std::size_t refinements = 6;         ///< and then, each time in the middle of the rest
constexpr std::size_t probed_descriptors = 32; ///< of each of them
constexpr std::size_t further = 3; ///< processes behind one that has no socket of its own

/// The youngest socket of a process; nothing if it has none or may not be looked into.
std::optional<std::int64_t> youngest_socket(int proc, std::int32_t pid) {
  std::optional<std::int64_t> youngest;
  walk_sockets(proc, std::to_string(pid), {}, probed_descriptors,
               [&](std::int32_t, std::int64_t inode) {
                 youngest = std::max(youngest.value_or(0), inode);
                 return true;
               });
  return youngest;
}

struct Probe {
  std::size_t position = 0;
  std::int64_t inode = 0;
};

std::optional<Probe> probe_from(int proc, const std::vector<std::int32_t>& pids, std::size_t at) {
  for (std::size_t next = at; next < std::min(at + further, pids.size()); ++next)
    if (const auto inode = youngest_socket(proc, pids[next]))
      return Probe{next, *inode};
  return std::nullopt;
}

/// The places next to the socket: of the process with the nearest older socket, and of that with
/// the nearest younger one.
struct Place {
  std::optional<Probe> older;
  std::optional<Probe> younger;
};

Place place_of(const std::vector<Probe>& found, std::int64_t inode) {
  Place place;
  for (const auto& probe : found) {
    if (probe.inode <= inode && (!place.older || probe.inode > place.older->inode))
      place.older = probe;
    if (probe.inode > inode && (!place.younger || probe.inode < place.younger->inode))
      place.younger = probe;
  }
  return place;
}

/// Where to begin to look.
std::vector<std::size_t> starts(const Place& place, std::int64_t inode, std::size_t count) {
  constexpr std::size_t near = 64;
  if (place.older && place.older->inode == inode)
    return {place.older->position};
  std::vector<std::size_t> found;
  if (place.older && place.younger) {
    const auto [first, last] = std::minmax(place.older->position, place.younger->position);
    if (last - first < count / near + near) // neighbours: it is between them
      found.push_back(first + (last - first) / 2);
  }
  if (found.empty() && place.older)
    found.push_back(place.older->position);
  if (found.empty() && place.younger)
    found.push_back(place.younger->position);
  found.push_back(count - 1); // a service that was just started
  return found;
}

/// Positions in the order in which they are worth a look: outwards from each start in turn.
std::vector<std::size_t> worth_a_look(const Place& place, std::int64_t inode, std::size_t count) {
  std::vector<std::vector<std::size_t>> ways;
  for (const auto start : starts(place, inode, count))
    ways.push_back(outwards_from(start, count));
  std::vector<std::size_t> order;
  std::vector<bool> taken(count, false);
  for (std::size_t at = 0; at < count; ++at)
    for (const auto& way : ways)
      if (!taken[way[at]]) {
        taken[way[at]] = true;
        order.push_back(way[at]);
      }
  return order;
}

} // namespace

namespace {

/// Looks into the middle between the two neighbours of the socket, as long as that may narrow it.
void refine(int proc, const std::vector<std::int32_t>& pids, std::int64_t inode,
            std::vector<Probe>& found) {
  constexpr std::size_t narrow = 8;
  for (std::size_t step = 0; step < refinements; ++step) {
    const Place place = place_of(found, inode);
    if (!place.older || !place.younger || place.older->inode == inode)
      return;
    const auto [first, last] = std::minmax(place.older->position, place.younger->position);
    const auto probe =
        last - first < narrow ? std::nullopt : probe_from(proc, pids, first + (last - first) / 2);
    if (!probe)
      return;
    found.push_back(*probe);
  }
}

} // namespace

std::vector<std::size_t> outwards_from(std::size_t middle, std::size_t count) {
  std::vector<std::size_t> order;
  order.reserve(count);
  for (std::size_t distance = 0; order.size() < count; ++distance) {
    if (distance <= middle && middle - distance < count)
      order.push_back(middle - distance);
    if (distance > 0 && middle + distance < count)
      order.push_back(middle + distance);
  }
  return order;
}

std::vector<std::int32_t> likely_holders_first(int proc, const std::vector<std::int32_t>& pids,
                                               std::int64_t inode) {
  if (pids.size() <= probes)
    return pids;
  auto by_age =
      pids; // ids wrap: those above our own, which is the youngest, are of the round before
  const auto own = static_cast<std::int32_t>(getpid());
  std::ranges::rotate(by_age, std::ranges::upper_bound(by_age, own));
  std::vector<Probe> found;
  for (std::size_t number = 0; number < probes; ++number)
    if (const auto probe = probe_from(proc, by_age, number * (by_age.size() - 1) / (probes - 1)))
      found.push_back(*probe);
  refine(proc, by_age, inode, found);
  std::vector<std::int32_t> order;
  order.reserve(by_age.size());
  for (const auto position : worth_a_look(place_of(found, inode), inode, by_age.size()))
    order.push_back(by_age[position]);
  return order;
}

} // namespace synfate
