#include "platform/linux/xtables/extensions.h"
#include "platform/linux/xtables/xt_evaluate.h"

namespace synfate::xt {

std::optional<MatchAnswer> evaluate_match(HookContext& context, const HookRequest& request,
                                          const Extension& match, const PacketClass& packet,
                                          const NameRule& rule) {
  const ExtensionKind* kind = find_match(match, packet.family);
  if (kind == nullptr)
    return std::nullopt;
  return kind->test({context, request, packet, match, rule, transport_info(packet)});
}

std::optional<TargetAnswer> evaluate_target(HookContext& context, const HookRequest& request,
                                            const Extension& target, const PacketClass& packet,
                                            const NameRule& rule) {
  const ExtensionKind* kind = find_target(target, packet.family);
  if (kind == nullptr)
    return std::nullopt;
  return kind->run({context, request, packet, target, rule, transport_info(packet)});
}

} // namespace synfate::xt
