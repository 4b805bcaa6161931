// The tables of nf_tables, read over nfnetlink, and `nfnetlink_queue` from /proc. Keys push down:
// the rules of one chain, the sets of one table, one key of one set.
#include <chrono>
#include <map>
#include <span>

#include "core/plugin/sdk.h"
#include "core/plugin/sdk_rows.h"
#include "platform/linux/netfilter/consistent_read.h"
#include "platform/linux/netfilter/queues.h"
#include "platform/linux/netfilter/read_nft.h"
#include "platform/linux/netfilter/tracked.h"
#include "platform/linux/privilege.h"

namespace synfate {
namespace {

template <typename Row>
Status put_all(sdk::Collection& collection, const Result<std::vector<Row>>& rows) {
  if (!rows)
    return rows.error();
  for (const auto& row : *rows)
    if (!sdk::put(collection, row))
      break;
  return Done{};
}

/// The chain or set that the request names; its last part under `column`.
std::optional<NftPlace> place_of(const sdk::Collection& collection, const char* column) {
  const auto family = collection.text_key("family");
  const auto table = collection.text_key("table");
  const auto name = collection.text_key(column);
  if (!family || !table || !name)
    return std::nullopt;
  return NftPlace{std::string(*family), std::string(*table), std::string(*name)};
}

class LinuxNftables {
public:
  void collect(sdk::Collection& collection) {
    if (collection.table() == table_name<NetfilterQueue>()) {
      const auto queues = read_netfilter_queues(collection.root(), collection.netns());
      if (const auto status = put_all(collection, queues); !status)
        report_queues(collection, status.error());
      return;
    }
    if (collection.table() == table_name<TrackedConnection>())
      return collect_tracked(collection);
    const auto reader = reader_for(collection);
    if (!reader && reader.error().code == ErrorCode::unsupported)
      return; // no nf_tables: no rules
    const Status status = reader ? answer(collection, **reader) : Status(reader.error());
    if (!status)
      report(collection, status.error());
    else if (collection.table() != table_name<NftGeneration>())
      sdk::put(collection, (*reader)->generation());
  }

private:
  /// One for each namespace: its socket's buffers have grown with what was read before.
  Result<NftReader*> reader_for(const sdk::Collection& collection) {
    const std::chrono::milliseconds timeout(collection.milliseconds_left());
    auto known = readers_.find(collection.netns());
    if (known == readers_.end()) {
      SYNFATE_TRY(reader, NftReader::open(collection.netns(), timeout, collection.root()));
      known = readers_.emplace(collection.netns(), std::move(reader)).first;
    }
    known->second.set_timeout(timeout);
    return &known->second;
  }

  static void collect_tracked(sdk::Collection& collection) {
    TrackedQuestion question;
    if (const auto proto = collection.text_key("proto"))
      question.proto = std::string(*proto);
    if (const auto address = collection.ip_key("destination"))
      question.destination =
          IpAddress::from_bytes(std::as_bytes(std::span(address->data(), address->size())));
    question.destination_port = collection.integer_key("destination_port");
    const auto rows =
        read_tracked(collection.netns(), question,
                     std::chrono::milliseconds(collection.milliseconds_left()), collection.root());
    if (const auto status = put_all(collection, rows); !status)
      sdk::report(collection,
                  {.id = "conntrack.entries",
                   .what = "the connections that conntrack knows",
                   .why = to_string(status.error()),
                   .effect = "that an old one still leads a client elsewhere is not told",
                   .remedy = status.error().code == ErrorCode::denied
                                 ? remedy_with("CAP_NET_ADMIN")
                                 : "modprobe nf_conntrack_netlink"});
  }

  static Status answer(sdk::Collection& collection, NftReader& reader) {
    const auto table = collection.table();
    if (table == table_name<NftTable>())
      return put_all(collection, reader.read_tables());
    if (table == table_name<NftChain>())
      return put_all(collection, reader.read_chains());
    if (table == table_name<NftRule>()) {
      const auto chain = place_of(collection, "chain");
      return put_all(collection, chain ? reader.read_rules(*chain) : reader.read_all_rules());
    }
    if (table == table_name<NftRuleDump>()) {
      const auto chain = place_of(collection, "chain"); // those of all chains cannot be listed
      return chain ? put_all(collection, reader.read_rule_dump(*chain)) : Status(Done{});
    }
    if (table == table_name<NftSet>())
      return put_all(collection, reader.read_sets(table_of(collection)));
    if (table == table_name<NftElement>())
      return of_sets(collection, reader,
                     [&](const NftPlace& set) { return reader.read_elements(set); });
    if (table == table_name<NftSetDump>())
      return read_dumps(collection, reader);
    if (table == table_name<NftLookup>())
      return look_up(collection, reader);
    if (table == table_name<NftObject>())
      return put_all(collection, reader.read_objects());
    if (table == table_name<NftFlowtable>())
      return put_all(collection, reader.read_flowtables());
    SYNFATE_TRY(generation, reader.read_generation());
    sdk::put(collection, generation);
    return Done{};
  }

  static NftPlace table_of(const sdk::Collection& collection) {
    return place_of(collection, "table").value_or(NftPlace{});
  }

  template <typename Read>
  static Status of_sets(sdk::Collection& collection, NftReader& reader, Read read) {
    if (const auto set = place_of(collection, "set"))
      return put_all(collection, read(*set));
    SYNFATE_TRY(sets, reader.read_sets({}));
    for (const auto& set : sets) {
      const NftPlace place{set.family.value_or(""), set.table.value_or(""), set.name.value_or("")};
      if (const auto status = put_all(collection, read(place)); !status)
        return status;
    }
    return Done{};
  }

  static Status read_dumps(sdk::Collection& collection, NftReader& reader) {
    const auto limit = collection.limit();
    return of_sets(collection, reader, [&](const NftPlace& set) {
      auto parts = reader.read_set_dump(set, limit);
      if (parts && limit && std::cmp_greater(parts->size(), *limit)) {
        parts->resize(static_cast<std::size_t>(*limit));
        sdk::report(collection, {.id = "nft.large_set",
                                 .what = "the rest of a large set of nf_tables",
                                 .why = "no more of it was asked for",
                                 .effect = "whom it holds is not told at a glance",
                                 .remedy = "ask for all: synfate who PORT"});
      }
      return parts;
    });
  }

  static Status look_up(sdk::Collection& collection, NftReader& reader) {
    const auto set = place_of(collection, "set");
    const auto key = collection.bytes_key("key");
    if (!set || !key) // answers to all questions cannot be listed
      return Done{};
    SYNFATE_TRY(row, reader.read_lookup(*set, std::string(*key)));
    sdk::put(collection, row);
    return Done{};
  }

  static void report(sdk::Collection& collection, const Error& error) {
    sdk::report(collection, gap_of_unread_rules(error));
  }

  static void report_queues(sdk::Collection& collection, const Error& error) {
    sdk::report(
        collection,
        {.id = "nfqueue",
         .what = "the programs that listen to NFQUEUE",
         .why = to_string(error),
         .effect = "whether a queued packet gets an answer cannot be told",
         .remedy = error.code == ErrorCode::denied ? remedy_with("CAP_NET_ADMIN") : "run again"});
  }

  std::map<Int, NftReader> readers_; ///< by namespace
};

} // namespace
} // namespace synfate

SYNFATE_PLUGIN(linux_nftables, "0.1.0", synfate::LinuxNftables)
