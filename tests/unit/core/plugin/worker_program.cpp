// Plays the program itself in the worker tests: `worker_program plugin-worker LIBRARY`.
#include <iostream>

#include "core/plugin/worker.h"

int main(int count, char** words) {
  if (count != 3)
    return 2;
  return synfate::run_plugin_worker(words[2], synfate::Schema(), std::cin, std::cout);
}
