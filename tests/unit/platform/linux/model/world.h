// A host made by hand for tests of the model: every table was read completely.
#pragma once

#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "core/model/model.h"
#include "platform/linux/files/tables.h"
#include "platform/linux/model/linux_model.h"

namespace synfate::world {

constexpr Int netns = 4026531840;
constexpr Int root_uid = 0;

inline Snapshot empty_host() {
  Schema schema;
  (void)add_core_tables(schema);
  (void)add_linux_tables(schema);
  Snapshot snapshot(std::move(schema));
  HostFacts host;
  host.netns = netns;
  host.os = "linux";
  snapshot.set_host(host);
  for (const auto& [name, spec] : snapshot.schema().tables())
    snapshot.answered({name, {}});
  return snapshot;
}

inline void set(Snapshot& snapshot, const char* name, const char* value) {
  Setting setting;
  setting.netns = netns;
  setting.name = Text(name);
  setting.value = Text(value);
  snapshot.add(setting);
}

inline Caller caller(Int uid, const char* capabilities = "0000000000000000") {
  Caller row;
  row.netns = netns;
  row.uid = uid;
  row.groups = std::to_string(uid);
  row.capabilities = Text(capabilities);
  row.netns_user_namespace = Text("own");
  return row;
}

inline Caller root() {
  return caller(root_uid, "000001ffffffffff");
}

inline IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

inline Interface interface(Int index, const char* name, const char* kind = nullptr) {
  Interface row;
  row.netns = netns;
  row.index = index;
  row.name = Text(name);
  if (kind != nullptr)
    row.kind = Text(kind);
  return row;
}

inline void give_address(Snapshot& snapshot, const char* address, Int index, const char* name) {
  Address row;
  row.netns = netns;
  row.interface_index = index;
  row.interface = Text(name);
  row.address = ip(address);
  row.prefix_length = Int{24};
  snapshot.add(row);
}

} // namespace synfate::world
