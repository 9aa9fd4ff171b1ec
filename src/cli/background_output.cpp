#include "cli/background_output.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace memspike::cli {
namespace {

using Clock = std::chrono::steady_clock;

// So much is written at a time that a slow reader's progress is seen.
constexpr std::size_t kSliceForReaderBytes = 4U << 10;
constexpr std::size_t kSliceForDiskBytes = 1U << 20;

}  // namespace

// Shared with the thread, which may outlive its owner.
struct BackgroundOutput::State {
  struct Job {
    enum class Kind { write, sync, close };
    Kind kind = Kind::write;
    std::string text = {};
  };

  State(Output writes_to, std::size_t room)
      : output(std::move(writes_to)),
        slice_bytes(output.has_reader() ? kSliceForReaderBytes : kSliceForDiskBytes),
        room_bytes(room) {}

  void work();
  Result<void> perform(const Job& job);
  Result<void> write_in_slices(std::string_view text);
  void step();
  bool asked_last(Job::Kind kind) const { return !jobs.empty() && jobs.back().kind == kind; }
  void add(Job job);

  Output output;  // the thread's alone, once that runs
  const std::size_t slice_bytes;
  const std::size_t room_bytes;

  mutable std::mutex mutex;  // of all that follows
  mutable std::condition_variable changed;
  std::deque<Job> jobs;  // the first is under way
  std::size_t waiting_bytes = 0;
  Clock::time_point last_step;
  std::optional<Error> failure;
  bool is_closed = false;     // nothing is taken any more
  bool is_abandoned = false;  // nobody wants to know the rest
};

void BackgroundOutput::State::step() {
  const std::lock_guard lock(mutex);
  last_step = Clock::now();
}

Result<void> BackgroundOutput::State::write_in_slices(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), slice_bytes))) {
    if (auto written = output.write(text.substr(0, slice_bytes)); !written) return written;
    step();
  }
  return {};
}

Result<void> BackgroundOutput::State::perform(const Job& job) {
  switch (job.kind) {
    case Job::Kind::write:
      return write_in_slices(job.text);
    case Job::Kind::sync:
      return output.sync();
    case Job::Kind::close:
      return output.close();
  }
  return {};
}

void BackgroundOutput::State::work() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return is_abandoned || !jobs.empty(); });
    if (is_abandoned) return;
    const Job& job = jobs.front();  // a deque's elements stay where they are when others are added
    lock.unlock();
    auto done = perform(job);
    lock.lock();
    last_step = Clock::now();
    waiting_bytes -= job.text.size();
    jobs.pop_front();
    if (!done) {
      failure = std::move(done.error());
      jobs.clear();
      waiting_bytes = 0;
    }
    changed.notify_all();
    if (failure) return;
  }
}

void BackgroundOutput::State::add(Job job) {
  if (jobs.empty()) last_step = Clock::now();
  waiting_bytes += job.text.size();
  jobs.push_back(std::move(job));
  changed.notify_all();
}

BackgroundOutput::BackgroundOutput(Output output, std::size_t room_bytes)
    : fd_(output.fd()), has_reader_(output.has_reader()), name_(output.name()) {
  state_ = std::make_shared<State>(std::move(output), room_bytes);
}

BackgroundOutput::~BackgroundOutput() {
  const std::lock_guard lock(state_->mutex);
  state_->is_abandoned = true;
  state_->changed.notify_all();
}

Result<void> BackgroundOutput::start() {
  try {
    std::thread([state = state_] { state->work(); }).detach();
  } catch (const std::system_error& error) {
    const std::lock_guard lock(state_->mutex);
    state_->failure = Error{
        ErrorKind::failed, fmt::format("cannot start a thread to write to {}: {}", name_, error.what()), {}};
    state_->jobs.clear();
    return tl::unexpected(*state_->failure);
  }
  return {};
}

std::size_t BackgroundOutput::waiting_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->waiting_bytes;
}

bool BackgroundOutput::is_half_empty() const { return waiting_bytes() <= state_->room_bytes / 2; }

bool BackgroundOutput::offer(std::string_view text) {
  const std::lock_guard lock(state_->mutex);
  if (state_->failure || state_->is_closed) return false;
  if (state_->waiting_bytes + text.size() > state_->room_bytes) return false;
  if (!text.empty()) state_->add({State::Job::Kind::write, std::string(text)});
  return true;
}

void BackgroundOutput::sync() {
  const std::lock_guard lock(state_->mutex);
  if (state_->failure || state_->is_closed || state_->asked_last(State::Job::Kind::sync)) return;
  state_->add({State::Job::Kind::sync});
}

void BackgroundOutput::close() {
  const std::lock_guard lock(state_->mutex);
  if (state_->failure || std::exchange(state_->is_closed, true)) return;
  state_->add({State::Job::Kind::close});
}

bool BackgroundOutput::wait(std::chrono::milliseconds most) const {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, most, [this] { return state_->jobs.empty(); });
}

std::chrono::nanoseconds BackgroundOutput::stalled() const {
  const std::lock_guard lock(state_->mutex);
  return state_->jobs.empty() ? std::chrono::nanoseconds{0} : Clock::now() - state_->last_step;
}

std::optional<Error> BackgroundOutput::failure() const {
  const std::lock_guard lock(state_->mutex);
  return state_->failure;
}

void BackgroundOutput::widen_pipe() {
  constexpr int kWideBytes = 1 << 20;                     // what anybody may ask for (fs.pipe-max-size)
  if (has_reader_) fcntl(fd_, F_SETPIPE_SZ, kWideBytes);  // of no pipe: refused
}

}  // namespace memspike::cli
