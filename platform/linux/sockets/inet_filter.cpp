#include "platform/linux/sockets/inet_filter.h"

#include <cstring>
#include <span>

#include <linux/inet_diag.h>
#include <sys/socket.h>

namespace synfate {

namespace {

/// One condition: its code and the bytes of its argument.
struct Operation {
  std::uint8_t code = INET_DIAG_BC_NOP;
  std::vector<std::byte> argument;

  std::size_t size() const { return sizeof(inet_diag_bc_op) + argument.size(); }
};

void append_bytes(std::vector<std::byte>& bytes, std::span<const std::byte> more) {
  const std::size_t start = bytes.size();
  bytes.resize(start + more.size());
  std::memcpy(bytes.data() + start, more.data(), more.size());
}

template <typename T> void append(std::vector<std::byte>& bytes, const T& value) {
  append_bytes(bytes, std::as_bytes(std::span(&value, 1)));
}

/// The port stands in `no` of a second operation, in host order.
Operation port_equals(std::uint8_t code, std::uint16_t port) {
  Operation operation{code, {}};
  append(operation.argument, inet_diag_bc_op{0, 0, port});
  return operation;
}

Operation address_equals(std::uint8_t code, const IpAddress& address) {
  Operation operation{code, {}};
  inet_diag_hostcond condition{};
  condition.family = address.is_v4() ? AF_INET : AF_INET6;
  condition.prefix_len = static_cast<std::uint8_t>(address.width());
  condition.port = -1; // any
  append(operation.argument, condition);
  append_bytes(operation.argument, address.bytes());
  return operation;
}

Operation interface_equals(std::uint32_t index) {
  Operation operation{INET_DIAG_BC_DEV_COND, {}};
  append(operation.argument, index);
  return operation;
}

std::vector<Operation> operations_of(const InetFilter& filter) {
  std::vector<Operation> operations;
  if (filter.local_port)
    operations.push_back(port_equals(INET_DIAG_BC_S_EQ, *filter.local_port));
  if (filter.remote_port)
    operations.push_back(port_equals(INET_DIAG_BC_D_EQ, *filter.remote_port));
  if (filter.local_address)
    operations.push_back(address_equals(INET_DIAG_BC_S_COND, *filter.local_address));
  if (filter.remote_address)
    operations.push_back(address_equals(INET_DIAG_BC_D_COND, *filter.remote_address));
  if (filter.interface_index)
    operations.push_back(interface_equals(*filter.interface_index));
  return operations;
}

} // namespace

std::vector<std::byte> inet_bytecode(const InetFilter& filter) {
  const auto operations = operations_of(filter);
  std::size_t left = 0;
  for (const auto& operation : operations)
    left += operation.size();
  std::vector<std::byte> program;
  program.reserve(left);
  for (const auto& operation : operations) {
    const auto yes = static_cast<unsigned char>(operation.size());
    const auto no = static_cast<unsigned short>(left + sizeof(inet_diag_bc_op));
    append(program, inet_diag_bc_op{operation.code, yes, no});
    append_bytes(program, operation.argument);
    left -= operation.size();
  }
  return program;
}

} // namespace synfate
