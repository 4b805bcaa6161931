#include "core/facts/redact.h"

#include <random>

#include "core/facts/tables.h"
#include "tests/unit/catch.h"

namespace {

using namespace synfate;

const Pseudonyms pseudonyms({1, 2});

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

unsigned common_bits(const IpAddress& left, const IpAddress& right) {
  unsigned bits = 0;
  while (bits < left.width() && IpPrefix(left, bits + 1).contains(right))
    ++bits;
  return bits;
}

IpAddress random_address(std::mt19937& random, bool v4) {
  std::array<std::byte, 16> bytes{};
  for (auto& byte : bytes)
    byte = static_cast<std::byte>(random());
  if (v4)
    return *IpAddress::from_bytes(std::span(bytes).first(4));
  return IpAddress::v6(bytes);
}

Snapshot redacted_example(BytesRedactions bytes = {}) {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  REQUIRE(schema.add({"raw", "x", {{"data", ColumnType::bytes, "", "", "", true}}}));
  Snapshot live(schema);
  Snapshot out(schema);
  SnapshotSink sink(out);
  RedactingSink redacting(sink, pseudonyms, std::move(bytes));
  Process process;
  process.pid = 5;
  process.name = Text("sshd");
  process.command_line = Text("sshd -o secret");
  process.user = Text("alice");
  redacting.add_row(*schema.find("process"), to_cells(process));
  Route route;
  route.destination = ip("81.2.0.0");
  route.prefix_length = 16;
  route.gateway = ip("81.2.3.4");
  redacting.add_row(*schema.find("route"), to_cells(route));
  redacting.add_row(*schema.find("raw"), {Cell(Bytes{"abc"})});
  redacting.add_gap({"g", "the host 81.2.3.4", "y", "", ""});
  redacting.answered({"route", {{"destination", Cell(ip("81.2.3.4"))}}}, {"g"});
  redacting.answered({"raw", {}}, {});
  return out;
}

} // namespace

TEST_CASE("pseudonyms of addresses share exactly the prefix that the addresses share") {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const auto left = random_address(random, round % 2 == 0);
    auto bytes = std::vector<std::byte>(left.bytes().begin(), left.bytes().end());
    const unsigned bit = random() % left.width();
    bytes[bit / 8] ^= std::byte{0x80} >> (bit % 8);
    const auto right = *IpAddress::from_bytes(bytes);
    const bool blocks = pseudonyms.address(left) == left || pseudonyms.address(right) == right;
    if (!blocks)
      CHECK(common_bits(pseudonyms.address(left), pseudonyms.address(right)) ==
            common_bits(left, right));
  }
}

TEST_CASE("addresses with a meaning of their own keep it") {
  const auto fixed =
      GENERATE(as<std::string>(), "127.0.0.1", "0.0.0.0", "224.0.0.251", "255.255.255.255",
               "169.254.1.2", "203.0.113.1", "::", "::1", "ff02::1", "2001:db8::1");
  CHECK(pseudonyms.address(ip(fixed)) == ip(fixed));
}

TEST_CASE("private addresses change and stay private, public ones stay public") {
  std::mt19937 random(8);
  for (const char* text : {"10.1.2.3", "172.16.5.6", "172.31.255.1", "192.168.0.1", "fd00::5"}) {
    CHECK(pseudonyms.address(ip(text)) != ip(text));
    CHECK(pseudonyms.address(ip(text)).is_private());
  }
  for (int round = 0; round < 300; ++round) {
    const auto address = random_address(random, round % 2 == 0);
    CHECK(pseudonyms.address(address).is_private() == address.is_private());
    CHECK(pseudonyms.address(address).is_loopback() == address.is_loopback());
    CHECK(pseudonyms.address(address).is_multicast() == address.is_multicast());
  }
}

TEST_CASE("another key gives other pseudonyms") {
  CHECK(Pseudonyms({3, 4}).address(ip("81.2.3.4")) != pseudonyms.address(ip("81.2.3.4")));
  CHECK(Pseudonyms({3, 4}).word("user", "alice") != pseudonyms.word("user", "alice"));
  CHECK(Pseudonyms::random_key() != Pseudonyms::random_key());
}

TEST_CASE("addresses and networks in text are replaced, what only looks like one is not") {
  const auto mapped = pseudonyms.address(ip("81.2.3.4")).to_string();
  CHECK(pseudonyms.addresses_in("peer 81.2.3.4.") == "peer " + mapped + ".");
  CHECK(pseudonyms.addresses_in("81.2.3.4:80") == mapped + ":80");
  CHECK(pseudonyms.addresses_in("81.2.0.0/16") ==
        pseudonyms.prefix(*IpPrefix::parse("81.2.0.0/16")).to_string());
  CHECK(pseudonyms.addresses_in("at 12:30:45, v6.18.44, a-1.2.3.4-b") ==
        "at 12:30:45, v6.18.44, a-1.2.3.4-b");
  CHECK(pseudonyms.addresses_in("127.0.0.1 and ::1") == "127.0.0.1 and ::1");
}

TEST_CASE("link-layer addresses get one pseudonym each, those of nobody and of groups stay") {
  const auto mapped = pseudonyms.hardware_address("52:54:00:12:34:56");
  CHECK(mapped.size() == 17);
  CHECK(mapped.starts_with("02:"));
  CHECK(mapped != pseudonyms.hardware_address("52:54:00:12:34:57"));
  CHECK(pseudonyms.text("dev eth0 lladdr 52:54:00:12:34:56") == "dev eth0 lladdr " + mapped);
  for (const auto* common : {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"})
    CHECK(pseudonyms.text(common) == common);
  CHECK(pseudonyms.text("52:54:00:12:34") == "52:54:00:12:34");
}

TEST_CASE("the link-local address that holds a link-layer address does not tell it") {
  const auto mapped = pseudonyms.address(ip("fe80::5054:ff:fe12:3456"));
  CHECK(mapped != ip("fe80::5054:ff:fe12:3456"));
  CHECK(IpPrefix::parse("fe80::/64")->contains(mapped));
  CHECK_FALSE(IpPrefix::parse("fe80::/64")->contains(pseudonyms.address(ip("fe80:1::1"))));
  CHECK(IpPrefix::parse("fe80::/10")->contains(pseudonyms.address(ip("fe80:1::1"))));
}

TEST_CASE("paths and units do not tell users and customers") {
  const auto alice = pseudonyms.word("user", "alice");
  CHECK(pseudonyms.text("/home/alice/run/app.sock") == "/home/" + alice + "/run/app.sock");
  CHECK(pseudonyms.text("/home/alice") == "/home/" + alice);
  CHECK(pseudonyms.text("/run/user/1001/bus") == "/run/user/1001/bus");
  const auto customer = pseudonyms.word("instance", "customer.de");
  CHECK(pseudonyms.text("/system.slice/shop@customer.de.service/x") ==
        "/system.slice/shop@" + customer + ".service/x");
  CHECK(pseudonyms.text("user@1001.service") == "user@1001.service");
  CHECK(pseudonyms.text("nginx.service, a@b") == "nginx.service, a@b");
}

TEST_CASE("users and command lines become pseudonyms and the rest of a row stays") {
  const Snapshot snapshot = redacted_example();
  const auto process = snapshot.rows<Process>({"process", {}}).at(0);
  CHECK(process.pid.is(5));
  CHECK(process.name.is("sshd"));
  CHECK(process.user.is(pseudonyms.word("user", "alice")));
  CHECK(process.command_line.value().find("secret") == std::string::npos);
  CHECK(pseudonyms.word("user", "root") == "root");
}

TEST_CASE("a route still holds the addresses it held") {
  const Snapshot snapshot = redacted_example();
  const auto route = snapshot.rows<Route>({"route", {}}).at(0);
  const IpPrefix network(route.destination.value(), 16);
  CHECK(network.address() == route.destination.value());
  CHECK(network.contains(route.gateway.value()));
}

TEST_CASE("the keys of answers and the texts of gaps get the same pseudonyms") {
  const Snapshot snapshot = redacted_example();
  const auto mapped = pseudonyms.address(ip("81.2.3.4"));
  CHECK(snapshot.answers().at(0).request.keys.at(0).value == Cell(mapped));
  CHECK(snapshot.gap("g")->what == "the host " + mapped.to_string());
}

TEST_CASE("raw bytes become unknown unless somebody knows how to replace in them") {
  const Snapshot snapshot = redacted_example();
  CHECK(snapshot.table("raw")->cell(0, 0) == Cell(Unknown{"redacted"}));
  CHECK(snapshot.gap("redacted") != nullptr);
  CHECK(snapshot.answers().at(0).gaps == std::vector<std::string>{"g"});
  CHECK(snapshot.answers().at(1).gaps == std::vector<std::string>{"redacted"});
  const Snapshot replaced = redacted_example(
      {{"raw.data", [](const Pseudonyms&, auto bytes) { return std::string(bytes) + "!"; }}});
  CHECK(replaced.table("raw")->cell(0, 0) == Cell(Bytes{"abc!"}));
  CHECK(replaced.gap("redacted") == nullptr);
  CHECK(replaced.answers().at(1).gaps.empty());
}
