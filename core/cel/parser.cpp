#include "core/cel/parser.h"

#include "core/cel/lexer.h"
#include "core/cel/macros.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace synfate::cel {
namespace {

struct BinaryOperator {
  TokenKind token;
  Operator operation;
  unsigned precedence;
};

constexpr std::array binary_operators{
    BinaryOperator{TokenKind::less, Operator::less, 1},
    BinaryOperator{TokenKind::less_equal, Operator::less_equal, 1},
    BinaryOperator{TokenKind::greater, Operator::greater, 1},
    BinaryOperator{TokenKind::greater_equal, Operator::greater_equal, 1},
    BinaryOperator{TokenKind::equal_equal, Operator::equal, 1},
    BinaryOperator{TokenKind::bang_equal, Operator::not_equal, 1},
    BinaryOperator{TokenKind::keyword_in, Operator::in, 1},
    BinaryOperator{TokenKind::plus, Operator::add, 2},
    BinaryOperator{TokenKind::minus, Operator::subtract, 2},
    BinaryOperator{TokenKind::star, Operator::multiply, 3},
    BinaryOperator{TokenKind::slash, Operator::divide, 3},
    BinaryOperator{TokenKind::percent, Operator::remainder, 3},
};

/// Recursive descent. The first error is kept and moves the parser to the end of the tokens, where
/// every rule returns at once; what they return then is a placeholder.
class Parser {
public:
  Parser(LexResult lexed, const ParseOptions& options)
      : tokens_(std::move(lexed.tokens)), options_(options) {
    ast_.sources.push_back({0, std::move(lexed.line_starts)});
    ast_.length = lexed.length;
  }

  ParseResult run() {
    ast_.root = expression();
    if (peek().kind != TokenKind::end)
      unexpected("an operator or the end");
    if (error_)
      return {Ast{}, {std::move(*error_)}};
    return {std::move(ast_), {}};
  }

private:
  /// Counts one level of nesting for as long as it lives.
  class Level {
  public:
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > parser_.options_.nesting_limit)
        parser_.stop(code::too_deep, "the expression is nested too deeply",
                     parser_.peek().position);
    }
    ~Level() { --parser_.nesting_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

  private:
    Parser& parser_;
  };

  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  Token take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool accept(TokenKind kind) {
    if (peek().kind != kind)
      return false;
    take();
    return true;
  }
  void expect(TokenKind kind, std::string_view words) {
    if (!accept(kind))
      unexpected(words);
  }

  NodeIndex stop(Diagnostic diagnostic) {
    if (!error_)
      error_ = std::move(diagnostic);
    at_ = tokens_.size() - 1;
    return ast_.add_literal(Value(), 0);
  }
  NodeIndex stop(std::string_view code, std::string message, std::uint32_t position) {
    return stop({code, std::move(message), ast_.position(position), {}});
  }
  NodeIndex unexpected(std::string_view wanted) {
    return stop(code::syntax, "expected " + std::string(wanted) + ", found " + describe(peek()),
                peek().position);
  }

  NodeIndex add(Node node, std::span<const NodeIndex> children) {
    const auto index = ast_.add(node, children);
    if (ast_.depth(index) > options_.depth_limit)
      return stop(code::too_deep, "the expression has too many levels", node.position);
    return index;
  }
  NodeIndex operation(Operator which, std::uint32_t position, std::span<const NodeIndex> operands) {
    Node node;
    node.kind = NodeKind::operation;
    node.detail = static_cast<std::uint8_t>(which);
    node.position = position;
    return add(node, operands);
  }

  // Expr = ConditionalOr ["?" ConditionalOr ":" Expr]
  NodeIndex expression() {
    const Level level(*this);
    const auto condition = logical(TokenKind::or_or);
    if (peek().kind != TokenKind::question)
      return condition;
    const auto position = take().position;
    const auto chosen = logical(TokenKind::or_or);
    expect(TokenKind::colon, "':'");
    const auto otherwise = expression();
    return operation(Operator::conditional, position, std::array{condition, chosen, otherwise});
  }

  /// A chain of `||`, or of `&&` within it, as one node.
  NodeIndex logical(TokenKind kind) {
    const bool is_or = kind == TokenKind::or_or;
    const auto operand = [&] { return is_or ? logical(TokenKind::and_and) : binary(1); };
    std::vector<NodeIndex> operands{operand()};
    const auto position = peek().position;
    while (accept(kind))
      operands.push_back(operand());
    if (operands.size() == 1)
      return operands.front();
    return operation(is_or ? Operator::logical_or : Operator::logical_and, position, operands);
  }

  NodeIndex binary(unsigned precedence) {
    auto left = unary();
    while (true) {
      const auto found = std::ranges::find(binary_operators, peek().kind, &BinaryOperator::token);
      if (found == binary_operators.end() || found->precedence < precedence)
        return left;
      const auto position = take().position;
      const auto right = binary(found->precedence + 1);
      left = operation(found->operation, position, std::array{left, right});
    }
  }

  NodeIndex unary() {
    const auto kind = peek().kind;
    if (kind != TokenKind::bang && kind != TokenKind::minus)
      return member();
    std::vector<std::uint32_t> positions;
    while (peek().kind == kind)
      positions.push_back(take().position);
    if (positions.size() > options_.nesting_limit)
      return stop(code::too_deep, "too many unary operators in a row", positions.front());
    if (peek().kind == TokenKind::bang || peek().kind == TokenKind::minus)
      return unexpected("an operand");
    NodeIndex operand = no_node;
    if (kind == TokenKind::minus && is_number(peek().kind)) {
      operand = suffixes(number(true, positions.back()));
      positions.pop_back();
    } else {
      operand = member();
    }
    for (auto at = positions.rbegin(); at != positions.rend(); ++at)
      operand = operation(kind == TokenKind::bang ? Operator::logical_not : Operator::negate, *at,
                          std::array{operand});
    return operand;
  }

  static bool is_number(TokenKind kind) {
    return kind == TokenKind::integer || kind == TokenKind::unsigned_integer ||
           kind == TokenKind::floating;
  }

  NodeIndex member() { return suffixes(primary()); }

  /// Selections, calls and indexes after an operand.
  NodeIndex suffixes(NodeIndex operand) {
    while (true) {
      if (accept(TokenKind::dot))
        operand = selection(operand);
      else if (peek().kind == TokenKind::left_bracket)
        operand = index(operand);
      else if (peek().kind == TokenKind::left_brace && is_name_chain(operand))
        operand = message(operand);
      else
        return operand;
    }
  }

  NodeIndex selection(NodeIndex operand) {
    Node node;
    node.kind = NodeKind::select;
    if (accept(TokenKind::question))
      node.flags |= flag_optional;
    const auto& name = peek();
    if (name.kind == TokenKind::quoted_identifier)
      node.flags |= flag_quoted;
    else if (name.kind != TokenKind::identifier && name.kind != TokenKind::reserved)
      return unexpected("a field or function name");
    node.position = name.position;
    const auto text = take().text;
    if (peek().kind == TokenKind::left_parenthesis && node.flags == flag_none)
      return call(text, operand, node.position, flag_member);
    node.text = ast_.intern(text);
    return add(node, std::array{operand});
  }

  NodeIndex index(NodeIndex operand) {
    const auto position = take().position;
    const bool optional = accept(TokenKind::question);
    const auto at = expression();
    expect(TokenKind::right_bracket, "']'");
    return operation(optional ? Operator::optional_index : Operator::index, position,
                     std::array{operand, at});
  }

  NodeIndex call(const std::string& function, NodeIndex receiver, std::uint32_t position,
                 std::uint8_t flags) {
    expect(TokenKind::left_parenthesis, "'('");
    std::vector<NodeIndex> children;
    if (receiver != no_node)
      children.push_back(receiver);
    const auto first = children.size();
    if (!accept(TokenKind::right_parenthesis)) {
      do
        children.push_back(expression());
      while (accept(TokenKind::comma));
      expect(TokenKind::right_parenthesis, "',' or ')'");
    }
    if (options_.macros && (flags & flag_root) == 0) {
      const CallSite site{function, receiver, std::span(children).subspan(first), position};
      auto expanded = expand_macro(ast_, site);
      if (!expanded)
        return stop(std::move(expanded).error());
      if (*expanded)
        return checked_depth(**expanded);
    }
    Node node;
    node.kind = NodeKind::call;
    node.flags = flags;
    node.position = position;
    node.text = ast_.intern(function);
    return add(node, children);
  }

  NodeIndex checked_depth(NodeIndex index) {
    if (ast_.depth(index) > options_.depth_limit)
      return stop(code::too_deep, "the expression has too many levels", ast_.node(index).position);
    return index;
  }

  bool is_name_chain(NodeIndex index) const {
    while (ast_.node(index).kind == NodeKind::select && ast_.node(index).flags == flag_none)
      index = ast_.child(index, 0);
    return ast_.node(index).kind == NodeKind::variable;
  }

  std::string chain_text(NodeIndex index) const {
    const auto& node = ast_.node(index);
    return node.kind == NodeKind::variable
               ? ast_.text_of(index)
               : chain_text(ast_.child(index, 0)) + "." + ast_.text_of(index);
  }

  NodeIndex message(NodeIndex type) {
    Node node;
    node.kind = NodeKind::message;
    node.text = ast_.intern(chain_text(type));
    while (ast_.node(type).kind == NodeKind::select)
      type = ast_.child(type, 0);
    node.position = ast_.node(type).position;
    take();
    std::vector<NodeIndex> children;
    while (peek().kind != TokenKind::right_brace) {
      const bool optional = accept(TokenKind::question);
      const auto field = take();
      if (field.kind != TokenKind::identifier && field.kind != TokenKind::reserved &&
          field.kind != TokenKind::quoted_identifier)
        return stop(code::syntax, "expected a field name or '}', found " + describe(field),
                    field.position);
      expect(TokenKind::colon, "':'");
      const auto key = ast_.add_literal(Value::string(field.text), field.position);
      children.push_back(optional ? optional_entry(key) : key);
      children.push_back(expression());
      if (!accept(TokenKind::comma))
        break;
    }
    expect(TokenKind::right_brace, "',' or '}'");
    return add(node, children);
  }

  NodeIndex optional_entry(NodeIndex inner) {
    Node node;
    node.kind = NodeKind::optional_entry;
    node.position = ast_.node(inner).position;
    return add(node, std::array{inner});
  }

  NodeIndex primary() {
    const auto& token = peek();
    switch (token.kind) {
    case TokenKind::left_parenthesis:
      return parenthesised();
    case TokenKind::left_bracket:
      return list();
    case TokenKind::left_brace:
      return map();
    case TokenKind::dot:
      take();
      if (peek().kind != TokenKind::identifier)
        return unexpected("a name");
      return name(flag_root);
    case TokenKind::identifier:
      return name(flag_none);
    case TokenKind::reserved:
      return stop(code::syntax, "'" + token.text + "' is a reserved word", token.position);
    default:
      return literal();
    }
  }

  NodeIndex name(std::uint8_t flags) {
    const auto token = take();
    if (peek().kind == TokenKind::left_parenthesis)
      return call(token.text, no_node, token.position, flags);
    Node node;
    node.kind = NodeKind::variable;
    node.flags = flags;
    node.position = token.position;
    node.text = ast_.intern(token.text);
    return add(node, {});
  }

  NodeIndex parenthesised() {
    take();
    const auto inner = expression();
    expect(TokenKind::right_parenthesis, "')'");
    return inner;
  }

  NodeIndex element() {
    if (!accept(TokenKind::question))
      return expression();
    return optional_entry(expression());
  }

  NodeIndex list() {
    Node node;
    node.kind = NodeKind::list;
    node.position = take().position;
    std::vector<NodeIndex> elements;
    if (accept(TokenKind::comma)) {
      expect(TokenKind::right_bracket, "']'");
      return add(node, elements);
    }
    while (peek().kind != TokenKind::right_bracket) {
      elements.push_back(element());
      if (!accept(TokenKind::comma))
        break;
    }
    expect(TokenKind::right_bracket, "',' or ']'");
    return add(node, elements);
  }

  NodeIndex map() {
    Node node;
    node.kind = NodeKind::map;
    node.position = take().position;
    std::vector<NodeIndex> entries;
    if (accept(TokenKind::comma)) {
      expect(TokenKind::right_brace, "'}'");
      return add(node, entries);
    }
    while (peek().kind != TokenKind::right_brace) {
      entries.push_back(element());
      expect(TokenKind::colon, "':'");
      entries.push_back(expression());
      if (!accept(TokenKind::comma))
        break;
    }
    expect(TokenKind::right_brace, "',' or '}'");
    return add(node, entries);
  }

  NodeIndex literal() {
    const auto& token = peek();
    if (is_number(token.kind))
      return number(false, token.position);
    const auto position = token.position;
    switch (token.kind) {
    case TokenKind::keyword_true:
    case TokenKind::keyword_false:
      return ast_.add_literal(Value::boolean(take().kind == TokenKind::keyword_true), position);
    case TokenKind::keyword_null:
      take();
      return ast_.add_literal(Value(), position);
    case TokenKind::string:
      return ast_.add_literal(Value::string(take().text), position);
    case TokenKind::bytes:
      return ast_.add_literal(Value::bytes(take().text), position);
    default:
      return unexpected("an expression");
    }
  }

  NodeIndex number(bool negative, std::uint32_t position) {
    const auto token = take();
    if (token.kind == TokenKind::floating)
      return ast_.add_literal(Value::floating(floating(token, negative)), position);
    const bool hexadecimal = token.text.starts_with("0x") || token.text.starts_with("0X");
    const auto digits = std::string_view(token.text).substr(hexadecimal ? 2 : 0);
    std::uint64_t magnitude = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(),
                                              magnitude, hexadecimal ? 16 : 10);
    const std::uint64_t most = (std::uint64_t{1} << 63) - (negative ? 0 : 1);
    const bool is_unsigned = token.kind == TokenKind::unsigned_integer;
    if (error != std::errc{} || (!is_unsigned && magnitude > most))
      return stop(code::syntax, "the number does not fit into 64 bits", position);
    if (is_unsigned) {
      const auto operand = ast_.add_literal(Value::unsigned_integer(magnitude), token.position);
      return negative ? operation(Operator::negate, position, std::array{operand}) : operand;
    }
    const auto bits = negative ? std::uint64_t{0} - magnitude : magnitude;
    return ast_.add_literal(Value::integer(static_cast<std::int64_t>(bits)), position);
  }

  double floating(const Token& token, bool negative) {
    double number = 0;
    const auto& text = token.text;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range && text.find('-') == std::string::npos)
      stop(code::syntax, "the number is out of a double's range", token.position);
    return negative ? -number : number;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t nesting_ = 0;
  const ParseOptions& options_;
  Ast ast_;
  std::optional<Diagnostic> error_;
};

} // namespace

ParseResult parse(std::string_view source, const ParseOptions& options) {
  if (source.size() > options.length_limit)
    return {Ast{}, {{code::too_long, "the expression is too long", {}, {}}}};
  auto lexed = lex(source);
  if (lexed.error) {
    Ast places;
    places.sources.push_back({0, lexed.line_starts});
    return {Ast{}, {{code::syntax, lexed.error->text, places.position(lexed.error->position), {}}}};
  }
  return Parser(std::move(lexed), options).run();
}

} // namespace synfate::cel
