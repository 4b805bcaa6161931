#include <array>

#include "platform/linux/xtables/hashlimit_info.h"
#include "platform/linux/xtables/print_matches.h"

namespace synfate::xt {
namespace {

struct RateUnit {
  std::string_view name;
  std::uint64_t seconds;
};
constexpr std::array<RateUnit, 4> rate_units{
    {{"day", 86400}, {"hour", 3600}, {"min", 60}, {"sec", 1}}};

/// " 10/min" in the unit iptables would choose; gives that unit's length in seconds.
std::uint64_t print_rate(std::string& out, std::uint64_t period, std::uint64_t scale) {
  if (period == 0) {
    out += " inf";
    return 0;
  }
  std::size_t unit = 1;
  for (; unit < rate_units.size(); ++unit) {
    const std::uint64_t whole = rate_units[unit].seconds * scale;
    if (period > whole || whole / period < whole % period)
      break;
  }
  const auto& chosen = rate_units[unit - 1];
  append(out, " {}/{}", chosen.seconds * scale / period, chosen.name);
  return chosen.seconds;
}

/// The inverse of bytes_per_second(), as extensions/libxt_hashlimit.c of iptables writes it.
std::uint64_t byte_cost(std::uint64_t bytes) {
  return 0xffffffffULL / ((bytes >> 4) + 1);
}

/// In the greatest unit in which the whole number will do.
template <typename WillDo>
void print_bytes(std::string& out, std::uint64_t bytes, const WillDo& will_do) {
  for (const auto& [name, size] : {std::pair{"mb", 1024ULL * 1024}, std::pair{"kb", 1024ULL}})
    if (bytes >= size && will_do(bytes / size * size))
      return append(out, "{}{}", bytes / size, name);
  append(out, "{}b", bytes);
}

/// The rate and burst of a hashlimit; gives how long an entry lives unless told, in milliseconds.
std::uint64_t print_hashlimit_rate(std::string& out, const HashlimitInfo& info) {
  if ((info.mode & hashlimit_bytes) == 0) {
    const std::uint64_t unit = print_rate(out, info.average, info.scale);
    append(out, " --hashlimit-burst {}", info.burst);
    return unit * 1000;
  }
  const std::uint64_t rate = bytes_per_second(info.average);
  out += ' ';
  print_bytes(out, rate, [&](std::uint64_t whole) { return byte_cost(whole) == info.average; });
  out += "/s";
  if (info.burst <= 1)
    return 15'000;
  out += " --hashlimit-burst ";
  print_bytes(out, rate * info.burst, [](std::uint64_t) { return true; });
  return 60'000;
}

constexpr std::array<BitName, 4> hashlimit_modes{
    {{4, "srcip"}, {8, "srcport"}, {1, "dstip"}, {2, "dstport"}}};

void print_recent_check(std::string& out, std::uint8_t check, bool inverted) {
  const std::string_view name = (check & 2) != 0   ? "--set"
                                : (check & 1) != 0 ? "--rcheck"
                                : (check & 4) != 0 ? "--update"
                                                   : "--remove";
  option(out, inverted, name);
}

template <typename Recent> void print_recent_head(std::string& out, const Recent& recent) {
  print_recent_check(out, recent.check, recent.invert != 0);
  if (recent.seconds != 0)
    append(out, " --seconds {}", recent.seconds);
  out += (recent.check & 0x20) != 0 ? " --reap" : "";
  if (recent.hit_count != 0)
    append(out, " --hitcount {}", recent.hit_count);
  out += (recent.check & 0x10) != 0 ? " --rttl" : "";
  append(out, " --name {}", quoted_set(text_of(recent.name)));
}

void print_rate_bits(std::string& out, std::string_view which, std::uint16_t flags,
                     std::uint32_t bytes, std::uint32_t packets) {
  if ((flags & 0x10) != 0)
    append(out, " --rateest-bps{} {}bit", which, std::uint64_t{bytes} * 8);
  if ((flags & 0x20) != 0)
    append(out, " --rateest-pps{} {}", which, packets);
}

} // namespace

HashlimitInfo hashlimit_of(ByteView info, unsigned revision) {
  const auto common = [](const auto& wire, std::uint64_t scale, std::uint32_t interval) {
    return HashlimitInfo{std::string(text_of(wire.name)),
                         wire.mode,
                         wire.average,
                         wire.burst,
                         scale,
                         wire.size,
                         wire.max,
                         wire.gc_interval,
                         wire.expire,
                         interval,
                         wire.source_mask,
                         wire.destination_mask};
  };
  if (revision == 1)
    return common(*load<wire::Hashlimit1>(info), 10'000, 0);
  if (revision == 2)
    return common(*load<wire::Hashlimit2>(info), 1'000'000, 0);
  const auto wire = *load<wire::Hashlimit3>(info);
  return common(wire, 1'000'000, wire.interval);
}

std::uint64_t bytes_per_second(std::uint64_t cost) {
  const std::uint64_t rate = cost != 0 ? 0xffffffffULL / cost : 0xffffffffULL;
  return rate == 0 ? 0 : (rate - 1) << 4;
}

void print_limit(std::string& out, const PrintCall& call) {
  const auto limit = call.as<wire::Limit>();
  out += " --limit";
  print_rate(out, limit.average, 10'000);
  if (limit.burst != 5)
    append(out, " --limit-burst {}", limit.burst);
}

void print_hashlimit(std::string& out, const PrintCall& call) {
  const HashlimitInfo info = hashlimit_of(call.info, call.revision);
  out += (info.mode & hashlimit_invert) != 0 ? " --hashlimit-above" : " --hashlimit-upto";
  const std::uint64_t expire = print_hashlimit_rate(out, info);
  if ((info.mode & 0x0f) != 0)
    append(out, " --hashlimit-mode {}", bit_names(info.mode, hashlimit_modes));
  append(out, " --hashlimit-name {}", quoted_set(info.name));
  const auto number = [&](std::string_view name, std::uint64_t value, std::uint64_t usual) {
    if (value != usual)
      append(out, " --hashlimit-{} {}", name, value);
  };
  const unsigned width = call.family == IpFamily::v4 ? 32 : 128;
  number("htable-size", info.size, 0);
  number("htable-max", info.max, 0);
  number("htable-gcinterval", info.gc_interval, 1000);
  number("htable-expire", info.expire, expire);
  number("srcmask", info.source_mask, width);
  number("dstmask", info.destination_mask, width);
  if ((info.mode & hashlimit_rate_match) == 0)
    return;
  out += " --hashlimit-rate-match";
  number("rate-interval", info.interval, 1);
}

void print_recent0(std::string& out, const PrintCall& call) {
  const auto recent = call.as<wire::Recent0>();
  print_recent_head(out, recent);
  out += recent.side == 0 ? " --rsource" : " --rdest";
}

void print_recent1(std::string& out, const PrintCall& call) {
  const auto recent = call.as<wire::Recent1>();
  print_recent_head(out, recent);
  append(out, " --mask {}", address_of(recent.mask, call.family).to_string());
  out += recent.side == 0 ? " --rsource" : " --rdest";
}

void print_quota(std::string& out, const PrintCall& call) {
  const auto quota = call.as<wire::Quota>();
  option(out, (quota.flags & 1) != 0, "--quota");
  append(out, " {}", quota.quota);
}

void print_nfacct(std::string& out, const PrintCall& call) {
  append(out, " --nfacct-name {}", quoted(text_of(call.as<wire::Nfacct>().name)));
}

void print_statistic(std::string& out, const PrintCall& call) {
  const auto statistic = call.as<wire::Statistic>();
  const bool inverted = (statistic.flags & 1) != 0;
  if (statistic.mode == 0) {
    out += " --mode random";
    option(out, inverted, "--probability");
    append(out, " {:.11f}", statistic.every_or_probability / 2147483648.0);
    return;
  }
  out += " --mode nth";
  option(out, inverted, "--every");
  append(out, " {} --packet {}", std::uint64_t{statistic.every_or_probability} + 1,
         statistic.packet);
}

void print_rateest(std::string& out, const PrintCall& call) {
  const auto info = call.as<wire::RateestMatch>();
  const bool delta = (info.flags & 8) != 0;
  const bool relative = (info.flags & 4) != 0;
  out += delta ? " --rateest-delta" : "";
  append(out, " --rateest{} {}", relative ? "1" : "", quoted_set(text_of(info.name1)));
  if (delta)
    print_rate_bits(out, "1", info.flags, info.bps1, info.pps1);
  const std::string_view mode = info.mode == 1   ? "--rateest-eq"
                                : info.mode == 2 ? "--rateest-lt"
                                                 : "--rateest-gt";
  option(out, (info.flags & 1) != 0, mode);
  if (!relative) {
    print_rate_bits(out, "", info.flags, info.bps1, info.pps1);
    return;
  }
  if (delta)
    print_rate_bits(out, "2", info.flags, info.bps2, info.pps2);
  append(out, " --rateest2 {}", quoted_set(text_of(info.name2)));
}

} // namespace synfate::xt
