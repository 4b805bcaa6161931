// CEL inside a pack: a condition, and a text with {placeholders}.
//
// A rule from a file keeps the tree that the checker made of it. A built-in rule keeps the bytes
// that the build wrote (core/cel/serialise.h) and makes the tree when it is first wanted, for most
// rules never are.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cel/checker.h"
#include "core/rules/source.h"

namespace synfate::rules {

/// One CEL expression of a pack. Copies share the tree.
class Expression {
public:
  Expression() = default;
  /// As written; to be given its tree by the checker.
  explicit Expression(Words words) : words_(std::move(words)) {}
  /// Built in: the text, and its serialised tree, which must live as long as the program.
  Expression(std::string_view text, std::span<const std::byte> bytes);

  const Words& words() const { return words_; }
  /// Code points of the words before the expression: a placeholder stands inside a longer text.
  std::size_t offset() const { return offset_; }
  /// The text of the expression itself.
  const std::string& text() const { return text_.empty() ? words_.text : text_; }
  static Expression placeholder(const Words& words, std::size_t offset, std::string text);

  void set(cel::CheckedExpression checked) const;
  bool checked() const { return tree_->expression != nullptr || !tree_->bytes.empty(); }
  /// The checked tree; only when checked().
  const cel::CheckedExpression& get() const;

private:
  struct Tree {
    std::span<const std::byte> bytes;
    std::unique_ptr<const cel::CheckedExpression> expression; ///< null: not made; few are used
  };

  Words words_;
  std::size_t offset_ = 0;
  std::string text_;
  std::shared_ptr<Tree> tree_ = std::make_shared<Tree>();
};

/// Text with placeholders: pieces of plain text and expressions in turn.
struct Template {
  struct Piece {
    std::string text; ///< used when there is no expression
    std::optional<Expression> expression;
  };
  Words words;
  std::vector<Piece> pieces;
};

/// A placeholder that does not end, or a lone brace: what is wrong, at which code point.
struct TemplateProblem {
  std::size_t offset = 0;
  std::string message;
};

/// Splits a text at its placeholders; `{{` and `}}` are literal braces.
Template parse_template(const Words& words, std::vector<TemplateProblem>& problems);

} // namespace synfate::rules
