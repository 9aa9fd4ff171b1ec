// One recording of a file, on its way to a report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cgroup/scan.h"
#include "cli/moment.h"
#include "facts/fact.h"
#include "lives/life_table.h"
#include "lives/timeline_rows.h"
#include "recording/window.h"

namespace memspike::cli {

// The part of a recording that is asked about.
struct Part {
  std::optional<Moment> from;
  std::optional<Moment> to;

  bool is_whole() const { return !from && !to; }
};

class Replay {
 public:
  // `rows`: takes those of the timelines that are reported on; may be nothing.
  Replay(lives::LifeOptions options, Part part, lives::TimelineRows::Take rows = {});
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  lives::LifeTable& table() { return lives_; }
  void apply(const facts::Fact& fact);

  // ErrorKind::usage where nothing of the recording lies in the part.
  Result<void> check_part() const;
  // Leaves of the report's stacks those of the spike at that moment. ErrorKind::usage where there is none.
  Result<void> keep_spike(const Moment& moment, report::Report& report) const;
  bool has_container(const std::string& wanted) const;
  const std::vector<cgroup::ContainerInfo>& containers() const { return containers_; }

 private:
  void look_at(const facts::Fact& fact);
  void see(const facts::Description& description);
  std::uint64_t offset_of(const Moment& moment) const;
  std::string told() const;

  lives::LifeTable lives_;
  std::optional<lives::TimelineRows> rows_;
  Part part_;
  std::optional<recording::Window> window_;  // once it is known when the recording started
  std::uint64_t start_monotonic_ns_ = 0;
  std::uint64_t start_realtime_ns_ = 0;
  std::uint64_t last_ns_ = 0;
  std::vector<cgroup::ContainerInfo> containers_;
};

}  // namespace memspike::cli
