#include "cli/recorder.h"

#include <unistd.h>

#include <utility>

#include "process/clock.h"

namespace memspike::cli {
namespace {

constexpr std::uint64_t kSyncPeriodNs = 500'000'000;

recording::Writer::Clocks clocks_now() { return {monotonic_ns(), realtime_ns(), boottime_ns()}; }

}  // namespace

Recorder::Recorder(Output output)
    : output_(std::move(output)),
      writer_([this](std::string_view block) { return take(block); }, clocks_now()) {}

Result<std::unique_ptr<Recorder>> Recorder::open(const std::string& file) {
  auto output = Output::open(file, STDOUT_FILENO);
  if (!output) return tl::unexpected(output.error());
  return std::unique_ptr<Recorder>(new Recorder(std::move(*output)));
}

Result<void> Recorder::take(std::string_view block) {
  if (output_.offer(block)) return {};
  ended_ns_ = monotonic_ns();
  return fail(ErrorKind::failed, "no room");
}

void Recorder::apply(const facts::Fact& fact) {
  if (writer_.failed()) ++lost_facts_;
  writer_.write(fact);
}

void Recorder::tick(std::uint64_t now_ns) {
  if (now_ns < next_sync_ns_) return;
  next_sync_ns_ = now_ns + kSyncPeriodNs;
  static_cast<void>(writer_.flush());  // see take()
  output_.sync();
}

void Recorder::close() {
  static_cast<void>(writer_.flush());
  output_.sync();
  output_.close();
}

}  // namespace memspike::cli
