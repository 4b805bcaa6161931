#include "platform/linux/netfilter/rule_text.h"

#include <fmt/format.h>

#include "platform/linux/netfilter/fields.h"
#include "platform/linux/netfilter/rule_printer.h"

namespace synfate {

std::string verdict_text(const nft::Verdict& verdict) {
  switch (verdict.code) {
  case nft::VerdictCode::drop:
    return "drop";
  case nft::VerdictCode::accept:
    return "accept";
  case nft::VerdictCode::stolen:
    return "stolen";
  case nft::VerdictCode::queue:
    return "queue";
  case nft::VerdictCode::proceed:
    return "continue";
  case nft::VerdictCode::break_rule:
    return "break";
  case nft::VerdictCode::jump:
    return "jump " + verdict.chain;
  case nft::VerdictCode::go_to:
    return "goto " + verdict.chain;
  case nft::VerdictCode::return_up:
    return "return";
  }
  return fmt::format("verdict {}", static_cast<std::int32_t>(verdict.code));
}

std::vector<Phrase> phrases_of(const nft::Expressions& expressions, std::string_view family,
                               const TextSources& sources) {
  return RulePrinter(expressions, family, sources).run();
}

std::string rule_text(std::span<const Phrase> phrases, std::string_view comment) {
  std::string text;
  for (const auto& phrase : phrases)
    if (!phrase.implied)
      text += (text.empty() ? "" : " ") + phrase.text;
  if (!comment.empty())
    text += fmt::format("{}comment \"{}\"", text.empty() ? "" : " ", comment);
  return text;
}

std::string value_text(std::string_view field, std::string_view bytes, ByteOrder order) {
  return value_of(kind_of(field), bytes, order);
}

} // namespace synfate
