#include "core/cel/environment.h"

#include "core/cel/library/tables.h"

#include <algorithm>

namespace synfate::cel {
namespace {

bool has_style(const FunctionTable& table, std::string_view name, bool member) {
  const auto found = table.find(name);
  return found != table.end() && std::ranges::any_of(found->second, [member](const auto& overload) {
           return overload.signature.member == member;
         });
}

void collect_names(const FunctionTable& table, bool member, std::vector<std::string>& names) {
  for (const auto& [name, overloads] : table)
    if (has_style(table, name, member) && name.find_first_of("_@") != 0 && name != "-_" &&
        name != "!_")
      names.push_back(name);
}

} // namespace

void Library::add(std::span<const Declaration> declarations) {
  for (const auto& declaration : declarations)
    functions_[std::string(declaration.name)].push_back(
        {parse_signature(declaration.signature).value(), declaration.native});
}

std::shared_ptr<const Library> Library::standard() {
  // Its signatures are parsed once, not for every environment.
  static const std::shared_ptr<const Library> standard = [] {
    auto library = std::make_shared<Library>();
    for (const auto table :
         {library::operators(), library::conversions(), library::text(), library::strings(),
          library::math(), library::lists(), library::sets(), library::optionals(),
          library::encoders(), library::network(), library::time()})
      library->add(table);
    return library;
  }();
  return standard;
}

Environment::Environment(std::shared_ptr<const Library> library) : library_(std::move(library)) {}

void Environment::declare_variable(std::string name, Type type) {
  variables_.insert_or_assign(std::move(name), std::move(type));
}

void Environment::declare_record(std::shared_ptr<const RecordType> type) {
  records_.insert_or_assign(type->name(), std::move(type));
}

Status Environment::declare_function(const std::string& name, std::string_view signature,
                                     Native native) {
  const auto refused = [&name](std::string detail) {
    return Error{ErrorCode::invalid_input, "declaring a function", name, 0, std::move(detail), {}};
  };
  auto parsed = parse_signature(signature);
  if (!parsed)
    return refused("not a signature: " + std::string(signature));
  for (auto& parameter : parsed->parameters)
    parameter = resolve(std::move(parameter));
  parsed->result = resolve(std::move(parsed->result));
  for (const auto* other : overloads(name))
    if (other->signature.member == parsed->member &&
        other->signature.parameters == parsed->parameters)
      return refused("declared twice: " + std::string(signature));
  functions_[name].push_back({std::move(*parsed), std::move(native)});
  return Done{};
}

std::vector<std::string> Environment::candidates(std::string_view name, bool root) const {
  std::vector<std::string> names;
  std::string_view scope = root ? std::string_view() : container_;
  while (!scope.empty()) {
    names.push_back(std::string(scope) + "." + std::string(name));
    const auto dot = scope.rfind('.');
    scope = dot == std::string_view::npos ? std::string_view() : scope.substr(0, dot);
  }
  names.emplace_back(name);
  return names;
}

const Type* Environment::variable(std::string_view name) const {
  const auto found = variables_.find(name);
  return found == variables_.end() ? nullptr : &found->second;
}

const RecordType* Environment::record(std::string_view name) const {
  const auto found = records_.find(name);
  return found == records_.end() ? nullptr : found->second.get();
}

bool Environment::has_function(std::string_view name, bool member) const {
  return has_style(library_->functions(), name, member) || has_style(functions_, name, member);
}

std::vector<const Overload*> Environment::overloads(std::string_view name) const {
  std::vector<const Overload*> found;
  for (const auto* table : {&library_->functions(), &functions_})
    if (const auto at = table->find(name); at != table->end())
      for (const auto& overload : at->second)
        found.push_back(&overload);
  return found;
}

Type Environment::resolve(Type type) const {
  for (auto& parameter : type.parameters)
    parameter = resolve(std::move(parameter));
  if (type.is(TypeKind::opaque) && type.parameters.empty() && record(type.name) != nullptr)
    type.kind = TypeKind::record;
  return type;
}

std::vector<std::string> Environment::variable_names() const {
  std::vector<std::string> names;
  for (const auto& [name, type] : variables_)
    names.push_back(name);
  return names;
}

std::vector<std::string> Environment::function_names(bool member) const {
  std::vector<std::string> names;
  collect_names(library_->functions(), member, names);
  collect_names(functions_, member, names);
  return names;
}

} // namespace synfate::cel
