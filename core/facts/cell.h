// One fact: a value, absent, or unknown because of a gap.
//
// A cell is never 0, "" or a missing row for "could not look": then it is unknown and names the gap
// that says what was not read, why, what follows from that and how to help.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/ip.h"
#include "core/facts/schema.h"

namespace synfate {

using Int = std::int64_t;
using Text = std::string;

/// The fact does not exist (a socket that is bound to no interface has no bound interface).
struct Absent {
  friend bool operator==(const Absent&, const Absent&) = default;
};

/// The fact exists or may exist and could not be read; `gap` is the id of the gap that says why.
struct Unknown {
  std::string gap;
  friend bool operator==(const Unknown&, const Unknown&) = default;
};

/// Raw bytes exactly as the kernel gave them.
struct Bytes {
  std::string data;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

/// A cell that owns its content. Text may hold any byte: it comes from processes and the kernel.
using Cell =
    std::variant<Absent, Unknown, std::int64_t, double, std::string, bool, IpAddress, Bytes>;

/// True if the cell is absent, unknown, or a value of this type.
bool fits(const Cell& cell, ColumnType type);

/// Equal cells have equal hashes; every unknown cell has the same, whatever its gap.
std::uint64_t hash_of(const Cell& cell);

/// The id of a gap, each kept once as long as the program runs: facts, of which there are very
/// many, stay small and are copied as numbers are.
class GapId {
public:
  explicit GapId(const std::string& id);
  std::string_view text() const { return *id_; }
  friend bool operator==(const GapId&, const GapId&) = default;

private:
  const std::string* id_;
};

/// A typed fact in one of our own rows.
template <typename T> class Fact {
public:
  Fact() = default; ///< absent
  Fact(T value) : held_(std::in_place_index<2>, std::move(value)) {}
  Fact(Absent) {}
  Fact(const Unknown& unknown) : held_(std::in_place_index<1>, unknown.gap) {}

  bool known() const { return held_.index() == 2; } ///< there is a value
  bool absent() const { return held_.index() == 0; }
  bool unknown() const { return held_.index() == 1; }
  const T& value() const { return std::get<2>(held_); } ///< only when known()
  T value_or(T otherwise) const { return known() ? value() : std::move(otherwise); }
  /// The gap's id, empty unless unknown().
  std::string_view gap() const {
    return unknown() ? std::get<1>(held_).text() : std::string_view();
  }
  /// True only for a known, equal value.
  bool is(const T& other) const { return known() && value() == other; }

  friend bool operator==(const Fact&, const Fact&) = default;

private:
  std::variant<Absent, GapId, T> held_;
};

template <typename T> Cell to_cell(const Fact<T>& fact) {
  if (fact.known())
    return Cell(std::in_place_type<T>, fact.value());
  if (fact.unknown())
    return Unknown{std::string(fact.gap())};
  return Absent{};
}

} // namespace synfate
