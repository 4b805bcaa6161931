// A child process that sleeps for as long as it is needed.
#pragma once

#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

namespace synfate::test {

class Child {
public:
  Child() : pid_(fork()) {
    if (pid_ == 0) {
      pause();
      _exit(0);
    }
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }

private:
  pid_t pid_;
};

} // namespace synfate::test
