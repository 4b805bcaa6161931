#include "platform/linux/netfilter/consistent_read.h"

#include <cerrno>

#include "platform/linux/privilege.h"

namespace synfate {

bool is_lost(const Error& error) {
  return error.code == ErrorCode::interrupted &&
         (error.os_error == ENOBUFS || error.os_error == ENOSPC);
}

Error rules_changed(std::string_view doing) {
  return {ErrorCode::interrupted,
          std::string(doing),
          {},
          EINTR,
          "the rules changed each time while they were read",
          "try again when they are at rest"};
}

Error answers_lost(std::string_view doing) {
  return {ErrorCode::interrupted,
          std::string(doing),
          {},
          ENOBUFS,
          "the kernel had no memory for its answer each time it was asked",
          "try again when memory is free"};
}

Gap gap_of_unread_rules(const Error& error) {
  Gap gap{.id = "nft.unread",
          .what = "the rules of nf_tables (nft, iptables-nft, firewalld)",
          .why = to_string(error),
          .effect = "whether this host's firewall lets the packets in cannot be told",
          .remedy = "run again when the rules are not changing"};
  if (error.code == ErrorCode::denied) {
    gap.id = "nft";
    gap.why = "the kernel shows them only with CAP_NET_ADMIN";
    gap.remedy = remedy_with("CAP_NET_ADMIN");
  } else if (is_lost(error)) {
    gap.id = "nft.lost";
    gap.effect = "the rules may be at rest, but they were never read whole: whether this host's "
                 "firewall lets the packets in cannot be told";
    gap.remedy = "free memory (the limit of the own cgroup counts as well), then run again";
  } else if (error.code == ErrorCode::timed_out) {
    gap.remedy = "give it more time: --timeout SECONDS";
  }
  return gap;
}

} // namespace synfate
