#include <array>
#include <chrono>

#include "platform/linux/xtables/print_matches.h"

namespace synfate::xt {
namespace {

void print_hardware(std::string& out, const std::uint8_t (&address)[6]) {
  for (unsigned at = 0; at < 6; ++at)
    append(out, "{}{:02x}", at == 0 ? " " : ":", address[at]);
}

void print_ttl_mode(std::string& out, const PrintCall& call, std::string_view name) {
  constexpr std::array<std::string_view, 4> modes{"eq", "eq", "lt", "gt"};
  const auto ttl = call.as<wire::Ttl>();
  option(out, ttl.mode == 1, fmt::format("--{}-{}", name, ttl.mode < 4 ? modes[ttl.mode] : "?"));
  append(out, " {}", ttl.value);
}

void print_day_time(std::string& out, std::string_view name, std::uint32_t seconds) {
  append(out, " {} {:02}:{:02}:{:02}", name, seconds / 3600, seconds / 60 % 60, seconds % 60);
}

void print_date(std::string& out, std::string_view name, std::uint32_t seconds) {
  const std::chrono::sys_seconds instant{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(instant - day);
  append(out, " {} {:04}-{:02}-{:02}T{:02}:{:02}:{:02}", name, static_cast<int>(date.year()),
         static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
         time.hours().count(), time.minutes().count(), time.seconds().count());
}

/// "1,2,31" or "Mon,Tue" of the bits from 1 on.
template <typename Name>
void print_days(std::string& out, std::uint32_t bits, unsigned last, Name name) {
  bool first = true;
  for (unsigned day = 1; day <= last; ++day)
    if ((bits >> day & 1U) != 0) {
      append(out, "{}{}", first ? "" : ",", name(day));
      first = false;
    }
}

void print_interface(std::string& out, bool inverted, std::string_view option_name,
                     const char (&name)[16], const std::uint8_t (&mask)[16]) {
  const InterfacePattern pattern =
      pattern_of(std::as_bytes(std::span(name)), std::as_bytes(std::span(mask)));
  option(out, inverted, option_name);
  append(out, " {}{}", pattern.name, pattern.wildcard ? "+" : "");
}

void print_group(std::string& out, bool inverted, std::string_view name, std::uint32_t group,
                 std::uint32_t mask) {
  option(out, inverted, name);
  append(out, " 0x{:x}", group);
  if (mask != 0xffffffff)
    append(out, "/0x{:x}", mask);
}

bool is_printable(std::span<const std::uint8_t> bytes) {
  for (const auto byte : bytes)
    if (byte < 0x20 || byte > 0x7e)
      return false;
  return true;
}

void print_pattern(std::string& out, std::span<const std::uint8_t> pattern, bool inverted) {
  if (!is_printable(pattern)) {
    option(out, inverted, "--hex-string");
    out += " \"|";
    for (const auto byte : pattern)
      append(out, "{:02x}", byte);
    out += "|\"";
    return;
  }
  option(out, inverted, "--string");
  out += " \"";
  for (const auto byte : pattern)
    append(out, "{}{}", byte == '"' || byte == '\\' ? "\\" : "", static_cast<char>(byte));
  out += '"';
}

void print_u32_location(std::string& out, const wire::U32Test& test) {
  constexpr std::array<std::string_view, 4> operations{"&", "<<", ">>", "@"};
  append(out, "0x{:x}", test.location[0].number);
  for (unsigned at = 1; at < std::min<unsigned>(test.locations, 11); ++at) {
    const auto operation = test.location[at].next_operation;
    append(out, "{}0x{:x}", operation < 4 ? operations[operation] : "?", test.location[at].number);
  }
}

void print_u32_values(std::string& out, const wire::U32Test& test) {
  for (unsigned at = 0; at < std::min<unsigned>(test.values, 11); ++at) {
    append(out, "{}0x{:x}", at == 0 ? "=" : ",", test.value[at].min);
    if (test.value[at].min != test.value[at].max)
      append(out, ":0x{:x}", test.value[at].max);
  }
}

void print_program(std::string& out, std::span<const std::byte> program, unsigned count) {
  append(out, " --bytecode \"{}", count);
  for (unsigned at = 0; at < std::min(count, 64U); ++at) {
    const auto step =
        load<wire::BpfInstruction>(program.subspan(at * sizeof(wire::BpfInstruction)));
    if (step)
      append(out, ",{} {} {} {}", step->code, step->jump_true, step->jump_false, step->k);
  }
  out += '"';
}

} // namespace

void print_comment(std::string& out, const PrintCall& call) {
  const std::string_view text(reinterpret_cast<const char*>(call.info.data()), call.info.size());
  append(out, " --comment {}", quoted(text.substr(0, text.find('\0'))));
}

void print_mac(std::string& out, const PrintCall& call) {
  const auto mac = call.as<wire::Mac>();
  option(out, mac.invert != 0, "--mac-source");
  print_hardware(out, mac.address);
}

void print_pkttype(std::string& out, const PrintCall& call) {
  constexpr std::array<std::string_view, 3> names{"unicast", "broadcast", "multicast"};
  const auto type = call.as<wire::Pkttype>();
  option(out, type.invert != 0, "--pkt-type");
  if (type.type >= 0 && type.type < 3)
    append(out, " {}", names[static_cast<std::size_t>(type.type)]);
  else
    append(out, " {}", type.type);
}

void print_mark(std::string& out, const PrintCall& call) {
  const auto mark = call.as<wire::Mark>();
  print_group(out, mark.invert != 0, "--mark", mark.mark, mark.mask);
}

void print_length(std::string& out, const PrintCall& call) {
  const auto length = call.as<wire::Length>();
  ranged(out, length.invert != 0, "--length", length.min, length.max);
}

void print_ttl(std::string& out, const PrintCall& call) {
  print_ttl_mode(out, call, "ttl");
}

void print_hl(std::string& out, const PrintCall& call) {
  print_ttl_mode(out, call, "hl");
}

void print_tos(std::string& out, const PrintCall& call) {
  const auto tos = call.as<wire::Tos>();
  option(out, tos.invert != 0, "--tos");
  append(out, " 0x{:02x}/0x{:02x}", tos.value, tos.mask);
}

void print_dscp(std::string& out, const PrintCall& call) {
  const auto dscp = call.as<wire::Dscp>();
  option(out, dscp.invert != 0, "--dscp");
  append(out, " 0x{:02x}", dscp.dscp);
}

void print_ecn(std::string& out, const PrintCall& call) {
  const auto ecn = call.as<wire::Ecn>();
  if ((ecn.operation & 0x10) != 0)
    option(out, (ecn.invert & 0x10) != 0, "--ecn-tcp-ece");
  if ((ecn.operation & 0x20) != 0)
    option(out, (ecn.invert & 0x20) != 0, "--ecn-tcp-cwr");
  if ((ecn.operation & 0x01) != 0) {
    option(out, (ecn.invert & 0x01) != 0, "--ecn-ip-ect");
    append(out, " {}", ecn.ip_ect);
  }
}

void print_time(std::string& out, const PrintCall& call) {
  constexpr std::array<std::string_view, 8> names{"",    "Mon", "Tue", "Wed",
                                                  "Thu", "Fri", "Sat", "Sun"};
  const auto time = call.as<wire::Time>();
  if (time.daytime_start != 0 || time.daytime_stop != 86399) {
    print_day_time(out, "--timestart", time.daytime_start);
    print_day_time(out, "--timestop", time.daytime_stop);
  }
  if (time.month_days != 0xfffffffe) {
    out += " --monthdays ";
    print_days(out, time.month_days, 31, [](unsigned day) { return day; });
  }
  if (time.week_days != 0xfe) {
    out += " --weekdays ";
    print_days(out, time.week_days, 7, [&](unsigned day) { return names[day]; });
  }
  if (time.date_start != 0)
    print_date(out, "--datestart", time.date_start);
  if (time.date_stop != 0xffffffff)
    print_date(out, "--datestop", time.date_stop);
  out += (time.flags & 1) != 0 ? " --kerneltz" : "";
  out += (time.flags & 2) != 0 ? " --contiguous" : "";
}

void print_string(std::string& out, const PrintCall& call) {
  const auto string = call.as<wire::String>();
  const std::span<const std::uint8_t> pattern(string.pattern);
  print_pattern(out, pattern.first(std::min<std::size_t>(string.length, pattern.size())),
                (string.flags & 1) != 0);
  append(out, " --algo {}", text_of(string.algorithm));
  if (string.from != 0)
    append(out, " --from {}", string.from);
  if (string.to != 0xffff)
    append(out, " --to {}", string.to);
  if (call.revision > 0 && (string.flags & 2) != 0)
    out += " --icase";
}

void print_u32(std::string& out, const PrintCall& call) {
  const auto u32 = call.as<wire::U32>();
  option(out, u32.invert != 0, "--u32");
  out += " \"";
  for (unsigned at = 0; at < std::min<unsigned>(u32.count, 11); ++at) {
    out += at == 0 ? "" : "&&";
    print_u32_location(out, u32.tests[at]);
    print_u32_values(out, u32.tests[at]);
  }
  out += '"';
}

void print_bpf0(std::string& out, const PrintCall& call) {
  const auto bpf = call.as<wire::Bpf0>();
  print_program(out, std::as_bytes(std::span(bpf.program)), bpf.count);
}

void print_bpf1(std::string& out, const PrintCall& call) {
  const auto bpf = call.as<wire::Bpf1>();
  if (bpf.mode == 0) {
    print_program(out, bpf.program, bpf.count);
    return;
  }
  const std::string_view path(reinterpret_cast<const char*>(bpf.program.data()),
                              bpf.program.size());
  append(out, " --object-pinned {}", quoted(path.substr(0, path.find('\0'))));
}

void print_physdev(std::string& out, const PrintCall& call) {
  const auto physdev = call.as<wire::Physdev>();
  const auto has = [&](unsigned bit) { return (physdev.wanted & bit) != 0; };
  const auto inverted = [&](unsigned bit) { return (physdev.invert & bit) != 0; };
  if (has(0x08))
    option(out, inverted(0x08), "--physdev-is-in");
  if (has(0x01))
    print_interface(out, inverted(0x01), "--physdev-in", physdev.in, physdev.in_mask);
  if (has(0x10))
    option(out, inverted(0x10), "--physdev-is-out");
  if (has(0x02))
    print_interface(out, inverted(0x02), "--physdev-out", physdev.out, physdev.out_mask);
  if (has(0x04))
    option(out, inverted(0x04), "--physdev-is-bridged");
}

void print_devgroup(std::string& out, const PrintCall& call) {
  const auto group = call.as<wire::Devgroup>();
  if ((group.flags & 1) != 0)
    print_group(out, (group.flags & 2) != 0, "--src-group", group.source_group, group.source_mask);
  if ((group.flags & 4) != 0)
    print_group(out, (group.flags & 8) != 0, "--dst-group", group.destination_group,
                group.destination_mask);
}

void print_realm(std::string& out, const PrintCall& call) {
  const auto realm = call.as<wire::Realm>();
  print_group(out, realm.invert != 0, "--realm", realm.id, realm.mask);
}

void print_cpu(std::string& out, const PrintCall& call) {
  const auto cpu = call.as<wire::Cpu>();
  option(out, cpu.invert != 0, "--cpu");
  append(out, " {}", cpu.cpu);
}

} // namespace synfate::xt
