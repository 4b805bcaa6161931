#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using synfate::cel::test::eval;
using synfate::cel::test::is_true;

TEST_CASE("timestamps are read as RFC 3339 has them") {
  CHECK(eval("timestamp('2024-02-29T12:00:00.5Z')") == "timestamp('2024-02-29T12:00:00.5Z')");
  CHECK(eval("timestamp('2024-03-01T01:00:00+02:00')") == "timestamp('2024-02-29T23:00:00Z')");
  CHECK(eval("timestamp('2023-02-29T12:00:00Z')").starts_with("error(invalid timestamp"));
  CHECK(eval("timestamp('2024-02-29 12:00:00')").starts_with("error(invalid timestamp"));
  CHECK(eval("timestamp('2024-02-29T24:00:00Z')").starts_with("error(invalid timestamp"));
  CHECK(eval("timestamp('0000-01-01T00:00:00Z')").starts_with("error(range"));
  CHECK(eval("timestamp(253402300800)").starts_with("error(range"));
  CHECK(eval("int(timestamp(1234567890))") == "1234567890");
}

TEST_CASE("durations are sums of numbers with units") {
  CHECK(eval("duration('1h30m0.5s')") == "duration('5400.5s')");
  CHECK(eval("duration('-1.5h')") == "duration('-5400s')");
  CHECK(eval("duration('1ms2us3ns')") == "duration('0.001002003s')");
  CHECK(eval("duration('0')") == "duration('0s')");
  CHECK(eval("duration('1d')").starts_with("error(invalid duration"));
  CHECK(eval("duration('1')").starts_with("error(invalid duration"));
  CHECK(eval("duration('')").starts_with("error(invalid duration"));
  CHECK(eval("duration('1.2.3s')").starts_with("error(invalid duration"));
  CHECK(eval("duration('-9223372036.854775808s')") == "duration('-9223372036.854775808s')");
  CHECK(eval("duration('9223372036.854775808s')").starts_with("error(range"));
}

TEST_CASE("time arithmetic stays in range") {
  CHECK(eval("timestamp(0) + duration('90s')") == "timestamp('1970-01-01T00:01:30Z')");
  CHECK(eval("timestamp(0) - duration('1ns')") == "timestamp('1969-12-31T23:59:59.999999999Z')");
  CHECK(eval("timestamp(60) - timestamp(0)") == "duration('60s')");
  CHECK(eval("duration('1s') - duration('3s')") == "duration('-2s')");
  CHECK(eval("timestamp('9999-12-31T23:59:59Z') + duration('1s')").starts_with("error(range"));
  CHECK(eval("timestamp(253402300799) - timestamp(-62135596800)").starts_with("error(range"));
}

TEST_CASE("fields are counted in the zone that is asked for") {
  const std::string moment = "timestamp('2024-12-31T23:30:15.250Z')";
  const auto field = [&moment](const char* call) { return eval(moment + "." + call); };
  CHECK(field("getFullYear()") == "2024");
  CHECK(field("getMonth()") == "11");
  CHECK(field("getDate()") == "31");
  CHECK(field("getDayOfMonth()") == "30");
  CHECK(field("getDayOfYear()") == "365");
  CHECK(field("getDayOfWeek()") == "2");
  CHECK(field("getHours()") == "23");
  CHECK(field("getMinutes()") == "30");
  CHECK(field("getSeconds()") == "15");
  CHECK(field("getMilliseconds()") == "250");
  CHECK(field("getFullYear('+01:00')") == "2025");
  CHECK(field("getDayOfYear('Europe/Berlin')") == "0");
  CHECK(field("getHours('America/New_York')") == "18");
  CHECK(field("getMinutes('-05:15')") == "15");
  CHECK(field("getHours('No/Where')").starts_with("error(invalid time zone"));
  CHECK(field("getHours('+1:00')").starts_with("error(invalid time zone"));
}

TEST_CASE("a duration's accessors convert all of it, but for milliseconds") {
  CHECK(eval("[duration('90m').getHours(), duration('90m').getMinutes(), "
             "duration('90m').getSeconds(), duration('1.25s').getMilliseconds()]") ==
        "[1, 90, 5400, 250]");
}
