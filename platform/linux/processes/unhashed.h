// Whether any TCP socket of the machine is in no hash table of the kernel.
//
// The dump of sockets that are bound and neither listen nor connect walks every connection after
// them (inet_diag_dump_icsk(), Linux 6.12). Such a socket is one of those that are allocated
// ("alloc" of /proc/net/sockstat, tcp_sockets_allocated, of all network namespaces together) and
// not in use ("inuse", of one namespace: sock_prot_inuse_add() where __inet_hash() and
// inet_ehash_nolisten() add a socket to a table). Where the sums are equal there is none, and the
// dump is spared. Tested by tests/unit/platform/linux/processes/unhashed_test.cpp.
#pragma once

#include <cstdint>
#include <string>

namespace synfate {

/// True if the thread's network namespace has more than `worth` TCP sockets, and all of the
/// machine's are in a hash table, as they were when it was looked at. False also where that cannot
/// be told. `root` is before /proc.
bool all_tcp_sockets_hashed(const std::string& root, std::int64_t worth);

} // namespace synfate
