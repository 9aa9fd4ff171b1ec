// How often the sweep looks at a memcg that is quiet: as bpf/cadence.bpf.h has it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace memspike::probe {

// In sweeps, as powers of two.
struct Cadence {
  std::uint32_t quiet_shift = 0;  // so many without a move halve the looks
  std::uint32_t max_shift = 0;    // one look in so many, at least
  std::uint32_t step_shift = 0;   // the timer fires once in so many, at least

  static constexpr std::uint64_t kQuietNs = 1'000'000'000;
  static constexpr std::uint64_t kSeldomNs = 64'000'000;
  static constexpr std::uint64_t kSlowTimerNs = 16'000'000;

  static Cadence of_period(std::uint64_t period_ns) {
    const auto sweeps_in = [&](std::uint64_t ns) {
      const std::uint64_t sweeps = std::max<std::uint64_t>(1, ns / std::max<std::uint64_t>(1, period_ns));
      return static_cast<std::uint32_t>(std::bit_width(sweeps) - 1);
    };
    return {sweeps_in(kQuietNs), sweeps_in(kSeldomNs), sweeps_in(kSlowTimerNs)};
  }

  // Whether a slot that moved last at sweep `moved` is looked at in this one. Quiet ones take turns.
  bool is_due(std::uint32_t sweep, std::uint32_t moved, std::uint32_t slot) const {
    const std::uint32_t shift = std::min((sweep - moved) >> quiet_shift, max_shift);
    return ((sweep + slot) & ((1U << shift) - 1)) == 0;
  }
};

}  // namespace memspike::probe
