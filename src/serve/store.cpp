#include "serve/store.h"

#include <utility>

#include "process/clock.h"
#include "serve/catch_up.h"
#include "serve/files.h"
#include "serve/kill_log.h"
#include "views/json/json.h"
#include "views/text/text.h"

namespace memspike::serve {
namespace {

constexpr std::size_t kMostWaiting = 256;
constexpr unsigned kReportColumns = 100;
constexpr std::uint64_t kTellAgainNs = 600'000'000'000;
constexpr std::size_t kMostTold = 16;

Result<void> fill_dossier(const Excerpt& excerpt, const std::filesystem::path& directory) {
  std::string recording;
  const auto append = [&recording](std::string_view bytes) -> Result<void> {
    recording += bytes;
    return {};
  };
  auto report = write_recording(excerpt, append);
  if (!report) return tl::unexpected(report.error());
  if (auto written = write_whole(directory / kRecordingFile, recording); !written) return written;
  views::TextStyle style;
  style.columns = kReportColumns;
  if (auto written = write_whole(directory / kTextFile, views::render_short(*report, style)); !written)
    return written;
  return write_whole(directory / kJsonFile, views::render_json(*report));
}

}  // namespace

Store::Store(std::filesystem::path data_dir, Dossiers::Limits limits,
             std::function<void(const std::string& text)> warn)
    : data_dir_(std::move(data_dir)),
      warn_(std::move(warn)),
      dossiers_(data_dir_ / "dossiers", limits),
      background_(kMostWaiting) {}

void Store::open(const std::optional<Error>& problem) {
  const auto opened = problem ? Result<void>(tl::unexpected(*problem)) : dossiers_.open();
  is_usable_ = opened.has_value();
  if (!opened) {
    Error error = opened.error();
    error.message += "; kills are counted, and no dossiers are kept";
    note_failure(error);
  }
  count_dossiers();
}

void Store::finish() {
  background_.finish();
  is_finished_ = true;
}

Written Store::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

std::vector<Store::Done> Store::take_done() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void Store::count_dossiers() {
  const std::lock_guard lock(mutex_);
  written_.dossiers = dossiers_.entries().size();
  written_.dossier_bytes = dossiers_.bytes();
  written_.forgotten = dossiers_.forgotten();
}

// A disk that is full fails at each kill: the same is told now and then.
void Store::note_failure(const Error& error) {
  const std::uint64_t now_ns = monotonic_ns();
  {
    const std::lock_guard lock(mutex_);
    ++written_.failed;
    written_.last_failure = error.message;
    if (told_.size() >= kMostTold) told_.clear();
    std::uint64_t& told_ns = told_[error.message];
    if (told_ns != 0 && now_ns < told_ns + kTellAgainNs) return;
    told_ns = now_ns;
  }
  warn_(error.message);
}

void Store::settle(Done done) {
  const std::lock_guard lock(mutex_);
  if (done.name.empty()) ++written_.unkept_dossiers;
  if (!done.name.empty()) ++written_.made;
  done_.push_back(std::move(done));
}

void Store::post(Background::Job job, const std::function<void()>& otherwise) {
  if (is_finished_) return job();
  if (background_.post(std::move(job))) return;
  note_failure({ErrorKind::failed, "the disk is too slow: too much waits to be written", {}});
  otherwise();
}

void Store::keep(std::shared_ptr<const Excerpt> excerpt, Wanted wanted) {
  if (!is_usable_) return settle({std::move(wanted.numbers), "", "the data directory cannot be used"});
  const std::vector<std::uint64_t> numbers = wanted.numbers;
  post([this, excerpt = std::move(excerpt), wanted = std::move(wanted)] { write_dossier(*excerpt, wanted); },
       [&] {
         settle({numbers, "", "the disk was too slow"});
       });
}

void Store::write_dossier(const Excerpt& excerpt, const Wanted& wanted) {
  const auto fill = [&](const std::filesystem::path& directory) { return fill_dossier(excerpt, directory); };
  auto name = dossiers_.add(dossier_name(wanted.realtime_ns, wanted.subject), fill);
  if (!name) note_failure(name.error());
  count_dossiers();
  settle({wanted.numbers, name ? *name : "", name ? "" : name.error().message});
}

void Store::append(std::string lines, std::uint64_t count) {
  const auto lose = [&] {
    const std::lock_guard lock(mutex_);
    written_.unkept_lines += count;
  };
  if (!is_usable_) return lose();
  post([this, lines = std::move(lines), count] { write_lines(lines, count); }, lose);
}

void Store::write_lines(const std::string& lines, std::uint64_t count) {
  const auto written = append_to_log(data_dir_, lines);
  if (written) return;
  note_failure(written.error());
  const std::lock_guard lock(mutex_);
  written_.unkept_lines += count;
}

void Store::save_counts(std::string text) {
  if (!is_usable_) return;
  post(
      [this, text = std::move(text)] {
        if (auto written = write_catch_up(data_dir_, text); !written) note_failure(written.error());
      },
      [] {});
}

}  // namespace memspike::serve
