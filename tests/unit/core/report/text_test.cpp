#include "core/base/text.h"

#include "tests/unit/catch.h"

using namespace synfate;

TEST_CASE("printable text reaches a terminal unchanged") {
  CHECK(escape_for_terminal("nginx: worker €") == "nginx: worker €");
  CHECK(escape_for_terminal("a\\d") == "a\\d");
  CHECK(escape_for_terminal("") == "");
}

TEST_CASE("nothing that moves a cursor, hides or reorders text reaches a terminal") {
  CHECK(escape_for_terminal("\x1b[2J") == "\\x1b[2J");
  CHECK(escape_for_terminal("a\nb\rc\td") == "a\\nb\\rc\\td");
  CHECK(escape_for_terminal(std::string_view("\0x", 2)) == "\\x00x");
  CHECK(escape_for_terminal("\x7f") == "\\x7f");
  CHECK(escape_for_terminal("\xc2\x9b"
                            "31m") == "\\u{9b}31m"); // C1 CSI as a character
  CHECK(escape_for_terminal("\x9b"
                            "31m") == "\\x9b31m"); // and as a lone byte
  CHECK(escape_for_terminal("\u202egnp.exe") == "\\u{202e}gnp.exe");
  CHECK(escape_for_terminal("\u2066a\u2069") == "\\u{2066}a\\u{2069}");
  CHECK(escape_for_terminal("a\u200bb") == "a\\u{200b}b");
  CHECK(escape_for_terminal("a\u2028b") == "a\\u{2028}b");
}

TEST_CASE("bytes that are no UTF-8 are shown as bytes") {
  CHECK(escape_for_terminal("\xff\xfe") == "\\xff\\xfe");
  CHECK(escape_for_terminal("caf\xc3") == "caf\\xc3");             // cut short
  CHECK(escape_for_terminal("\xc0\xaf") == "\\xc0\\xaf");          // overlong "/"
  CHECK(escape_for_terminal("\xed\xa0\x80") == "\\xed\\xa0\\x80"); // a surrogate
}

TEST_CASE("an ASCII terminal gets ASCII only, with plain forms of common punctuation") {
  CHECK(escape_for_terminal("a – b → “c”…", Charset::ascii) == "a - b -> \"c\"...");
  CHECK(escape_for_terminal("é", Charset::ascii) == "\\u{e9}");
  for (const char letter : escape_for_terminal("日本 \x1b \xff ü", Charset::ascii))
    CHECK((letter >= 0x20 && letter < 0x7f));
}

TEST_CASE("text for JSON is valid UTF-8 whatever came in") {
  CHECK(to_valid_utf8("plain é") == "plain é");
  CHECK(to_valid_utf8("a\xff"
                      "b") == "a\xef\xbf\xbd"
                              "b");
  CHECK(to_valid_utf8("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("width counts columns, not bytes") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("é→") == 2);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\u0301") == 1);
}

TEST_CASE("text is cut to a width with an ellipsis") {
  CHECK(truncate_to_width("abcdef", 6) == "abcdef");
  CHECK(truncate_to_width("abcdefg", 6) == "abcde…");
  CHECK(truncate_to_width("abcdefg", 6, Charset::ascii) == "abc...");
  CHECK(truncate_to_width("日本語", 4) == "日…"); // never half a character
  CHECK(truncate_to_width("abc", 1) == "a");
}

TEST_CASE("lines break at spaces") {
  CHECK(wrap_to_width("the quick brown fox", 10) ==
        std::vector<std::string>{"the quick", "brown fox"});
  CHECK(wrap_to_width("  the \n quick  ", 0) == std::vector<std::string>{"the quick"});
  CHECK(wrap_to_width("", 10) == std::vector<std::string>{""});
}

TEST_CASE("a word longer than a line is broken, so that no line is too long") {
  CHECK(wrap_to_width("ab cdefghijk lm", 4) ==
        std::vector<std::string>{"ab", "cdef", "ghij", "k lm"});
  for (const auto& line : wrap_to_width("日本語日本語 x", 5))
    CHECK(display_width(line) <= 5);
}

TEST_CASE("edits between words are counted, a swap of neighbours as one") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("prot", "port") == 1);
  CHECK(edit_distance("local_prot", "local_port") == 1);
}

TEST_CASE("the nearest word is offered only if it is near") {
  const std::vector<std::string> words{"local_port", "local_address", "remote_port"};
  CHECK(nearest_word("local_prot", words) == "local_port");
  CHECK(nearest_word("localport", words) == "local_port");
  CHECK_FALSE(nearest_word("zebra", words));
  CHECK_FALSE(nearest_word("x", {}));
  CHECK(nearest_word("tpc", std::vector<std::string>{"udp", "tcp"}) == "tcp");
}

TEST_CASE("a JSON document keeps its meaning, and nothing in it acts on a terminal") {
  CHECK(escape_json_for_terminal("{\n  \"a\": \"nginx €\"\n}\n") == "{\n  \"a\": \"nginx €\"\n}\n");
  CHECK(escape_json_for_terminal("[\"\xc2\x9b"
                                 "31m\xe2\x80\xae\x7f\"]") == "[\"\\u009b31m\\u202e\\u007f\"]");
  CHECK(escape_json_for_terminal("\"\xf3\xa0\x80\x81\"") == "\"\\udb40\\udc01\"");
}
