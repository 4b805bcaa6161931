// TCP wrappers: servers that ask libwrap whom to serve.
//
//   /etc/hosts.allow    sshd : 10.0.0.0/255.0.0.0, .example.org EXCEPT 10.6.6.6
//   /etc/hosts.deny     ALL : ALL
//                       vsftpd : [2001:db8::]/32 : deny
//
// hosts_access(5), hosts_options(5): the first line of hosts.allow that names the daemon and the
// client decides, then the first of hosts.deny; who is in neither is let in. What is asked is the
// name that the daemon gives itself, mostly that of its program. Names of clients are not looked
// up: a line that hangs on one leaves it open. Whether a program asks at all is told by the library
// in its memory (/proc/PID/maps). Tested by
// tests/unit/platform/linux/processes/hosts_access_test.cpp and tests/lab/cases_app.py.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/facts/hosts_access_table.h"
#include "platform/linux/delivery.h"
#include "platform/linux/processes/process_source.h"

namespace synfate {

/// What the texts of both files say; neither is read from a file here.
struct HostsVerdict {
  std::optional<bool> allowed; ///< nothing: it hangs on what is not known
  std::string_view file;       ///< /etc/hosts.allow, /etc/hosts.deny, or empty
  std::int64_t line = 0;       ///< from 1
  std::string text;
};

/// An empty daemon is one whose name is not known.
HostsVerdict judge_client(std::string_view allow, std::string_view deny, std::string_view daemon,
                          const IpAddress& client);

/// A row about the process and client; for pid 0 a row only if a file turns anybody away.
void read_hosts_access(Int pid, const std::optional<IpAddress>& client, const ProcessSource& source,
                       const Delivery<HostsAccess>& delivery);

} // namespace synfate
