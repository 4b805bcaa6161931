#include "platform/linux/processes/hosts_access.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <span>
#include <tuple>
#include <vector>

#include "platform/linux/file.h"
#include "platform/linux/privilege.h"
#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {
namespace {

constexpr std::string_view allow_file = "/etc/hosts.allow";
constexpr std::string_view deny_file = "/etc/hosts.deny";

/// Yes, no, or nothing: it hangs on a name.
using Answer = std::optional<bool>;

struct Line {
  std::int64_t number = 0; ///< where it begins
  std::string text;        ///< continued lines are joined
};

std::vector<Line> lines_of(std::string_view file) {
  std::vector<Line> lines;
  std::int64_t number = 0;
  bool goes_on = false;
  for_each_line(file, [&](std::string_view text) {
    ++number;
    if (!goes_on)
      lines.push_back({number, {}});
    goes_on = text.ends_with('\\');
    lines.back().text += text.substr(0, text.size() - (goes_on ? 1 : 0));
    return true;
  });
  std::erase_if(lines, [](const Line& line) {
    const auto start = line.text.find_first_not_of(" \t");
    return start == std::string::npos || line.text[start] == '#';
  });
  return lines;
}

/// The parts between colons; those within [brackets] belong to an address.
std::vector<std::string_view> fields_of(std::string_view text) {
  std::vector<std::string_view> fields;
  std::size_t start = 0;
  bool in_address = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '[')
      in_address = true;
    else if (text[at] == ']')
      in_address = false;
    else if (text[at] == ':' && !in_address) {
      fields.push_back(text.substr(start, at - start));
      start = at + 1;
    }
  }
  fields.push_back(text.substr(start));
  return fields;
}

std::vector<std::string_view> words_of(std::string_view list) {
  std::vector<std::string_view> words;
  constexpr std::string_view separators = ", \t";
  for (auto start = list.find_first_not_of(separators); start != std::string_view::npos;
       start = list.find_first_not_of(separators)) {
    list.remove_prefix(start);
    const auto end = std::min(list.find_first_of(separators), list.size());
    words.push_back(list.substr(0, end));
    list.remove_prefix(end);
  }
  return words;
}

bool same_word(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](unsigned char one, unsigned char other) {
    return std::tolower(one) == std::tolower(other);
  });
}

Answer either(Answer left, Answer right) {
  if (left == true || right == true)
    return true;
  return left && right ? Answer(false) : std::nullopt;
}

/// list_match(): a word of the list, unless one behind EXCEPT matches as well.
template <typename Match>
Answer list_matches(std::span<const std::string_view> words, const Match& match) {
  const auto except =
      std::ranges::find_if(words, [](std::string_view word) { return same_word(word, "EXCEPT"); });
  Answer found = false;
  for (auto word = words.begin(); word != except; ++word)
    found = either(found, match(*word));
  if (except == words.end() || found == false)
    return found;
  const Answer excepted = list_matches(std::span(except + 1, words.end()), match);
  if (excepted == true)
    return false;
  return excepted == false ? found : std::nullopt;
}

/// The length of a mask: "8", or "255.0.0.0".
std::optional<unsigned> mask_length(std::string_view text, unsigned width) {
  if (const auto length = parse_number<unsigned>(text))
    return *length <= width ? length : std::nullopt;
  const auto mask = IpAddress::parse(text);
  if (!mask || !mask->is_v4())
    return std::nullopt;
  const auto bits = mask->v4_host_order();
  const auto length = static_cast<unsigned>(std::countl_one(bits));
  return std::popcount(bits) == static_cast<int>(length) ? std::optional(length) : std::nullopt;
}

/// 10.0.0.1, 10.0.0.0/8, 10.0.0.0/255.0.0.0, [2001:db8::]/32; nothing if the text is none of these.
Answer network_matches(std::string_view text, const IpAddress& client) {
  const auto slash = text.find('/');
  auto address_text = text.substr(0, slash);
  if (address_text.starts_with('[') && address_text.ends_with(']'))
    address_text = address_text.substr(1, address_text.size() - 2);
  const auto address = IpAddress::parse(address_text);
  if (!address)
    return std::nullopt;
  if (address->family() != client.family())
    return false;
  if (slash == std::string_view::npos)
    return *address == client;
  const auto length = mask_length(text.substr(slash + 1), address->width());
  return length ? Answer(IpPrefix(*address, *length).contains(client)) : std::nullopt;
}

/// host_match(): by address as far as that goes.
Answer client_matches(std::string_view word, const IpAddress& client) {
  if (const auto at = word.find('@'); at != std::string_view::npos && at > 0)
    return client_matches(word.substr(at + 1), client) == false ? Answer(false) : std::nullopt;
  if (same_word(word, "ALL"))
    return true;
  if (word.ends_with('.') && word.find_first_not_of("0123456789.") == std::string_view::npos)
    return client.to_string().starts_with(word);
  return network_matches(word, client);
}

Answer daemon_matches(std::string_view word, std::string_view daemon) {
  if (same_word(word, "ALL"))
    return true;
  if (daemon.empty() || word.find('@') != std::string_view::npos)
    return std::nullopt; // another name, or a line for one address of this host
  return same_word(word, daemon);
}

Answer line_matches(const std::vector<std::string_view>& fields, std::string_view daemon,
                    const IpAddress& client) {
  const auto daemons = words_of(fields[0]);
  const auto clients = words_of(fields[1]);
  const Answer named = list_matches(
      std::span(daemons), [&](std::string_view word) { return daemon_matches(word, daemon); });
  const Answer meant = list_matches(
      std::span(clients), [&](std::string_view word) { return client_matches(word, client); });
  if (named == false || meant == false)
    return false;
  return named && meant ? Answer(true) : std::nullopt;
}

/// hosts_options(5): the last option may turn the line round.
bool lets_in(const std::vector<std::string_view>& fields, bool usually) {
  for (std::size_t at = 2; at < fields.size(); ++at)
    for (const auto word : words_of(fields[at])) {
      if (same_word(word, "deny"))
        return false;
      if (same_word(word, "allow"))
        return true;
      break;
    }
  return usually;
}

/// True if a line of either file could turn somebody away.
bool turns_anybody_away(std::string_view allow, std::string_view deny) {
  const auto turns_away = [](std::string_view file, bool usually) {
    return std::ranges::any_of(lines_of(file), [&](const Line& line) {
      const auto fields = fields_of(line.text);
      return fields.size() > 1 && !lets_in(fields, usually);
    });
  };
  return turns_away(deny, false) || turns_away(allow, true);
}

/// Servers that ask under the names of the services they start, or under any.
std::string_view name_it_gives(std::string_view program) {
  constexpr std::array<std::string_view, 6> starters{"xinetd",  "inetd",    "tcpd",
                                                     "stunnel", "stunnel4", "systemd"};
  return std::ranges::find(starters, program) != starters.end() ? std::string_view() : program;
}

/// The text of a file below the root directory of a process; empty if it is not there.
Result<std::string> text_of(const std::string& root, std::string_view file) {
  auto text = read_file(root + std::string(file));
  if (!text && text.error().code == ErrorCode::not_found)
    return std::string();
  return text;
}

Gap unreadable(const std::string& what) {
  return {"hosts_access", "whether TCP wrappers turn clients away",
          what + " may not be read; that needs CAP_SYS_PTRACE",
          "a server that closes connections of some clients at once looks like any other",
          remedy_with("CAP_SYS_PTRACE")};
}

void put_own(const ProcessSource& source, const Delivery<HostsAccess>& delivery) {
  const auto allow = text_of(source.root, allow_file);
  const auto deny = text_of(source.root, deny_file);
  HostsAccess row;
  row.pid = Int{0};
  if (allow && deny && turns_anybody_away(*allow, *deny))
    delivery.row(row);
}

} // namespace

HostsVerdict judge_client(std::string_view allow, std::string_view deny, std::string_view daemon,
                          const IpAddress& client) {
  bool open = false;
  for (const auto& [file, text, usually] :
       {std::tuple(allow_file, allow, true), std::tuple(deny_file, deny, false)})
    for (const auto& line : lines_of(text)) {
      const auto fields = fields_of(line.text);
      const Answer matches = fields.size() > 1 ? line_matches(fields, daemon, client) : false;
      if (matches == true && !open)
        return {lets_in(fields, usually), file, line.number, line.text};
      open = open || matches != false;
    }
  return {open ? std::nullopt : std::optional(true), {}, 0, {}};
}

void read_hosts_access(Int pid, const std::optional<IpAddress>& client, const ProcessSource& source,
                       const Delivery<HostsAccess>& delivery) {
  if (pid == 0 || !client)
    return put_own(source, delivery);
  const std::string folder = source.proc() + "/" + std::to_string(pid);
  const auto stat = read_file(folder + "/stat");
  const auto parsed = stat ? parse_process_stat(*stat) : std::nullopt;
  if (!parsed)
    return; // gone
  const auto allow = text_of(folder + "/root", allow_file);
  const auto deny = text_of(folder + "/root", deny_file);
  if (!allow || !deny)
    return delivery.gap(unreadable("the files of other users' processes"));
  const auto verdict = judge_client(*allow, *deny, name_it_gives(parsed->name), client->unmapped());
  HostsAccess row;
  row.pid = pid;
  row.client = *client;
  if (verdict.allowed)
    row.allowed = *verdict.allowed;
  if (!verdict.file.empty()) {
    row.file = Text(verdict.file);
    row.line = verdict.line;
    row.text = Text(verdict.text);
  }
  if (verdict.allowed != true) {
    const auto maps = read_file(folder + "/maps");
    if (!maps)
      return delivery.gap(unreadable("the memory maps of other users' processes"));
    row.library = maps->find("/libwrap.so") != std::string::npos;
  }
  delivery.row(row);
}

} // namespace synfate
