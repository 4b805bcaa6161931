#include "core/plugin/loader.h"

#include <nlohmann/json.hpp>

#include "core/facts/tables.h"
#include "core/plugin/host.h"
#include "core/plugin/listing.h"
#include "core/plugin/trust.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/plugin/plugin_fixture.h"

namespace {

using namespace synfate;
using namespace synfate::test;
namespace fs = std::filesystem;

struct Loading {
  LoadedPlugins load(Origin origin = Origin::built_in) {
    const PluginDirectory place{directory.path().string(), origin};
    return load_plugins({&place, 1}, {}, schema, system, options).value();
  }
  TemporaryDirectory directory;
  Schema schema;
  TestSystem system;
  LoadOptions options;

  Loading() {
    system.uid_ = static_cast<std::int64_t>(system.file_owner(directory.path().string())->uid);
    fs::permissions(directory.path(), fs::perms(0755));
  }
};

} // namespace

TEST_CASE("a plugin is found by its manifest and its own tables join the schema") {
  Loading loading;
  loading.directory.plugin("acme-licences", licence_manifest(), "good");
  auto loaded = loading.load();
  REQUIRE(loaded.plugins.size() == 1);
  CHECK(loaded.plugins[0].health == PluginHealth::unchecked);
  CHECK(loaded.gaps.empty());
  CHECK(loading.schema.find("acme_licence") != nullptr);
  check_plugins(loaded.collectors, loaded);
  CHECK(loaded.plugins[0].health == PluginHealth::healthy);
}

TEST_CASE("the directory of one plugin can be named itself") {
  Loading loading;
  const auto plugin = loading.directory.plugin("acme-licences", licence_manifest(), "good");
  const PluginDirectory place{plugin.string(), Origin::built_in};
  const auto loaded = load_plugins({&place, 1}, {}, loading.schema, loading.system, {}).value();
  CHECK(loaded.collectors.size() == 1);
}

TEST_CASE("a directory that does not exist is the caller's error") {
  Loading loading;
  const PluginDirectory place{"/nowhere/at/all", Origin::site};
  const auto loaded = load_plugins({&place, 1}, {}, loading.schema, loading.system, {});
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == ErrorCode::invalid_input);
  CHECK(loaded.error().where == "/nowhere/at/all");
}

TEST_CASE("what is wrong with a library shows when it is checked, and costs only this plugin") {
  struct Wrong {
    const char* library;
    const char* id;
    const char* version;
    const char* text;
  };
  const auto wrong = GENERATE(
      Wrong{"old_abi", "acme-licences", "1.0",
            "built for ABI version 999, this program speaks "
            "version 1"},
      Wrong{"no_entry", "acme-licences", "1.0", "does not export the function synfate_plugin"},
      Wrong{"good", "acme-other", "1.0",
            "the manifest says it is 'acme-other', the library says "
            "'acme-licences'"},
      Wrong{"good", "acme-licences", "2.0",
            "the manifest is of version 2.0, the library of "
            "version 1.0"});
  Loading loading;
  loading.directory.plugin(wrong.id, licence_manifest(wrong.id, wrong.version), wrong.library);
  auto loaded = loading.load();
  check_plugins(loaded.collectors, loaded);
  REQUIRE(loaded.plugins.size() == 1);
  CHECK(loaded.plugins[0].health == PluginHealth::refused);
  REQUIRE(loaded.gaps.size() == 1);
  CHECK(loaded.gaps[0].id == "plugin." + std::string(wrong.id));
  CHECK(loaded.gaps[0].why.find(wrong.text) != std::string::npos);
  CHECK_FALSE(loaded.gaps[0].remedy.empty());
}

TEST_CASE("a text file in the place of a library is a gap of its tables") {
  Loading loading;
  const auto plugin = loading.directory.plugin("acme-licences", licence_manifest());
  write_file(plugin / "plugin.so", "#!/bin/sh\necho I am a library\n");
  auto loaded = loading.load();
  Host host(std::move(loaded.collectors), loading.system, {});
  Snapshot snapshot(loading.schema);
  host.collect(snapshot, Request{"acme_licence", {}});
  CHECK(snapshot.answers().back().gaps == std::vector<std::string>{"plugin.acme-licences"});
  CHECK(snapshot.gap("plugin.acme-licences")->why.find("the loader refuses it") !=
        std::string::npos);
}

TEST_CASE("a faulty plugin does not keep the others from loading") {
  Loading loading;
  loading.directory.plugin("a-broken", "[plugin\n");
  loading.directory.plugin("acme-licences", licence_manifest(), "good");
  loading.directory.plugin("z-empty", licence_manifest("z-empty"));
  const auto loaded = loading.load();
  CHECK(loaded.plugins.size() == 3);
  REQUIRE(loaded.gaps.size() == 2);
  CHECK(loaded.gaps[0].id == "plugin.a-broken");
  CHECK(loaded.gaps[1].id == "plugin.z-empty");
  CHECK(loaded.gaps[1].why.find("plugin.so: there is no such file") != std::string::npos);
}

TEST_CASE("a manifest for another ABI version is refused before any code is loaded") {
  Loading loading;
  const auto plugin =
      loading.directory.plugin("acme-licences", licence_manifest("acme-licences", "1.0", 2));
  write_file(plugin / "plugin.so", "not looked at");
  const auto loaded = loading.load();
  REQUIRE(loaded.gaps.size() == 1);
  CHECK(loaded.gaps[0].why.find("asks for ABI version 2, this program speaks version 1") !=
        std::string::npos);
}

TEST_CASE("a plugin for another platform is listed and not loaded") {
  Loading loading;
  loading.options.platform = "windows";
  loading.directory.plugin("acme-licences", licence_manifest(), "good");
  const auto loaded = loading.load();
  REQUIRE(loaded.plugins.size() == 1);
  CHECK(loaded.plugins[0].health == PluginHealth::other_platform);
  CHECK(loaded.collectors.empty());
  CHECK(loaded.gaps.empty());
}

TEST_CASE("a library without a manifest is named, not ignored") {
  Loading loading;
  write_file(loading.directory.path() / "stray.so", "x");
  const auto loaded = loading.load();
  REQUIRE(loaded.gaps.size() == 1);
  CHECK(loaded.gaps[0].why.find("a library without a manifest is no plugin") != std::string::npos);
}

TEST_CASE("a plugin that others could write is refused with the command that mends it") {
  Loading loading;
  const auto plugin = loading.directory.plugin("acme-licences", licence_manifest(), "good");
  const auto file = GENERATE(as<std::string>(), "", "/manifest.toml", "/plugin.so");
  const auto mode = GENERATE(0757, 0775);
  const std::string path = plugin.string() + file;
  fs::permissions(path, fs::perms(mode));
  const auto loaded = loading.load();
  REQUIRE(loaded.gaps.size() == 1);
  CHECK(loaded.gaps[0].remedy == "If you trust its content: chmod go-w " + path);
  CHECK(loaded.plugins[0].health == PluginHealth::refused);
}

TEST_CASE("a directory of plugins that others could write spoils all of them") {
  Loading loading;
  loading.directory.plugin("acme-licences", licence_manifest(), "good");
  fs::permissions(loading.directory.path(), fs::perms(0777));
  const auto loaded = loading.load();
  REQUIRE(loaded.gaps.size() == 1);
  CHECK(loaded.gaps[0].remedy.ends_with("chmod go-w " + loading.directory.path().string()));
}

TEST_CASE("a plugin that somebody else owns is refused, unless the owner owns the program too") {
  struct Foreign final : System {
    TestSystem real;
    Result<HostFacts> host_facts() override { return real.host_facts(); }
    Status run_in_netns(std::int64_t, const std::function<void()>&) override { return Done{}; }
    std::int64_t now_ms() override { return 0; }
    std::string root() const override { return {}; }
    Result<FileOwner> file_owner(const std::string&) override { return FileOwner{1234, 1234}; }
    std::int64_t effective_uid() override { return 0; }
  } foreign;
  const auto refused = check_trust(foreign, "/opt/my plugins/p");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail == "user 1234 owns it and could change it");
  CHECK(refused.error().hint == "If you trust its content: chown root: '/opt/my plugins/p'");
  CHECK(check_trust(foreign, "/opt/p", FileOwner{1234, 1234}));
}

TEST_CASE("a refused built-in plugin answers for its tables with the reason") {
  Loading loading;
  REQUIRE(add_core_tables(loading.schema));
  loading.directory.plugin("linux-sockets", "[plugin]\nid = \"linux-sockets\"\nversion = \"1\"\n"
                                            "abi = 1\n[[table]]\nname = \"socket\"\n");
  auto loaded = loading.load();
  Host host(std::move(loaded.collectors), loading.system, {});
  Snapshot snapshot(loading.schema);
  host.collect(snapshot, Request{"socket", {}});
  CHECK(snapshot.answers().back().gaps == std::vector<std::string>{"plugin.linux-sockets"});
}

TEST_CASE("a site's plugin cannot answer for a table that another plugin provides") {
  Loading loading;
  REQUIRE(add_core_tables(loading.schema));
  loading.options.worker = [](Manifest, const std::string&) -> std::unique_ptr<Collector> {
    FAIL("it must not come to this");
    return nullptr;
  };
  loading.directory.plugin("acme-licences", licence_manifest(), "good");
  TemporaryDirectory site;
  site.plugin("rogue", licence_manifest("rogue"), "good");
  const PluginDirectory places[] = {{loading.directory.path().string(), Origin::built_in},
                                    {site.path().string(), Origin::site}};
  fs::permissions(site.path(), fs::perms(0755));
  const auto loaded =
      load_plugins(places, {}, loading.schema, loading.system, loading.options).value();
  REQUIRE(loaded.gaps.size() == 1);
  CHECK(loaded.gaps[0].id == "plugin.rogue");
  CHECK(loaded.gaps[0].why.find("acme-licences already provides the table 'acme_licence'") !=
        std::string::npos);
}

TEST_CASE("built-in plugins are found beside the program and beside its directory") {
  TemporaryDirectory root;
  fs::create_directories(root.path() / "bin");
  fs::create_directories(root.path() / "lib/synfate/plugins");
  const auto expected = fs::canonical(root.path() / "lib/synfate/plugins").string();
  CHECK(built_in_plugin_directory((root.path() / "bin/synfate").string()) == expected);
  CHECK(built_in_plugin_directory((root.path() / "synfate").string()) == expected);
  CHECK_FALSE(built_in_plugin_directory("/nowhere/bin/synfate"));
}

TEST_CASE("the list shows healthy and refused plugins, as text and as JSON") {
  Loading loading;
  loading.directory.plugin("acme-licences", licence_manifest(), "good");
  loading.directory.plugin("b-broken", "[plugin\n");
  auto loaded = loading.load();
  check_plugins(loaded.collectors, loaded);
  const std::string text = render_plugins_text(loaded.plugins);
  CHECK(text.find("acme-licences  1.0      1    built-in  healthy  acme_licence") !=
        std::string::npos);
  CHECK(text.find("\nb-broken: reading a plugin's manifest: ") != std::string::npos);
  const auto json = render_plugins_json(loaded.plugins);
  CHECK(json["schema"] == "synfate.plugins/1");
  CHECK(json["plugins"][0]["tables"][0] == "acme_licence");
  CHECK(json["plugins"][0]["problem"].is_null());
  CHECK(json["plugins"][1]["health"] == "refused");
}
