// Equality, order and hashing of values as the language definition has them.
#pragma once

#include "core/cel/value.h"

#include <compare>
#include <cstddef>

namespace synfate::cel {

/// CEL equality: numbers of all types on one line, lists and maps by content, types never mixed
/// otherwise. Neither side may be an error or an unknown.
bool equal(const Value& left, const Value& right);
/// Numbers of any two types on one number line; unordered with NaN.
std::partial_ordering compare_numbers(const Value& left, const Value& right);
/// A double key as the int or uint it equals without rounding; nothing when it is no whole number
/// of either range. Maps have no double keys, but are asked for them.
std::optional<Value> whole_key(double key);
/// The order of two values of one ordered type (or two numbers); nothing when they have none.
std::optional<std::partial_ordering> compare(const Value& left, const Value& right);
/// Equal values have equal hashes; meaningful for map keys.
std::size_t hash_key(const Value& key);
/// Whether `key` may be a map's key: bool, int, uint or string.
bool is_key(const Value& key);

} // namespace synfate::cel
