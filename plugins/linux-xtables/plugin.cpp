// The tables of iptables-legacy, whole and rule by rule, and the sets of ipset. Keys push down: the
// elements of one set, one element of one set, the rules of one chain, one list of the match
// recent, one table of the match hashlimit.
#include <chrono>

#include "core/plugin/sdk.h"
#include "core/plugin/sdk_rows.h"
#include "platform/linux/privilege.h"
#include "platform/linux/xtables/blob.h"
#include "platform/linux/xtables/read.h"
#include "platform/linux/xtables/read_hashlimit.h"
#include "platform/linux/xtables/read_ipset.h"
#include "platform/linux/xtables/read_recent.h"

namespace synfate {
namespace {

template <typename Row> void put_all(sdk::Collection& collection, const std::vector<Row>& rows) {
  for (const auto& row : rows)
    if (!sdk::put(collection, row))
      break;
}

template <typename Row>
Status put_all(sdk::Collection& collection, const Result<std::vector<Row>>& rows) {
  if (!rows)
    return rows.error();
  put_all(collection, *rows);
  return Done{};
}

xt::ByteView bytes_of(const Fact<Bytes>& fact) {
  const std::string& text = fact.value().data;
  return std::as_bytes(std::span(text.data(), text.size()));
}

class LinuxXtables {
public:
  void collect(sdk::Collection& collection) {
    const auto table = collection.table();
    const bool legacy = table == table_name<XtTable>() || table == table_name<XtRule>() ||
                        table == table_name<XtPolicy>();
    const bool recent = table == table_name<RecentEntry>();
    const bool hashlimit = table == table_name<HashlimitEntry>();
    const Status status = legacy      ? collect_tables(collection)
                          : recent    ? collect_recent(collection)
                          : hashlimit ? collect_hashlimit(collection)
                                      : collect_sets(collection);
    if (!status && status.error().code != ErrorCode::unsupported)
      report(collection, status.error(),
             legacy      ? Reading{"xtables", "the rules of iptables-legacy"}
             : recent    ? Reading{"xt_recent", "the lists of the match recent"}
             : hashlimit ? Reading{"xt_hashlimit", "the tables of the match hashlimit"}
                         : Reading{"ipset", "the sets of ipset"});
  }

private:
  /// What was to be read, for gaps.
  struct Reading {
    std::string gap;
    std::string what;
  };

  static Status collect_tables(sdk::Collection& collection) {
    SYNFATE_TRY(tables, xt::read_tables(collection.netns(), collection.root()));
    if (collection.table() == table_name<XtTable>()) {
      put_all(collection, tables);
      return Done{};
    }
    const auto names = set_names(collection);
    const auto family = collection.text_key("family");
    const auto wanted = collection.text_key("table");
    xt::RowFilter filter{std::string(collection.text_key("chain").value_or("")),
                         static_cast<std::uint32_t>(collection.integer_key("number").value_or(0))};
    for (const auto& table : tables) {
      if ((family && !table.family.is(std::string(*family))) ||
          (wanted && !table.name.is(std::string(*wanted))))
        continue;
      SYNFATE_TRY(blob, xt::Blob::decode(bytes_of(table.info), bytes_of(table.entries),
                                         table.family.is("ip6") ? IpFamily::v6 : IpFamily::v4));
      const auto rows = xt::rows_of(blob, table, names, filter);
      if (collection.table() == table_name<XtRule>())
        put_all(collection, rows.rules);
      else
        put_all(collection, rows.policies);
    }
    return Done{};
  }

  /// For the texts of rules; without the names their indexes stand there.
  static xt::TextNames set_names(const sdk::Collection& collection) {
    auto reader = open_ipset(collection);
    auto sets = reader ? reader->read_sets() : Result<std::vector<Ipset>>(reader.error());
    if (!sets)
      return {};
    return {[rows = std::move(*sets)](std::uint16_t index) {
      for (const auto& row : rows)
        if (row.index.is(Int{index}))
          return row.name.value_or("");
      return std::string();
    }};
  }

  static Result<xt::IpsetReader> open_ipset(const sdk::Collection& collection) {
    return xt::IpsetReader::open(collection.netns(),
                                 std::chrono::milliseconds(collection.milliseconds_left()),
                                 collection.root());
  }

  static Status collect_sets(sdk::Collection& collection) {
    SYNFATE_TRY(reader, open_ipset(collection));
    if (collection.table() == table_name<Ipset>())
      return put_all(collection, reader.read_sets());
    const auto set = collection.text_key("set");
    if (collection.table() == table_name<IpsetTest>()) {
      const auto element = collection.text_key("element");
      if (!set || !element) // answers to all questions cannot be listed
        return Done{};
      SYNFATE_TRY(row, reader.test(std::string(*set), std::string(*element)));
      sdk::put(collection, row);
      return Done{};
    }
    if (set)
      return put_all(collection, reader.read_elements(std::string(*set)));
    SYNFATE_TRY(sets, reader.read_sets());
    for (const auto& each : sets)
      if (auto status = put_all(collection, reader.read_elements(each.name.value_or(""))); !status)
        return status;
    return Done{};
  }

  static Status collect_recent(sdk::Collection& collection) {
    std::vector<std::string> names;
    if (const auto asked = collection.text_key("list")) {
      names.emplace_back(*asked);
    } else {
      SYNFATE_TRY(all, xt::recent_lists(collection.root()));
      names = std::move(all);
    }
    for (const auto& name : names)
      if (const auto status =
              put_all(collection, xt::read_recent(collection.root(), collection.netns(), name));
          !status)
        return status;
    return Done{};
  }

  static Status collect_hashlimit(sdk::Collection& collection) {
    for (const std::string_view family : {"ip", "ip6"}) {
      if (const auto wanted = collection.text_key("family"); wanted && *wanted != family)
        continue;
      std::vector<std::string> names;
      if (const auto asked = collection.text_key("list")) {
        names.emplace_back(*asked);
      } else {
        SYNFATE_TRY(all, xt::hashlimit_tables(collection.root(), family));
        names = std::move(all);
      }
      for (const auto& name : names) {
        const auto rows = xt::read_hashlimit(collection.root(), collection.netns(), family, name);
        if (const auto status = put_all(collection, rows); !status)
          return status;
      }
    }
    return Done{};
  }

  static void report(sdk::Collection& collection, const Error& error, const Reading& reading) {
    const bool denied = error.code == ErrorCode::denied;
    sdk::report(collection,
                {.id = denied ? reading.gap : reading.gap + ".unread",
                 .what = reading.what,
                 .why = denied ? "the kernel shows them only with CAP_NET_ADMIN" : to_string(error),
                 .effect = "whether this host's firewall lets the packets in cannot be told",
                 .remedy = denied ? remedy_with("CAP_NET_ADMIN")
                                  : "run again when the rules are not changing"});
  }
};

} // namespace
} // namespace synfate

SYNFATE_PLUGIN(linux_xtables, "0.1.0", synfate::LinuxXtables)
