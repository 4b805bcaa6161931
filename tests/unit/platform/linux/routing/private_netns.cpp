#include "private_netns.h"

#include <cstdlib>
#include <exception>
#include <thread>

#include <sched.h>

#include "tests/unit/catch.h"

namespace synfate {

bool in_private_netns(const std::function<void()>& test) {
  bool entered = false;
  std::exception_ptr thrown;
  std::thread thread([&] {
    entered = unshare(CLONE_NEWNET) == 0;
    if (!entered)
      return;
    try {
      test();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  if (thrown)
    std::rethrow_exception(thrown);
  if (!entered)
    WARN("not run: making a network namespace needs root");
  return entered;
}

bool shell(const std::string& command) {
  return std::system(command.c_str()) == 0;
}

} // namespace synfate
