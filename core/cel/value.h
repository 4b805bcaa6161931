// CEL values: what expressions evaluate to, errors and unknowns included.
//
// A value is 24 bytes. Numbers, timestamps, durations and addresses are stored in place; strings
// and bytes are a view with an optional owner, so that the cells of a table cost no copy; all else
// points to a shared, immutable object.
//
// Tested by tests/unit/core/cel/value_test.cpp.
#pragma once

#include "core/base/ip.h"
#include "core/cel/shared.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synfate::cel {

class List;
class Map;
class RecordSet;
class Opaque;

/// The run-time types. Those from `string` on may own a shared object.
enum class Kind : std::uint8_t {
  null,
  boolean,
  integer,
  unsigned_integer,
  floating,
  timestamp,
  duration,
  ip,
  cidr,
  string,
  bytes,
  list,
  map,
  type,
  optional,
  record,
  opaque,
  error,
  unknown,
};

/// Why an evaluation failed.
enum class Failure : std::uint8_t {
  no_such_overload,
  no_such_key,
  no_such_field,
  undeclared,
  divide_by_zero,
  overflow,
  range,
  invalid_argument,
  duplicate_key,
  budget,
  host, ///< reported by the embedding program
};

/// The stable code of a run-time failure: "cel.eval.no_such_key".
std::string_view failure_code(Failure failure);

/// One reason for an unknown: a gap of the embedding program, and words for it.
struct UnknownReason {
  std::uint32_t gap = 0; ///< the embedding program's number; 0 when it has none
  std::string text;
  friend auto operator<=>(const UnknownReason&, const UnknownReason&) = default;
};

/// An instant: seconds since 1970-01-01T00:00:00Z, and nanoseconds 0..999999999 after them.
struct Timestamp {
  std::int64_t seconds = 0;
  std::int32_t nanoseconds = 0;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

/// An address block as written: host bits are kept until masked() drops them.
struct Cidr {
  IpAddress address;
  unsigned length = 0;
  friend bool operator==(const Cidr&, const Cidr&) = default;
};

inline constexpr std::uint32_t no_node = 0xffffffffU;

/// The shared part of an error value.
class ErrorDetail final : public Shared {
public:
  ErrorDetail(Failure kind, std::string words, std::uint32_t at)
      : failure(kind), message(std::move(words)), node(at) {}
  const Failure failure;
  const std::string message;
  const std::uint32_t node; ///< where it was raised, or no_node
};

/// The shared part of an unknown value: why it is unknown, sorted, without duplicates.
class UnknownDetail final : public Shared {
public:
  explicit UnknownDetail(std::vector<UnknownReason> why) : reasons(std::move(why)) {}
  const std::vector<UnknownReason> reasons;
};

class Value {
public:
  Value() = default; ///< null
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value unsigned_integer(std::uint64_t value);
  static Value floating(double value);
  static Value timestamp(Timestamp value);
  static Value duration(std::int64_t nanoseconds);
  static Value ip(const IpAddress& address);
  static Value cidr(const Cidr& block);
  /// Valid UTF-8, owned by the value.
  static Value string(std::string text);
  static Value bytes(std::string octets);
  /// Valid UTF-8 that outlives the value and everything computed from it.
  static Value borrowed_string(std::string_view text);
  static Value borrowed_bytes(std::string_view octets);
  static Value list(std::vector<Value> elements);
  static Value list(Ref<const List> elements);
  static Value map(Ref<const Map> entries);
  /// A type as a value, by its run-time name.
  static Value type(std::string_view name);
  static Value optional_none();
  static Value optional_of(Value value);
  static Value record(Ref<const RecordSet> set, std::uint32_t row);
  /// All rows of `set` as a list.
  static Value records(const Ref<const RecordSet>& set);
  static Value opaque(Ref<const Opaque> object);
  static Value error(Failure failure, std::string message);
  static Value unknown(UnknownReason reason);
  static Value unknown(std::vector<UnknownReason> reasons);

  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_error() const { return kind_ == Kind::error; }
  bool is_unknown() const { return kind_ == Kind::unknown; }
  /// Neither error nor unknown.
  bool is_known() const { return kind_ < Kind::error; }
  bool is_true() const { return kind_ == Kind::boolean && payload_.number.bits != 0; }
  bool is_false() const { return kind_ == Kind::boolean && payload_.number.bits == 0; }
  bool is_number() const;

  // Each is meaningful for its own kind only.
  bool as_bool() const { return payload_.number.bits != 0; }
  std::int64_t as_int() const { return static_cast<std::int64_t>(payload_.number.bits); }
  std::uint64_t as_uint() const { return payload_.number.bits; }
  double as_double() const;
  Timestamp as_timestamp() const { return {as_int(), static_cast<std::int32_t>(extra_)}; }
  std::int64_t as_duration() const { return as_int(); } ///< nanoseconds
  IpAddress as_ip() const;
  Cidr as_cidr() const;
  std::string_view as_text() const { return {payload_.text.data, extra_}; } ///< string, bytes, type
  const List& as_list() const;
  const Map& as_map() const;
  /// The value of an optional, or nothing.
  const Value* as_optional() const;
  const RecordSet& as_record_set() const;
  std::uint32_t row() const { return extra_; }
  const Opaque& as_opaque() const;
  const ErrorDetail& as_error() const;
  const UnknownDetail& as_unknown() const;

  /// How much work it is to look at all of the value: what budgets are charged with.
  std::uint64_t weight() const;
  /// A part of this string or bytes that shares its storage.
  Value part(std::size_t first_byte, std::size_t size) const;
  /// This error as raised at `node`, unless it already has a place.
  Value located(std::uint32_t node) const;

private:
  struct Number {
    std::uint64_t bits;
    const Shared* owner;
  };
  struct Text {
    const char* data;
    const Shared* owner;
  };
  union Payload {
    Number number;
    Text text;
    std::byte address[16];
  };

  Value(Kind kind, std::uint64_t bits) : kind_(kind) { payload_.number.bits = bits; }
  Value(Kind kind, const Shared* owner) : kind_(kind) { own(owner); }
  bool owns() const { return kind_ >= Kind::string && payload_.number.owner != nullptr; }
  void own(const Shared* owner);
  static Value text(Kind kind, std::string_view view, const Shared* owner);

  Kind kind_ = Kind::null;
  std::uint8_t small_ = 0;  // address family, prefix length
  std::uint32_t extra_ = 0; // nanoseconds, size of a text, row of a record
  Payload payload_{{0, nullptr}};
};

/// Where weights stop growing: shared parts can make a value exponentially large.
inline constexpr std::uint64_t most_weight = std::uint64_t{1} << 48;

/// An immutable list.
class List : public Shared {
public:
  virtual std::size_t size() const = 0;
  virtual Value at(std::size_t index) const = 0;
  /// The elements' weights together, no more than most_weight.
  virtual std::uint64_t weight() const = 0;
  /// The table whose rows this lists in order, if it is one.
  virtual const RecordSet* records() const { return nullptr; }
};

/// An immutable map in the order it was built; keys are unique under CEL equality.
class Map final : public Shared {
public:
  struct Entry {
    Value key;
    Value value;
  };
  /// Takes entries whose keys are allowed and unique; see MapBuilder.
  explicit Map(std::vector<Entry> entries);
  std::size_t size() const { return entries_.size(); }
  const std::vector<Entry>& entries() const { return entries_; }
  /// The value under `key` (1, 1u and 1.0 are one key), or nothing.
  const Value* find(const Value& key) const;
  std::uint64_t weight() const { return weight_; }

private:
  std::vector<Entry> entries_;
  std::uint64_t weight_ = 1;
  std::vector<std::pair<std::size_t, std::uint32_t>> by_hash_; // sorted; for larger maps only
};

/// Collects entries and refuses bad and repeated keys.
class MapBuilder {
public:
  /// Nothing when `key` was added, otherwise the error value to return.
  std::optional<Value> add(Value key, Value value);
  Value build();

private:
  std::vector<Map::Entry> entries_;
  std::vector<std::pair<std::size_t, std::uint32_t>> buckets_;
};

/// A value of a type that only the embedding program understands.
class Opaque : public Shared {
public:
  virtual std::string_view type_name() const = 0;
  virtual bool equals(const Opaque& other) const { return this == &other; }
  virtual std::string to_text() const = 0;
};

/// The run-time type's name: "int", "list", "google.protobuf.Timestamp", "net.IP", a record's.
std::string_view type_name(const Value& value);
/// The value for people, as CEL would write it: strings quoted, lists and maps in full.
std::string to_text(const Value& value);
/// The union of the reasons of two unknowns.
Value merge_unknowns(const Value& left, const Value& right);

} // namespace synfate::cel
