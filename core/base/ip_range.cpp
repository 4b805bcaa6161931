#include "core/base/ip_range.h"

namespace synfate {

std::optional<IpPrefix> IpRange::prefix() const {
  const auto low = first.bytes();
  const auto high = last.bytes();
  unsigned length = 0;
  while (length < first.width()) {
    const unsigned bit = 7 - length % 8;
    const auto difference = std::to_integer<unsigned>(low[length / 8] ^ high[length / 8]);
    if ((difference >> bit & 1U) != 0)
      break;
    ++length;
  }
  const IpPrefix candidate(first, length);
  if (candidate.first() != first || candidate.last() != last)
    return std::nullopt;
  return candidate;
}

std::string IpRange::to_string() const {
  if (first == last)
    return first.to_string();
  if (const auto block = prefix())
    return block->to_string();
  return first.to_string() + "-" + last.to_string();
}

} // namespace synfate
