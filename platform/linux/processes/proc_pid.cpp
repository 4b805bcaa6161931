#include "platform/linux/processes/proc_pid.h"

#include <algorithm>

#include "platform/linux/file.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {

namespace {

/// The word at a position, from 0, as a number.
std::optional<std::int64_t> number_at(std::string_view text, int position) {
  for (int skipped = 0; skipped < position; ++skipped)
    take_word(text);
  return parse_number<std::int64_t>(take_word(text));
}

/// The first line of a name counts.
void put_if(std::optional<std::int64_t>& cell, std::string_view text, int position = 0) {
  if (!cell)
    cell = number_at(text, position);
}

} // namespace

std::string_view process_state_word(char letter) {
  switch (letter) {
  case 'R':
    return "running";
  case 'S':
    return "sleeping";
  case 'D':
    return "disk_sleep";
  case 'T':
    return "stopped";
  case 't':
    return "traced";
  case 'Z':
    return "zombie";
  case 'X':
  case 'x':
    return "dead";
  case 'I':
  case 'P': // parked: a kernel thread that waits for its processor
    return "idle";
  default:
    return "";
  }
}

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  const auto open = text.find(" (");
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2)
    return std::nullopt;
  ProcessStat stat;
  const auto pid = parse_number<std::int64_t>(text.substr(0, open));
  stat.name = text.substr(open + 2, close - open - 2);
  auto rest = text.substr(close + 1);
  rest = rest.substr(0, rest.find('\n'));
  const auto state = take_word(rest);
  const auto parent = parse_number<std::int64_t>(take_word(rest));
  constexpr int between_parent_and_threads = 15; // pgrp … nice
  for (int skipped = 0; skipped < between_parent_and_threads; ++skipped)
    take_word(rest);
  const auto threads = parse_number<std::int64_t>(take_word(rest));
  take_word(rest); // always 0
  const auto start = parse_number<std::int64_t>(take_word(rest));
  if (!pid || state.size() != 1 || !parent || !threads || !start)
    return std::nullopt;
  stat.pid = *pid;
  stat.state = process_state_word(state[0]);
  stat.parent = *parent;
  stat.threads = *threads;
  stat.start_ticks = *start;
  return stat;
}

ProcessStatus parse_process_status(std::string_view text) {
  ProcessStatus status;
  for_each_line(text, [&](std::string_view line) {
    const auto name = line.substr(0, line.find(':')); // "Uid:\t0\t0\t0\t0"
    auto value = line.substr(std::min(name.size() + 1, line.size()));
    if (name == "Uid")
      put_if(status.effective_uid, value, 1);
    else if (name == "Gid")
      put_if(status.effective_gid, value, 1);
    else if (name == "TracerPid")
      put_if(status.tracer, value);
    else if (name == "Seccomp")
      put_if(status.seccomp, value);
    else if (name == "FDSize")
      put_if(status.descriptor_slots, value);
    else if (name == "CapEff")
      status.effective_capabilities = take_word(value);
    return true;
  });
  return status;
}

std::optional<std::int64_t> parse_descriptor_limit(std::string_view text) {
  constexpr std::string_view name = "Max open files";
  std::optional<std::int64_t> limit;
  for_each_line(text, [&](std::string_view line) {
    if (!line.starts_with(name))
      return true;
    auto rest = line.substr(name.size());
    const auto soft = take_word(rest);
    limit =
        soft == "unlimited" ? std::optional<std::int64_t>(-1) : parse_number<std::int64_t>(soft);
    return false;
  });
  return limit;
}

std::string parse_command_line(std::string_view text) {
  while (!text.empty() && text.back() == '\0')
    text.remove_suffix(1);
  std::string joined(text);
  std::ranges::replace(joined, '\0', ' ');
  return joined;
}

Executable parse_executable(std::string_view link) {
  constexpr std::string_view mark = " (deleted)";
  if (link.ends_with(mark))
    return {std::string(link.substr(0, link.size() - mark.size())), true};
  return {std::string(link), false};
}

std::optional<std::int64_t> parse_inode_link(std::string_view link, std::string_view kind) {
  if (!link.starts_with(kind) || !link.ends_with(']'))
    return std::nullopt;
  link.remove_prefix(kind.size());
  if (!link.starts_with(":["))
    return std::nullopt;
  return parse_number<std::int64_t>(link.substr(2, link.size() - 3));
}

std::optional<std::int64_t> parse_boot_time(std::string_view text) {
  std::optional<std::int64_t> time;
  for_each_line(text, [&](std::string_view line) {
    if (take_word(line) != "btime")
      return true;
    time = parse_number<std::int64_t>(take_word(line));
    return false;
  });
  return time;
}

std::map<std::int64_t, std::string> parse_user_names(std::string_view text) {
  std::map<std::int64_t, std::string> names;
  for_each_line(text, [&](std::string_view line) { // name:password:uid:…
    const auto name = line.substr(0, line.find(':'));
    const auto second = line.find(':', std::min(name.size() + 1, line.size()));
    if (name.empty() || second == std::string_view::npos)
      return true;
    const auto number = line.substr(second + 1, line.find(':', second + 1) - second - 1);
    if (const auto uid = parse_number<std::int64_t>(number))
      names.try_emplace(*uid, name);
    return true;
  });
  return names;
}

std::vector<ServiceEntry> parse_services(std::string_view text) {
  std::vector<ServiceEntry> entries;
  for_each_line(text, [&](std::string_view line) { // name port/proto alias… # comment
    line = line.substr(0, line.find('#'));
    const auto name = take_word(line);
    const auto place = take_word(line);
    const auto slash = place.find('/');
    if (slash == std::string_view::npos)
      return true;
    const auto port = parse_number<std::uint16_t>(place.substr(0, slash));
    const std::string proto(place.substr(slash + 1));
    if (!port || proto.empty())
      return true;
    for (auto word = name; !word.empty(); word = take_word(line))
      entries.push_back({std::string(word), proto, *port});
    return true;
  });
  return entries;
}

} // namespace synfate
