// Puts netlink messages together byte by byte, as the kernel would send them.
#pragma once

#include <cstring>
#include <string_view>
#include <vector>

#include <linux/netlink.h>

#include "platform/linux/routing/netlink.h"

namespace synfate::linux_routing {

/// A message under construction; also the payload of a nested attribute.
class MessageBytes {
public:
  MessageBytes() = default;
  template <typename Head> explicit MessageBytes(const Head& head) {
    bytes_.resize(NLMSG_ALIGN(sizeof head));
    std::memcpy(bytes_.data(), &head, sizeof head);
  }
  MessageBytes& add(std::uint16_t type, ByteSpan payload) {
    const nlattr head{static_cast<std::uint16_t>(sizeof(nlattr) + payload.size()), type};
    const auto at = bytes_.size();
    bytes_.resize(at + NLMSG_ALIGN(head.nla_len));
    std::memcpy(bytes_.data() + at, &head, sizeof head);
    if (!payload.empty())
      std::memcpy(bytes_.data() + at + sizeof head, payload.data(), payload.size());
    return *this;
  }
  MessageBytes& add(std::uint16_t type, std::string_view text) {
    return add(type, std::as_bytes(std::span(text.data(), text.size())));
  }
  MessageBytes& add(std::uint16_t type, const IpAddress& address) {
    return add(type, address.bytes());
  }
  MessageBytes& add(std::uint16_t type, const MessageBytes& nested) {
    return add(type, ByteSpan(nested.bytes_));
  }
  template <typename T>
    requires std::is_integral_v<T>
  MessageBytes& number(std::uint16_t type, T value) {
    return add(type, std::as_bytes(std::span(&value, 1)));
  }
  std::vector<std::byte>& bytes() { return bytes_; }
  Message message(std::uint16_t type) const { return {type, 0, bytes_}; }

private:
  std::vector<std::byte> bytes_;
};

inline IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

} // namespace synfate::linux_routing
