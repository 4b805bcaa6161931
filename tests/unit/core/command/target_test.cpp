#include "core/model/target.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

class FixedNames : public NameService {
public:
  Result<std::vector<IpAddress>> addresses_of(const std::string& host) const override {
    if (host == "host.example")
      return std::vector{*IpAddress::parse("192.0.2.1"), *IpAddress::parse("2001:db8::1")};
    return Error{.code = ErrorCode::invalid_input,
                 .doing = "resolving",
                 .where = host,
                 .detail = "unknown",
                 .hint = {}};
  }
  std::uint16_t port_of(const std::string& service, Proto) const override {
    return service == "https" ? 443 : 0;
  }
  std::vector<std::string> service_names() const override { return {"http", "https", "ssh"}; }
  Result<Identity> identity_of(const std::string&) const override { return Identity{}; }
};

Result<Target> parse(std::string_view text) {
  return parse_target(text, FixedNames());
}

} // namespace

TEST_CASE("every form of a target is read") {
  CHECK(parse("8080")->port == 8080);
  CHECK(parse("8080")->addresses.empty());
  CHECK(parse("udp/53")->proto == Proto::udp);
  CHECK(parse("https")->port == 443);
  CHECK(parse("10.0.0.5:80")->addresses.front() == *IpAddress::parse("10.0.0.5"));
  CHECK(parse("tcp/[::1]:80")->addresses.front() == IpAddress::loopback(IpFamily::v6));
  CHECK(parse("[fe80::1%eth0]:80")->zone == "eth0");
  CHECK(parse("host.example:80")->addresses.size() == 2);
  CHECK(parse("unix:/run/app.sock")->path == "/run/app.sock");
  CHECK(parse("unix:@app")->abstract);
}

TEST_CASE("what is no target is refused") {
  const auto* text = GENERATE(
      "", "0", "70000", "99999999999999999999", "tcp/", "10.0.0.300:80", "::1:80", "[::1]", "[::1",
      "sctp/80", ":80", "10.0.0.1:", "nowhere.example:80", "unix:", "unix:relative", "unix:@", "-1",
      "10.0.0.5", "80-90", "80,81", "./a.sock", "http://10.0.0.5:80/");
  const auto target = parse(text);
  REQUIRE_FALSE(target);
  CHECK(target.error().code == ErrorCode::invalid_input);
  CHECK_FALSE(target.error().detail.empty());
}

TEST_CASE("a mistyped service name gets the nearest one") {
  CHECK(parse("htps").error().hint == "Did you mean 'https'?");
}

TEST_CASE("a Unix socket is named with and without its prefix") {
  CHECK(parse("/run/app.sock")->proto == Proto::unix_socket);
  CHECK(parse("/run/app.sock")->path == "/run/app.sock");
  CHECK(parse("@app")->abstract);
  CHECK(parse("@app")->path == "app");
  CHECK(parse("unix:///run/app.sock")->path == "/run/app.sock");
  CHECK(parse("unix-dgram:/dev/log")->socket_type == "dgram");
  CHECK(parse("unix-seqpacket:@x")->socket_type == "seqpacket");
  CHECK(parse("/run/app.sock")->socket_type.empty());
}

TEST_CASE("a Unix name may hold any byte, written as it is printed") {
  CHECK(parse("/run/a\\nb")->path == "/run/a\nb");
  CHECK(parse("@a\\x00b")->path == std::string("a\0b", 3));
  CHECK(parse("/run/a\\\\n")->path == "/run/a\\n");
  CHECK(parse("/run/a\\q")->path == "/run/a\\q");
  CHECK_FALSE(parse("/run/a\\x00b"));
  CHECK(unix_name("/run/a\nb", false) == "/run/a\\nb");
  CHECK(unix_name("app", true) == "@app");
}

TEST_CASE(
    "a Unix name that is too long is a target: the kernel's answer to it is the model's affair") {
  CHECK(parse("unix:/" + std::string(200, 'x'))->path.size() == 201);
}

TEST_CASE("what was forgotten or is not understood is said") {
  CHECK(parse("10.0.0.5").error().hint == "Write 10.0.0.5:PORT.");
  CHECK(parse("::1").error().hint == "Write [::1]:PORT.");
  CHECK(parse("fe80::1%eth0").error().hint == "Write [fe80::1%eth0]:PORT.");
  CHECK(parse("[::1]").error().hint == "Write [::1]:PORT.");
  CHECK(parse("8080-8090").error().detail == "this is more than one port");
  CHECK(parse("./app.sock").error().detail == "the path of a Unix socket must be absolute");
  CHECK(parse("http://10.0.0.5:80/").error().hint == "Write HOST:PORT.");
}

TEST_CASE("a target may be written as ss prints a listener") {
  CHECK(parse("*:8080")->addresses.empty());
  CHECK(parse("udp/*:53")->port == 53);
}
