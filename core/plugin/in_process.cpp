#include "core/plugin/in_process.h"

#include <memory>
#include <mutex>
#include <optional>
#include <vector> // boost/dll of 1.74 forgets it

#include <boost/dll/shared_library.hpp>
#include <fmt/format.h>

#include "core/plugin/boundary.h"

namespace synfate {
namespace {

constexpr const char* entry_name = "synfate_plugin";

Error load_error(const Manifest& manifest, const std::string& library, std::string detail,
                 std::string hint) {
  return {.code = ErrorCode::invalid_input,
          .doing = "loading the plugin " + manifest.id,
          .where = library,
          .detail = std::move(detail),
          .hint = std::move(hint)};
}

Result<boost::dll::shared_library> open_library(const Manifest& manifest, const std::string& path) {
  try {
    return boost::dll::shared_library(path, boost::dll::load_mode::rtld_local);
  } catch (const std::exception& exception) { // Boost.DLL puts the loader's own words into it
    return load_error(manifest, path, fmt::format("the loader refuses it: {}", exception.what()),
                      "Install a library that is built for this system.");
  }
}

Result<synfate_plugin_entry> find_entry(const Manifest& manifest, const std::string& path,
                                        const boost::dll::shared_library& library) {
  if (!library.has(entry_name))
    return load_error(manifest, path,
                      fmt::format("the library does not export the function {}", entry_name),
                      "Put SYNFATE_PLUGIN(...) of core/plugin/sdk.h into one of its files.");
  return &library.get<const synfate_plugin_description*()>(entry_name);
}

/// Both kinds: how the entry is found is all that differs.
class InProcessCollector : public Collector {
public:
  InProcessCollector(Manifest manifest, std::string library, Origin origin)
      : manifest_(std::move(manifest)), path_(std::move(library)), origin_(origin) {}
  InProcessCollector(Manifest manifest, synfate_plugin_entry entry)
      : manifest_(std::move(manifest)), origin_(Origin::linked), entry_(entry) {}

  const Manifest& manifest() const override { return manifest_; }
  Origin origin() const override { return origin_; }

  Status check() override {
    SYNFATE_TRY(instance, borrow());
    give_back(std::move(instance));
    return Done{};
  }

  Status collect(const Request& request, std::int64_t netns, RowReceiver& rows) override {
    std::unique_lock turn(turn_, std::defer_lock);
    if (!manifest_.parallel)
      turn.lock();
    SYNFATE_TRY(instance, borrow());
    Status status = instance->collect(request, netns, rows);
    give_back(std::move(instance));
    return status;
  }

private:
  using Instance = std::unique_ptr<PluginInstance>;

  /// One that nobody asks at the moment; if there is none, a new one.
  Result<Instance> borrow() {
    const std::lock_guard lock(mutex_);
    SYNFATE_TRY(loaded, load());
    static_cast<void>(loaded);
    if (idle_.empty())
      return std::make_unique<PluginInstance>(*description_, manifest_);
    Instance instance = std::move(idle_.back());
    idle_.pop_back();
    return instance;
  }

  void give_back(Instance instance) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(instance));
  }

  Status load() {
    if (description_ != nullptr)
      return Done{};
    if (failed_)
      return *failed_;
    Status status = load_once();
    if (!status)
      failed_ = status.error();
    return status;
  }

  Status load_once() {
    if (entry_ == nullptr) {
      SYNFATE_TRY(library, open_library(manifest_, path_));
      library_ = std::move(library);
      SYNFATE_TRY(entry, find_entry(manifest_, path_, library_));
      entry_ = entry;
    }
    SYNFATE_TRY(description, describe_plugin(entry_, manifest_));
    description_ = description;
    return Done{};
  }

  Manifest manifest_;
  std::string path_;
  Origin origin_;
  synfate_plugin_entry entry_ = nullptr;
  boost::dll::shared_library library_; // outlives the instances: it holds their code
  const synfate_plugin_description* description_ = nullptr; ///< once it is loaded
  std::optional<Error> failed_;
  std::vector<Instance> idle_;
  std::mutex mutex_; ///< guards what is above
  std::mutex turn_;  ///< held while a plugin is asked that has one instance
};

} // namespace

std::string_view to_string(Origin origin) {
  switch (origin) {
  case Origin::built_in:
    return "built-in";
  case Origin::linked:
    return "linked";
  case Origin::site:
    return "site";
  }
  return "";
}

std::unique_ptr<Collector> library_collector(Manifest manifest, std::string library,
                                             Origin origin) {
  return std::make_unique<InProcessCollector>(std::move(manifest), std::move(library), origin);
}

std::unique_ptr<Collector> linked_collector(Manifest manifest, synfate_plugin_entry entry) {
  return std::make_unique<InProcessCollector>(std::move(manifest), entry);
}

} // namespace synfate
