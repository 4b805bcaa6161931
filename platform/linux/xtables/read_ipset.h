// Reads the sets of ipset of the calling thread's network namespace over nfnetlink.
//
//   nlmsghdr type NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_LIST, nfgenmsg,
//   IPSET_ATTR_PROTOCOL 7, SETNAME, TYPENAME "hash:ip,port", FAMILY, INDEX,
//   DATA { HASHSIZE, MAXELEM, ELEMENTS … }, ADT { DATA { IP { IPV4 }, PORT, PROTO } … }
//
// A set is asked for one element where that is enough (IPSET_CMD_TEST), for the element test of the
// match `set` is the same code; listing walks the whole set. net/netfilter/ipset/ip_set_core.c:
// ip_set_dump_do(), ip_set_utest(); Linux 6.12. parse_* are pure.
// Tested by tests/twin/firewall.py.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/linux/netlink.h"
#include "platform/linux/xtables/tables.h"

namespace synfate::xt {

class IpsetReader {
public:
  /// `netns` goes into the rows. Error `unsupported`: this kernel has no ipset, or has not loaded
  /// it: there are no sets. Asking would load it.
  static Result<IpsetReader> open(Int netns, std::chrono::milliseconds timeout,
                                  const std::string& root);

  /// All sets without their elements. Errors: denied (no CAP_NET_ADMIN), interrupted, timed_out.
  Result<std::vector<Ipset>> read_sets();
  /// The elements of one set; none if it is gone.
  Result<std::vector<IpsetElement>> read_elements(const std::string& set);
  /// Whether the kernel finds an element, written as in ipset_test.element, in a set.
  Result<IpsetTest> test(const std::string& set, const std::string& element);

private:
  IpsetReader(netlink::Socket socket, Int netns) : socket_(std::move(socket)), netns_(netns) {}
  Result<std::vector<Ipset>> headers(const std::string& set);

  netlink::Socket socket_;
  Int netns_ = 0;
};

/// The set that a message of IPSET_CMD_LIST is about; nothing if it does not say.
std::optional<Ipset> parse_ipset(const netlink::Message& message);
/// The elements in such a message; a set's elements may come in several messages.
std::vector<IpsetElement> parse_ipset_elements(const netlink::Message& message);

/// The attributes that ask for an element of a set of a type, put into `request`. False if the
/// element does not fit the type.
bool put_ipset_element(netlink::Request& request, std::string_view type, std::string_view element);

} // namespace synfate::xt
