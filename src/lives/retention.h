// What is kept of lives, how much of it, and for how long: here and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "spike/burst_detector.h"
#include "spike/detector.h"

namespace memspike::lives {

struct Retention {
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  // Of one recording, which ends: as much as there is. What there may be too much of has bounds all the same.
  static Retention everything() { return {}; }
  // Of what never ends: lives that are over go after some minutes, and of all else the oldest goes first.
  static Retention recent() {
    constexpr std::uint64_t kDeadNs = 600'000'000'000;
    Retention some;
    some.dead_ns = kDeadNs;
    some.dead_lives = 1024;
    some.oldest_go_first = true;
    some.threads = 8192;
    some.kills_of_each = 256;
    some.spikes_of_each = some.most_spikes_of_one = 64;
    some.recent_rows = 96;
    some.ledger_entries = 24;
    some.time_log_entries = 24;
    some.readings = 12;
    some.overview_buckets = 96;
    some.fold_bins = 128;
    some.spike_limits = {64, 64, 64, 64, 64};
    some.burst_limits = {16, 64};
    return some;
  }

  // Of lives that are over: for how long, and how many, some 3.5 KiB each; the oldest go first. As many again
  // of those that lost a process to the OOM killer: whoever makes very many cgroups drives none of them out.
  std::optional<std::uint64_t> dead_ns;  // unset: for ever
  std::size_t dead_lives = 4096;
  std::size_t fine_overviews = 64;  // pictures of dead ones that are as fine as those of the living

  // Of all lives together.
  bool oldest_go_first = false;  // of log lines, notes and threads; else the first ones stay
  std::size_t log_lines = 4096;
  std::size_t notes = 50;
  std::size_t kill_windows = 200;  // 32 kB each
  std::size_t threads = 65'536;    // some 25 MB

  // OOM kills of one memcg, some 1.5 KiB each: of the earlier ones the number is kept.
  std::size_t kills_of_each = 4096;

  // Spikes that are kept where memory is bounded: of one memcg, of all together, of each of very many.
  std::size_t most_spikes_of_one = 16'384;
  std::size_t spikes_of_all = 65'536;
  std::size_t spikes_of_each = 256;

  // Of each that lives, until its next spike is known.
  std::size_t recent_rows = 2000;
  std::size_t ledger_entries = 4096;
  std::size_t time_log_entries = 4096;
  std::size_t readings = 1024;
  std::size_t overview_buckets = 512;
  std::size_t fold_bins = 2048;
  spike::Limits spike_limits = {};
  spike::BurstLimits burst_limits = {};
};

}  // namespace memspike::lives
