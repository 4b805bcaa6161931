#include "platform/linux/programs/bpf_query.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace synfate {
namespace {

/// The part of union bpf_attr that BPF_PROG_QUERY reads. linux/bpf.h of older distributions does
/// not know the fields behind it, which stay zero.
struct Query {
  std::uint32_t target = 0;
  std::uint32_t attach_type = 0;
  std::uint32_t query_flags = 0;
  std::uint32_t attach_flags = 0;
  std::uint64_t program_ids = 0;
  std::uint32_t count = 0;
  std::uint32_t padding = 0;
  std::array<std::uint64_t, 4> later{};
};

Error error_of(int os_error) {
  const bool denied = os_error == EPERM || os_error == EACCES;
  return {denied ? ErrorCode::denied : ErrorCode::unsupported,
          "asking for BPF programs",
          {},
          os_error,
          {},
          {}};
}

} // namespace

Result<std::vector<std::uint32_t>> query_bpf(BpfPoint point, int target) {
  std::array<std::uint32_t, 64> ids{};
  Query query;
  query.target = static_cast<std::uint32_t>(target);
  query.attach_type = static_cast<std::uint32_t>(point);
  if (point < BpfPoint::sk_lookup) // those of cgroups
    query.query_flags = BPF_F_QUERY_EFFECTIVE;
  query.program_ids = reinterpret_cast<std::uint64_t>(ids.data());
  query.count = ids.size();
  if (syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) != 0 && errno != ENOSPC)
    return error_of(errno);
  return std::vector<std::uint32_t>(ids.begin(),
                                    ids.begin() + std::min<std::size_t>(query.count, ids.size()));
}

} // namespace synfate
