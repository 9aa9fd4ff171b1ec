#include "serve/meter.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace memspike::serve {
namespace {

constexpr std::uint64_t kFloorBytes = 1U << 20;
constexpr spike::BurstLimits kBurstLimits{16, 64};

std::uint64_t threshold_bytes(OptionalBytes limit_bytes) {
  return std::max(kFloorBytes, limit_bytes ? *limit_bytes / 20 : 0);
}

template <std::size_t kBounds>
void add_buckets(const Buckets<kBounds>& from, Buckets<kBounds>& to) {
  for (std::size_t i = 0; i < from.counts.size(); ++i) to.counts[i] += from.counts[i];
  to.count += from.count;
  to.sum += from.sum;
}

void add_counts(const Series& from, Series& to) {
  to.bursts += from.bursts;
  for (std::size_t i = 0; i < from.kills.size(); ++i) to.kills[i] += from.kills[i];
  to.refused_charges += from.refused_charges;
  to.throttled_charges += from.throttled_charges;
  to.stalls += from.stalls;
  to.stalled_ns += from.stalled_ns;
  to.near_limit_ns += from.near_limit_ns;
  to.thinned_moves += from.thinned_moves;
  to.ever_peak_bytes = std::max(to.ever_peak_bytes, from.ever_peak_bytes);
  to.steepest_bytes_per_second = std::max(to.steepest_bytes_per_second, from.steepest_bytes_per_second);
  for (std::size_t i = 0; i < kScrapers; ++i)
    to.peak_bytes[i] = std::max(to.peak_bytes[i], from.peak_bytes[i]);
  add_buckets(from.burst_share, to.burst_share);
  add_buckets(from.burst_seconds, to.burst_seconds);
  add_buckets(from.burst_headroom_bytes, to.burst_headroom_bytes);
}

// Of two that are called the same, for neither has a name.
void fold(const Series& from, Series& to) {
  add_counts(from, to);
  to.lives += from.lives;
  to.living += from.living;
  to.usage_bytes += from.usage_bytes;
  to.life_peak_bytes = std::max(to.life_peak_bytes, from.life_peak_bytes);
}

}  // namespace

Meters::Life::Life(std::uint64_t threshold_bytes) : bursts(threshold_bytes, kBurstLimits) {}

Series* Meters::series_of(const SubjectId& subject, std::uint64_t now_ns) {
  if (const auto known = series_.find(subject); known != series_.end()) return known->second.get();
  if (series_.size() >= kMaxSeries) {
    ++dropped_;
    return nullptr;
  }
  auto series = std::make_unique<Series>();
  series->id = subject;
  series->first_ns = series->ended_ns = now_ns;
  return series_.emplace(subject, std::move(series)).first->second.get();
}

const Series* Meters::find(const SubjectId& subject) const {
  const auto known = series_.find(subject);
  return known == series_.end() ? nullptr : known->second.get();
}

void Meters::begin(facts::MemcgIndex memcg, const SubjectId& subject, const std::string& path,
                   std::uint64_t time_ns) {
  Series* series = series_of(subject, time_ns);
  if (series == nullptr) return;
  auto& life = lives_[memcg];
  if (life && life->series == series) return;
  if (life) {
    Series& before = *life->series;
    --before.living;
    before.ended_ns = time_ns;
    // What it counted until now was for nobody that has a name.
    if (before.living == 0 && before.lives == 1) {
      add_counts(before, *series);
      series_.erase(SubjectId(before.id));
    }
  } else {
    life = std::make_unique<Life>(kFloorBytes);
  }
  life->series = series;
  ++series->living;
  ++series->lives;
  series->path = path;
  series->born_ns = time_ns;
  series->life_peak_bytes = 0;
  if (!life->last) return;
  series->usage_bytes = life->last->usage_bytes;
  series->limit_bytes = life->last->limit_bytes;
  series->life_peak_bytes = life->last->watermark_bytes;
  series->ever_peak_bytes = std::max(series->ever_peak_bytes, life->last->usage_bytes);
  for (std::uint64_t& peak : series->peak_bytes) peak = std::max(peak, life->last->usage_bytes);
}

void Meters::rename(const SubjectId& before, const SubjectId& subject, std::uint64_t now_ns) {
  const auto known = series_.find(before);
  if (known == series_.end() || known->second->living > 0) return;
  Series* series = series_of(subject, now_ns);
  if (series == nullptr) return;
  add_counts(*known->second, *series);
  series->lives += known->second->lives;
  series_.erase(known);
}

void Meters::end(facts::MemcgIndex memcg, std::uint64_t time_ns) {
  const auto known = lives_.find(memcg);
  if (known == lives_.end()) return;
  Life& life = *known->second;
  if (life.last) life.series->near_limit_ns += near_limit_ns(*life.last, time_ns);
  life.bursts.finish(spike::Outcome::removed, ended_);
  count_ended(*life.series);
  if (--life.series->living == 0) life.series->usage_bytes = 0;
  life.series->ended_ns = time_ns;
  lives_.erase(known);
}

std::uint64_t Meters::near_limit_ns(const timeline::Row& row, std::uint64_t until_ns) {
  if (!row.limit_bytes || row.usage_bytes < *row.limit_bytes / 10 * 9) return 0;
  return until_ns - std::min(until_ns, row.time_ns);
}

void Meters::count_ended(Series& series) {
  for (const spike::Burst& burst : ended_) {
    ++series.bursts;
    if (const auto slope = burst.slope_bytes_per_second())
      series.steepest_bytes_per_second = std::max(series.steepest_bytes_per_second, *slope);
    series.burst_seconds.add(kDurationBounds, static_cast<double>(burst.duration_ns) / 1e9);
    if (burst.headroom_bytes != spike::kNoHeadroom)
      series.burst_headroom_bytes.add(kHeadroomBounds, static_cast<double>(burst.headroom_bytes));
    if (!series.limit_bytes || *series.limit_bytes == 0) continue;
    series.burst_share.add(
        kShareBounds, static_cast<double>(burst.height_bytes()) / static_cast<double>(*series.limit_bytes));
  }
  ended_.clear();
}

void Meters::row(facts::MemcgIndex memcg, const timeline::Row& row, OptionalBytes limit_above_bytes) {
  const auto known = lives_.find(memcg);
  if (known == lives_.end()) return;
  Life& life = *known->second;
  Series& series = *life.series;
  if (!life.last || life.last->limit_bytes != row.limit_bytes)
    life.bursts.set_threshold(threshold_bytes(row.limit_bytes ? row.limit_bytes : limit_above_bytes));
  if (life.last) series.near_limit_ns += near_limit_ns(*life.last, row.time_ns);
  life.last = row;
  series.usage_bytes = row.usage_bytes;
  series.limit_bytes = row.limit_bytes;
  series.life_peak_bytes = row.watermark_bytes;
  series.ever_peak_bytes = std::max(series.ever_peak_bytes, row.usage_bytes);
  series.second_bytes = std::max(series.second_bytes, row.usage_bytes);
  for (std::uint64_t& peak : series.peak_bytes) peak = std::max(peak, row.usage_bytes);
  life.bursts.push({row.time_ns, row.usage_bytes, row.headroom_bytes}, ended_);
  if (!ended_.empty()) count_ended(series);
}

void Meters::kill(facts::MemcgIndex memcg, std::uint64_t time_ns, KilledBy by) {
  const auto known = lives_.find(memcg);
  if (known == lives_.end()) return;
  ++known->second->series->kills[static_cast<std::size_t>(by)];
  known->second->bursts.note_kill(time_ns, ended_);
  count_ended(*known->second->series);
}

void Meters::add_unseen_kills(const SubjectId& subject, std::uint64_t kills, std::uint64_t now_ns) {
  if (Series* series = series_of(subject, now_ns))
    series->kills[static_cast<std::size_t>(KilledBy::unknown)] += kills;
}

void Meters::restore(const SubjectId& subject, const std::array<std::uint64_t, kKilledBy.size()>& kills,
                     std::uint64_t now_ns) {
  Series* series = series_of(subject, now_ns);
  if (series == nullptr) return;
  for (std::size_t by = 0; by < kills.size(); ++by) series->kills[by] += kills[by];
}

void Meters::limit_hit(facts::MemcgIndex memcg, const near_miss::LimitHits& hits) {
  const auto known = lives_.find(memcg);
  if (known == lives_.end()) return;
  known->second->series->refused_charges += hits.refused_charges;
  known->second->series->throttled_charges += hits.throttled_charges;
}

void Meters::thin(facts::MemcgIndex memcg, std::uint64_t moves) {
  const auto known = lives_.find(memcg);
  if (known != lives_.end()) known->second->series->thinned_moves += moves;
}

void Meters::stall(facts::MemcgIndex memcg, std::uint64_t duration_ns) {
  const auto known = lives_.find(memcg);
  if (known == lives_.end()) return;
  ++known->second->series->stalls;
  known->second->series->stalled_ns += duration_ns;
}

void Meters::tick(std::uint64_t now_ns) {
  for (auto each = series_.begin(); each != series_.end();) {
    Series& series = *each->second;
    constexpr std::uint64_t kMostKib = std::numeric_limits<std::uint32_t>::max();  // 4 TiB
    const std::uint64_t kib = std::exchange(series.second_bytes, series.usage_bytes) >> 10;
    series.minute_kib[series.minute_at] = static_cast<std::uint32_t>(std::min(kib, kMostKib));
    series.minute_at = (series.minute_at + 1) % kMinute;
    const bool is_over = series.living == 0 && series.ended_ns + kStayNs < now_ns;
    each = is_over ? series_.erase(each) : std::next(each);
  }
}

void Meters::start_peaks(std::size_t scraper) {
  for (auto& [subject, series] : series_) series->peak_bytes[scraper] = series->usage_bytes;
}

std::size_t Meters::scraper_of(std::string_view name, std::uint64_t now_ns) {
  std::size_t oldest = 0;
  for (std::size_t i = 0; i < scrapers_.size(); ++i) {
    if (scrapers_[i].name == name && scrapers_[i].asked_ns != 0) {
      scrapers_[i].asked_ns = now_ns;
      return i;
    }
    if (scrapers_[i].asked_ns < scrapers_[oldest].asked_ns) oldest = i;
  }
  scrapers_[oldest] = {std::string(name), now_ns};
  for (auto& [subject, series] : series_) series->peak_bytes[oldest] = series->ever_peak_bytes;
  return oldest;
}

std::vector<Series> Meters::take(std::uint64_t now_ns, std::optional<std::size_t> scraper) {
  std::map<const Series*, std::uint64_t> near_ns;
  for (const auto& [memcg, life] : lives_) {
    if (life->last) near_ns[life->series] += near_limit_ns(*life->last, now_ns);
  }
  std::vector<Series> taken;
  taken.reserve(series_.size());
  for (const auto& [subject, series] : series_) {
    const bool is_young = !subject.nameless_id.empty() && now_ns < series->first_ns + kNamelessNs;
    if (is_young && series->all_kills() == 0) continue;
    if (!taken.empty() && taken.back().id.is_called_as(subject)) {
      fold(*series, taken.back());
      continue;
    }
    taken.push_back(*series);
    if (const auto near = near_ns.find(series.get()); near != near_ns.end())
      taken.back().near_limit_ns += near->second;
  }
  if (scraper) start_peaks(*scraper);
  return taken;
}

}  // namespace memspike::serve
