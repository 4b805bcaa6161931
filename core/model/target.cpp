#include "core/model/target.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/base/text.h"

namespace synfate {
namespace {

constexpr std::string_view forms =
    "A target is PORT, tcp/PORT, udp/PORT, ADDRESS:PORT, [IPV6]:PORT, HOST:PORT, a service name, "
    "/PATH or @NAME of a Unix socket.";

Error wrong(std::string_view text, std::string detail, std::string hint = std::string(forms)) {
  return {.code = ErrorCode::invalid_input,
          .doing = "reading the target",
          .where = fmt::format("'{}'", text),
          .detail = std::move(detail),
          .hint = std::move(hint)};
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::uint16_t> parse_port(std::string_view whole, std::string_view text, Proto proto,
                                 const NameService& names) {
  if (is_number(text)) {
    unsigned long port = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (code != std::errc{} || port > 65535)
      return wrong(whole, fmt::format("port {} is out of range", text), "Ports are 1 to 65535.");
    if (port == 0)
      return wrong(whole, "nothing can be reached on port 0", "Ports are 1 to 65535.");
    return static_cast<std::uint16_t>(port);
  }
  const std::uint16_t port = names.port_of(std::string(text), proto);
  if (port != 0)
    return port;
  if (text.find_first_not_of("0123456789-,") == std::string_view::npos &&
      is_number(text.substr(0, 1)))
    return wrong(whole, "this is more than one port", "Name each port: synfate 8080 8081.");
  if (IpAddress::parse(text))
    return wrong(whole, "the port is missing after the address",
                 fmt::format("Write {}:PORT.", text));
  const auto known = names.service_names();
  const auto near = nearest_word(text, known).value_or("");
  return wrong(whole,
               fmt::format("the services database has no {} service '{}'", to_string(proto), text),
               near.empty() ? std::string(forms) : fmt::format("Did you mean '{}'?", near));
}

struct UnixForm {
  std::string_view prefix;
  std::string_view type; ///< empty: the server's own
};
constexpr std::array unix_forms{
    UnixForm{"unix:", ""},
    UnixForm{"unix-stream:", "stream"},
    UnixForm{"unix-dgram:", "dgram"},
    UnixForm{"unix-seqpacket:", "seqpacket"},
};

int hexadecimal_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// The byte behind a backslash and how many characters it takes there; nothing if it is none of
/// ours: then the backslash stands for itself.
std::optional<std::pair<char, std::size_t>> escaped_byte(std::string_view rest) {
  if (rest.empty())
    return std::nullopt;
  switch (rest.front()) {
  case '\\':
    return std::pair('\\', std::size_t{1});
  case 'n':
    return std::pair('\n', std::size_t{1});
  case 'r':
    return std::pair('\r', std::size_t{1});
  case 't':
    return std::pair('\t', std::size_t{1});
  default:
    break;
  }
  if (rest.front() != 'x' || rest.size() < 3)
    return std::nullopt;
  const int high = hexadecimal_digit(rest[1]);
  const int low = hexadecimal_digit(rest[2]);
  if (high < 0 || low < 0)
    return std::nullopt;
  return std::pair(static_cast<char>(high * 16 + low), std::size_t{3});
}

std::string without_escapes(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = text[at] == '\\' ? escaped_byte(text.substr(at + 1)) : std::nullopt;
    plain += byte ? byte->first : text[at];
    at += byte ? byte->second : 0;
  }
  return plain;
}

/// A name that is too long for a socket address is no error here: what connect() says of it is the
/// model's to tell.
Result<Target> parse_unix(std::string_view text, const UnixForm& form) {
  Target target;
  target.text = text;
  target.proto = Proto::unix_socket;
  target.socket_type = form.type;
  std::string_view name = text.substr(form.prefix.size());
  target.abstract = name.starts_with('@');
  if (target.abstract)
    name.remove_prefix(1);
  if (name.empty())
    return wrong(text, "the name of the Unix socket is missing");
  if (!target.abstract && name.front() != '/')
    return wrong(text, "the path of a Unix socket must be absolute");
  if (!target.abstract) // unix:///run/app.sock, as URLs have it
    name.remove_prefix(name.find_first_not_of('/') == name.npos ? 0
                                                                : name.find_first_not_of('/') - 1);
  target.path = without_escapes(name);
  if (!target.abstract && target.path.find('\0') != std::string::npos)
    return wrong(text, "a path has no byte 0");
  return target;
}

/// Splits "[addr]:port", "addr:port" and "port"; the host part is empty when there is none.
Result<std::pair<std::string_view, std::string_view>> split_host(std::string_view whole,
                                                                 std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos)
      return wrong(whole, "the ']' after the address is missing");
    if (end + 1 >= text.size() || text[end + 1] != ':')
      return wrong(whole, "the port is missing after the address",
                   fmt::format("Write {}:PORT.", text.substr(0, end + 1)));
    return std::pair(text.substr(1, end - 1), text.substr(end + 2));
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::pair(std::string_view(), text);
  if (text.find(':') != colon)
    return wrong(whole, "an IPv6 address needs brackets and a port",
                 fmt::format("Write [{}]:PORT.", parse_zoned_address(text) ? text : "ADDRESS"));
  return std::pair(text.substr(0, colon), text.substr(colon + 1));
}

} // namespace

std::string_view to_string(Proto proto) {
  switch (proto) {
  case Proto::tcp:
    return "tcp";
  case Proto::udp:
    return "udp";
  case Proto::unix_socket:
    return "unix";
  }
  return "";
}

Result<ZonedAddress> parse_zoned_address(std::string_view text) {
  const auto percent = text.find('%');
  const auto address = IpAddress::parse(text.substr(0, percent));
  if (!address)
    return Error{.code = ErrorCode::invalid_input,
                 .doing = "reading an address",
                 .where = fmt::format("'{}'", text),
                 .detail = "this is no IPv4 or IPv6 address",
                 .hint = "Write it like 192.0.2.7, 2001:db8::7 or 192.0.2.7%eth0."};
  ZonedAddress zoned{*address, {}};
  if (percent != std::string_view::npos) {
    zoned.zone = text.substr(percent + 1);
    if (zoned.zone.empty())
      return Error{.code = ErrorCode::invalid_input,
                   .doing = "reading an address",
                   .where = fmt::format("'{}'", text),
                   .detail = "the interface after '%' is missing",
                   .hint = "Write it like 192.0.2.7%eth0, or without '%'."};
  }
  return zoned;
}

std::string unix_name(std::string_view path, bool abstract) {
  return (abstract ? "@" : "") + escape_for_terminal(path);
}

Result<Target> parse_target(std::string_view text, const NameService& names) {
  if (text.starts_with('/') || text.starts_with('@') || text.starts_with("./") ||
      text.starts_with("../"))
    return parse_unix(text, {"", ""});
  for (const auto& form : unix_forms)
    if (text.starts_with(form.prefix))
      return parse_unix(text, form);
  Target target;
  target.text = text;
  std::string_view rest = text;
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    const auto proto = rest.substr(0, slash);
    if (rest.substr(slash).starts_with("//") && proto.ends_with(':'))
      return wrong(text, "this is a URL", "Write HOST:PORT.");
    if (proto == "udp")
      target.proto = Proto::udp;
    else if (proto != "tcp")
      return wrong(text, fmt::format("'{}' is no protocol this tool knows", proto),
                   "Use tcp/, udp/ or unix:.");
    rest.remove_prefix(slash + 1);
  }
  if (rest.empty())
    return wrong(text, "the port is missing");
  SYNFATE_TRY(parts, split_host(text, rest));
  const auto& [host, port_text] = parts;
  if (port_text.empty())
    return wrong(text, "the port is missing");
  SYNFATE_TRY(port, parse_port(text, port_text, target.proto, names));
  target.port = port;
  if (rest.size() == port_text.size())
    return target;
  if (host.empty())
    return wrong(text, "the address before ':' is missing");
  if (host == "*") // as ss prints it
    return target;
  if (auto zoned = parse_zoned_address(host)) {
    target.addresses.push_back(zoned->address);
    target.zone = zoned->zone;
    return target;
  }
  if (host.find_first_not_of("0123456789.") == std::string_view::npos)
    return wrong(text, fmt::format("'{}' is no IPv4 address", host));
  SYNFATE_TRY(addresses, names.addresses_of(std::string(host)));
  target.host_name = host;
  target.addresses = std::move(addresses);
  return target;
}

} // namespace synfate
