// Keeps the rules: one row per key it is asked for, a gap, a parameter.
#include <stdexcept>

#include "core/plugin/sdk.h"

namespace {

class Licences {
public:
  void collect(synfate::sdk::Collection& collection) {
    const auto product = collection.text_key("product");
    const std::string wanted(product.value_or("db"));
    if (wanted == "explode")
      throw std::runtime_error("the licence server answered nonsense");
    if (wanted == "secret")
      return locked(collection);
    if (wanted == "nowhere")
      return collection.gap({"licence.server", "the licences of nowhere", "no server answers",
                             "nothing is known of them", "start it"});
    collection.row("acme_licence")
        .set("product", wanted)
        .set("seats", ++calls_)
        .set("load", 0.5)
        .set("active", true)
        .set("server", synfate::sdk::ip_cell(std::string_view("\x0a\x00\x00\x01", 4)))
        .set("key", synfate::sdk::bytes_cell(std::string_view("\x00\xff", 2)))
        .set("pool", collection.parameter("pool").value_or("none"))
        .set("netns", collection.netns())
        .end();
  }

private:
  static void locked(synfate::sdk::Collection& collection) {
    collection.gap({"licence.locked", "the seats of secret", "the file is locked",
                    "seats are not known", "unlock it"});
    collection.row("acme_licence")
        .set("product", "secret")
        .set("seats", synfate::sdk::unknown_cell("licence.locked"))
        .end();
  }

  int calls_ = 0;
};

} // namespace

SYNFATE_PLUGIN(acme_licences, "1.0", Licences)
