#include "core/rules/loader.h"

#include <algorithm>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "core/cel/suggest.h"
#include "core/rules/pack_parser.h"
#include "core/rules/rule_checker.h"
#include "core/rules/vocabulary.h"

namespace synfate::rules {
namespace {

class Loader {
public:
  Loader(const Schema& schema, RuleSet base)
      : schema_(schema), environment_(make_environment(schema)), rules_(std::move(base)) {}

  Loaded load(const std::vector<std::shared_ptr<const SourceFile>>& files) {
    std::vector<Pack> packs;
    for (const auto& file : files)
      if (auto pack = parse_pack(file, schema_, errors_))
        packs.push_back(std::move(*pack));
    for (auto& pack : packs)
      add_rules(pack);
    check_folds();
    for (auto& pack : packs)
      add_changes(pack);
    return {std::move(rules_), errors_.take()};
  }

private:
  void add_rules(Pack& pack) {
    rules_.files.push_back(pack.file);
    for (auto& rule : pack.rules) {
      const Rule* earlier = rule.id.empty() ? nullptr : rules_.find(rule.id.text);
      if (earlier != nullptr)
        errors_
            .add(rule.id, 0, code::duplicate_id,
                 fmt::format("the rule '{}' is already defined in {}", rule.id.text, earlier->file))
            .hint = "To change parts of it, write [[override]] with this id; a rule of your own "
                    "needs another id.";
      check_rule(rule, environment_, errors_);
      if (earlier == nullptr && !rule.id.empty())
        rules_.rules.push_back(std::move(rule));
    }
  }

  void add_changes(Pack& pack) {
    for (const auto& change : pack.overrides)
      if (Rule* rule = known(change.id))
        apply_override(change, pack.file, *rule, environment_, errors_);
    for (auto& waiver : pack.waivers)
      if (known(waiver.id) != nullptr)
        rules_.waivers.push_back(std::move(waiver));
  }

  Rule* known(const Words& id) {
    if (id.empty())
      return nullptr;
    if (Rule* rule = rules_.find(id.text))
      return rule;
    std::vector<std::string> ids;
    for (const auto& rule : rules_.rules)
      ids.push_back(rule.id.text);
    errors_.add(id, 0, code::unknown_rule, fmt::format("there is no rule '{}'", id.text),
                cel::suggest(id.text, ids));
    return nullptr;
  }

  void check_folds() {
    for (const auto& rule : rules_.rules)
      for (const auto& id : rule.folds)
        known(id);
    for (const auto& rule : rules_.rules)
      for (const auto& id : rule.folds)
        if (reaches(id.text, rule.id.text))
          errors_.add(id, 0, code::cyclic_folds,
                      fmt::format("'{}' and '{}' fold each other", rule.id.text, id.text));
  }

  bool reaches(const std::string& from, const std::string& wanted) const {
    std::vector<std::string> open{from};
    for (std::size_t at = 0; at < open.size(); ++at) {
      if (open[at] == wanted)
        return true;
      const Rule* rule = rules_.find(open[at]);
      for (const auto& next : rule == nullptr ? std::vector<Words>() : rule->folds)
        if (std::ranges::find(open, next.text) == open.end())
          open.push_back(next.text);
    }
    return false;
  }

  const Schema& schema_;
  cel::Environment environment_;
  RuleSet rules_;
  Errors errors_;
};

} // namespace

Loaded load_packs(const std::vector<std::shared_ptr<const SourceFile>>& files, const Schema& schema,
                  RuleSet base) {
  return Loader(schema, std::move(base)).load(files);
}

} // namespace synfate::rules
