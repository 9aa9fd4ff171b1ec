// What the JSON has beside plain values: times as people read them, and values with what they are read with.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "advice/advice.h"
#include "advice/observed.h"
#include "blindspot/fold.h"
#include "blindspot/scraper.h"
#include "facts/fields.h"
#include "facts/session.h"
#include "report/limits.h"
#include "report/report.h"

namespace memspike::views {

using facts::describe;
using report::to_text;

// An instant of CLOCK_REALTIME, in RFC 3339.
struct Utc {
  std::uint64_t realtime_ns = 0;
};

// Numbers by name.
struct Counters {
  const std::vector<facts::Counter>* all = nullptr;
};

// A fact that JSON shows with other fields than a recording.
template <class T>
struct Shown {
  T value = {};
};

struct CulpritShown {
  report::Thread thread;
  std::uint64_t pages = 0;
};

struct Chance {
  std::uint64_t period_ns = 0;
  std::uint32_t ppm = 0;
};

struct KernelLogShown {
  std::vector<std::string> lines;
  bool disagrees = false;
};

struct KillShown {
  report::OomKill kill;
  std::optional<bool> shows_oomkilled;
};

struct VictimParent {
  std::uint32_t pid = 0;
  std::string comm;
};

struct StackShown {
  facts::Stack stack;
  std::string way_in;  // of the kernel's part
  std::vector<std::string> kernel;
  std::vector<std::string> user;
};

struct StackPages {
  std::uint64_t total = 0;
  std::uint64_t overflow = 0;
  std::uint64_t with_user_stack = 0;
  std::uint64_t cut_short = 0;
};

// What the lives of one container have in common; without their spikes and timelines.
struct SubjectShown {
  std::string path;  // of the last
  facts::Role role = facts::Role::cgroup;
  std::optional<facts::Container> container;
  std::optional<facts::PodId> pod;
  std::uint64_t lives = 0;
  blindspot::Fold shown;
  bool working_set_known = true;
  advice::Observed observed;
  std::uint64_t peak_bytes = 0;
  std::optional<report::LimitAdvice> limits;
};

struct BlindSpot {
  bool working_set_known = true;
  std::vector<blindspot::Scraper> scrapers;
};

struct PercentAbove {
  unsigned percent = 0;
  std::uint64_t ns = 0;
};

constexpr std::string_view to_text(advice::Basis basis) {
  switch (basis) {
    case advice::Basis::spikes:
      return "spikes";
    case advice::Basis::extrapolated:
      return "extrapolated";
    case advice::Basis::held:
      return "held";
    case advice::Basis::told:
      return "told";
    case advice::Basis::level:
      return "level";
    case advice::Basis::today:
      return "today";
    case advice::Basis::pod:
      return "pod";
  }
  return "spikes";
}

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
inline constexpr bool kIsTuple = false;
template <class... T>
inline constexpr bool kIsTuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool kIsTuple<std::pair<A, B>> = true;

template <class T>
inline constexpr bool kIsRange = requires(const T& range) {
  range.begin();
  range.end();
};

// Whether an object spreads its members over lines; the small ones keep to one.
template <class T>
inline constexpr bool kSpread = false;
template <class T>
requires(std::is_same_v<T, report::Report> || std::is_same_v<T, Shown<facts::Session>> ||
         std::is_same_v<T, Shown<facts::Target>> || std::is_same_v<T, Shown<facts::Self>> ||
         std::is_same_v<T, report::Memcg> || std::is_same_v<T, report::Histograms> ||
         std::is_same_v<T, report::BurstHistograms> || std::is_same_v<T, report::NearMisses> ||
         std::is_same_v<T, report::AtLimit> || std::is_same_v<T, report::Allocations> ||
         std::is_same_v<T, SubjectShown> || std::is_same_v<T, BlindSpot> ||
         std::is_same_v<T, report::LimitAdvice>) inline constexpr bool kSpread<T> = true;

}  // namespace memspike::views
