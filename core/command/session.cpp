#include "core/command/session.h"

#include <ostream>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/facts/snapshot_file.h"
#include "core/facts/tables.h"
#include "core/report/page.h"

namespace synfate {
namespace {

constexpr int most_rounds = 2000; // a walk that still needs something then never ends

Result<Schema> schema_of(const Program& program) {
  Schema schema;
  SYNFATE_TRY(core, add_core_tables(schema));
  SYNFATE_TRY(platform, program.add_tables(schema));
  (void)core, (void)platform;
  return schema;
}

std::vector<PluginDirectory> plugin_directories(const Program& program, const Options& options) {
  std::vector<PluginDirectory> directories;
  if (program.linked.empty())
    if (auto built_in = built_in_plugin_directory(program.path))
      directories.push_back({*built_in, Origin::built_in});
  for (const auto& directory : options.plugins)
    directories.push_back({directory, Origin::site});
  return directories;
}

} // namespace

Result<std::unique_ptr<Session>> Session::open(const Program& program, const Options& options) {
  SYNFATE_TRY(schema, schema_of(program));
  std::unique_ptr<Session> session(new Session(std::move(schema)));
  const Status status = options.snapshot_file.empty() ? session->open_live(program, options)
                                                      : session->open_file(options);
  if (!status)
    return status.error();
  const std::string& os = session->snapshot_.host().os;
  session->model_ = program.model(os);
  if (session->model_ == nullptr)
    return Error{.code = ErrorCode::unsupported,
                 .doing = "explaining a snapshot",
                 .where = os,
                 .detail = "there is no model of this operating system's packet path",
                 .hint = {}};
  return session;
}

Status Session::open_live(const Program& program, const Options& options) {
  if (!options.netns.empty()) {
    SYNFATE_TRY(entered, program.enter_netns(options.netns));
    (void)entered;
  }
  SYNFATE_TRY(facts, program.system.host_facts());
  Schema schema = snapshot_.schema();
  LoadOptions load{.platform = program.platform, .program = program.path, .worker = program.worker};
  SYNFATE_TRY(loaded, load_plugins(plugin_directories(program, options), program.linked, schema,
                                   program.system, load));
  snapshot_ = Snapshot(std::move(schema));
  snapshot_.set_host(facts);
  plugins_ = std::move(loaded);
  for (const auto& gap : plugins_.gaps)
    snapshot_.add_gap(gap);
  HostOptions host{.home_netns = facts.netns,
                   .deadline_ms = static_cast<std::int64_t>(options.timeout_seconds * 1000),
                   .timed = options.verbose};
  host_ = std::make_unique<Host>(std::move(plugins_.collectors), program.system, host);
  return Done{};
}

Status Session::open_file(const Options& options) {
  SYNFATE_TRY(read, read_snapshot(options.snapshot_file, snapshot_.schema()));
  snapshot_ = std::move(read);
  snapshot_.seal();
  return Done{};
}

Status Session::save(const Program& program, const Options& options) const {
  if (options.save_file.empty())
    return Done{};
  return save_snapshot(snapshot_, program.version, options.save_file);
}

bool Session::outrun(Options& options) const {
  if (host_ == nullptr || !model_->outrun(snapshot_))
    return false;
  const double left = static_cast<double>(host_->milliseconds_left()) / 1000;
  const bool time = left > options.timeout_seconds / 2; // this attempt took no longer
  options.timeout_seconds = left;
  return time;
}

void Session::collect(const std::vector<Request>& needs, int round) {
  if (host_ != nullptr && round < most_rounds) {
    host_->collect(snapshot_, needs);
    return;
  }
  const Gap gap{.id = "never-settled",
                .what = to_string(needs.front()),
                .why = "the question was asked again and again",
                .effect = "the answer is incomplete",
                .remedy = "this is a bug of synfate: please report it with --save FILE"};
  snapshot_.add_gap(gap);
  for (const auto& need : needs)
    snapshot_.answered(need, {gap.id});
}

void Session::attend(Inquiry& inquiry) {
  inquiry.read_at_once([this](const Request& request, bool hastily) {
    if (hastily || model_->reads_at_once(request.table))
      collect({request});
  });
}

void Session::adopt(const Inquiry& inquiry) {
  for (const auto& gap : inquiry.new_gaps())
    snapshot_.add_gap(gap);
}

std::string Session::timings() const {
  std::string text;
  if (host_ == nullptr)
    return text;
  for (const auto& timing : host_->timings())
    text += fmt::format("{:8.3f} ms  {:>7} rows  {}: {}\n", timing.milliseconds, timing.rows,
                        timing.plugin, escape_for_terminal(timing.request));
  return text;
}

TextOptions text_options(const Program& program, const Options& options) {
  return {.width = program.terminal.is_terminal ? program.terminal.width : 0,
          .colour = program.terminal.is_terminal && !options.no_color && !program.no_color,
          .charset = program.terminal.utf8 ? Charset::utf8 : Charset::ascii,
          .verbose = options.verbose};
}

int report_error(const Program& program, const Error& error) {
  program.err << "synfate: " << escape_for_terminal(to_string(error)) << "\n";
  return error.code == ErrorCode::invalid_input || error.code == ErrorCode::damaged ||
                 error.code == ErrorCode::not_found || error.code == ErrorCode::unsupported
             ? 2
             : 3;
}

Error unknown_format(const std::string& format, const std::string& known) {
  return {.code = ErrorCode::invalid_input,
          .doing = "choosing the format",
          .where = format,
          .detail = "there is no such format here",
          .hint = "Formats: " + known + "."};
}

} // namespace synfate
