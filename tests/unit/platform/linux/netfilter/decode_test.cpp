#include "platform/linux/netfilter/decode.h"
#include "platform/linux/netfilter/queues.h"
#include "tests/unit/catch.h"

namespace synfate {
namespace {

using namespace std::string_literals;

std::string attribute(unsigned type, const std::string& payload) {
  const auto size = payload.size() + 4;
  std::string bytes{static_cast<char>(size & 0xff), static_cast<char>(size >> 8),
                    static_cast<char>(type), '\0'};
  bytes += payload;
  bytes.resize((bytes.size() + 3) & ~std::size_t{3}, '\0');
  return bytes;
}

std::string number(unsigned value) {
  return {0, 0, static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string expression(const std::string& name, const std::string& attributes) {
  return attribute(1, attribute(1, name + '\0') + attribute(2, attributes));
}

nft::Expressions decode(const std::string& bytes) {
  return nft::decode_expressions(bytes, ByteOrder::little);
}

const std::string load_port =
    expression("payload", attribute(1, number(1)) + attribute(2, number(2)) +
                              attribute(3, number(2)) + attribute(4, number(2)));

} // namespace

TEST_CASE("a load of the destination port is decoded from its bytes") {
  const auto expressions = decode(load_port);
  REQUIRE(expressions.size() == 1);
  const auto* load = std::get_if<nft::Payload>(&expressions.front().operation);
  REQUIRE(load != nullptr);
  CHECK(load->base == nft::PayloadBase::transport);
  CHECK(load->offset == 2);
  CHECK(load->length == 2);
  CHECK(load->dreg == 0);
}

TEST_CASE("an expression that is not known stays in the list by its name") {
  const auto expressions = decode(load_port + expression("teleport", "abcd"s));
  REQUIRE(expressions.size() == 2);
  const auto* unknown = std::get_if<nft::Unrecognised>(&expressions.back().operation);
  REQUIRE(unknown != nullptr);
  CHECK(unknown->name == "teleport");
  CHECK(unknown->raw == "abcd");
}

TEST_CASE("a load beyond the registers is refused, not cut") {
  const auto expressions =
      decode(expression("payload", attribute(1, number(23)) + attribute(2, number(1)) +
                                       attribute(3, number(0)) + attribute(4, number(8))));
  const auto* refused = std::get_if<nft::Unrecognised>(&expressions.front().operation);
  REQUIRE(refused != nullptr);
  CHECK_FALSE(refused->why.empty());
}

TEST_CASE("a redirect to ports of no register is refused; one register stands for both ends") {
  const auto low = attribute(1, number(1));
  const auto broken = decode(expression("redir", low + attribute(2, number(6))));
  CHECK(std::holds_alternative<nft::Unrecognised>(broken.front().operation));
  const auto sound = decode(expression("redir", low));
  const auto* redirect = std::get_if<nft::Redirect>(&sound.front().operation);
  REQUIRE(redirect != nullptr);
  CHECK(redirect->port_min == 0);
  CHECK(redirect->port_max == 0);
}

TEST_CASE("no truncation of a rule decodes to the rule, and none reads outside") {
  const std::string whole = load_port + expression("counter", attribute(1, std::string(8, '\1')));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto expressions = decode(whole.substr(0, size));
    const bool marked = size == 0 || size == load_port.size() ||
                        std::holds_alternative<nft::Unrecognised>(expressions.back().operation);
    CHECK(marked);
  }
}

TEST_CASE("nesting without end is refused") {
  std::string inner = attribute(1, "inner\0"s) + attribute(2, attribute(5, ""));
  for (int depth = 0; depth < 50; ++depth)
    inner = attribute(1, "inner\0"s) + attribute(2, attribute(5, inner));
  const auto expressions = decode(attribute(1, inner));
  const auto* outer = std::get_if<nft::Inner>(&expressions.front().operation);
  REQUIRE(outer != nullptr);
  CHECK(std::holds_alternative<nft::Unrecognised>(outer->expression.front().operation));
}

TEST_CASE("comments are found among the other user data") {
  CHECK(nft::decode_comment("\x01\x02xx\x00\x03hi\0"s) == "hi");
  CHECK(nft::decode_comment("\x00\x7fhi"s).empty());
  CHECK(nft::decode_comment("").empty());
}

TEST_CASE("queues are read as the kernel writes them, and other text is an error") {
  const auto queues =
      parse_netfilter_queues("    7  12345     2 2 65531     4     1        9  1\n").value();
  REQUIRE(queues.size() == 1);
  CHECK(queues.front().number.is(7));
  CHECK(queues.front().waiting.is(2));
  CHECK(queues.front().dropped.is(4));
  CHECK(queues.front().user_dropped.is(1));
  CHECK_FALSE(parse_netfilter_queues("    7  12345\n"));
  CHECK(parse_netfilter_queues("").value().empty());
}

} // namespace synfate
