// The tables `interface` and `address`, one rtnetlink dump each, and `netns_id`.
#include "core/plugin/sdk.h"
#include "core/plugin/sdk_rows.h"
#include "platform/linux/routing/addresses.h"
#include "platform/linux/routing/links.h"
#include "platform/linux/routing/namespace_ids.h"

namespace synfate {
namespace {

using namespace linux_routing;

class LinuxInterfaces {
public:
  void collect(sdk::Collection& collection) {
    auto socket = RouteSocket::open();
    if (!socket)
      return report(collection, std::string(links_gap), socket.error());
    if (collection.table() == table_name<Interface>())
      collect_links(collection, *socket);
    else if (collection.table() == table_name<Address>())
      collect_addresses(collection, *socket);
    else if (collection.table() == table_name<NamespaceId>())
      collect_id(collection, *socket);
  }

private:
  static void report(sdk::Collection& collection, const std::string& id, const Error& error) {
    const bool links = id == links_gap;
    sdk::report(collection,
                {.id = id,
                 .what = links ? "the network interfaces" : "the addresses of the interfaces",
                 .why = to_string(error),
                 .effect = links ? "where packets arrive and leave cannot be told"
                                 : "which addresses are this host's cannot be told",
                 .remedy = "run again; if it stays, check with: ip address"});
  }

  /// Only for a path that is asked for: a full reading would have to know them all.
  static void collect_id(sdk::Collection& collection, RouteSocket& socket) {
    const auto path = collection.text_key("path");
    if (!path)
      return;
    NamespaceId row;
    row.netns = collection.netns();
    row.path = std::string(*path);
    const auto id = read_namespace_id(socket, std::string(*path));
    if (!id) {
      const std::string gap = "netns_id";
      sdk::report(collection, {.id = gap,
                               .what = "where the other ends of links are",
                               .why = to_string(id.error()),
                               .effect = "packets cannot be followed into other namespaces",
                               .remedy = "run as root"});
      row.id = Unknown{gap};
    } else if (*id) {
      row.id = **id;
    }
    sdk::put(collection, row);
  }

  static void collect_links(sdk::Collection& collection, RouteSocket& socket) {
    const auto links = read_links(socket, collection.netns(), collection.integer_key("index"));
    if (!links)
      return report(collection, std::string(links_gap), links.error());
    for (const auto& link : *links)
      if (!sdk::put(collection, link))
        return;
  }

  static void collect_addresses(sdk::Collection& collection, RouteSocket& socket) {
    const auto links = read_links(socket, collection.netns());
    InterfaceNames names;
    if (links)
      names = names_of(*links);
    else
      report(collection, std::string(links_gap), links.error());
    const auto addresses = read_addresses(socket, collection.netns(), links ? &names : nullptr);
    if (!addresses)
      return report(collection, "addresses", addresses.error());
    for (const auto& address : *addresses)
      if (!sdk::put(collection, address))
        return;
  }
};

} // namespace
} // namespace synfate

SYNFATE_PLUGIN(linux_interfaces, "0.1.0", synfate::LinuxInterfaces)
