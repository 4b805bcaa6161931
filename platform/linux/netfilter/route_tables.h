// Numbers of the kernel's own routing tables (enum rt_class_t of include/uapi/linux/rtnetlink.h).
#pragma once

#include "core/facts/cell.h"

namespace synfate {

inline constexpr Int table_default = 253;
inline constexpr Int table_main = 254;
inline constexpr Int table_local = 255; ///< asked first

} // namespace synfate
