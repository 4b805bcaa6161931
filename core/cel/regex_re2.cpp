#include "core/cel/regex.h"

#include <re2/re2.h>

namespace synfate::cel {
namespace {

constexpr int most_memory = 1 << 20; // bytes for one compiled pattern

class Re2Regex final : public Regex {
public:
  Re2Regex(std::string_view pattern, const RE2::Options& options)
      : expression_(re2::StringPiece(pattern.data(), pattern.size()), options) {}
  bool find(std::string_view text) const override {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), expression_);
  }
  const RE2& expression() const { return expression_; }

private:
  RE2 expression_;
};

} // namespace

std::shared_ptr<const Regex> Regex::compile(std::string_view pattern, std::string& problem) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(most_memory);
  auto regex = std::make_shared<const Re2Regex>(pattern, options);
  if (regex->expression().ok())
    return regex;
  problem = regex->expression().error();
  return nullptr;
}

} // namespace synfate::cel
