// The tables `route_lookup`, `route`, `policy_rule` and `neighbour`, through rtnetlink, and of
// IPsec `ipsec_policy` and `ipsec`.
#include "core/plugin/sdk.h"
#include "core/plugin/sdk_rows.h"
#include "platform/linux/privilege.h"
#include "platform/linux/routing/addresses.h"
#include "platform/linux/routing/ipsec.h"
#include "platform/linux/routing/links.h"
#include "platform/linux/routing/neighbours.h"
#include "platform/linux/routing/policy_rules.h"
#include "platform/linux/routing/routes.h"

namespace synfate {
namespace {

using namespace linux_routing;

template <typename Row> void put_all(sdk::Collection& collection, const std::vector<Row>& rows) {
  for (const auto& row : rows)
    if (!sdk::put(collection, row))
      return;
}

class LinuxRoutes {
public:
  void collect(sdk::Collection& collection) {
    const std::string_view table = collection.table();
    const bool ipsec = table == table_name<IpsecPolicy>() || table == table_name<Ipsec>();
    const auto status = ipsec ? collect_ipsec(collection) : answer(collection);
    if (!status && ipsec)
      report_ipsec(collection, status.error());
    else if (!status)
      report(collection, status.error());
  }

private:
  static Status answer(sdk::Collection& collection) {
    SYNFATE_TRY(socket, RouteSocket::open());
    if (collection.table() == table_name<RouteLookup>())
      return look_up(collection, socket);
    if (collection.table() == table_name<Route>())
      return collect_routes(collection, socket);
    if (collection.table() == table_name<PolicyRule>()) {
      SYNFATE_TRY(rules, read_policy_rules(socket, collection.netns()));
      put_all(collection, rules);
    }
    if (collection.table() == table_name<Neighbour>()) {
      SYNFATE_TRY(rows, read_neighbours(socket, collection.netns(),
                                        collection.integer_key("interface_index")));
      put_all(collection, rows);
    }
    return Done{};
  }

  static Status look_up(sdk::Collection& collection, RouteSocket& socket) {
    const auto question = question_of(asked(collection));
    if (!question) // no question was asked, and answers to all of them cannot be listed
      return Done{};
    SYNFATE_TRY(row, read_route_lookup(socket, collection.netns(), *question));
    sdk::put(collection, row);
    return Done{};
  }

  static RouteLookup asked(const sdk::Collection& collection) {
    RouteLookup row;
    const auto integer = [&](const char* column) -> Fact<Int> {
      const auto value = collection.integer_key(column);
      return value ? Fact<Int>(*value) : Fact<Int>();
    };
    const auto address = [&](const char* column) -> Fact<IpAddress> {
      const auto value = sdk::address_key(collection, column);
      return value ? Fact<IpAddress>(*value) : Fact<IpAddress>();
    };
    row.destination = address("destination");
    row.source = address("source");
    row.input_interface = integer("input_interface");
    row.output_interface = integer("output_interface");
    row.mark = integer("mark");
    if (const auto proto = collection.text_key("proto"))
      row.proto = Text(*proto);
    row.source_port = integer("source_port");
    row.destination_port = integer("destination_port");
    row.uid = integer("uid");
    return row;
  }

  static Status collect_routes(sdk::Collection& collection, RouteSocket& socket) {
    const auto links = read_links(socket, collection.netns());
    InterfaceNames names;
    if (links)
      names = names_of(*links);
    else
      sdk::report(collection, {.id = std::string(links_gap),
                               .what = "the names of the network interfaces",
                               .why = to_string(links.error()),
                               .effect = "routes show no interface names",
                               .remedy = "run again; if it stays, check with: ip link"});
    const auto routes = read_routes(socket, collection.netns(), links ? &names : nullptr,
                                    collection.integer_key("table"), collection.limit());
    if (!routes && routes.error().code == ErrorCode::too_many)
      sdk::report(collection,
                  {.id = "routes.many",
                   .what = "the routes of a large table",
                   .why = "no more of them were asked for",
                   .effect = "which sources are routed elsewhere is not told at a glance",
                   .remedy = "ask for all: synfate who PORT"});
    else if (!routes)
      return routes.error();
    else
      put_all(collection, *routes);
    return Done{};
  }

  static Status collect_ipsec(sdk::Collection& collection) {
    if (collection.table() == table_name<IpsecPolicy>()) {
      SYNFATE_TRY(rows, read_ipsec_policies(collection.netns()));
      put_all(collection, rows);
      return Done{};
    }
    SYNFATE_TRY(row, read_ipsec(collection.netns()));
    if (row)
      sdk::put(collection, *row);
    return Done{};
  }

  static void report_ipsec(sdk::Collection& collection, const Error& error) {
    const bool denied = error.code == ErrorCode::denied;
    sdk::report(collection,
                {.id = "ipsec",
                 .what = "the policies of IPsec",
                 .why = denied ? "needs CAP_NET_ADMIN" : to_string(error),
                 .effect = "a policy of IPsec that drops packets would not be seen",
                 .remedy = denied ? remedy_with("CAP_NET_ADMIN") : "check with: ip xfrm policy"});
  }

  static void report(sdk::Collection& collection, const Error& error) {
    const std::string table(collection.table());
    const bool neighbours = table == table_name<Neighbour>();
    sdk::report(collection,
                {.id = "routing." + table,
                 .what = neighbours ? "the neighbour table (ARP, neighbour discovery)"
                                    : "the routing of this host (" + table + ")",
                 .why = to_string(error),
                 .effect = neighbours ? "whether a next hop answers cannot be told"
                                      : "which way packets and their answers go cannot be told",
                 .remedy = neighbours ? "run again; if it stays, check with: ip neigh"
                                      : "run again; if it stays, check with: ip route, ip rule"});
  }
};

} // namespace
} // namespace synfate

SYNFATE_PLUGIN(linux_routes, "0.1.0", synfate::LinuxRoutes)
