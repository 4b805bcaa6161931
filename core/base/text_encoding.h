// Bytes and text: UTF-8, base64, JSON strings.
//
// Names, paths and command lines come from processes and may hold any byte, while JSON is UTF-8
// only. Tested by tests/unit/core/text_encoding_test.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace synfate {

/// True for well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates.
bool is_utf8(std::string_view text);

/// RFC 4648, with padding.
std::string to_base64(std::string_view bytes);
/// Nothing unless `text` is exactly what to_base64 would write.
std::optional<std::string> from_base64(std::string_view text);

/// Appends `text`, which is UTF-8, as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

} // namespace synfate
