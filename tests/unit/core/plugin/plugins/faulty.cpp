// Breaks one rule of the boundary, which one says the key `product`.
#include <chrono>
#include <cstdint>
#include <thread>

#include "core/plugin/sdk.h"

namespace {

using synfate::sdk::Collection;

void undeclared_column(Collection& collection) {
  collection.row("acme_licence").set("product", "before").end();
  collection.row("acme_licence").set("product", "during").set("colour", "red").end();
  collection.row("acme_licence").set("product", "after").end();
}

void wrong_type(Collection& collection) {
  collection.row("acme_licence").set("product", "x").set("seats", "twelve").end();
}

void undeclared_table(Collection& collection) {
  collection.row("acme_invoice").set("product", "x").end();
}

void gap_not_reported(Collection& collection) {
  collection.row("acme_licence")
      .set("product", "x")
      .set("seats", synfate::sdk::unknown_cell("never"))
      .end();
}

void unnamed_gap(Collection& collection) {
  collection.row("acme_licence").set("seats", synfate::sdk::unknown_cell("")).end();
}

void short_address(Collection& collection) {
  collection.row("acme_licence").set("server", synfate::sdk::ip_cell("\x01\x02\x03")).end();
}

void foreign_type(Collection& collection) {
  synfate_cell cell = synfate::sdk::cell_of(std::int64_t{1});
  cell.type = 99;
  collection.row("acme_licence").set("seats", cell).end();
}

void unfinished_row(Collection& collection) {
  collection.row("acme_licence").set("product", "x");
}

/// Rows until the host wants no more.
void endless(Collection& collection) {
  std::int64_t number = 0;
  while (collection.row("acme_licence").set("product", std::to_string(++number)).end())
    continue;
}

void crash(Collection&) {
  volatile int* nowhere = nullptr;
  *nowhere = 1;
}

void hang(Collection&) {
  for (;;)
    std::this_thread::sleep_for(std::chrono::seconds(1));
}

/// Takes memory until the worker's limit stops it.
void hungry(Collection&) {
  for (std::size_t size = 1 << 20;; size *= 2) {
    static_cast<volatile char*>(::operator new(size))[size - 1] = 1;
  }
}

class Faulty {
public:
  void collect(Collection& collection) {
    const auto how = collection.text_key("product").value_or("");
    for (const auto& [name, act] : acts)
      if (how == name)
        act(collection);
  }

private:
  struct Act {
    std::string_view name;
    void (*act)(Collection&);
  };
  static constexpr Act acts[] = {
      {"undeclared column", undeclared_column},
      {"wrong type", wrong_type},
      {"undeclared table", undeclared_table},
      {"gap not reported", gap_not_reported},
      {"short address", short_address},
      {"unnamed gap", unnamed_gap},
      {"foreign type", foreign_type},
      {"unfinished row", unfinished_row},
      {"endless", endless},
      {"crash", crash},
      {"hang", hang},
      {"hungry", hungry},
  };
};

} // namespace

SYNFATE_PLUGIN(acme_faulty, "1.0", Faulty)
