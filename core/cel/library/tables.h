// The function tables of the standard library, one per file of this folder.
#pragma once

#include "core/cel/environment.h"

namespace synfate::cel::library {

std::span<const Declaration> operators();   ///< signatures alone; operators.h evaluates them
std::span<const Declaration> conversions(); ///< int(), string(), type(), dyn(), …
std::span<const Declaration> text();        ///< size(), contains(), startsWith(), matches()
std::span<const Declaration> strings();     ///< the strings extension
std::span<const Declaration> math();        ///< the math extension
std::span<const Declaration> lists();       ///< the lists extension
std::span<const Declaration> sets();        ///< the sets extension
std::span<const Declaration> optionals();   ///< the optionals extension
std::span<const Declaration> encoders();    ///< base64
std::span<const Declaration> network();     ///< ip(), cidr()
std::span<const Declaration> time();        ///< getFullYear(), …

__extension__ using Wide = __int128; ///< for sums that do not fit into 64 bits

/// The text of a double as string() gives it.
std::string double_text(double number);
/// "2009-02-13T23:31:30.5Z"
std::string timestamp_text(Timestamp timestamp);
/// "-1.5s"
std::string duration_text(std::int64_t nanoseconds);
/// A timestamp from RFC 3339 text; an error value otherwise.
Value parse_timestamp(std::string_view text);
/// A duration from "1h30m", "-1.5s", "0"; an error value otherwise.
Value parse_duration(std::string_view text);
/// A timestamp if it lies in the years 1 to 9999, otherwise an error value.
Value checked_timestamp(Wide nanoseconds_since_epoch);
/// A duration if it fits into 64 bits of nanoseconds, otherwise an error value.
Value checked_duration(Wide nanoseconds);
Wide nanoseconds(Timestamp timestamp);
std::string base64_encode(std::string_view octets);
/// Padding may be missing; nothing when the text is not base64.
std::optional<std::string> base64_decode(std::string_view text);
/// `text` with `arguments` put in for %s, %d, …; an error value when they do not fit.
Value format(std::string_view text, const List& arguments);

} // namespace synfate::cel::library
