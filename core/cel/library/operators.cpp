// The signatures of the operators, for the checker. operators.h says what they do.
#include "core/cel/library/tables.h"

#include <array>

namespace synfate::cel::library {
namespace {

constexpr std::array table{
    Declaration{"_?_:_", "(bool, A, A) -> A", nullptr},
    Declaration{"_&&_", "(bool, bool) -> bool", nullptr},
    Declaration{"_||_", "(bool, bool) -> bool", nullptr},
    Declaration{"!_", "(bool) -> bool", nullptr},
    Declaration{"-_", "(int) -> int", nullptr},
    Declaration{"-_", "(double) -> double", nullptr},
    Declaration{"_==_", "(A, A) -> bool", nullptr},
    Declaration{"_!=_", "(A, A) -> bool", nullptr},
    Declaration{"@in", "(A, list(A)) -> bool", nullptr},
    Declaration{"@in", "(A, map(A, B)) -> bool", nullptr},
    Declaration{"_[_]", "(list(A), int) -> A", nullptr},
    Declaration{"_[_]", "(map(A, B), A) -> B", nullptr},
    Declaration{"_[_]", "(optional_type(list(A)), int) -> optional_type(A)", nullptr},
    Declaration{"_[_]", "(optional_type(map(A, B)), A) -> optional_type(B)", nullptr},
    Declaration{"_[?_]", "(list(A), int) -> optional_type(A)", nullptr},
    Declaration{"_[?_]", "(map(A, B), A) -> optional_type(B)", nullptr},
    Declaration{"_[?_]", "(optional_type(list(A)), int) -> optional_type(A)", nullptr},
    Declaration{"_[?_]", "(optional_type(map(A, B)), A) -> optional_type(B)", nullptr},
    Declaration{"_+_", "(int, int) -> int", nullptr},
    Declaration{"_+_", "(uint, uint) -> uint", nullptr},
    Declaration{"_+_", "(double, double) -> double", nullptr},
    Declaration{"_+_", "(string, string) -> string", nullptr},
    Declaration{"_+_", "(bytes, bytes) -> bytes", nullptr},
    Declaration{"_+_", "(list(A), list(A)) -> list(A)", nullptr},
    Declaration{"_+_",
                "(google.protobuf.Timestamp, google.protobuf.Duration) -> "
                "google.protobuf.Timestamp",
                nullptr},
    Declaration{"_+_",
                "(google.protobuf.Duration, google.protobuf.Timestamp) -> "
                "google.protobuf.Timestamp",
                nullptr},
    Declaration{"_+_",
                "(google.protobuf.Duration, google.protobuf.Duration) -> google.protobuf.Duration",
                nullptr},
    Declaration{"_-_", "(int, int) -> int", nullptr},
    Declaration{"_-_", "(uint, uint) -> uint", nullptr},
    Declaration{"_-_", "(double, double) -> double", nullptr},
    Declaration{"_-_",
                "(google.protobuf.Timestamp, google.protobuf.Timestamp) -> "
                "google.protobuf.Duration",
                nullptr},
    Declaration{"_-_",
                "(google.protobuf.Timestamp, google.protobuf.Duration) -> "
                "google.protobuf.Timestamp",
                nullptr},
    Declaration{"_-_",
                "(google.protobuf.Duration, google.protobuf.Duration) -> google.protobuf.Duration",
                nullptr},
    Declaration{"_*_", "(int, int) -> int", nullptr},
    Declaration{"_*_", "(uint, uint) -> uint", nullptr},
    Declaration{"_*_", "(double, double) -> double", nullptr},
    Declaration{"_/_", "(int, int) -> int", nullptr},
    Declaration{"_/_", "(uint, uint) -> uint", nullptr},
    Declaration{"_/_", "(double, double) -> double", nullptr},
    Declaration{"_%_", "(int, int) -> int", nullptr},
    Declaration{"_%_", "(uint, uint) -> uint", nullptr},
};

/// The eight ordered types, for each of the four order operators.
constexpr auto make_order_table() {
  constexpr std::array<std::string_view, 4> names{"_<_", "_<=_", "_>_", "_>=_"};
  constexpr std::array<std::string_view, 8> signatures{
      "(bool, bool) -> bool",
      "(int, int) -> bool",
      "(uint, uint) -> bool",
      "(double, double) -> bool",
      "(string, string) -> bool",
      "(bytes, bytes) -> bool",
      "(google.protobuf.Timestamp, google.protobuf.Timestamp) -> bool",
      "(google.protobuf.Duration, google.protobuf.Duration) -> bool"};
  std::array<Declaration, names.size() * signatures.size()> rows{};
  std::size_t at = 0;
  for (const auto name : names)
    for (const auto signature : signatures)
      rows[at++] = {name, signature, nullptr};
  return rows;
}

constexpr auto order_rows = make_order_table();

constexpr auto join() {
  std::array<Declaration, table.size() + order_rows.size()> rows{};
  std::size_t at = 0;
  for (const auto& row : table)
    rows[at++] = row;
  for (const auto& row : order_rows)
    rows[at++] = row;
  return rows;
}

constexpr auto all_rows = join();

} // namespace

std::span<const Declaration> operators() {
  return all_rows;
}

} // namespace synfate::cel::library
