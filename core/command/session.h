// One run's facts: the snapshot, where they come from, and the loop that reads what is needed.
//
// A walk or a rule that lacks facts says which; settle() has them collected and asks again, until
// nothing is missing or the deadline has passed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/command/options.h"
#include "core/command/program.h"
#include "core/facts/snapshot.h"
#include "core/plugin/host.h"
#include "core/plugin/loader.h"

namespace synfate {

class Session {
public:
  /// Opens the live host or the file of --snapshot, as the options say.
  static Result<std::unique_ptr<Session>> open(const Program& program, const Options& options);
  /// Opens a session and has `work(session)`, a Status, done in it; once more in a new one where
  /// the facts changed while they were read and there is time.
  template <typename Work>
  static Result<std::unique_ptr<Session>> answer(const Program& program, const Options& options,
                                                 Work work) {
    Options left = options;
    for (int attempt = 1;; ++attempt) {
      SYNFATE_TRY(session, open(program, left));
      SYNFATE_TRY(worked, work(*session));
      static_cast<void>(worked);
      if (attempt == most_attempts || !session->outrun(left))
        return session;
    }
  }

  Snapshot& snapshot() { return snapshot_; }
  const Snapshot& snapshot() const { return snapshot_; }
  Model& model() { return *model_; }
  bool live() const { return host_ != nullptr; }
  const LoadedPlugins& plugins() const { return plugins_; }
  LoadedPlugins& plugins() { return plugins_; }
  Host* host() { return host_.get(); }
  /// True once the run's deadline has passed; never on a replay.
  bool late() const { return host_ != nullptr && host_->milliseconds_left() <= 0; }

  /// Calls `work(inquiry)` until it needs nothing more, or gives up; its last result. What a glance
  /// did not see is nobody else's gap.
  template <typename Work> auto settle(Work work, Depth depth = Depth::whole) {
    for (int round = 0;; ++round) {
      Inquiry inquiry(snapshot_, depth);
      auto result = work(inquiry);
      if (!inquiry.pending() || inquiry.too_much()) {
        if (depth == Depth::whole)
          adopt(inquiry);
        return result;
      }
      collect(inquiry.needs(), round);
    }
  }

  /// Has what the model reads at once collected while the inquiry waits.
  void attend(Inquiry& inquiry);
  /// Has requests collected; on a replay they become gaps.
  void collect(const std::vector<Request>& needs, int round = 0);
  /// Takes over the gaps that an inquiry found out about.
  void adopt(const Inquiry& inquiry);
  /// Writes what this run read to the file of --save, if there is one.
  Status save(const Program& program, const Options& options) const;
  /// What was read and how long it took, for -v.
  std::string timings() const;

private:
  static constexpr int most_attempts = 5;
  /// True if the facts changed while they were read; then `options` are for the next attempt.
  bool outrun(Options& options) const;
  explicit Session(Schema schema) : snapshot_(std::move(schema)) {}
  Status open_live(const Program& program, const Options& options);
  Status open_file(const Options& options);

  Snapshot snapshot_;
  std::unique_ptr<Model> model_;
  LoadedPlugins plugins_;
  std::unique_ptr<Host> host_;
};

/// How to print, from the options and the terminal.
struct TextOptions;
TextOptions text_options(const Program& program, const Options& options);

/// Prints an error and gives exit status 2 or 3.
int report_error(const Program& program, const Error& error);

/// The error for a format that a command does not have.
Error unknown_format(const std::string& format, const std::string& known);

} // namespace synfate
