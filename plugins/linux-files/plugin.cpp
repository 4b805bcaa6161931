// The tables `path_step`, `caller` and `unix_datagram_room`. See platform/linux/files.
#include "core/plugin/sdk_rows.h"
#include "platform/linux/files/caller.h"
#include "platform/linux/files/path_steps.h"

namespace synfate {
namespace {

class LinuxFiles {
public:
  void collect(sdk::Collection& collection) {
    if (collection.table() == table_name<Caller>())
      sdk::put(collection, read_caller(collection.netns(), collection.root()));
    else if (collection.table() == table_name<PathStepFacts>())
      collect_steps(collection);
    else if (collection.table() == table_name<DatagramRoom>())
      collect_room(collection);
  }

private:
  /// A full reading asks for no path in particular: there is nothing to tell.
  static void collect_steps(sdk::Collection& collection) {
    const auto path = collection.text_key("path");
    if (!path)
      return;
    read_path_steps(
        {std::string(*path), collection.integer_key("root_pid").value_or(0), collection.root()},
        {[&](const PathStepFacts& row) { return sdk::put(collection, row); },
         [&](const Gap& gap) { sdk::report(collection, gap); }});
  }

  static void collect_room(sdk::Collection& collection) {
    const auto path = collection.text_key("path");
    if (!path)
      return;
    DatagramRoom asked;
    asked.netns = collection.netns();
    asked.path = Text(*path);
    asked.abstract = collection.integer_key("abstract").value_or(0) != 0;
    if (const auto pid = collection.integer_key("root_pid"))
      asked.root_pid = *pid;
    sdk::put(collection, read_datagram_room(asked, collection.root()));
  }
};

} // namespace
} // namespace synfate

SYNFATE_PLUGIN(linux_files, "0.1.0", synfate::LinuxFiles)
