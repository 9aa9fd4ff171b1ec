#include "report/merge.h"

#include <algorithm>
#include <utility>

#include "base/field_count.h"

namespace memspike::report {
namespace {

// Rules: how a field of a later life goes into that of the earlier ones.
constexpr auto kKept = [](auto&, const auto&) {};
constexpr auto kLatest = [](auto& into, const auto& next) { into = next; };
constexpr auto kLatestKnown = [](auto& into, const auto& next) {
  if (next) into = next;
};
constexpr auto kFirstKnown = [](auto& into, const auto& next) {
  if (!into) into = next;
};
constexpr auto kLowest = [](auto& into, const auto& next) { into = std::min(into, next); };
constexpr auto kHighestKnown = [](auto& into, const auto& next) {
  if (next) into = std::max(into.value_or(0), *next);
};
constexpr auto kSum = [](auto& into, const auto& next) { into += next; };
// Of a part that is not known the sum is not known either.
constexpr auto kSumIfKnown = [](auto& into, const auto& next) {
  if (!next) into = std::nullopt;
  if (into) into = *into + *next;
};
constexpr auto kAdded = [](auto& into, const auto& next) { into.add(next); };
constexpr auto kMerged = [](auto& into, const auto& next) { into.merge(next); };
constexpr auto kAll = [](auto& into, const auto& next) { into.insert(into.end(), next.begin(), next.end()); };
constexpr auto kBoth = [](auto& into, const auto& next) { into = into && next; };

// Of all lives together it is not asked for, or found in another way.
struct LeftOut {
  void operator()(auto&, const auto&) const {}
};
constexpr LeftOut kLeftOut;

// A field that has no rule does not compile.
template <class T, class... Member, class... Rule>
void merge_fields(T& into, const T& next, std::pair<Member T::*, Rule>... fields) {
  static_assert(sizeof...(fields) == kFieldCount<T>, "each field needs a rule, and just one");
  (fields.second(into.*fields.first, next.*fields.first), ...);
}

template <class T, class... Member, class... Rule>
T copy_fields(const T& from, std::pair<Member T::*, Rule>... fields) {
  static_assert(sizeof...(fields) == kFieldCount<T>, "each field needs a rule, and just one");
  T copy;
  const auto take = [&](const auto& field) {
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(field.second)>, LeftOut>) {
      copy.*field.first = from.*field.first;
    }
  };
  (take(fields), ...);
  return copy;
}

void merge(Usage& into, const Usage& next) {
  const bool is_higher = next.peak_bytes > into.peak_bytes;
  const auto of_higher = [is_higher](auto& value, const auto& other) {
    if (is_higher) value = other;
  };
  merge_fields(into, next, std::pair(&Usage::first_bytes, kKept), std::pair(&Usage::last_bytes, kLatest),
               std::pair(&Usage::min_bytes, kLowest), std::pair(&Usage::peak_bytes, of_higher),
               std::pair(&Usage::peak_ns, of_higher), std::pair(&Usage::typical_bytes, kKept),
               std::pair(&Usage::wanders, kKept));  // the last two: see make_subject
}

void merge(Histograms& into, const Histograms& next) {
  merge_fields(into, next, std::pair(&Histograms::prominence_bytes, kMerged),
               std::pair(&Histograms::width_ns, kMerged), std::pair(&Histograms::rise_ns, kMerged),
               std::pair(&Histograms::headroom_bytes, kMerged), std::pair(&Histograms::interval_ns, kMerged),
               std::pair(&Histograms::alloc_order, kMerged));
}

void merge(BurstHistograms& into, const BurstHistograms& next) {
  using Of = BurstHistograms;
  merge_fields(into, next, std::pair(&Of::height_bytes, kMerged), std::pair(&Of::rise_ns, kMerged),
               std::pair(&Of::slope_bytes_per_second, kMerged), std::pair(&Of::duration_ns, kMerged),
               std::pair(&Of::headroom_bytes, kMerged), std::pair(&Of::interval_ns, kMerged));
}

void merge(NearMisses& into, const NearMisses& next) {
  merge_fields(into, next, std::pair(&NearMisses::refused_charges, kSumIfKnown),
               std::pair(&NearMisses::throttled_charges, kSumIfKnown),
               std::pair(&NearMisses::pressure_ns, kSumIfKnown), std::pair(&NearMisses::stalls, kAdded),
               std::pair(&NearMisses::stall_ns, kMerged));
}

void merge(AtLimit& into, const AtLimit& next) {
  const auto closest = [](auto& known, const auto& other) {
    if (other && (!known || other->is_closer_than(*known))) known = other;
  };
  merge_fields(into, next, std::pair(&AtLimit::high_bytes, kLatestKnown),
               std::pair(&AtLimit::held_at_high_ns, kSum), std::pair(&AtLimit::sleeps, kAdded),
               std::pair(&AtLimit::standstills, kAll), std::pair(&AtLimit::standstills_dropped, kSum),
               std::pair(&AtLimit::closest, closest),
               std::pair(&AtLimit::unreclaimable_peak_bytes, kHighestKnown));
}

void merge(Allocations& into, const Allocations& next) {
  const auto by_order = [](auto& counts, const auto& more) {
    counts.resize(std::max(counts.size(), more.size()));
    for (std::size_t i = 0; i < more.size(); ++i) counts[i] += more[i];
  };
  merge_fields(into, next, std::pair(&Allocations::pages, kSum), std::pair(&Allocations::by_order, by_order),
               std::pair(&Allocations::by_process, kAll), std::pair(&Allocations::unattributed_pages, kSum));
  std::stable_sort(into.by_process.begin(), into.by_process.end(),
                   [](const ProcessPages& a, const ProcessPages& b) { return a.pages > b.pages; });
}

constexpr auto kForgotten = [](ForgottenKills& into, const ForgottenKills& next) {
  merge_fields(into, next, std::pair(&ForgottenKills::entries, kSum),
               std::pair(&ForgottenKills::victims, kSum));
};

constexpr auto kParts = [](auto& into, const auto& next) { merge(into, next); };

// Calls it with each field of a memcg and its rule.
template <class Call>
auto with_rules(Call call) {
  return call(std::pair(&Memcg::path, kLatest), std::pair(&Memcg::role, kKept),
              std::pair(&Memcg::container, kLatest), std::pair(&Memcg::pod, kLatest),
              std::pair(&Memcg::limit_bytes, kLatestKnown),  // a life may end before it is given its limit
              std::pair(&Memcg::usage, kParts), std::pair(&Memcg::kernel_peak_bytes, kKept),
              std::pair(&Memcg::kernel_peak_source, kLatest),
              std::pair(&Memcg::kernel_oom_kills, kSumIfKnown), std::pair(&Memcg::gone, kLatest),
              std::pair(&Memcg::spikes, kAll), std::pair(&Memcg::spikes_total, kSum),
              std::pair(&Memcg::histograms, kParts), std::pair(&Memcg::bursts, kAll),
              std::pair(&Memcg::bursts_total, kSum), std::pair(&Memcg::burst_threshold_bytes, kLatest),
              std::pair(&Memcg::burst_histograms, kParts), std::pair(&Memcg::oom_kills, kLeftOut),
              std::pair(&Memcg::forgotten_kills, kForgotten), std::pair(&Memcg::near_misses, kParts),
              std::pair(&Memcg::at_limit, kParts), std::pair(&Memcg::thinned_moves, kSum),
              std::pair(&Memcg::inherited, kFirstKnown), std::pair(&Memcg::runtimes, kLeftOut),
              std::pair(&Memcg::allocations, kParts), std::pair(&Memcg::shown, kMerged),
              std::pair(&Memcg::working_set_known, kBoth), std::pair(&Memcg::observed, kMerged),
              std::pair(&Memcg::timeline, kLeftOut), std::pair(&Memcg::limits, kLeftOut),
              std::pair(&Memcg::stall_marks, kLeftOut), std::pair(&Memcg::overview, kLeftOut));
}

}  // namespace

Memcg first_life(const Memcg& memcg) {
  return with_rules([&](auto... fields) { return copy_fields(memcg, fields...); });
}

void add_life(Memcg& into, const Memcg& next) {
  with_rules([&](auto... fields) { merge_fields(into, next, fields...); });
}

}  // namespace memspike::report
