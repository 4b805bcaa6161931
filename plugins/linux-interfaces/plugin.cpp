// The tables `interface` and `address`, one rtnetlink dump each.
#include "core/plugin/sdk.h"
#include "core/plugin/sdk_rows.h"
#include "platform/linux/routing/addresses.h"
#include "platform/linux/routing/links.h"

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
