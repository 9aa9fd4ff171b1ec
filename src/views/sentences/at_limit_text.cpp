#include "views/sentences/at_limit_text.h"

#include <fmt/core.h>

#include <algorithm>

#include "views/kit/style.h"
#include "views/sentences/labels.h"

namespace memspike::views {
namespace {

using near_miss::StandCause;

// "python3 (pid 4711)", "python3 (pid 4711) and 3 others".
std::string who(const report::Standstill& standstill, const Page& page) {
  if (standstill.threads.empty()) return "a task";
  const report::StandingThread& first = standstill.threads.front();
  std::string text =
      fmt::format("{} (pid {})", first.comm.empty() ? "a task" : page.escape(first.comm), first.pid);
  const std::uint64_t others = standstill.threads.size() - 1 + standstill.further_threads;
  if (others > 0) text += fmt::format(" and {} more {}", grouped(others), others == 1 ? "thread" : "threads");
  return text;
}

std::string why(const report::Standstill& standstill, const report::Report& report, const Page& page) {
  const std::uint64_t stood_ns = standstill.threads.empty() ? 0 : standstill.threads.front().stood_ns;
  const bool many = standstill.threads.size() + standstill.further_threads > 1;
  switch (standstill.cause) {
    case StandCause::killer_disabled: {
      const std::string where = standstill.limit_path
                                    ? fmt::format(" of {}", limit_owner(*standstill.limit_path, report, page))
                                    : std::string();
      return fmt::format("{} for room, and the OOM killer{} is disabled (memory.oom_control)",
                         many ? "wait" : "waits", where);
    }
    case StandCause::reclaim:
      return fmt::format("spent {} of it in reclaim, which gave just enough to go on",
                         page.duration(stood_ns));
    case StandCause::throttled:
      return fmt::format("slept {} of it, throttled by memory.high", page.duration(stood_ns));
  }
  return {};
}

std::string how_long(const report::Standstill& standstill, const Page& page) {
  return fmt::format("for {}{}", page.duration(standstill.duration_ns()),
                     standstill.ongoing ? ", and still did when the recording ended" : "");
}

std::string held_phrase(const report::Memcg& memcg, const Page& page) {
  const report::AtLimit& at = memcg.at_limit;
  return fmt::format("was held at its memory.high of {} for {} (throttled {}, tasks slept {} in all)",
                     page.bytes(*at.high_bytes), page.duration(at.held_at_high_ns),
                     times(std::max(memcg.near_misses.throttled_charges.value_or(0), at.sleeps.count)),
                     page.duration(at.sleeps.total_ns));
}

// The page cache in the closest moment, where it makes a difference: more than what usage may be wrong by.
const composition::Unreclaimable::Closest* saved_by_cache(const report::Memcg& memcg) {
  constexpr std::uint64_t kLeastBytes = 1U << 20;
  const auto& closest = memcg.at_limit.closest;
  if (!closest || closest->cache_bytes < std::max(kLeastBytes, closest->usage_bytes / 20)) return nullptr;
  return &*closest;
}

}  // namespace

std::optional<std::string> stood_phrase(const report::Subject& subject, const report::Report& report,
                                        const Page& page) {
  const report::Memcg& memcg = subject.memcg;
  const report::Standstill* longest = memcg.at_limit.longest();
  const bool throttled = longest == nullptr || longest->cause == StandCause::throttled;
  if (throttled && memcg.at_limit.was_held_at_high()) return held_phrase(memcg, page);
  if (longest == nullptr) return std::nullopt;
  const std::string limit = longest->limit_path ? "the limit above it"
                            : memcg.limit_bytes
                                ? fmt::format("its limit of {}", page.bytes(*memcg.limit_bytes))
                                : std::string("a limit");
  const char* const verb = longest->cause == StandCause::killer_disabled ? "hung" : "got nowhere";
  return fmt::format("{} at {} {}: {} {}", verb, limit, how_long(*longest, page), who(*longest, page),
                     why(*longest, report, page));
}

std::string headroom_phrase(const report::Memcg& memcg, const report::Burst* burst, const Page& page) {
  const report::Standstill* longest = memcg.at_limit.longest();
  if (longest != nullptr && longest->cause == StandCause::killer_disabled) return {};
  const auto headroom_bytes = burst != nullptr ? spike::headroom_of(*burst) : std::nullopt;
  if (!headroom_bytes) return {};
  if (burst->is_of_high) {
    const bool is_told = memcg.at_limit.was_held_at_high();
    const char* const whose = memcg.at_limit.high_bytes ? "its memory.high" : "a memory.high above it";
    if (*headroom_bytes == 0) return is_told ? std::string() : fmt::format(", held down by {}", whose);
    return fmt::format(", {} short of {}", page.bytes(*headroom_bytes), whose);
  }
  if (const auto* closest = saved_by_cache(memcg)) {
    return fmt::format(", {} of it page cache that can be reclaimed: {} short of being killed",
                       page.bytes(closest->cache_bytes), page.bytes(closest->headroom_bytes));
  }
  return fmt::format(", {} short of being killed", page.bytes(*headroom_bytes));
}

bool came_close(const report::Memcg& memcg, double share) {
  if (!memcg.limit_bytes) return false;
  const double limit = static_cast<double>(*memcg.limit_bytes);
  std::uint64_t most_bytes = memcg.usage.peak_bytes;
  if (memcg.at_limit.unreclaimable_peak_bytes) {
    most_bytes = std::min(most_bytes, *memcg.at_limit.unreclaimable_peak_bytes);
  }
  return static_cast<double>(most_bytes) >= share * limit;
}

std::string standstill_text(const report::Standstill& standstill, const report::Report& report,
                            const Page& page) {
  return fmt::format("from {} {}: {} {}", page.time(standstill.begin_ns), how_long(standstill, page),
                     who(standstill, page), why(standstill, report, page));
}

std::string held_text(const report::Memcg& memcg, const Page& page) {
  const report::AtLimit& at = memcg.at_limit;
  if (!at.high_bytes) return {};
  std::string text = fmt::format("memory.high {}", page.bytes(*at.high_bytes));
  if (at.held_at_high_ns == 0) {
    const std::uint64_t left = *at.high_bytes - std::min(*at.high_bytes, memcg.usage.peak_bytes);
    return text + fmt::format(": never reached, {} were left", page.bytes(left));
  }
  text += fmt::format(": usage stood there for {}", page.duration(at.held_at_high_ns));
  if (at.sleeps.count > 0) {
    text += fmt::format("; tasks were put to sleep {}: {} in all, the longest {}", times(at.sleeps.count),
                        page.duration(at.sleeps.total_ns), page.duration(at.sleeps.longest_ns));
  }
  if (memcg.near_misses.pressure_ns) {
    text += fmt::format("; by the kernel's count (memory.pressure) a task stood still for {}",
                        page.duration(*memcg.near_misses.pressure_ns));
  }
  return text;
}

std::string cache_text(const report::Memcg& memcg, const Page& page) {
  const auto* closest = saved_by_cache(memcg);
  if (closest == nullptr) return {};
  return fmt::format(
      "when it was nearest to the limit, at {}, {} of {} were page cache that can be reclaimed: {} "
      "were left",
      page.time(closest->time_ns), page.bytes(closest->cache_bytes), page.bytes(closest->usage_bytes),
      page.bytes(closest->headroom_bytes));
}

}  // namespace memspike::views
