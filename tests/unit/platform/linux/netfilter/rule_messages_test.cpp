#include "platform/linux/netfilter/rule_messages.h"
#include "tests/unit/catch.h"

namespace synfate {
namespace {

using namespace std::string_literals;

std::string attribute(unsigned type, const std::string& payload) {
  std::string bytes{static_cast<char>(payload.size() + 4), '\0', static_cast<char>(type), '\0'};
  bytes += payload;
  bytes.resize((bytes.size() + 3) & ~std::size_t{3}, '\0');
  return bytes;
}

std::string message(unsigned kind, const std::string& attributes) {
  const std::string family{"\1\0\0\0"s};
  const auto size = 16 + family.size() + attributes.size();
  return std::string{static_cast<char>(size), '\0', '\0', '\0', static_cast<char>(kind), '\x0a'} +
         std::string(10, '\0') + family + attributes;
}

std::string rule(char handle, const std::string& expressions) {
  return message(6, attribute(1, "t\0"s) + attribute(2, "c\0"s) +
                        attribute(3, "\0\0\0\0\0\0\0"s + handle) + attribute(4, expressions));
}

} // namespace

TEST_CASE("rules are found in a datagram in their order, other messages are passed by") {
  const std::string datagram = rule(4, "abcd") + message(3, attribute(1, "t\0"s)) +
                               message(6, attribute(3, "\0\0\0\0\0\0\1\2"s) + attribute(7, "note"));
  std::string_view rest = datagram;
  const auto first = next_rule_message(rest, ByteOrder::little);
  REQUIRE(first);
  CHECK(first->handle == 4);
  CHECK(first->expressions == "abcd");
  CHECK(first->userdata.empty());
  const auto second = next_rule_message(rest, ByteOrder::little);
  REQUIRE(second);
  CHECK(second->handle == 258);
  CHECK(second->userdata == "note");
  CHECK_FALSE(next_rule_message(rest, ByteOrder::little));
}

TEST_CASE("a datagram cut anywhere gives whole rules or none") {
  const std::string datagram = rule(1, "abcd") + rule(2, "efgh");
  const std::size_t one = rule(1, "abcd").size();
  for (std::size_t size = 0; size < datagram.size(); ++size) {
    const std::string cut = datagram.substr(0, size);
    std::string_view rest = cut;
    unsigned found = 0;
    while (const auto next = next_rule_message(rest, ByteOrder::little)) {
      ++found;
      CHECK(next->expressions.size() == 4);
    }
    CHECK(found == (size >= one ? 1U : 0U));
  }
}

} // namespace synfate
