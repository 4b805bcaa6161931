// Windows: explains snapshots that were saved on Linux, and reads nothing of its own system.
//
// Whatever needs a live Linux host is refused with words that say so. Built by the preset mingw.
#include "platform/host.h"

#include <chrono>

#include <fcntl.h>
#include <io.h>
#include <windows.h>

namespace synfate {
namespace {

constexpr const char* what_works =
    "Save a snapshot on the Linux host with: synfate snapshot -o FILE"
    " and explain it here with: synfate --snapshot FILE TARGET";

Error unsupported(std::string doing, std::string where = {}) {
  return {.code = ErrorCode::unsupported,
          .doing = std::move(doing),
          .where = std::move(where),
          .detail = "this build only explains snapshots",
          .hint = what_works};
}

class SnapshotOnly final : public System {
public:
  Result<HostFacts> host_facts() override { return unsupported("looking at this host"); }
  Status run_in_netns(std::int64_t, const std::function<void()>&) override {
    return unsupported("entering a network namespace");
  }
  std::int64_t now_ms() override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
  }
  std::string root() const override { return {}; }
  Result<FileOwner> file_owner(const std::string& path) override {
    return unsupported("looking who may change a file", path);
  }
  std::int64_t effective_uid() override { return -1; } // nobody of the host that was looked at
};

/// The names of this machine mean nothing on the host that was looked at.
class NoNames final : public NameService {
public:
  Result<std::vector<IpAddress>> addresses_of(const std::string& host) const override {
    return unsupported("looking up a host's addresses", host);
  }
  std::uint16_t port_of(const std::string&, Proto) const override { return 0; }
  std::vector<std::string> service_names() const override { return {}; }
  Result<Identity> identity_of(const std::string& user) const override {
    return unsupported("looking up a user", user);
  }
};

/// Colours and UTF-8 as on other systems; only a console needs to be told.
Terminal look_at_terminal() {
  Terminal terminal;
  void* const console = GetStdHandle(STD_OUTPUT_HANDLE);
  CONSOLE_SCREEN_BUFFER_INFO screen{};
  DWORD mode = 0;
  if (GetConsoleMode(console, &mode) == 0)
    return terminal;
  SetConsoleOutputCP(CP_UTF8);
  terminal.is_terminal = SetConsoleMode(console, mode | 0x4) != 0; // it knows escape sequences
  if (GetConsoleScreenBufferInfo(console, &screen) != 0 && screen.dwSize.X > 0)
    terminal.width = static_cast<std::size_t>(screen.dwSize.X);
  return terminal;
}

} // namespace

Platform make_platform(const std::string& called) {
  _setmode(_fileno(stdin), _O_BINARY); // the same bytes as elsewhere
  _setmode(_fileno(stdout), _O_BINARY);
  return {.platform = "windows",
          .system = std::make_unique<SnapshotOnly>(),
          .names = std::make_unique<NoNames>(),
          .launcher = nullptr,
          .enter_netns = [](const std::string& name) -> Status {
            return unsupported("entering a network namespace", name);
          },
          .program_path = called,
          .terminal = look_at_terminal()};
}

} // namespace synfate
