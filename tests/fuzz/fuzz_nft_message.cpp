// Any bytes as messages of nf_tables and of conntrack, and as the file of queues.
#include <cstddef>
#include <cstdint>

#include "platform/linux/netfilter/queues.h"
#include "platform/linux/netfilter/quick_refusal.h"
#include "platform/linux/netfilter/read_nft.h"
#include "platform/linux/netfilter/rule_messages.h"
#include "platform/linux/netfilter/tracked.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace synfate;
  netlink::Message message;
  message.payload = std::as_bytes(std::span(data, size));
  static_cast<void>(parse_tracked(message));
  for (std::uint16_t kind = 0; kind < 32; ++kind) {
    message.type = static_cast<std::uint16_t>(10 << 8 | kind); // NFNL_SUBSYS_NFTABLES
    static_cast<void>(parse_nft_table(message));
    static_cast<void>(parse_nft_chain(message));
    static_cast<void>(parse_nft_rule(message));
    static_cast<void>(parse_nft_set(message));
    static_cast<void>(parse_nft_set_dump(message));
    static_cast<void>(parse_nft_elements(message));
    static_cast<void>(parse_nft_object(message));
    static_cast<void>(parse_nft_flowtable(message));
    static_cast<void>(parse_nft_generation(message));
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    QuickTestReader reader;
    for (std::string_view rest = text; const auto rule = next_rule_message(rest, order);) {
      std::vector<QuickTest> tests;
      reader.add(rule->expressions, order, tests);
      static_cast<void>(last_verdict(rule->expressions, order));
      static_cast<void>(looks_up(rule->expressions, order));
    }
  }
  static_cast<void>(parse_netfilter_queues(text).ok());
  return 0;
}
