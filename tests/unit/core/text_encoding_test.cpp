#include "core/base/text_encoding.h"

#include "tests/unit/catch.h"

using namespace synfate;

TEST_CASE("well-formed UTF-8 is told from what is not") {
  const auto sound = GENERATE(as<std::string>(), "", "plain", "\xc3\xa9", "\xe2\x82\xac",
                              "\xf0\x9f\x90\x9f", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf");
  CHECK(is_utf8(sound));
  const auto broken =
      GENERATE(as<std::string>(), "\xff", "\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80",
               "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xe2\x82");
  CHECK_FALSE(is_utf8(broken));
}

TEST_CASE("base64 follows RFC 4648") {
  struct Pair {
    const char* bytes;
    const char* text;
  };
  const auto pair =
      GENERATE(Pair{"", ""}, Pair{"f", "Zg=="}, Pair{"fo", "Zm8="}, Pair{"foo", "Zm9v"},
               Pair{"foob", "Zm9vYg=="}, Pair{"fooba", "Zm9vYmE="}, Pair{"foobar", "Zm9vYmFy"});
  CHECK(to_base64(pair.bytes) == pair.text);
  CHECK(from_base64(pair.text) == std::string(pair.bytes));
}

TEST_CASE("every byte survives base64") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte)
    bytes += static_cast<char>(byte);
  CHECK(from_base64(to_base64(bytes)) == bytes);
}

TEST_CASE("base64 that nobody would write is refused") {
  const auto text =
      GENERATE(as<std::string>(), "Z", "Zg",
               "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm-_");
  CHECK_FALSE(from_base64(text));
}

TEST_CASE("a JSON string escapes what JSON does not allow") {
  std::string out;
  append_json_string(out, std::string_view("a\"\\\n\t\r\x01\x7f\xc3\xa9\0z", 12));
  CHECK(out == "\"a\\\"\\\\\\n\\t\\r\\u0001\\u007f\xc3\xa9\\u0000z\"");
}
