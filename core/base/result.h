// What the world can do to us, as a value.
//
// Everything that may fail because of the system, the user or a file returns a Result<T>.
// Exceptions are kept for our own bugs and for the libraries that throw; both are caught at the
// edges.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace synfate {

/// The kinds of failure a caller may want to tell apart.
enum class ErrorCode : std::uint8_t {
  invalid_input, ///< the call, a file or a value is wrong: exit status 2
  not_found,     ///< what was named does not exist
  denied,        ///< privileges are missing
  unsupported,   ///< this kernel, build or format cannot do it
  interrupted,   ///< changed or vanished while we looked
  timed_out,     ///< the run's deadline passed
  too_many,      ///< more than was asked for
  damaged,       ///< bytes that do not mean what they should
  system,        ///< any other error of the operating system
};

/// One failure: what we were doing, to what, what the system said, and what to do about it.
struct Error {
  ErrorCode code = ErrorCode::system;
  std::string doing{};  ///< "reading the socket table"
  std::string where{};  ///< path, path:line:column, netlink attribute; may be empty
  int os_error = 0;     ///< errno, or 0
  std::string detail{}; ///< what is wrong; may be empty when os_error says it
  std::string hint{};   ///< what the user can do; may be empty
};

/// "doing: where: detail (Permission denied). Hint." on one line.
std::string to_string(const Error& error);

/// A value or an Error. `result.value()` without a check is a bug.
template <typename T> class [[nodiscard]] Result {
public:
  using value_type = T;
  Result(T value) : held_(std::move(value)) {}
  Result(Error error) : held_(std::unexpect, std::move(error)) {}

  explicit operator bool() const { return held_.has_value(); }
  bool ok() const { return held_.has_value(); }
  T& value() & { return held_.value(); }
  const T& value() const& { return held_.value(); }
  T&& value() && { return std::move(held_).value(); }
  T* operator->() { return &held_.value(); }
  const T* operator->() const { return &held_.value(); }
  T& operator*() & { return held_.value(); }
  const T& operator*() const& { return held_.value(); }
  T&& operator*() && { return std::move(held_).value(); }
  const Error& error() const& { return held_.error(); }
  Error&& error() && { return std::move(held_).error(); }

private:
  std::expected<T, Error> held_;
};

/// Success without a value.
struct Done {};
using Status = Result<Done>;

} // namespace synfate

/// Unwraps `expression` into `name`, or returns its error from the enclosing function.
#define SYNFATE_TRY(name, expression)                                                              \
  auto name##_result_ = (expression);                                                              \
  if (!name##_result_)                                                                             \
    return std::move(name##_result_).error();                                                      \
  auto name = std::move(name##_result_).value()
