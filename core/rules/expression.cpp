#include "core/rules/expression.h"

#include <utility>

#include "core/cel/serialise.h"
#include "core/cel/unicode.h"

namespace synfate::rules {
namespace {

/// Finds the brace that ends a placeholder: braces of CEL maps nest, those in its strings do not
/// count.
class PlaceholderScanner {
public:
  PlaceholderScanner(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  /// The byte of the closing brace, or npos.
  std::size_t end() {
    for (int depth = 0; at_ < text_.size(); ++at_) {
      const char letter = text_[at_];
      if (letter == '"' || letter == '\'')
        skip_string();
      else if (letter == '{')
        ++depth;
      else if (letter == '}' && depth-- == 0)
        return at_;
    }
    return std::string_view::npos;
  }

private:
  void skip_string() {
    const bool raw = at_ > 0 && (text_[at_ - 1] == 'r' || text_[at_ - 1] == 'R');
    const char quote = text_[at_];
    const std::string three(3, quote);
    const bool triple = text_.substr(at_).starts_with(three);
    const std::string_view closing = triple ? std::string_view(three) : text_.substr(at_, 1);
    for (at_ += closing.size(); at_ < text_.size(); ++at_) {
      if (!raw && text_[at_] == '\\')
        ++at_;
      else if (text_.substr(at_).starts_with(closing)) {
        at_ += closing.size() - 1;
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t at_;
};

class TemplateParser {
public:
  TemplateParser(const Words& words, std::vector<TemplateProblem>& problems)
      : words_(words), text_(words.text), problems_(problems) {}

  Template parse() {
    while (at_ < text_.size())
      step();
    flush();
    return {words_, std::move(pieces_)};
  }

private:
  void step() {
    const char letter = text_[at_];
    if ((letter == '{' || letter == '}') && text_.substr(at_ + 1).starts_with(letter)) {
      plain_ += letter;
      at_ += 2;
    } else if (letter == '{') {
      placeholder();
    } else {
      if (letter == '}')
        complain("a lone '}'; write '}}' for a brace");
      plain_ += letter;
      ++at_;
    }
  }

  void placeholder() {
    const std::size_t end = PlaceholderScanner(text_, at_ + 1).end();
    if (end == std::string_view::npos) {
      complain("this placeholder has no end; write '{{' for a brace");
      at_ = text_.size();
      return;
    }
    const auto inner = text_.substr(at_ + 1, end - at_ - 1);
    if (inner.find_first_not_of(" \t\n") == std::string_view::npos)
      complain("an empty placeholder");
    flush();
    pieces_.push_back(
        {{}, Expression::placeholder(words_, letters_before(at_ + 1), std::string(inner))});
    at_ = end + 1;
  }

  std::size_t letters_before(std::size_t byte) const {
    return cel::count_code_points(text_.substr(0, byte));
  }
  void complain(std::string message) {
    problems_.push_back({letters_before(at_), std::move(message)});
  }
  void flush() {
    if (!plain_.empty())
      pieces_.push_back({std::exchange(plain_, {}), std::nullopt});
  }

  const Words& words_;
  std::string_view text_;
  std::vector<TemplateProblem>& problems_;
  std::size_t at_ = 0;
  std::string plain_;
  std::vector<Template::Piece> pieces_;
};

} // namespace

Expression::Expression(std::string_view text, std::span<const std::byte> bytes)
    : words_{std::string(text), nullptr, {}} {
  tree_->bytes = bytes;
}

Expression Expression::placeholder(const Words& words, std::size_t offset, std::string text) {
  Expression inner(words);
  inner.offset_ = offset;
  inner.text_ = std::move(text);
  return inner;
}

void Expression::set(cel::CheckedExpression checked) const {
  tree_->expression = std::make_unique<const cel::CheckedExpression>(std::move(checked));
}

const cel::CheckedExpression& Expression::get() const {
  if (!tree_->expression) {
    auto read = cel::deserialise(tree_->bytes);
    set(read ? std::move(read).value() : cel::CheckedExpression());
  }
  return *tree_->expression;
}

Template parse_template(const Words& words, std::vector<TemplateProblem>& problems) {
  return TemplateParser(words, problems).parse();
}

} // namespace synfate::rules
