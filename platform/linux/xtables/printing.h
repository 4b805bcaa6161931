// How each extension's options are printed; the list of them is in extensions.cpp.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "platform/linux/xtables/text.h"

namespace synfate::xt {

/// What a printer may look at. `info` holds at least the wire struct of its kind.
struct PrintCall {
  ByteView info;
  std::uint8_t revision = 0;
  IpFamily family = IpFamily::v4;
  const TextNames& names;

  template <typename Wire> Wire as() const { return *load<Wire>(info); }
};

/// Appends " --option value …".
using Print = void (*)(std::string& out, const PrintCall& call);

template <typename... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

/// " ! --name" or " --name".
inline void option(std::string& out, bool inverted, std::string_view name) {
  out += inverted ? " ! " : " ";
  out += name;
}

/// " --name 5", " --name 5:9", " ! --name 5".
template <typename T>
void ranged(std::string& out, bool inverted, std::string_view name, T first, T last) {
  option(out, inverted, name);
  append(out, " {}", first);
  if (first != last)
    append(out, ":{}", last);
}

/// "a,b" of the names whose bit is set.
struct BitName {
  std::uint32_t bit;
  std::string_view name;
};
std::string bit_names(std::uint32_t bits, std::span<const BitName> names);

} // namespace synfate::xt
