#include <fmt/format.h>

#include "platform/linux/processes/unhashed.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/processes/directory.h"
#include "tests/unit/platform/linux/sockets/loopback.h"

using namespace synfate;

namespace {

void put_counts(const test::Directory& host, const std::string& net, int v4, int v6, int all) {
  host.file(net + "/sockstat",
            fmt::format("sockets: used 300\nTCP: inuse {} orphan 0 tw 9 alloc {} mem 1\n"
                        "UDP: inuse 2 mem 0\n",
                        v4, all));
  host.file(net + "/sockstat6", fmt::format("TCP6: inuse {}\nUDP6: inuse 1\n", v6));
}

/// Two network namespaces with two processes each.
void put_host(const test::Directory& host, int own, int other, int all) {
  put_counts(host, "proc/thread-self/net", own, 5, all);
  host.link("proc/thread-self/ns/net", "net:[1]");
  host.link("proc/10/ns/net", "net:[1]");
  host.link("proc/11/ns/net", "net:[2]");
  host.link("proc/12/ns/net", "net:[2]");
  for (const char* process : {"10", "11", "12"})
    put_counts(host, std::string("proc/") + process + "/net", other, 0, all);
}

} // namespace

TEST_CASE(
    "every TCP socket is in a table where all namespaces together have as many as there are") {
  const test::Directory host;
  put_host(host, 100, 20, 125);
  CHECK(all_tcp_sockets_hashed(host.path(), 50));
  CHECK_FALSE(all_tcp_sockets_hashed(host.path(), 106)); // not worth the while
}

TEST_CASE("a TCP socket more than the tables hold may be bound") {
  const test::Directory host;
  put_host(host, 100, 20, 126);
  CHECK_FALSE(all_tcp_sockets_hashed(host.path(), 50));
}

TEST_CASE("where /proc does not tell, nothing is concluded") {
  const test::Directory host;
  CHECK_FALSE(all_tcp_sockets_hashed(host.path(), 0));
  host.file("proc/thread-self/net/sockstat", "TCP: inuse 100 orphan 0 tw 0 mem 1\n");
  CHECK_FALSE(all_tcp_sockets_hashed(host.path(), 0));
}

TEST_CASE("a socket that is bound only is not taken for a hashed one") {
  const auto bound = test::bound(SOCK_STREAM, IpAddress::loopback(IpFamily::v4));
  CHECK_FALSE(all_tcp_sockets_hashed("", 0));
}
