#include "cli/recorder.h"

#include <unistd.h>

#include <utility>

#include "cli/clock.h"

namespace memspike::cli {
namespace {

constexpr std::uint64_t kSyncPeriodNs = 500'000'000;

recording::Writer::Clocks read_clocks() {
  return {monotonic_ns(), clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_BOOTTIME)};
}

}  // namespace

Recorder::Recorder(Output output)
    : output_(std::move(output)),
      writer_([this](std::string_view bytes) { return output_.write(bytes); }, read_clocks()) {}

Result<std::unique_ptr<Recorder>> Recorder::open(const std::string& file) {
  auto output = Output::open(file, STDOUT_FILENO);
  if (!output) return tl::unexpected(output.error());
  return std::unique_ptr<Recorder>(new Recorder(std::move(*output)));
}

Result<void> Recorder::tick(std::uint64_t now_ns) {
  if (!is_due(now_ns)) return {};
  next_sync_ns_ = now_ns + kSyncPeriodNs;
  if (auto flushed = writer_.flush(); !flushed) return flushed;
  fdatasync(output_.fd());  // refused by a pipe, which has nothing to lose
  return {};
}

Result<void> Recorder::close() {
  if (auto flushed = writer_.flush(); !flushed) return flushed;
  return output_.close();
}

}  // namespace memspike::cli
