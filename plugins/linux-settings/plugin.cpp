// The tables `setting` (files of /proc/sys) and `counter` (files of /proc/thread-self/net).
#include <algorithm>
#include <array>

#include "core/plugin/sdk.h"
#include "core/plugin/sdk_rows.h"
#include "platform/linux/routing/counters.h"
#include "platform/linux/routing/sysctls.h"

namespace synfate {
namespace {

using namespace linux_routing;

/// What a full reading takes besides all of net.
constexpr std::array more_settings{"fs.file-max",    "fs.file-nr",
                                   "fs.nr_open",     "kernel.threads-max",
                                   "kernel.pid_max", "kernel.yama.ptrace_scope"};

class LinuxSettings {
public:
  void collect(sdk::Collection& collection) {
    if (collection.table() == table_name<Setting>())
      collect_settings(collection);
    else if (collection.table() == table_name<Counter>())
      collect_counters(collection);
  }

private:
  static void collect_settings(sdk::Collection& collection) {
    const std::string root = collection.root();
    const auto put = [&](const std::string& name, const Result<std::optional<std::string>>& text) {
      put_setting(collection, name, text);
    };
    if (const auto name = collection.text_key("name"))
      return put(std::string(*name), read_sysctl(root, *name));
    if (const auto done = read_sysctl_folder(root, "net", put); !done)
      report(collection, "settings", "the settings below net", done.error());
    for (const char* name : more_settings)
      put(name, read_sysctl(root, name));
  }

  static void put_setting(sdk::Collection& collection, const std::string& name,
                          const Result<std::optional<std::string>>& text) {
    Setting row;
    row.netns = collection.netns();
    row.name = name;
    if (!text) {
      const std::string gap = "setting." + name;
      report(collection, gap, "the setting " + name, text.error());
      row.value = Unknown{gap};
    } else if (*text) {
      row.value = **text;
    }
    sdk::put(collection, row);
  }

  static void collect_counters(sdk::Collection& collection) {
    const auto name = collection.text_key("name");
    bool found = false;
    bool complete = true;
    for (const auto& file : counter_files(collection.root(), name)) {
      const auto counters = read_counters(collection.root(), file);
      if (!counters) {
        complete = false;
        report(collection, "counters." + file, "the counters of " + file, counters.error());
        continue;
      }
      for (const auto& counter : *counters) {
        found = found || (name && counter.name == *name);
        if (!sdk::put(collection, Counter{collection.netns(), counter.name, counter.value}))
          return;
      }
    }
    if (name && !found && complete) // this kernel does not count it
      sdk::put(collection, Counter{collection.netns(), Text(*name), Absent{}});
  }

  static void report(sdk::Collection& collection, const std::string& id, const std::string& what,
                     const Error& error) {
    sdk::report(collection, {.id = id,
                             .what = what,
                             .why = to_string(error),
                             .effect = "what depends on it cannot be told",
                             .remedy = error.code == ErrorCode::denied
                                           ? "run as root"
                                           : "run again; if it stays, look at the file itself"});
  }
};

} // namespace
} // namespace synfate

SYNFATE_PLUGIN(linux_settings, "0.1.0", synfate::LinuxSettings)
