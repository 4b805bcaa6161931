// Checked rules to the C++ source of their static form.
#include <array>

#include <fmt/format.h>

#include "core/cel/serialise.h"
#include "core/rules/builtin.h"

namespace synfate::rules {
namespace {

// Octal escapes have a fixed width, so what follows them is never taken for a digit of theirs.
std::string literal(std::string_view bytes) {
  std::string text = "std::string_view(\"";
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == '"' || byte == '\\' || byte == '?')
      text += fmt::format("\\{}", byte);
    else if (code >= 0x20 && code < 0x7f)
      text += byte;
    else
      text += fmt::format("\\{:03o}", code);
  }
  return text + fmt::format("\", {})", bytes.size());
}

class Writer {
public:
  std::string write(const RuleSet& rules) {
    std::string entries;
    for (const auto& rule : rules.rules)
      entries += "    " + rule_entry(rule) + ",\n";
    return fmt::format("// Written by synfate-compile-rules from the packs in rules/.\n"
                       "#include \"core/rules/builtin.h\"\n\n"
                       "namespace synfate::rules {{\nnamespace {{\n\n{}\n"
                       "constexpr BuiltinRule all_rules[] = {{\n{}}};\n\n}} // namespace\n\n"
                       "std::span<const BuiltinRule> builtin_table() {{ return all_rules; }}\n\n"
                       "}} // namespace synfate::rules\n",
                       arrays_, entries);
  }

private:
  // Arrays are written before what refers to them; an empty span needs none.
  template <typename List, typename Entry>
  std::string array(std::string_view type, const List& list, const Entry& entry) {
    if (list.empty())
      return "{}";
    std::string entries;
    for (const auto& element : list)
      entries += entry(element) + ", ";
    const std::string name = fmt::format("list_{}", count_++);
    arrays_ += fmt::format("constexpr {} {}[] = {{{}}};\n", type, name, entries);
    return name;
  }

  template <typename List> std::string strings(const List& list) {
    return array("std::string_view", list, [](const auto& text) { return literal(text); });
  }

  template <typename List> std::string enumerators(std::string_view type, const List& list) {
    return array(type, list, [&](auto value) {
      return fmt::format("static_cast<{}>({})", type, static_cast<int>(value));
    });
  }

  static std::string expression(const Expression& written) {
    const auto bytes = cel::serialise(written.get());
    const std::string_view tree(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return fmt::format("{{{}, {}}}", literal(written.text()), literal(tree));
  }

  static std::string optional(const std::optional<Expression>& written) {
    return written ? expression(*written) : "{}";
  }

  std::string message(const Template& written) {
    const auto pieces = array("BuiltinText", written.pieces, [](const Template::Piece& piece) {
      return piece.expression ? expression(*piece.expression)
                              : fmt::format("{{{}, {{}}}}", literal(piece.text));
    });
    return fmt::format("{{{}, {}}}", literal(written.words.text), pieces);
  }

  std::string names(const std::vector<std::pair<std::string, Expression>>& list) {
    return array("BuiltinName", list, [](const auto& name) {
      return fmt::format("{{{}, {}}}", literal(name.first), expression(name.second));
    });
  }

  std::string filter(const std::optional<FlowFilter>& filter) {
    if (!filter)
      return "{}";
    const int local = filter->local ? (*filter->local ? 1 : 0) : -1;
    const auto outcome = enumerators("Outcome", filter->outcome);
    const auto stopped_at = enumerators("Stage", filter->stopped_at);
    const auto culprit = strings(filter->culprit);
    return fmt::format("{{{}, {}, {}, {}, {}, {}, true}}", outcome, stopped_at, culprit,
                       enumerators("Proto", filter->proto), local, filter->bind);
  }

  using Lists = std::array<const std::vector<std::string>*, 4>;
  static Lists lists_of(const Rule& rule, const std::vector<std::string>& folds) {
    return {&rule.tags, &rule.refs, &rule.needs, &folds};
  }

  std::string rule_entry(const Rule& rule) {
    std::vector<std::string> folds;
    for (const auto& id : rule.folds)
      folds.push_back(id.text);
    std::string entry = fmt::format("{{{}, {}, {}, ", literal(rule.id.text), literal(rule.pack),
                                    literal(rule.file));
    entry += message(rule.title) + ", " + message(rule.explain) + ", ";
    entry += array("BuiltinMessage", rule.fix, [&](const auto& fix) { return message(fix); });
    entry += fmt::format(", static_cast<Severity>({}), static_cast<Certainty>({}), {}, {}, ",
                         static_cast<int>(rule.severity), static_cast<int>(rule.certainty),
                         rule.stage ? static_cast<int>(*rule.stage) : -1, rule.enabled);
    for (const std::vector<std::string>* list : lists_of(rule, folds))
      entry += strings(*list) + ", ";
    return entry + filter(rule.on) + ", " + conditions(rule) + "}";
  }

  std::string conditions(const Rule& rule) {
    std::string text = array("BuiltinCollect", rule.collect, [&](const Collect& collect) {
      return fmt::format("{{{}, {}, {}}}", literal(collect.table.text), names(collect.keys),
                         collect.optional);
    });
    text += ", " + names(rule.let);
    for (const auto* part : {&rule.for_each, &rule.when, &rule.culprit, &rule.flows})
      text += ", " + optional(*part);
    return text + ", " + array("BuiltinText", rule.evidence, expression);
  }

  std::string arrays_;
  std::size_t count_ = 0;
};

} // namespace

std::string write_builtin_table(const RuleSet& rules) {
  return Writer().write(rules);
}

std::string write_builtin_files(const std::vector<std::shared_ptr<const SourceFile>>& files) {
  std::string entries;
  for (const auto& file : files)
    entries += fmt::format("    {{{}, {}}},\n", literal(file->name()), literal(file->text()));
  return fmt::format("\nnamespace synfate::rules {{\nnamespace {{\n\n"
                     "constexpr BuiltinFile all_files[] = {{\n{}}};\n\n}} // namespace\n\n"
                     "std::span<const BuiltinFile> builtin_files() {{ return all_files; }}\n\n"
                     "}} // namespace synfate::rules\n",
                     entries);
}

} // namespace synfate::rules
