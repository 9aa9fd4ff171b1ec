// What a service counts of each subject, through restarts and for some minutes after its end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "facts/fact.h"
#include "serve/subject.h"
#include "spike/burst_detector.h"

namespace memspike::serve {

// Whose limit killed, seen from the container that lost a process.
enum class KilledBy { own, pod, ancestor, node, unknown };
inline constexpr std::array<std::string_view, 5> kKilledBy{"own", "pod", "ancestor", "node", "unknown"};

// A classic histogram: counts below fixed bounds.
template <std::size_t kBounds>
struct Buckets {
  std::array<std::uint64_t, kBounds + 1> counts{};  // not cumulated; the last one is above all bounds
  std::uint64_t count = 0;
  double sum = 0;

  void add(const std::array<double, kBounds>& bounds, double value) {
    std::size_t at = 0;
    while (at < kBounds && value > bounds[at]) ++at;
    ++counts[at];
    ++count;
    sum += value;
  }
};

inline constexpr std::array<double, 8> kShareBounds{0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0};
inline constexpr std::array<double, 8> kDurationBounds{0.001, 0.01, 0.1, 0.5, 1, 5, 30, 300};
inline constexpr std::array<double, 8> kHeadroomBounds{0,          65'536,     1'048'576,   4'194'304,
                                                       16'777'216, 67'108'864, 268'435'456, 1'073'741'824};

// Scrapers that are told apart: each has a peak of its own since it asked last.
inline constexpr std::size_t kScrapers = 8;

// Highest usage in each of the last seconds.
inline constexpr std::size_t kMinute = 60;

// Plain values: a copy is what is handed to who asks.
struct Series {
  SubjectId id;
  std::string path;  // of its latest life
  std::uint64_t usage_bytes = 0;
  OptionalBytes limit_bytes;
  std::uint64_t life_peak_bytes = 0;  // the kernel's own maximum of the latest life
  std::uint64_t ever_peak_bytes = 0;  // highest usage since the service runs
  std::array<std::uint64_t, kScrapers> peak_bytes{};
  std::uint64_t steepest_bytes_per_second = 0;  // of all bursts
  std::uint64_t bursts = 0;
  std::array<std::uint64_t, kKilledBy.size()> kills{};
  std::uint64_t refused_charges = 0;
  std::uint64_t throttled_charges = 0;
  std::uint64_t stalls = 0;
  std::uint64_t stalled_ns = 0;
  std::uint64_t near_limit_ns = 0;  // above nine tenths of the limit
  std::uint64_t thinned_moves = 0;  // counted, and not told one by one
  std::uint64_t lives = 0;
  std::uint64_t first_ns = 0;  // it is counted since then
  std::uint64_t born_ns = 0;   // the latest life
  std::uint64_t ended_ns = 0;  // the last life that ended
  std::size_t living = 0;
  std::array<std::uint32_t, kMinute>
      minute_kib{};  // a ring: the oldest at minute_at; small, for there are many
  std::size_t minute_at = 0;
  std::uint64_t second_bytes = 0;  // of the second under way
  Buckets<8> burst_share;          // height, of the limit
  Buckets<8> burst_seconds;
  Buckets<8> burst_headroom_bytes;

  std::uint64_t all_kills() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : kills) sum += each;
    return sum;
  }
};

class Meters {
 public:
  static constexpr std::size_t kMaxSeries = 4096;
  // What has no name yet is not told before that: it gets one soon, as a rule.
  static constexpr std::uint64_t kNamelessNs = 10'000'000'000;
  static constexpr std::uint64_t kStayNs = 300'000'000'000;

  // A life begins to count for a subject; one that gets its name only now goes on counting for that.
  void begin(facts::MemcgIndex memcg, const SubjectId& subject, const std::string& path,
             std::uint64_t time_ns);
  void end(facts::MemcgIndex memcg, std::uint64_t time_ns);
  // A life that is over gets its name only now.
  void rename(const SubjectId& before, const SubjectId& subject, std::uint64_t now_ns);

  // `limit_above_bytes`: the nearest limit further out, for what counts as a burst where there is none here.
  void row(facts::MemcgIndex memcg, const timeline::Row& row, OptionalBytes limit_above_bytes);
  void kill(facts::MemcgIndex memcg, std::uint64_t time_ns, KilledBy by);
  // Kills that nobody saw, by the kernel's count.
  void add_unseen_kills(const SubjectId& subject, std::uint64_t kills, std::uint64_t now_ns);
  // What a run before has counted: it goes on from there, and stays as long as what ended now.
  void restore(const SubjectId& subject, const std::array<std::uint64_t, kKilledBy.size()>& kills,
               std::uint64_t now_ns);
  void limit_hit(facts::MemcgIndex memcg, const near_miss::LimitHits& hits);
  void stall(facts::MemcgIndex memcg, std::uint64_t duration_ns);
  void thin(facts::MemcgIndex memcg, std::uint64_t moves);

  // Forgets what ended for long. Once a second.
  void tick(std::uint64_t now_ns);

  bool counts(facts::MemcgIndex memcg) const { return lives_.count(memcg) > 0; }
  const Series* find(const SubjectId& subject) const;
  const std::map<SubjectId, std::unique_ptr<Series>>& all() const { return series_; }
  std::size_t size() const { return series_.size(); }
  std::uint64_t dropped() const { return dropped_; }  // subjects for which there was no room

  // All as of now. `scraper`: its peaks begin anew with this; see scraper_of().
  std::vector<Series> take(std::uint64_t now_ns, std::optional<std::size_t> scraper);

  // The place of a scraper of this name; the one that asked the longest ago makes room for a new one.
  std::size_t scraper_of(std::string_view name, std::uint64_t now_ns);

 private:
  struct Life {
    explicit Life(std::uint64_t threshold_bytes);
    Series* series = nullptr;
    spike::BurstDetector bursts;
    std::optional<timeline::Row> last;
  };
  struct Scraper {
    std::string name;
    std::uint64_t asked_ns = 0;
  };

  Series* series_of(const SubjectId& subject, std::uint64_t now_ns);
  void count_ended(Series& series);
  static std::uint64_t near_limit_ns(const timeline::Row& row, std::uint64_t until_ns);
  void start_peaks(std::size_t scraper);

  std::map<SubjectId, std::unique_ptr<Series>> series_;
  std::unordered_map<facts::MemcgIndex, std::unique_ptr<Life>> lives_;
  std::array<Scraper, kScrapers> scrapers_;
  std::vector<spike::Burst> ended_;  // scratch
  std::uint64_t dropped_ = 0;
};

}  // namespace memspike::serve
