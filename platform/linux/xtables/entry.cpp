#include "platform/linux/xtables/entry.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace synfate::xt {
namespace {

constexpr std::size_t alignment = 8; // XT_ALIGN on a 64-bit kernel

std::string_view chars(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view until_nul(ByteView bytes) {
  const std::string_view text = chars(bytes);
  return text.substr(0, text.find('\0'));
}

Error damaged(std::string detail) {
  return {ErrorCode::damaged, "decoding a rule of iptables", {}, 0, std::move(detail), {}};
}

std::size_t head_size(IpFamily family) {
  return family == IpFamily::v4 ? sizeof(wire::Entry4) : sizeof(wire::Entry6);
}

template <typename Wire> EntryFrame frame_from(ByteView bytes) {
  EntryFrame frame;
  std::memcpy(&frame.target_offset, bytes.data() + offsetof(Wire, target_offset), 2);
  std::memcpy(&frame.next_offset, bytes.data() + offsetof(Wire, next_offset), 2);
  return frame;
}

template <typename Wire> IpPart ip_from(ByteView bytes, IpFamily family) {
  const auto field = [&](std::size_t offset, std::size_t size) {
    return bytes.subspan(offset, size);
  };
  const std::size_t address = family == IpFamily::v4 ? 4 : 16;
  IpPart ip;
  ip.family = family;
  ip.source = field(offsetof(Wire, source), address);
  ip.destination = field(offsetof(Wire, destination), address);
  ip.source_mask = field(offsetof(Wire, source_mask), address);
  ip.destination_mask = field(offsetof(Wire, destination_mask), address);
  ip.in_name = field(offsetof(Wire, in_interface), 16);
  ip.in_mask = field(offsetof(Wire, in_mask), 16);
  ip.out_name = field(offsetof(Wire, out_interface), 16);
  ip.out_mask = field(offsetof(Wire, out_mask), 16);
  std::memcpy(&ip.proto, bytes.data() + offsetof(Wire, proto), 2);
  ip.flags = std::to_integer<std::uint8_t>(bytes[offsetof(Wire, flags)]);
  ip.invert = std::to_integer<std::uint8_t>(bytes[offsetof(Wire, invert)]);
  return ip;
}

Status decode_matches(ByteView bytes, std::vector<Extension>& matches) {
  while (!bytes.empty()) {
    const auto match = extension_at(bytes);
    if (!match)
      return damaged(fmt::format("match {} does not fit the rule", matches.size() + 1));
    matches.push_back(match->extension);
    bytes = bytes.subspan(match->size);
  }
  return Done{};
}

wire::Counters counters_of(ByteView bytes, IpFamily family) {
  const std::size_t offset =
      family == IpFamily::v4 ? offsetof(wire::Entry4, counters) : offsetof(wire::Entry6, counters);
  return *load<wire::Counters>(bytes.subspan(offset));
}

} // namespace

std::optional<SizedExtension> extension_at(ByteView bytes) {
  const auto head = load<wire::ExtensionHead>(bytes);
  if (!head || head->size < sizeof(wire::ExtensionHead) || head->size > bytes.size())
    return std::nullopt;
  const ByteView name = bytes.subspan(offsetof(wire::ExtensionHead, name), 29);
  const ByteView info =
      bytes.subspan(sizeof(wire::ExtensionHead), head->size - sizeof(wire::ExtensionHead));
  return SizedExtension{{until_nul(name), head->revision, info}, head->size};
}

std::optional<EntryFrame> frame_of(ByteView bytes, IpFamily family) {
  const std::size_t head = head_size(family);
  if (bytes.size() < head + sizeof(wire::ExtensionHead))
    return std::nullopt;
  const EntryFrame frame =
      family == IpFamily::v4 ? frame_from<wire::Entry4>(bytes) : frame_from<wire::Entry6>(bytes);
  const bool sound = frame.target_offset >= head && frame.next_offset <= bytes.size() &&
                     frame.target_offset + sizeof(wire::ExtensionHead) <= frame.next_offset &&
                     frame.next_offset % alignment == 0;
  return sound ? std::optional(frame) : std::nullopt;
}

IpPart decode_ip(ByteView bytes, IpFamily family) {
  if (family == IpFamily::v4)
    return ip_from<wire::Ip4>(bytes, family);
  IpPart ip = ip_from<wire::Ip6>(bytes, family);
  ip.tos = std::to_integer<std::uint8_t>(bytes[offsetof(wire::Ip6, tos)]);
  return ip;
}

Result<Entry> decode_entry(ByteView bytes, IpFamily family) {
  const auto frame = frame_of(bytes, family);
  if (!frame)
    return damaged("its offsets do not fit its size");
  Entry entry;
  entry.ip = decode_ip(bytes, family);
  const std::size_t head = head_size(family);
  SYNFATE_TRY(done,
              decode_matches(bytes.subspan(head, frame->target_offset - head), entry.matches));
  static_cast<void>(done);
  const auto target =
      extension_at(bytes.subspan(frame->target_offset, frame->next_offset - frame->target_offset));
  if (!target)
    return damaged("its target does not fit the rule");
  entry.target = target->extension;
  const auto counters = counters_of(bytes, family);
  entry.packets = counters.packets;
  entry.bytes = counters.bytes;
  const auto flag = family == IpFamily::v4 ? wire::flag_goto4 : wire::flag_goto6;
  entry.is_goto = (entry.ip.flags & flag) != 0;
  return entry;
}

InterfacePattern pattern_of(ByteView name, ByteView mask) {
  const auto masked =
      static_cast<std::size_t>(std::ranges::find(mask, std::byte{0}) - mask.begin());
  const std::string_view text = until_nul(name).substr(0, masked);
  return {text, masked <= text.size()};
}

IpAddress address_of(const wire::InetAddress& bytes, IpFamily family) {
  return address_of(ByteView(bytes).first(family == IpFamily::v4 ? 4 : 16));
}

IpAddress address_of(ByteView bytes) {
  return *IpAddress::from_bytes(bytes);
}

Verdict verdict_of(const Extension& target) {
  if (target.name == "ERROR")
    return {StandardVerdict::error, 0};
  if (!target.name.empty())
    return {};
  const auto standard = load<wire::StandardTarget>(target.info);
  if (!standard)
    return {};
  if (standard->verdict >= 0)
    return {StandardVerdict::jump, static_cast<std::uint32_t>(standard->verdict)};
  switch (-(standard->verdict + 1)) { // XT_RETURN is -NF_REPEAT - 1
  case 0:
    return {StandardVerdict::drop, 0};
  case 1:
    return {StandardVerdict::accept, 0};
  case 3:
    return {StandardVerdict::queue, 0};
  case 4:
    return {StandardVerdict::returns, 0};
  default:
    return {};
  }
}

} // namespace synfate::xt
