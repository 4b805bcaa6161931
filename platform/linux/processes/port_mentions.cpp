#include "platform/linux/processes/port_mentions.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "platform/linux/file.h"
#include "platform/linux/privilege.h"
#include "platform/linux/processes/descriptors.h"
#include "platform/linux/processes/parallel.h"
#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/service_state.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {

namespace {

namespace fs = std::filesystem;

/// In the order of systemd.unit(5): what is written first counts.
constexpr std::array unit_folders{"/etc/systemd/system", "/run/systemd/system",
                                  "/usr/lib/systemd/system"};

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool is_word(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         letter == '_';
}

/// Nothing before the number makes it a part of another word or number.
bool begins_alone(std::string_view before) {
  if (before.empty() || (!is_word(before.back()) && before.back() != '.'))
    return true;
  return before.ends_with("-p") || before.ends_with("-P");
}

bool ends_alone(std::string_view after) {
  if (after.empty())
    return true;
  return !is_word(after.front()) && !(after.size() > 1 && after[0] == '.' && is_digit(after[1]));
}

bool sets_up(std::string_view line) {
  return line.starts_with("Listen") || line.starts_with("Exec") || line.starts_with("Environment=");
}

bool for_datagrams(std::string_view line) {
  return line.starts_with("ListenDatagram");
}

/// "shop.service" for shop.service and shop.service.d/local.conf; empty for other files.
std::string unit_of(const fs::path& file) {
  const std::string folder = file.parent_path().filename();
  std::string unit = file.extension() == ".conf" && folder.ends_with(".d")
                         ? folder.substr(0, folder.size() - 2)
                         : file.filename().string();
  return unit.ends_with(".service") || unit.ends_with(".socket") ? unit : std::string();
}

std::vector<fs::path> unit_files(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code ignored; // a folder that is not there holds no units
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end;
       at.increment(ignored)) {
    files.push_back(at->path());
    if (!at->path().string().ends_with(".d") || !fs::is_directory(at->path(), ignored))
      continue;
    for (fs::directory_iterator inner(at->path(), ignored); !ignored && inner != end;
         inner.increment(ignored))
      files.push_back(inner->path());
    ignored.clear();
  }
  std::ranges::sort(files);
  return files;
}

/// Reads for one request; lives for one call.
class MentionReader {
public:
  MentionReader(std::int64_t port, const ProcessSource& source,
                const Delivery<PortMention>& delivery)
      : port_(port), source_(source), delivery_(delivery) {}

  void read() {
    if (port_ < 1 || port_ > 65535)
      return;
    read_processes();
    for (const auto* folder : unit_folders)
      for (const auto& file : unit_files(source_.root + folder))
        if (wanted_)
          look_at_unit(file);
  }

private:
  using Mentions = std::vector<PortMention>;

  void read_processes() {
    proc_ = FileDescriptor(open(source_.proc().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto pids = read_numbers(proc_.get(), ".");
    if (!proc_.valid() || !pids)
      return report("/proc cannot be listed", "run it where /proc is mounted");
    const auto ours = source_.live() ? own_line() : std::set<std::int32_t>();
    std::erase_if(*pids, [&](std::int32_t pid) { return ours.contains(pid); });
    constexpr std::size_t at_once = 32;
    auto parts =
        for_each_in_parallel<Mentions>(pids->size(), at_once, [&](Mentions& found, std::size_t at) {
          look_at_process(found, (*pids)[at]);
        });
    Mentions all;
    for (auto& part : parts)
      std::ranges::move(part, std::back_inserter(all));
    std::ranges::sort(all, {}, [](const PortMention& row) { return row.pid.value(); });
    for (const auto& row : all)
      put(row);
    const auto mountinfo = read_file(source_.proc() + "/self/mountinfo");
    const auto status = read_file(source_.proc() + "/self/status");
    if (mountinfo && status && hides_processes(*mountinfo, *status))
      report("/proc is mounted with hidepid=, which hides processes",
             remedy_with("CAP_SYS_PTRACE"));
  }

  /// This process and those it was started by: a shell, sudo, a monitoring agent.
  std::set<std::int32_t> own_line() const {
    std::set<std::int32_t> line;
    for (auto pid = static_cast<std::int32_t>(getpid()); pid > 1 && line.insert(pid).second;) {
      const auto text = read_file_at(proc_.get(), (std::to_string(pid) + "/stat").c_str());
      const auto stat = text ? parse_process_stat(*text) : std::nullopt;
      pid = stat ? static_cast<std::int32_t>(stat->parent) : 0;
    }
    return line;
  }

  void look_at_process(Mentions& found, std::int32_t pid) const {
    const std::string folder = std::to_string(pid);
    const auto text = read_file_at(proc_.get(), (folder + "/cmdline").c_str());
    if (!text || !mentions_port(*text, port_))
      return;
    PortMention row;
    row.pid = pid;
    row.text = parse_command_line(*text);
    if (const auto stat = read_file_at(proc_.get(), (folder + "/stat").c_str()))
      if (const auto parsed = parse_process_stat(*stat))
        row.name = parsed->name;
    found.push_back(std::move(row));
  }

  void look_at_unit(const fs::path& file) {
    const std::string unit = unit_of(file);
    if (unit.empty() || units_.contains(unit) || is_mask(file))
      return;
    if (file.filename() == unit && !defined_.insert(unit).second)
      return; // by a folder that comes before this one
    const auto text = read_file(file);
    if (!text)
      return;
    const auto lines = unit_lines_with_port(*text, port_);
    if (lines.empty())
      return;
    units_.insert(unit);
    PortMention row;
    row.unit = unit;
    row.file = file.string().substr(source_.root.size());
    row.text = Text(fmt::format("{}", fmt::join(lines, "; ")));
    put(std::move(row));
  }

  void put(PortMention row) {
    row.port = port_;
    wanted_ = wanted_ && delivery_.row(row);
  }

  void report(std::string why, std::string remedy) {
    delivery_.gap({"port_mentions", "who has the port in its command line", std::move(why),
                   "a program that was meant to listen is not named", std::move(remedy)});
  }

  std::int64_t port_;
  const ProcessSource& source_;
  const Delivery<PortMention>& delivery_;
  FileDescriptor proc_;
  std::set<std::string> units_;   ///< named already
  std::set<std::string> defined_; ///< those whose own file was read
  bool wanted_ = true;
};

} // namespace

bool mentions_port(std::string_view text, std::int64_t port) {
  const std::string number = std::to_string(port);
  for (auto at = text.find(number); at != std::string_view::npos; at = text.find(number, at + 1))
    if (begins_alone(text.substr(0, at)) && ends_alone(text.substr(at + number.size())))
      return true;
  return false;
}

std::vector<std::string_view> unit_lines_with_port(std::string_view file, std::int64_t port) {
  std::vector<std::string_view> found;
  for_each_line(file, [&](std::string_view line) {
    const auto is_known = [&](std::string_view other) {
      return for_datagrams(other) == for_datagrams(line);
    };
    if (sets_up(line) && mentions_port(line, port) && std::ranges::none_of(found, is_known))
      found.push_back(line);
    return found.size() < 2;
  });
  return found;
}

void read_port_mentions(std::int64_t port, const ProcessSource& source,
                        const Delivery<PortMention>& delivery) {
  MentionReader(port, source, delivery).read();
}

} // namespace synfate
