#include "platform/linux/worker/worker_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/base/text.h"

namespace synfate {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_line = std::size_t{16} << 20U;
constexpr std::size_t kept_errors = 4096;
constexpr std::size_t read_size = std::size_t{64} << 10U;
constexpr auto grace = std::chrono::milliseconds(200); ///< between its last output and its end
constexpr int not_started = 127;

#if defined(SYNFATE_SANITIZED)
constexpr bool limits_address_space = false; // the sanitizer reserves terabytes
#else
constexpr bool limits_address_space = true;
#endif

Error system_error(std::string doing, std::string where, int code) {
  return {.code = ErrorCode::system,
          .doing = std::move(doing),
          .where = std::move(where),
          .os_error = code};
}

class Descriptor {
public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }

private:
  int fd_ = -1;
};

struct Channel {
  Descriptor ours;
  Descriptor theirs;
};

/// A socket pair: unlike a pipe it can be written without SIGPIPE.
Result<Channel> make_channel() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0)
    return system_error("making a socket pair for a plugin", "", errno);
  return Channel{Descriptor(fds[0]), Descriptor(fds[1])};
}

/// `ours` reads what the child writes into `theirs`.
Result<Channel> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0)
    return system_error("making a pipe for a plugin", "", errno);
  return Channel{Descriptor(fds[0]), Descriptor(fds[1])};
}

/// All that the child needs, made before the fork: between fork and exec only async-signal-safe
/// calls are allowed.
struct Birth {
  std::vector<char*> arguments;
  std::array<int, 3> streams{};
  int report = -1; ///< takes errno if exec fails
  rlim_t address_space = RLIM_INFINITY;
  pid_t parent = 0;
};

constexpr std::array<const char*, 3> environment{
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", nullptr};

/// Leaves descriptors from 3 on open until exec, and only until then.
void close_at_exec() {
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
    return;
  constexpr int most = 4096; // kernels before 5.11
  for (int fd = 3; fd < most; ++fd)
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void set_limit(decltype(RLIMIT_AS) resource, rlim_t most) {
  const rlimit limit{most, most};
  ::setrlimit(resource, &limit);
}

[[noreturn]] void be_born(const Birth& birth) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != birth.parent)
    ::_exit(not_started);
  for (int stream = 0; stream < 3; ++stream)
    ::dup2(birth.streams[static_cast<std::size_t>(stream)], stream);
  close_at_exec();
  reset_signals();
  set_limit(RLIMIT_CORE, 0);
  if (birth.address_space != RLIM_INFINITY)
    set_limit(RLIMIT_AS, birth.address_space);
  if (::chdir("/") == 0)
    ::execve(birth.arguments[0], birth.arguments.data(),
             const_cast<char* const*>(environment.data()));
  const int code = errno;
  const auto written = ::write(birth.report, &code, sizeof code);
  ::_exit(written < 0 ? not_started + 1 : not_started);
}

std::string describe_end(int status) {
  if (WIFEXITED(status))
    return fmt::format("exit status {}", WEXITSTATUS(status));
  return fmt::format("signal {}, {}", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
}

class LinuxProcess final : public WorkerProcess {
public:
  LinuxProcess(pid_t pid, Descriptor input, Descriptor output, Descriptor errors)
      : pid_(pid), input_(std::move(input)), output_(std::move(output)),
        errors_(std::move(errors)) {}
  LinuxProcess(const LinuxProcess&) = delete;
  LinuxProcess& operator=(const LinuxProcess&) = delete;
  ~LinuxProcess() override { kill_and_reap(); }

  Status send(std::string_view text) override {
    while (!text.empty()) {
      const auto sent = ::send(input_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR)
        continue;
      if (sent < 0)
        return system_error("sending a request to a plugin", "", errno);
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    input_.reset();
    return Done{};
  }

  Result<std::optional<std::string>> read_line(std::int64_t milliseconds) override {
    const auto deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
    for (;;) {
      if (auto line = take_line())
        return std::optional(std::move(line));
      if (pending_.size() > longest_line)
        return Error{.code = ErrorCode::damaged,
                     .doing = "reading a plugin's answer",
                     .detail = "it wrote a line of more than 16 MiB"};
      if (!output_.open())
        return std::optional<std::string>();
      Status status = wait_and_read(deadline);
      if (!status)
        return std::move(status).error();
    }
  }

  std::string end() override {
    wait_for_end(Clock::now() + grace);
    drain_errors();
    kill_and_reap();
    return end_;
  }

  std::string last_words() const override {
    std::string_view text = errors_text_;
    while (text.ends_with('\n'))
      text.remove_suffix(1);
    return escape_for_terminal(text.substr(text.find_last_of('\n') + 1));
  }

private:
  /// What is complete of the output. The last line needs no line break.
  std::optional<std::string> take_line() {
    const auto end = pending_.find('\n', searched_);
    if (end != std::string::npos) {
      std::string line = pending_.substr(begin_, end - begin_);
      begin_ = searched_ = end + 1;
      return line;
    }
    pending_.erase(0, begin_);
    begin_ = 0;
    searched_ = pending_.size();
    if (output_.open() || pending_.empty())
      return std::nullopt;
    return std::exchange(pending_, std::string());
  }

  Status wait_and_read(Clock::time_point deadline) {
    std::array<pollfd, 2> polled{pollfd{output_.get(), POLLIN, 0},
                                 pollfd{errors_.get(), POLLIN, 0}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int ready =
        ::poll(polled.data(), polled.size(), static_cast<int>(std::clamp<long>(left, 0, 1 << 30)));
    if (ready == 0)
      return Error{.code = ErrorCode::timed_out, .doing = "waiting for a plugin"};
    if (ready < 0 && errno != EINTR)
      return system_error("waiting for a plugin", "", errno);
    if (ready < 0)
      return Done{};
    if (polled[1].revents != 0)
      read_errors();
    if (polled[0].revents != 0)
      read_output();
    return Done{};
  }

  void read_output() {
    const std::size_t size = pending_.size();
    pending_.resize(size + read_size);
    const auto got = ::read(output_.get(), pending_.data() + size, read_size);
    pending_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0 || (got < 0 && errno != EINTR))
      output_.reset();
  }

  void read_errors() {
    std::array<char, kept_errors> buffer{};
    const auto got = ::read(errors_.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      if (got == 0 || errno != EINTR)
        errors_.reset();
      return;
    }
    errors_text_.append(buffer.data(), static_cast<std::size_t>(got));
    if (errors_text_.size() > kept_errors)
      errors_text_.erase(0, errors_text_.size() - kept_errors);
  }

  void drain_errors() {
    while (errors_.open()) {
      pollfd polled{errors_.get(), POLLIN, 0};
      if (::poll(&polled, 1, 0) <= 0)
        return;
      read_errors();
    }
  }

  bool reap(int options) {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, options) != pid_)
      return pid_ <= 0;
    end_ = describe_end(status);
    reaped_ = true;
    return true;
  }

  void wait_for_end(Clock::time_point deadline) {
    while (!reaped_ && !reap(WNOHANG) && Clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  /// The session may hold processes that the child started, even if it is gone itself: its group's
  /// number cannot be given out again while they live.
  void kill_and_reap() {
    if (std::exchange(killed_, true))
      return;
    ::kill(-pid_, SIGKILL);
    if (!reaped_) {
      ::kill(pid_, SIGKILL);
      reap(0);
    }
  }

  pid_t pid_;
  Descriptor input_;
  Descriptor output_;
  Descriptor errors_;
  std::string pending_;
  std::size_t begin_ = 0;    ///< of the next line in pending_
  std::size_t searched_ = 0; ///< no line break between begin_ and here
  std::string errors_text_;
  std::string end_;
  bool reaped_ = false;
  bool killed_ = false;
};

class LinuxLauncher final : public WorkerLauncher {
public:
  Result<std::unique_ptr<WorkerProcess>> start(const WorkerCommand& command) override {
    SYNFATE_TRY(input, make_channel());
    SYNFATE_TRY(output, make_pipe());
    SYNFATE_TRY(errors, make_pipe());
    SYNFATE_TRY(report, make_pipe());
    Birth birth = prepare(command);
    birth.streams = {input.theirs.get(), output.theirs.get(), errors.theirs.get()};
    birth.report = report.theirs.get();
    const pid_t pid = ::fork();
    if (pid < 0)
      return system_error("starting a plugin", command.words[0], errno);
    if (pid == 0)
      be_born(birth);
    auto process = std::make_unique<LinuxProcess>(pid, std::move(input.ours),
                                                  std::move(output.ours), std::move(errors.ours));
    report.theirs.reset();
    if (const int code = exec_error(report.ours); code != 0)
      return Error{.code = ErrorCode::damaged,
                   .doing = "starting a plugin",
                   .where = command.words[0],
                   .os_error = code};
    return std::unique_ptr<WorkerProcess>(std::move(process));
  }

private:
  static Birth prepare(const WorkerCommand& command) {
    Birth birth;
    birth.parent = ::getpid();
    for (const auto& word : command.words)
      birth.arguments.push_back(const_cast<char*>(word.c_str()));
    birth.arguments.push_back(nullptr);
    if (limits_address_space && command.memory_mib > 0)
      birth.address_space = static_cast<rlim_t>(command.memory_mib) << 20U;
    return birth;
  }

  /// 0 once exec succeeded: it closes the pipe.
  static int exec_error(const Descriptor& report) {
    int code = 0;
    ssize_t got = 0;
    do {
      got = ::read(report.get(), &code, sizeof code);
    } while (got < 0 && errno == EINTR);
    return got == sizeof code ? code : 0;
  }
};

} // namespace

std::unique_ptr<WorkerLauncher> make_worker_launcher() {
  return std::make_unique<LinuxLauncher>();
}

} // namespace synfate
