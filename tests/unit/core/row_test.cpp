#include "core/facts/row.h"

#include "tests/unit/catch.h"

namespace synfate {

struct Sample {
  Fact<Int> number;
  Fact<Text> text;
  Fact<bool> flag;
  Fact<IpAddress> address;
  Fact<Bytes> bytes;
  Fact<double> real;
};

template <>
inline constexpr auto description_of<Sample> =
    describe("sample", "A sample.", key(column(&Sample::number, "number", "seats", "A number.")),
             column(&Sample::text, "text", "", "A text.", "other.name"),
             column(&Sample::flag, "flag", "", "A flag."),
             column(&Sample::address, "address", "", "An address."),
             column(&Sample::bytes, "bytes", "", "Bytes."),
             column(&Sample::real, "real", "", "A number with a fraction."));

} // namespace synfate

using namespace synfate;

TEST_CASE("a row type describes its table") {
  const auto spec = spec_of<Sample>();
  CHECK(spec.name == "sample");
  REQUIRE(spec.columns.size() == 6);
  CHECK(spec.columns[0] ==
        ColumnSpec{"number", ColumnType::integer, "seats", "A number.", "", true});
  CHECK(spec.columns[1].refers_to == "other.name");
  CHECK(spec.columns[3].type == ColumnType::ip);
  CHECK(spec.columns[4].type == ColumnType::bytes);
}

TEST_CASE("a typed row survives its table") {
  Sample sample;
  sample.number = 5;
  sample.text = Unknown{"g"};
  sample.address = IpAddress::loopback(IpFamily::v6);
  sample.bytes = Bytes{"x"};
  sample.real = 0.5;
  Table table(spec_of<Sample>());
  table.add(to_cells(sample));
  const auto back = read_row<Sample>(table, 0);
  CHECK(back.number.is(5));
  CHECK(back.text.gap() == "g");
  CHECK(back.flag.absent());
  CHECK(back.address == sample.address);
  CHECK(back.bytes == sample.bytes);
  CHECK(back.real.is(0.5));
}

TEST_CASE("a fact is never a value for what could not be looked at") {
  const Fact<Int> unknown = Unknown{"g"};
  CHECK_FALSE(unknown.known());
  CHECK_FALSE(unknown.absent());
  CHECK_FALSE(unknown.is(0));
  CHECK(unknown.value_or(7) == 7);
  CHECK(Fact<Int>().absent());
  CHECK(Fact<Int>().gap().empty());
}
