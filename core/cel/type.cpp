#include "core/cel/type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace synfate::cel {
namespace {

struct NamedKind {
  std::string_view name;
  TypeKind kind;
};

constexpr std::array named_kinds{
    NamedKind{"dyn", TypeKind::dyn},
    NamedKind{"error", TypeKind::error},
    NamedKind{"null_type", TypeKind::null},
    NamedKind{"bool", TypeKind::boolean},
    NamedKind{"int", TypeKind::integer},
    NamedKind{"uint", TypeKind::unsigned_integer},
    NamedKind{"double", TypeKind::floating},
    NamedKind{"string", TypeKind::string},
    NamedKind{"bytes", TypeKind::bytes},
    NamedKind{"google.protobuf.Timestamp", TypeKind::timestamp},
    NamedKind{"google.protobuf.Duration", TypeKind::duration},
    NamedKind{"type", TypeKind::type},
    NamedKind{"list", TypeKind::list},
    NamedKind{"map", TypeKind::map},
};

constexpr unsigned deepest = 64; // of nested parameters in a written type

class TypeReader {
public:
  explicit TypeReader(std::string_view text) : text_(text) {}

  std::optional<Type> type(unsigned depth = 0) {
    const auto name = read_name();
    if (name.empty() || depth > deepest)
      return std::nullopt;
    std::vector<Type> parameters;
    if (peek() == '(') {
      auto read = parameter_list(depth + 1);
      if (!read || read->empty())
        return std::nullopt;
      parameters = std::move(*read);
    }
    return make(name, std::move(parameters));
  }

  std::optional<Signature> signature() {
    Signature signature;
    if (peek() != '(') {
      auto receiver = type();
      if (!receiver || !take('.'))
        return std::nullopt;
      signature.member = true;
      signature.parameters.push_back(std::move(*receiver));
    }
    auto parameters = parameter_list(0);
    if (!parameters || !take('-') || !take('>'))
      return std::nullopt;
    for (auto& parameter : *parameters)
      signature.parameters.push_back(std::move(parameter));
    auto result = type();
    if (!result)
      return std::nullopt;
    signature.result = std::move(*result);
    return signature;
  }

  bool at_end() { return peek() == '\0' && at_ >= text_.size(); }

private:
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ')
      ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char expected) {
    if (peek() != expected)
      return false;
    ++at_;
    return true;
  }

  /// Letters, digits, '_' and inner dots; a dot before '(' belongs to the signature.
  std::string_view read_name() {
    peek();
    const auto start = at_;
    while (at_ < text_.size()) {
      const char here = text_[at_];
      const bool word = std::isalnum(static_cast<unsigned char>(here)) != 0 || here == '_';
      const bool dot =
          here == '.' && at_ > start && at_ + 1 < text_.size() && text_[at_ + 1] != '(';
      if (!word && !dot)
        break;
      ++at_;
    }
    const auto name = text_.substr(start, at_ - start);
    if (!name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) != 0)
      return {};
    return name;
  }

  std::optional<std::vector<Type>> parameter_list(unsigned depth) {
    if (!take('('))
      return std::nullopt;
    std::vector<Type> parameters;
    if (take(')'))
      return parameters;
    do {
      auto parameter = type(depth);
      if (!parameter)
        return std::nullopt;
      parameters.push_back(std::move(*parameter));
    } while (take(','));
    if (!take(')'))
      return std::nullopt;
    return parameters;
  }

  static std::optional<Type> make(std::string_view name, std::vector<Type> parameters) {
    const auto known = std::ranges::find(named_kinds, name, &NamedKind::name);
    if (known == named_kinds.end()) {
      if (parameters.empty() && name.size() == 1 && name[0] >= 'A' && name[0] <= 'Z')
        return Type::variable(std::string(name));
      return Type::opaque(std::string(name), std::move(parameters));
    }
    if (known->kind == TypeKind::list || known->kind == TypeKind::map) {
      const std::size_t wanted = known->kind == TypeKind::list ? 1 : 2;
      if (parameters.empty())
        parameters.resize(wanted);
      if (parameters.size() != wanted)
        return std::nullopt;
    } else if (known->kind == TypeKind::type) {
      parameters.clear(); // type(int) and type are not told apart
    } else if (!parameters.empty()) {
      return std::nullopt;
    }
    return Type{known->kind, {}, std::move(parameters)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string join(const std::vector<Type>& types, std::size_t from) {
  std::string text;
  for (std::size_t index = from; index < types.size(); ++index)
    text.append(index > from ? ", " : "").append(to_string(types[index]));
  return text;
}

} // namespace

Type Type::list(Type element) {
  return {TypeKind::list, {}, {std::move(element)}};
}
Type Type::map(Type key, Type value) {
  return {TypeKind::map, {}, {std::move(key), std::move(value)}};
}
Type Type::optional(Type value) {
  return {TypeKind::opaque, "optional_type", {std::move(value)}};
}
Type Type::record(std::string name) {
  return {TypeKind::record, std::move(name), {}};
}
Type Type::variable(std::string name) {
  return {TypeKind::variable, std::move(name), {}};
}
Type Type::opaque(std::string name, std::vector<Type> parameters) {
  return {TypeKind::opaque, std::move(name), std::move(parameters)};
}

std::string to_string(const Type& type) {
  std::string text = type.name;
  if (text.empty())
    text = std::ranges::find(named_kinds, type.kind, &NamedKind::kind)->name;
  if (!type.parameters.empty())
    text.append("(").append(join(type.parameters, 0)).append(")");
  return text;
}

std::string to_string(const Signature& signature) {
  std::string text;
  if (signature.member)
    text.append(to_string(signature.parameters.front())).append(".");
  return text.append("(")
      .append(join(signature.parameters, signature.member ? 1 : 0))
      .append(") -> ")
      .append(to_string(signature.result));
}

std::optional<Type> parse_type(std::string_view text) {
  TypeReader reader(text);
  auto type = reader.type();
  return type && reader.at_end() ? type : std::nullopt;
}

std::optional<Signature> parse_signature(std::string_view text) {
  TypeReader reader(text);
  auto signature = reader.signature();
  return signature && reader.at_end() ? signature : std::nullopt;
}

bool is_type_name(std::string_view name) {
  if (name == "dyn" || name == "error")
    return false;
  return name == "optional_type" || name == "net.IP" || name == "net.CIDR" ||
         std::ranges::find(named_kinds, name, &NamedKind::name) != named_kinds.end();
}

} // namespace synfate::cel
