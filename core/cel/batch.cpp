#include "core/cel/batch.h"

#include "core/cel/evaluator.h"
#include "core/cel/parser.h"
#include "core/cel/resolve.h"
#include "core/cel/value_json.h"

#include <chrono>
#include <expected>
#include <istream>
#include <ostream>

#include <nlohmann/json.hpp>

namespace synfate::cel {
namespace {

using Json = nlohmann::json;
constexpr std::uint64_t most_reply_weight = 5'000'000;
constexpr std::size_t deepest_json = 1000;
constexpr std::chrono::seconds most_time{10};

Json error_reply(std::string_view phase, std::string_view message) {
  return {{"error", {{"phase", phase}, {"message", message}}}};
}

Json error_reply(std::string_view phase, std::string message, const Position& position) {
  auto reply = error_reply(phase, message);
  reply["error"]["line"] = position.line;
  reply["error"]["column"] = position.column;
  return reply;
}

Json diagnostic_reply(std::string_view phase, const Diagnostic& diagnostic) {
  auto message = diagnostic.message;
  if (!diagnostic.suggestion.empty())
    message += "; did you mean '" + diagnostic.suggestion + "'?";
  return error_reply(phase, std::move(message), diagnostic.position);
}

/// A request, read and found to be well-formed.
struct Request {
  std::string expression;
  Bindings bindings;
  Environment environment;
  bool check = true;
  bool check_only = false;
  bool macros = true;
};

using Problem = std::optional<std::string>;

Problem read_flag(const Json& json, const char* name, bool& flag) {
  const auto member = json.find(name);
  if (member == json.end())
    return std::nullopt;
  if (!member->is_boolean())
    return std::string(name) + " is neither true nor false";
  flag = member->get<bool>();
  return std::nullopt;
}

/// Calls `read` for each member of the object `name`, when there is one.
template <typename ReadMember>
Problem read_members(const Json& json, const char* name, ReadMember read) {
  const auto object = json.find(name);
  if (object == json.end())
    return std::nullopt;
  if (!object->is_object())
    return std::string(name) + " is no object";
  for (const auto& [key, member] : object->items())
    if (auto problem = read(key, member))
      return name + (": " + key + ": " + *problem);
  return std::nullopt;
}

Problem declare_functions(Environment& environment, const std::string& name, const Json& json) {
  if (!json.is_array())
    return "not an array of signatures";
  for (const auto& signature : json) {
    if (!signature.is_string())
      return "a signature is no string";
    const auto declared = environment.declare_function(name, signature.get<std::string>());
    if (!declared)
      return declared.error().detail;
  }
  return std::nullopt;
}

Problem declare_variable(Environment& environment, const std::string& name, const Json& json) {
  if (!json.is_string())
    return "a type is written as a string";
  auto type = parse_type(json.get<std::string>());
  if (!type)
    return "not a type: " + json.get<std::string>();
  environment.declare_variable(name, std::move(*type));
  return std::nullopt;
}

Problem read_request(const Json& json, Request& request) {
  if (!json.is_object())
    return "a request is a JSON object";
  const auto expression = json.find("expr");
  if (expression == json.end() || !expression->is_string())
    return "a request needs a string named expr";
  request.expression = *expression;
  for (const auto& [name, flag] :
       {std::pair{"check", &request.check}, {"check_only", &request.check_only}})
    if (auto problem = read_flag(json, name, *flag))
      return problem;
  bool without_macros = false;
  if (auto problem = read_flag(json, "disable_macros", without_macros))
    return problem;
  request.macros = !without_macros;
  if (const auto container = json.find("container"); container != json.end()) {
    if (!container->is_string())
      return "container is no string";
    request.environment.set_container(*container);
  }
  auto problem = read_members(json, "types", [&](const auto& name, const Json& type) {
    return declare_variable(request.environment, name, type);
  });
  if (!problem)
    problem = read_members(json, "functions", [&](const auto& name, const Json& signatures) {
      return declare_functions(request.environment, name, signatures);
    });
  if (!problem)
    problem = read_members(json, "bindings", [&](const auto& name, const Json& member) -> Problem {
      auto value = from_json(member);
      if (!value)
        return value.error();
      request.bindings.set(name, std::move(*value));
      return std::nullopt;
    });
  return problem;
}

Json value_reply(const Program& program, const Value& value) {
  if (value.is_error()) {
    const auto& detail = value.as_error();
    const auto node = detail.node == no_node ? program.ast().root : detail.node;
    return error_reply("eval", detail.message, program.ast().position_of(node));
  }
  if (value.weight() > most_reply_weight)
    return error_reply("eval", "the value is too large to print",
                       program.ast().position_of(program.ast().root));
  return {{"value", to_json(value)}};
}

Json evaluate_request(const Request& request, Ast ast) {
  const auto program = link(std::move(ast), request.environment);
  EvaluateOptions options;
  options.deadline = std::chrono::steady_clock::now() + most_time;
  return value_reply(program, evaluate(program, request.bindings, options));
}

Json answer(const Request& request) {
  ParseOptions options;
  options.macros = request.macros;
  auto parsed = parse(request.expression, options);
  if (!parsed.ok())
    return diagnostic_reply("parse", parsed.errors.front());
  if (!request.check && !request.check_only) {
    resolve_names(parsed.ast, request.environment, [&request](std::string_view name) {
      return request.bindings.find(name) != nullptr;
    });
    return evaluate_request(request, std::move(parsed.ast));
  }
  auto checked = check(std::move(parsed.ast), request.environment);
  if (!checked.ok())
    return diagnostic_reply("check", checked.errors.front());
  const auto type = to_string(checked.expression.type);
  if (request.check_only)
    return {{"type", type}};
  auto reply = evaluate_request(request, std::move(checked.expression.ast));
  if (reply.contains("value"))
    reply["type"] = type;
  return reply;
}

std::string to_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Whether brackets nest so deeply that a JSON parser had better not see them.
bool is_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if (in_string) {
      if (letter == '\\')
        ++at;
      in_string = letter != '"';
    } else if (letter == '"') {
      in_string = true;
    } else if (letter == '[' || letter == '{') {
      if (++depth > deepest_json)
        return true;
    } else if ((letter == ']' || letter == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

std::expected<Json, std::string> parse_json(std::string_view text) {
  if (is_too_deep(text))
    return std::unexpected("the JSON is nested too deeply");
  auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    return std::unexpected("not valid JSON");
  return json;
}

} // namespace

std::string answer_request(std::string_view line, const std::shared_ptr<const Library>& library) {
  const auto json = parse_json(line);
  if (!json)
    return to_line(error_reply("input", json.error()));
  Request request{{}, Bindings(), Environment(library)};
  if (const auto problem = read_request(*json, request))
    return to_line(error_reply("input", *problem));
  return to_line(answer(request));
}

void run_batch(std::istream& input, std::ostream& output) {
  const auto library = Library::standard();
  for (std::string line; std::getline(input, line);)
    output << answer_request(line, library) << '\n' << std::flush;
}

std::string evaluate_with_json(std::string_view expression, std::string_view bindings) {
  Request request{std::string(expression), Bindings(), Environment()};
  const auto json = parse_json(bindings.empty() ? "{}" : bindings);
  if (!json)
    return to_line(error_reply("input", json.error()));
  if (!json->is_object())
    return to_line(error_reply("input", "the bindings are no JSON object"));
  for (const auto& [name, member] : json->items()) {
    auto value = from_plain_json(member);
    if (!value)
      return to_line(error_reply("input", name + ": " + value.error()));
    request.environment.declare_variable(name, type_of_value(*value));
    request.bindings.set(name, std::move(*value));
  }
  return to_line(answer(request));
}

} // namespace synfate::cel
