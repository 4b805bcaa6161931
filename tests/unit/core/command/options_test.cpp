#include "core/command/options.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

Parsed parse(std::vector<std::string> words) {
  return parse_options(words, "1.2.3");
}

} // namespace

TEST_CASE("a target alone is short for explain") {
  const auto parsed = parse({"8080"});
  REQUIRE(parsed.options);
  CHECK(parsed.options->command == Command::explain);
  CHECK(parsed.options->words == std::vector<std::string>{"8080"});
}

TEST_CASE("options of inspection stand before or after the command and repeat") {
  const auto parsed =
      parse({"--format", "json", "explain", "8080", "443", "--from", "10.0.0.1", "--from", "::1"});
  REQUIRE(parsed.options);
  CHECK(parsed.options->format == "json");
  CHECK(parsed.options->words == std::vector<std::string>{"8080", "443"});
  CHECK(parsed.options->from == std::vector<std::string>{"10.0.0.1", "::1"});
}

TEST_CASE("bind takes what the program sets on its socket, and whom it runs as") {
  const auto parsed = parse({"bind", "8080", "--reuseaddr", "--v6only", "--as", "www-data"});
  REQUIRE(parsed.options);
  CHECK(parsed.options->command == Command::bind);
  CHECK(parsed.options->words == std::vector<std::string>{"8080"});
  CHECK(parsed.options->reuse_address);
  CHECK_FALSE(parsed.options->reuse_port);
  CHECK(parsed.options->v6only);
  CHECK(parsed.options->as_user == "www-data");
  CHECK_FALSE(parse({"explain", "8080", "--reuseport"}).options);
}

TEST_CASE("the verb of rules is not one of its files") {
  const auto parsed = parse({"rules", "check", "a.toml", "b.toml"});
  REQUIRE(parsed.options);
  CHECK(parsed.options->verb == "check");
  CHECK(parsed.options->words == std::vector<std::string>{"a.toml", "b.toml"});
}

TEST_CASE("what is no option is refused with status 2 on standard error") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"8080", "--bogus"}, {"8080", "--timeout", "-3"}, {"8080", "--timeout", "soon"}}) {
    const auto parsed = parse(words);
    CHECK_FALSE(parsed.options);
    CHECK(parsed.exit_status == 2);
    CHECK(parsed.to_stderr);
  }
}

TEST_CASE("the version goes to standard output with status 0") {
  const auto parsed = parse({"--version"});
  CHECK_FALSE(parsed.options);
  CHECK(parsed.exit_status == 0);
  CHECK(parsed.message == "synfate 1.2.3\n");
}

TEST_CASE("an empty value, as of a variable that is not set, is refused") {
  const auto* option = GENERATE("--netns", "--snapshot", "--save", "--as");
  const auto parsed = parse({"8080", option, ""});
  REQUIRE_FALSE(parsed.options);
  CHECK(parsed.exit_status == 2);
  CHECK(parsed.message.find(option) != std::string::npos);
}

TEST_CASE("each command has a help of its own, with the exit statuses it has") {
  CHECK(parse({"bind", "--help"}).message.find("Usage: synfate bind") != std::string::npos);
  CHECK(parse({"bind", "--help"}).message.find("1 it would fail") != std::string::npos);
  CHECK(parse({"who", "--help"}).message.find("3 incomplete") != std::string::npos);
  CHECK(parse({"--help"}).message.find("1 at least one certainly is not") != std::string::npos);
}
