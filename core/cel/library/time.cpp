// Timestamps and durations: their text forms, ranges and accessors.
//
//   "2009-02-13T23:31:30.5Z"  RFC 3339; years 1 to 9999
//   "-1h30m0.5s"              any sum of h, m, s, ms, us, ns; or "0"
//
// A timestamp's accessors take a zone (time_zone.h) or count in UTC; a duration's convert all of it
// (getHours() of 90 minutes is 1), but getMilliseconds() is its part below a second.
#include "core/cel/library/tables.h"
#include "core/cel/time_zone.h"

#include <array>
#include <charconv>
#include <chrono>
#include <limits>

#include <fmt/format.h>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;
constexpr std::int64_t billion = 1'000'000'000;
constexpr std::int64_t first_second = -62'135'596'800; // 0001-01-01T00:00:00Z
constexpr std::int64_t last_second = 253'402'300'799;  // 9999-12-31T23:59:59Z

Value bad_text(std::string_view what, std::string_view text) {
  return Value::error(Failure::invalid_argument, "invalid " + std::string(what) + ": " +
                                                     to_text(Value::borrowed_string(text)));
}

/// Reads fixed fields from the front of a text.
class FieldReader {
public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int number = 0;
    if (rest_.size() < count)
      return fail();
    for (std::size_t at = 0; at < count; ++at) {
      if (rest_[at] < '0' || rest_[at] > '9')
        return fail();
      number = number * 10 + (rest_[at] - '0');
    }
    rest_.remove_prefix(count);
    return number;
  }
  bool accept(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos)
      return false;
    taken_ = rest_.front();
    rest_.remove_prefix(1);
    return true;
  }
  void expect(std::string_view any_of) {
    if (!accept(any_of))
      fail();
  }
  /// Up to nine digits of a fraction, as nanoseconds; more are dropped.
  std::int32_t fraction() {
    std::int32_t number = 0;
    std::size_t count = 0;
    for (; accept("0123456789"); ++count)
      if (count < 9)
        number = number * 10 + (taken_ - '0');
    if (count == 0)
      fail();
    for (; count < 9; ++count)
      number *= 10;
    return number;
  }
  char taken() const { return taken_; }
  bool finished() const { return good_ && rest_.empty(); }

private:
  int fail() {
    good_ = false;
    return 0;
  }
  std::string_view rest_;
  char taken_ = '\0';
  bool good_ = true;
};

/// Seconds per unit times a billion, or nothing for an unknown unit.
std::optional<std::int64_t> unit_nanoseconds(std::string_view unit) {
  if (unit == "h")
    return 3600 * billion;
  if (unit == "m")
    return 60 * billion;
  if (unit == "s")
    return billion;
  if (unit == "ms")
    return 1'000'000;
  if (unit == "us" || unit == "µs" || unit == "μs")
    return 1000;
  if (unit == "ns")
    return 1;
  return std::nullopt;
}

/// The number and unit at the front of `text`, in nanoseconds.
std::optional<Wide> take_duration_part(std::string_view& text) {
  constexpr std::size_t most_digits = 18;
  const auto number_end = text.find_first_not_of("0123456789.");
  if (number_end == std::string_view::npos || number_end == 0)
    return std::nullopt;
  const auto number = text.substr(0, number_end);
  text.remove_prefix(number_end);
  const auto unit_end = std::min(text.find_first_of("0123456789."), text.size());
  const auto unit = unit_nanoseconds(text.substr(0, unit_end));
  text.remove_prefix(unit_end);
  const auto dot = number.find('.');
  const auto whole = number.substr(0, dot);
  const auto fraction = dot == std::string_view::npos ? std::string_view() : number.substr(dot + 1);
  if (!unit || fraction.find('.') != std::string_view::npos || whole.size() > most_digits ||
      (whole.empty() && fraction.empty()))
    return std::nullopt;
  Wide total = 0;
  for (const char digit : whole)
    total = total * 10 + (digit - '0');
  total *= *unit;
  Wide scale = *unit;
  Wide part = 0;
  for (const char digit : fraction.substr(0, most_digits)) {
    part = part * 10 + Wide{digit - '0'} * *unit;
    scale *= 10;
  }
  return total + part / (scale / *unit);
}

struct Civil {
  std::chrono::year_month_day date;
  std::chrono::sys_days day;
  std::int64_t second_of_day = 0;
};

using Reading = std::int64_t (*)(const Civil&, Timestamp);

/// Reads one field of a timestamp, in UTC or in the zone of the second argument.
template <Reading reading> Value timestamp_field(CallContext&, Arguments arguments) {
  const auto timestamp = arguments[0].as_timestamp();
  std::int64_t seconds = timestamp.seconds;
  if (arguments.size() > 1) {
    const auto offset = utc_offset(arguments[1].as_text(), seconds);
    if (!offset)
      return bad_text("time zone", arguments[1].as_text());
    seconds += *offset;
  }
  const std::chrono::sys_seconds instant{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const Civil civil{day, day, (instant - day).count()};
  return Value::integer(reading(civil, timestamp));
}

std::int64_t year(const Civil& civil, Timestamp) {
  return static_cast<int>(civil.date.year());
}
std::int64_t month(const Civil& civil, Timestamp) {
  return static_cast<unsigned>(civil.date.month()) - std::int64_t{1};
}
std::int64_t date(const Civil& civil, Timestamp) {
  return static_cast<unsigned>(civil.date.day());
}
std::int64_t day_of_month(const Civil& civil, Timestamp timestamp) {
  return date(civil, timestamp) - 1;
}
std::int64_t day_of_year(const Civil& civil, Timestamp) {
  const auto new_year = std::chrono::sys_days(civil.date.year() / std::chrono::January / 1);
  return (civil.day - new_year).count();
}
std::int64_t day_of_week(const Civil& civil, Timestamp) {
  return std::chrono::weekday(civil.day).c_encoding();
}
std::int64_t hours(const Civil& civil, Timestamp) {
  return civil.second_of_day / 3600;
}
std::int64_t minutes(const Civil& civil, Timestamp) {
  return civil.second_of_day / 60 % 60;
}
std::int64_t seconds(const Civil& civil, Timestamp) {
  return civil.second_of_day % 60;
}
std::int64_t milliseconds(const Civil&, Timestamp timestamp) {
  return timestamp.nanoseconds / 1'000'000;
}

template <std::int64_t unit> Value duration_total(CallContext&, Arguments arguments) {
  return Value::integer(arguments[0].as_duration() / unit);
}
Value duration_milliseconds(CallContext&, Arguments arguments) {
  return Value::integer(arguments[0].as_duration() % billion / 1'000'000);
}

constexpr std::string_view in_utc = "google.protobuf.Timestamp.() -> int";
constexpr std::string_view in_zone = "google.protobuf.Timestamp.(string) -> int";
constexpr std::string_view of_duration = "google.protobuf.Duration.() -> int";

constexpr std::array table{
    Declaration{"getFullYear", in_utc, timestamp_field<year>},
    Declaration{"getFullYear", in_zone, timestamp_field<year>},
    Declaration{"getMonth", in_utc, timestamp_field<month>},
    Declaration{"getMonth", in_zone, timestamp_field<month>},
    Declaration{"getDate", in_utc, timestamp_field<date>},
    Declaration{"getDate", in_zone, timestamp_field<date>},
    Declaration{"getDayOfMonth", in_utc, timestamp_field<day_of_month>},
    Declaration{"getDayOfMonth", in_zone, timestamp_field<day_of_month>},
    Declaration{"getDayOfYear", in_utc, timestamp_field<day_of_year>},
    Declaration{"getDayOfYear", in_zone, timestamp_field<day_of_year>},
    Declaration{"getDayOfWeek", in_utc, timestamp_field<day_of_week>},
    Declaration{"getDayOfWeek", in_zone, timestamp_field<day_of_week>},
    Declaration{"getHours", in_utc, timestamp_field<hours>},
    Declaration{"getHours", in_zone, timestamp_field<hours>},
    Declaration{"getMinutes", in_utc, timestamp_field<minutes>},
    Declaration{"getMinutes", in_zone, timestamp_field<minutes>},
    Declaration{"getSeconds", in_utc, timestamp_field<seconds>},
    Declaration{"getSeconds", in_zone, timestamp_field<seconds>},
    Declaration{"getMilliseconds", in_utc, timestamp_field<milliseconds>},
    Declaration{"getMilliseconds", in_zone, timestamp_field<milliseconds>},
    Declaration{"getHours", of_duration, duration_total<3600 * billion>},
    Declaration{"getMinutes", of_duration, duration_total<60 * billion>},
    Declaration{"getSeconds", of_duration, duration_total<billion>},
    Declaration{"getMilliseconds", of_duration, duration_milliseconds},
};

/// ".5" for half a billion; nothing for zero.
std::string fraction_text(std::int64_t nanoseconds) {
  if (nanoseconds == 0)
    return {};
  auto text = fmt::format(".{:09}", nanoseconds);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

} // namespace

Wide nanoseconds(Timestamp timestamp) {
  return Wide{timestamp.seconds} * billion + timestamp.nanoseconds;
}

Value checked_timestamp(Wide wide) {
  Wide seconds = wide / billion;
  auto rest = static_cast<std::int32_t>(wide % billion);
  if (rest < 0) {
    rest += static_cast<std::int32_t>(billion);
    --seconds;
  }
  if (seconds < first_second || seconds > last_second)
    return Value::error(Failure::range, "range error: the timestamp is not in the years 1 to 9999");
  return Value::timestamp({static_cast<std::int64_t>(seconds), rest});
}

Value checked_duration(Wide wide) {
  if (wide < std::numeric_limits<std::int64_t>::min() ||
      wide > std::numeric_limits<std::int64_t>::max())
    return Value::error(Failure::range,
                        "range error: the duration does not fit into 64 bits of nanoseconds");
  return Value::duration(static_cast<std::int64_t>(wide));
}

Value parse_timestamp(std::string_view text) {
  FieldReader reader(text);
  const int year = reader.digits(4);
  reader.expect("-");
  const auto month = static_cast<unsigned>(reader.digits(2));
  reader.expect("-");
  const auto day = static_cast<unsigned>(reader.digits(2));
  reader.expect("Tt");
  const int hour = reader.digits(2);
  reader.expect(":");
  const int minute = reader.digits(2);
  reader.expect(":");
  const int second = reader.digits(2);
  const std::int32_t fraction = reader.accept(".") ? reader.fraction() : 0;
  int offset = 0;
  if (!reader.accept("Zz")) {
    reader.expect("+-");
    const int sign = reader.taken() == '-' ? -1 : 1;
    const int offset_hours = reader.digits(2);
    reader.expect(":");
    const int offset_minutes = reader.digits(2);
    if (offset_hours > 23 || offset_minutes > 59)
      return bad_text("timestamp", text);
    offset = sign * (offset_hours * 3600 + offset_minutes * 60);
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!reader.finished() || !date.ok() || hour > 23 || minute > 59 || second > 59)
    return text.starts_with("10000-")
               ? Value::error(Failure::range, "range error: the year is past 9999")
               : bad_text("timestamp", text);
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
  return checked_timestamp(Wide{seconds} * billion + fraction);
}

Value parse_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+'))
    rest.remove_prefix(1);
  if (rest == "0")
    return Value::duration(0);
  Wide total = 0;
  const Wide most = Wide{std::numeric_limits<std::int64_t>::max()} + 1;
  do {
    const auto part = take_duration_part(rest);
    if (!part)
      return bad_text("duration", text);
    total = std::min(total + *part, most + 1);
  } while (!rest.empty());
  return checked_duration(negative ? -total : total);
}

std::string timestamp_text(Timestamp timestamp) {
  const std::chrono::sys_seconds instant{std::chrono::seconds(timestamp.seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const auto second = (instant - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     second / 3600, second / 60 % 60, second % 60,
                     fraction_text(timestamp.nanoseconds));
}

std::string duration_text(std::int64_t nanoseconds) {
  const bool negative = nanoseconds < 0;
  const auto magnitude = negative ? std::uint64_t{0} - static_cast<std::uint64_t>(nanoseconds)
                                  : static_cast<std::uint64_t>(nanoseconds);
  return fmt::format("{}{}{}s", negative ? "-" : "", magnitude / billion,
                     fraction_text(static_cast<std::int64_t>(magnitude % billion)));
}

std::span<const Declaration> time() {
  return table;
}

} // namespace synfate::cel::library
