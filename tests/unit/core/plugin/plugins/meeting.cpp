// Answers once two of its instances are asked at the same time, or after some seconds: seats is how
// many there were.
#include <atomic>
#include <chrono>
#include <thread>

#include "core/plugin/sdk.h"

namespace {

std::atomic<int> arrived = 0;

class Meeting {
public:
  void collect(synfate::sdk::Collection& collection) {
    const auto last = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    ++arrived;
    while (arrived < 2 && std::chrono::steady_clock::now() < last)
      std::this_thread::yield();
    collection.row("acme_licence")
        .set("product", std::string(collection.text_key("product").value_or("")))
        .set("seats", arrived.load())
        .end();
  }
};

} // namespace

SYNFATE_PLUGIN(acme_licences, "1.0", Meeting)
