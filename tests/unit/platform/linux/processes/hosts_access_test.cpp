#include "platform/linux/processes/hosts_access.h"

#include <string>
#include <vector>

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/directory.h"

using namespace synfate;

namespace {

std::optional<bool> allowed(std::string_view allow, std::string_view deny, std::string_view client,
                            std::string_view daemon = "sshd") {
  return judge_client(allow, deny, daemon, IpAddress::parse(client).value()).allowed;
}

/// What a line of hosts.deny says of a client.
bool denied(std::string_view line, std::string_view client) {
  return allowed("", line, client) == false;
}

struct Answer {
  std::vector<HostsAccess> rows;
  std::vector<Gap> gaps;
};

Answer access(const test::Directory& root, Int pid, std::optional<IpAddress> client) {
  ProcessSource source;
  source.root = root.path();
  Answer answer;
  read_hosts_access(pid, client, source,
                    {[&](const HostsAccess& row) {
                       answer.rows.push_back(row);
                       return true;
                     },
                     [&](const Gap& gap) { answer.gaps.push_back(gap); }});
  return answer;
}

} // namespace

TEST_CASE("who is in no file is let in, and hosts.allow comes first") {
  CHECK(allowed("", "", "10.0.0.1") == true);
  CHECK(allowed("", "ALL: ALL", "10.0.0.1") == false);
  CHECK(allowed("sshd: 10.0.0.", "ALL: ALL", "10.0.0.1") == true);
  CHECK(allowed("sshd: 10.0.1.", "ALL: ALL", "10.0.0.1") == false);
  CHECK(allowed("", "# ALL: ALL\n\n", "10.0.0.1") == true);
  CHECK(allowed("", "nothing", "10.0.0.1") == true);
}

TEST_CASE("a client is meant by its address, its start, a network or ALL") {
  CHECK(denied("sshd: 10.0.0.1", "10.0.0.1"));
  CHECK_FALSE(denied("sshd: 10.0.0.1", "10.0.0.10"));
  CHECK(denied("sshd: 10.", "10.9.9.9"));
  CHECK(denied("sshd: 10.0.0.0/255.255.0.0", "10.0.9.9"));
  CHECK_FALSE(denied("sshd: 10.0.0.0/255.255.0.0", "10.1.9.9"));
  CHECK(denied("sshd: 10.0.0.0/16", "10.0.9.9"));
  CHECK(denied("SSHD, ftpd: 1.1.1.1 10.0.0.0/8", "10.0.9.9"));
  CHECK(denied("sshd: [2001:db8::]/32", "2001:db8::7"));
  CHECK_FALSE(denied("sshd: [2001:db8::]/32", "2001:db9::7"));
  CHECK_FALSE(denied("sshd: [2001:db8::]/32", "10.0.0.1"));
  CHECK_FALSE(denied("vsftpd: ALL", "10.0.0.1"));
}

TEST_CASE("EXCEPT takes out of a list, and again") {
  CHECK_FALSE(denied("ALL: ALL EXCEPT 10.0.0.", "10.0.0.1"));
  CHECK(denied("ALL: ALL EXCEPT 10.0.0. EXCEPT 10.0.0.6", "10.0.0.6"));
  CHECK_FALSE(denied("ALL EXCEPT sshd: ALL", "10.0.0.1"));
}

TEST_CASE("options turn a line round, and a line may go on") {
  CHECK(allowed("sshd: 10.0.0.1: deny", "", "10.0.0.1") == false);
  CHECK(allowed("", "sshd: 10.0.0.1: allow\nALL: ALL", "10.0.0.1") == true);
  const auto verdict =
      judge_client("", "# them\nsshd: \\\n 10.0.0.1", "sshd", *IpAddress::parse("10.0.0.1"));
  CHECK(verdict.allowed == false);
  CHECK(verdict.file == "/etc/hosts.deny");
  CHECK(verdict.line == 2);
  CHECK(verdict.text == "sshd:  10.0.0.1");
}

TEST_CASE("what hangs on a name is open") {
  CHECK_FALSE(allowed("sshd: .example.org", "ALL: ALL", "10.0.0.1"));
  CHECK_FALSE(allowed("", "sshd: LOCAL", "10.0.0.1"));
  CHECK_FALSE(allowed("", "sshd: root@10.0.0.1", "10.0.0.1"));
  CHECK(allowed("", "sshd: root@10.0.0.2", "10.0.0.1") == true);
  CHECK_FALSE(allowed("", "vsftpd: ALL", "10.0.0.1", ""));
  CHECK(allowed("", "ALL: ALL", "10.0.0.1", "") == false);
}

TEST_CASE("the library is looked for where the files turn a client away") {
  const test::Directory root;
  const std::string stat = " (sshd) S 1 1 1 0 -1 0 0 0 0 0 5 3 0 0 20 0 1 0 250 0 0\n";
  root.file("proc/12/stat", "12" + stat);
  root.file("proc/12/root/etc/hosts.deny", "sshd: 10.0.0.1\n");
  root.file("proc/12/maps",
            "7f00-7f10 r-xp 0 08:01 5 /usr/lib/x86_64-linux-gnu/libwrap.so.0.7.6\n");
  root.file("proc/13/stat", "13" + stat);
  root.file("proc/13/root/etc/hosts.deny", "sshd: 10.0.0.1\n");
  root.file("proc/13/maps", "7f00-7f10 r-xp 0 08:01 5 /usr/lib/x86_64-linux-gnu/libc.so.6\n");
  const auto with = access(root, 12, IpAddress::parse("::ffff:10.0.0.1"));
  REQUIRE(with.rows.size() == 1);
  CHECK(with.rows[0].allowed.is(false));
  CHECK(with.rows[0].library.is(true));
  CHECK(with.rows[0].line.is(1));
  CHECK(access(root, 13, IpAddress::parse("10.0.0.1")).rows.at(0).library.is(false));
  const auto other = access(root, 12, IpAddress::parse("10.0.0.2"));
  CHECK(other.rows.at(0).allowed.is(true));
  CHECK(other.rows.at(0).library.absent());
  CHECK(access(root, 99, IpAddress::parse("10.0.0.2")).rows.empty());
}

TEST_CASE("processes are asked only where a file turns anybody away") {
  const test::Directory root;
  CHECK(access(root, 0, std::nullopt).rows.empty());
  root.file("etc/hosts.deny", "# nobody\n");
  CHECK(access(root, 0, std::nullopt).rows.empty());
  root.file("etc/hosts.allow", "ALL: 10. : deny\n");
  CHECK(access(root, 0, std::nullopt).rows.size() == 1);
}
