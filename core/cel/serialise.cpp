#include "core/cel/serialise.h"

#include "core/cel/unicode.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace synfate::cel {
namespace {

constexpr std::string_view magic = "CELx";
constexpr std::uint32_t version = 1;

class Writer {
public:
  void byte(std::uint8_t value) { bytes_.push_back(std::byte{value}); }
  void number(std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8)
      byte(static_cast<std::uint8_t>(value >> shift));
  }
  void wide(std::uint64_t value) {
    number(static_cast<std::uint32_t>(value));
    number(static_cast<std::uint32_t>(value >> 32));
  }
  void count(std::size_t value) { number(static_cast<std::uint32_t>(value)); }
  void raw(std::string_view text) {
    for (const char letter : text)
      byte(static_cast<std::uint8_t>(letter));
  }
  void text(std::string_view text) {
    count(text.size());
    raw(text);
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

private:
  std::vector<std::byte> bytes_;
};

/// Reads what Writer wrote; after the first failure everything reads as zero.
class Reader {
public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  std::uint8_t byte() {
    if (rest_.empty()) {
      good_ = false;
      return 0;
    }
    const auto value = std::to_integer<std::uint8_t>(rest_.front());
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint32_t number() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 8)
      value |= std::uint32_t{byte()} << shift;
    return value;
  }
  std::uint64_t wide() {
    const std::uint64_t low = number();
    return low | (std::uint64_t{number()} << 32);
  }
  /// How many items of at least `size` bytes follow; more than there are bytes for is a failure.
  std::uint32_t count(std::size_t size) {
    const auto value = number();
    if (value > rest_.size() / size) {
      good_ = false;
      return 0;
    }
    return value;
  }
  std::string raw(std::size_t size) {
    std::string text;
    for (std::size_t index = 0; index < size; ++index)
      text += static_cast<char>(byte());
    return text;
  }
  std::string text() { return raw(count(1)); }
  void fail() { good_ = false; }
  bool good() const { return good_; }
  bool finished() const { return good_ && rest_.empty(); }

private:
  std::span<const std::byte> rest_;
  bool good_ = true;
};

void write_constant(Writer& writer, const Value& value) {
  writer.byte(static_cast<std::uint8_t>(value.kind()));
  switch (value.kind()) {
  case Kind::boolean:
  case Kind::integer:
  case Kind::unsigned_integer:
  case Kind::floating:
    return writer.wide(value.as_uint());
  case Kind::string:
  case Kind::bytes:
  case Kind::type:
    return writer.text(value.as_text());
  default:
    return; // null; no other kind can be written as a literal
  }
}

Value read_constant(Reader& reader) {
  switch (static_cast<Kind>(reader.byte())) {
  case Kind::null:
    return {};
  case Kind::boolean:
    return Value::boolean(reader.wide() != 0);
  case Kind::integer:
    return Value::integer(static_cast<std::int64_t>(reader.wide()));
  case Kind::unsigned_integer:
    return Value::unsigned_integer(reader.wide());
  case Kind::floating:
    return Value::floating(std::bit_cast<double>(reader.wide()));
  case Kind::string: {
    auto text = reader.text();
    if (!is_valid_utf8(text))
      reader.fail();
    return Value::string(std::move(text));
  }
  case Kind::bytes:
    return Value::bytes(reader.text());
  case Kind::type:
    return Value::type(reader.text());
  default:
    reader.fail();
    return {};
  }
}

void write_node(Writer& writer, const Node& node) {
  writer.byte(static_cast<std::uint8_t>(node.kind));
  writer.byte(node.detail);
  writer.byte(node.flags);
  for (const auto number :
       {node.position, node.text, node.extra, node.slot, node.first, node.count})
    writer.number(number);
}

Node read_node(Reader& reader) {
  Node node;
  const auto kind = reader.byte();
  if (kind > static_cast<std::uint8_t>(NodeKind::block))
    reader.fail();
  node.kind = static_cast<NodeKind>(kind);
  node.detail = reader.byte();
  node.flags = reader.byte();
  for (auto* number :
       {&node.position, &node.text, &node.extra, &node.slot, &node.first, &node.count})
    *number = reader.number();
  return node;
}

struct Arity {
  std::uint32_t least;
  std::uint32_t most;
};

Arity arity(const Node& node) {
  constexpr std::uint32_t any = 0xffffffff;
  switch (node.kind) {
  case NodeKind::literal:
  case NodeKind::variable:
    return {0, 0};
  case NodeKind::select:
  case NodeKind::has:
  case NodeKind::optional_entry:
    return {1, 1};
  case NodeKind::call:
    return {node.has_flag(flag_member) ? 1U : 0U, any};
  case NodeKind::list:
  case NodeKind::map:
  case NodeKind::message:
    return {0, any};
  case NodeKind::comprehension:
    return {2, 3};
  case NodeKind::bind:
    return {2, 2};
  case NodeKind::block:
    return {1, any};
  case NodeKind::operation:
    break;
  }
  switch (node.operation()) {
  case Operator::logical_or:
  case Operator::logical_and:
    return {2, any};
  case Operator::conditional:
    return {3, 3};
  case Operator::negate:
  case Operator::logical_not:
    return {1, 1};
  default:
    return {2, 2};
  }
}

/// Whether a node refers to nothing that is not there.
bool is_sound(const Node& node, std::size_t nodes, std::size_t children, std::size_t texts,
              std::size_t constants) {
  constexpr auto last_operator = static_cast<std::uint8_t>(Operator::optional_index);
  constexpr auto last_macro = static_cast<std::uint8_t>(Macro::opt_flat_map);
  const bool names_text = node.kind == NodeKind::variable || node.kind == NodeKind::select ||
                          node.kind == NodeKind::has || node.kind == NodeKind::call ||
                          node.kind == NodeKind::message || node.kind == NodeKind::bind ||
                          node.kind == NodeKind::comprehension;
  const bool binds = node.kind == NodeKind::bind || node.kind == NodeKind::block ||
                     node.kind == NodeKind::comprehension ||
                     (node.kind == NodeKind::variable && node.has_flag(flag_local));
  const auto [least, most] = arity(node);
  if (node.first > children || node.count > children - node.first)
    return false;
  if (node.count < least || node.count > most)
    return false;
  if (node.kind == NodeKind::operation && node.detail > last_operator)
    return false;
  if (node.kind == NodeKind::comprehension &&
      (node.detail > last_macro || (node.has_flag(flag_two_variables) && node.extra >= texts)))
    return false;
  return (!names_text || node.text < texts) &&
         (node.kind != NodeKind::literal || node.text < constants) &&
         (binds ? node.slot < nodes : node.slot == no_node);
}

void read_tree(Reader& reader, Ast& ast) {
  constexpr std::size_t node_size = 27;
  constexpr std::size_t deepest = 600;
  for (auto left = reader.count(4); left > 0; --left)
    ast.intern(reader.text());
  for (auto left = reader.count(1); left > 0; --left)
    ast.add_constant(read_constant(reader));
  std::vector<Node> nodes;
  for (auto left = reader.count(node_size); left > 0; --left)
    nodes.push_back(read_node(reader));
  std::vector<NodeIndex> children;
  for (auto left = reader.count(4); left > 0; --left)
    children.push_back(reader.number());
  for (const auto& node : nodes) {
    if (!reader.good() ||
        !is_sound(node, nodes.size(), children.size(), ast.texts().size(), ast.constants().size()))
      return reader.fail();
    const auto own = std::span(children).subspan(node.first, node.count);
    // Children come first: that makes it a tree without cycles.
    if (std::ranges::any_of(own, [&ast](NodeIndex child) { return child >= ast.size(); }))
      return reader.fail();
    if (ast.depth(ast.add(node, own)) > deepest)
      return reader.fail();
  }
}

void read_sources(Reader& reader, Ast& ast) {
  for (auto left = reader.count(8); left > 0; --left) {
    SourceMap source;
    source.first_offset = reader.number();
    for (auto lines = reader.count(4); lines > 0; --lines)
      source.line_starts.push_back(reader.number());
    if (source.line_starts.empty() || source.line_starts.front() != 0 ||
        !std::ranges::is_sorted(source.line_starts))
      reader.fail();
    ast.sources.push_back(std::move(source));
  }
}

} // namespace

std::vector<std::byte> serialise(const CheckedExpression& expression) {
  const auto& ast = expression.ast;
  Writer writer;
  writer.raw(magic);
  writer.number(version);
  writer.count(ast.texts().size());
  for (const auto& text : ast.texts())
    writer.text(text);
  writer.count(ast.constants().size());
  for (const auto& constant : ast.constants())
    write_constant(writer, constant);
  writer.count(ast.size());
  for (const auto& node : ast.nodes())
    write_node(writer, node);
  writer.count(ast.child_pool().size());
  for (const auto child : ast.child_pool())
    writer.number(child);
  writer.count(ast.sources.size());
  for (const auto& source : ast.sources) {
    writer.number(source.first_offset);
    writer.count(source.line_starts.size());
    for (const auto line : source.line_starts)
      writer.number(line);
  }
  writer.number(ast.root);
  writer.number(ast.length);
  writer.text(to_string(expression.type));
  return writer.take();
}

Result<CheckedExpression> deserialise(std::span<const std::byte> bytes) {
  const auto damaged = [](std::string detail) {
    return Error{ErrorCode::damaged, "reading a checked expression", {}, 0, std::move(detail), {}};
  };
  Reader reader(bytes);
  if (reader.raw(magic.size()) != magic || reader.number() != version)
    return damaged("not of this version");
  CheckedExpression expression;
  auto& ast = expression.ast;
  read_tree(reader, ast);
  read_sources(reader, ast);
  ast.root = reader.number();
  ast.length = reader.number();
  auto type = parse_type(reader.text());
  if (!reader.finished() || ast.root >= ast.size() || !type)
    return damaged("the bytes are damaged");
  expression.type = std::move(*type);
  return expression;
}

} // namespace synfate::cel
