#include <array>

#include "platform/linux/xtables/print_matches.h"

namespace synfate::xt {
namespace {

void print_list(std::string& out, std::string_view name, const wire::Options6& options) {
  append(out, " {} ", name);
  for (unsigned at = 0; at < std::min<unsigned>(options.count, 16); ++at) {
    const unsigned type = options.options[at] >> 8;
    const unsigned length = options.options[at] & 0xff;
    append(out, "{}{}", at == 0 ? "" : ",", type);
    if (length != 0xff)
      append(out, ":{}", length);
  }
}

void print_options6(std::string& out, const PrintCall& call, std::string_view name) {
  const auto options = call.as<wire::Options6>();
  if ((options.flags & 1) != 0) {
    option(out, (options.invert & 1) != 0, fmt::format("--{}-len", name));
    append(out, " {}", options.header_length);
  }
  if ((options.flags & 2) != 0)
    print_list(out, fmt::format("--{}-opts", name), options);
  if ((options.flags & 4) != 0)
    append(out, " --{}-not-strict", name);
}

constexpr std::array<BitName, 8> header_names{{{128, "hop-by-hop"},
                                               {64, "ipv6-opts"},
                                               {32, "ipv6-route"},
                                               {16, "ipv6-frag"},
                                               {8, "ah"},
                                               {4, "esp"},
                                               {2, "ipv6-nonxt"},
                                               {1, "protocol"}}};

struct SrhTest {
  std::uint16_t flag;
  std::string_view name;
};
constexpr std::array<SrhTest, 11> srh_tests{{{0x0001, "--srh-next-hdr"},
                                             {0x0002, "--srh-hdr-len-eq"},
                                             {0x0004, "--srh-hdr-len-gt"},
                                             {0x0008, "--srh-hdr-len-lt"},
                                             {0x0010, "--srh-segs-left-eq"},
                                             {0x0020, "--srh-segs-left-gt"},
                                             {0x0040, "--srh-segs-left-lt"},
                                             {0x0080, "--srh-last-entry-eq"},
                                             {0x0100, "--srh-last-entry-gt"},
                                             {0x0200, "--srh-last-entry-lt"},
                                             {0x0400, "--srh-tag"}}};

template <typename Srh> void print_srh_numbers(std::string& out, const Srh& srh) {
  for (const auto& [flag, name] : srh_tests) {
    if ((srh.flags & flag) == 0)
      continue;
    option(out, (srh.invert & flag) != 0, name);
    const unsigned value = flag == 0x0001   ? srh.next_header
                           : flag <= 0x0008 ? srh.header_length
                           : flag <= 0x0040 ? srh.segments_left
                           : flag <= 0x0200 ? srh.last_entry
                                            : srh.tag;
    append(out, " {}", value);
  }
}

} // namespace

void print_ah6(std::string& out, const PrintCall& call) {
  const auto ah = call.as<wire::Ah6>();
  const bool inverted = (ah.invert & 1) != 0;
  if (ah.spi[0] != 0 || ah.spi[1] != 0xffffffff || inverted)
    ranged(out, inverted, "--ahspi", ah.spi[0], ah.spi[1]);
  if (ah.header_length != 0 || (ah.invert & 2) != 0) {
    option(out, (ah.invert & 2) != 0, "--ahlen");
    append(out, " {}", ah.header_length);
  }
  if (ah.reserved != 0)
    out += " --ahres";
}

void print_frag(std::string& out, const PrintCall& call) {
  const auto frag = call.as<wire::Frag6>();
  const bool inverted = (frag.invert & 1) != 0;
  if (frag.id[0] != 0 || frag.id[1] != 0xffffffff || inverted)
    ranged(out, inverted, "--fragid", frag.id[0], frag.id[1]);
  if ((frag.flags & 2) != 0) {
    option(out, (frag.invert & 2) != 0, "--fraglen");
    append(out, " {}", frag.header_length);
  }
  out += (frag.flags & 0x04) != 0 ? " --fragres" : "";
  out += (frag.flags & 0x08) != 0 ? " --fragfirst" : "";
  out += (frag.flags & 0x10) != 0 ? " --fragmore" : "";
  out += (frag.flags & 0x20) != 0 ? " --fraglast" : "";
}

void print_hbh(std::string& out, const PrintCall& call) {
  print_options6(out, call, "hbh");
}

void print_dst(std::string& out, const PrintCall& call) {
  print_options6(out, call, "dst");
}

void print_rt(std::string& out, const PrintCall& call) {
  const auto rt = call.as<wire::Routing6>();
  if ((rt.flags & 0x01) != 0) {
    option(out, (rt.invert & 1) != 0, "--rt-type");
    append(out, " {}", rt.type);
  }
  const bool any = rt.segments_left[0] == 0 && rt.segments_left[1] == 0xffffffff;
  if ((rt.flags & 0x02) != 0 && (!any || (rt.invert & 2) != 0))
    ranged(out, (rt.invert & 2) != 0, "--rt-segsleft", rt.segments_left[0], rt.segments_left[1]);
  if ((rt.flags & 0x04) != 0) {
    option(out, (rt.invert & 4) != 0, "--rt-len");
    append(out, " {}", rt.header_length);
  }
  if ((rt.flags & 0x08) != 0)
    out += " --rt-0-res";
  if ((rt.flags & 0x10) != 0)
    out += " --rt-0-addrs ";
  for (unsigned at = 0; (rt.flags & 0x10) != 0 && at < std::min<unsigned>(rt.count, 16); ++at)
    append(out, "{}{}", at == 0 ? "" : ",", address_of(rt.addresses[at], IpFamily::v6).to_string());
  if ((rt.flags & 0x20) != 0)
    out += " --rt-0-not-strict";
}

void print_ipv6header(std::string& out, const PrintCall& call) {
  const auto header = call.as<wire::Header6>();
  option(out, header.invert != 0, "--header");
  append(out, " {}", bit_names(header.wanted, header_names));
  if (header.soft != 0)
    out += " --soft";
}

void print_mh(std::string& out, const PrintCall& call) {
  const auto mh = call.as<wire::Mobility6>();
  const bool inverted = (mh.invert & 1) != 0;
  if (mh.types[0] != 0 || mh.types[1] != 0xff || inverted)
    ranged(out, inverted, "--mh-type", mh.types[0], mh.types[1]);
}

void print_srh0(std::string& out, const PrintCall& call) {
  print_srh_numbers(out, call.as<wire::Srh0>());
}

void print_srh1(std::string& out, const PrintCall& call) {
  const auto srh = call.as<wire::Srh1>();
  print_srh_numbers(out, srh);
  const auto prefix = [&](std::uint16_t flag, std::string_view name,
                          const wire::InetAddress& address, const wire::InetAddress& mask) {
    if ((srh.flags & flag) == 0)
      return;
    option(out, (srh.invert & flag) != 0, name);
    append(out, " {}", masked_address(address, mask));
  };
  prefix(0x0800, "--srh-psid", srh.previous, srh.previous_mask);
  prefix(0x1000, "--srh-nsid", srh.next, srh.next_mask);
  prefix(0x2000, "--srh-lsid", srh.last, srh.last_mask);
}

} // namespace synfate::xt
