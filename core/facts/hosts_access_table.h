// What the files of TCP wrappers say of one client of one server, as a table.
#pragma once

#include "core/facts/row.h"

namespace synfate {

/// Whether a server turns a client away by hosts.allow and hosts.deny.
struct HostsAccess {
  Fact<Int> pid;
  Fact<IpAddress> client;
  Fact<bool> library;
  Fact<bool> allowed;
  Fact<Text> file;
  Fact<Int> line;
  Fact<Text> text;
};

template <>
inline constexpr auto description_of<HostsAccess> = describe_answers(
    "hosts_access", "What hosts.allow and hosts.deny (TCP wrappers) say of a client of a server.",
    key(column(&HostsAccess::pid, "pid", "",
               "Asked: the server; 0: whether this tool's own files turn anybody away.",
               "process.pid")),
    key(column(&HostsAccess::client, "client", "", "Asked: the client; absent for pid 0.")),
    column(&HostsAccess::library, "library", "",
           "The server has libwrap loaded; absent where the files let the client in."),
    column(&HostsAccess::allowed, "allowed", "",
           "The files let it in; absent where that hangs on a name."),
    column(&HostsAccess::file, "file", "", "The file that decides; absent if none does."),
    column(&HostsAccess::line, "line", "", "The line of it that decides."),
    column(&HostsAccess::text, "text", "", "That line."));

} // namespace synfate
