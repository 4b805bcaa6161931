// Regular expressions in RE2's syntax, behind a seam: regex_re2.cpp is the only file that knows the
// library that does it. Where that cannot be linked regex_standard.cpp does a part of it and
// refuses the rest.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace synfate::cel {

class Regex {
public:
  /// Nothing when `pattern` is not valid (or would take too much memory); then `problem` says why.
  static std::shared_ptr<const Regex> compile(std::string_view pattern, std::string& problem);
  virtual ~Regex() = default;
  /// Whether some part of `text` matches; RE2 takes time linear in its size.
  virtual bool find(std::string_view text) const = 0;
};

} // namespace synfate::cel
