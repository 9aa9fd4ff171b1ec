#include "cli/replay.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/units.h"

namespace memspike::cli {

Replay::Replay(lives::LifeOptions options, Part part, lives::TimelineRows::Take rows)
    : lives_(options), part_(std::move(part)) {
  if (!rows) return;
  rows_.emplace(std::move(options.containers), std::move(rows));
  lives_.pass_to(*rows_);
}

void Replay::apply(const facts::Fact& fact) {
  look_at(fact);
  window_ ? window_->apply(fact) : lives_.apply(fact);
}

void Replay::look_at(const facts::Fact& fact) {
  if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) {
    last_ns_ = std::max(last_ns_, row->row.time_ns);
  } else if (const auto* ended = std::get_if<facts::RecordingEnded>(&fact)) {
    last_ns_ = std::max(last_ns_, ended->time_ns);
  } else if (const auto* found = std::get_if<facts::MemcgFound>(&fact)) {
    see(found->description);
  } else if (const auto* named = std::get_if<facts::MemcgNamed>(&fact)) {
    see(named->description);
  } else if (const auto* known = std::get_if<facts::SessionKnown>(&fact); known != nullptr) {
    start_monotonic_ns_ = known->session.start_monotonic_ns;
    start_realtime_ns_ = known->session.start_realtime_ns;
    if (part_.is_whole() || window_) return;
    recording::Span span;
    if (part_.from) span.from = bound_of(*part_.from, start_realtime_ns_);
    if (part_.to) span.to = bound_of(*part_.to, start_realtime_ns_);
    window_.emplace(span, [this](const facts::Fact& inside) { lives_.apply(inside); });
  }
}

// Bounded as the recording is: one for each memcg that it found.
void Replay::see(const facts::Description& description) {
  if (!description.container) return;
  containers_.push_back({description.container->id, description.container->name, cgroup::Role::container});
}

bool Replay::has_container(const std::string& wanted) const {
  return std::any_of(containers_.begin(), containers_.end(), [&](const cgroup::ContainerInfo& container) {
    return cgroup::container_matches({wanted}, container);
  });
}

// Since the start; of what lies before it: 0.
std::uint64_t Replay::offset_of(const Moment& moment) const {
  const recording::Bound bound = bound_of(moment, start_realtime_ns_);
  if (!bound.is_utc) return bound.ns;
  return bound.ns - std::min(bound.ns, start_realtime_ns_);
}

namespace {

bool is_within(const report::Spike& spike, std::uint64_t at_ns) {
  return spike.left_base_ns <= at_ns && at_ns <= spike.right_base_ns;
}

// Of those that are going on then the one whose peak is nearest; else nullptr.
const report::Spike* spike_at(const report::Report& report, std::uint64_t at_ns) {
  const auto distance = [at_ns](const report::Spike& spike) {
    return spike.peak_ns > at_ns ? spike.peak_ns - at_ns : at_ns - spike.peak_ns;
  };
  const report::Spike* nearest = nullptr;
  for (const report::Memcg& memcg : report.memcgs) {
    for (const report::Spike& spike : memcg.spikes) {
      if (!is_within(spike, at_ns)) continue;
      if (nearest == nullptr || distance(spike) < distance(*nearest)) nearest = &spike;
    }
  }
  return nearest;
}

}  // namespace

Result<void> Replay::keep_spike(const Moment& moment, report::Report& report) const {
  // A time of day as the report writes it is cut to a microsecond.
  const report::Spike* spike = spike_at(report, start_monotonic_ns_ + offset_of(moment));
  if (spike == nullptr)
    return fail(ErrorKind::usage, fmt::format("there is no spike at --spike {}", moment.text), told());
  if (!report.stacks)
    return fail(ErrorKind::usage, "the recording has no stacks to tell spikes apart by",
                "record with --stacks");
  report::keep_seen(*report.stacks, spike->rise_begin_ns,
                    spike->peak_ns + spike->crest_ns - spike->crest_rise_ns);
  report::join_times(*report.stacks);
  report.notes.push_back(fmt::format(
      "stacks: those of the spike at {}, to a tenth of a second",
      format_utc(start_realtime_ns_ + (spike->peak_ns - std::min(spike->peak_ns, start_monotonic_ns_)))));
  return {};
}

std::string Replay::told() const {
  const std::uint64_t length_ns = last_ns_ - std::min(last_ns_, start_monotonic_ns_);
  return fmt::format("the recording is {} long, from {} to {}", format_duration(length_ns),
                     format_utc(start_realtime_ns_), format_utc(start_realtime_ns_ + length_ns));
}

Result<void> Replay::check_part() const {
  if (part_.is_whole()) return {};
  const std::uint64_t length_ns = last_ns_ - std::min(last_ns_, start_monotonic_ns_);
  const std::uint64_t from_ns = part_.from ? offset_of(*part_.from) : 0;
  const auto refuse = [&](const std::string& what) { return fail(ErrorKind::usage, what, told()); };
  if (from_ns >= length_ns) return refuse(fmt::format("--from {} is when it was over", part_.from->text));
  if (!part_.to) return {};
  const recording::Bound to = bound_of(*part_.to, start_realtime_ns_);
  if (to.is_utc && to.ns < start_realtime_ns_) {
    return refuse(fmt::format("--to {} is before it began", part_.to->text));
  }
  if (offset_of(*part_.to) > from_ns) return {};
  return refuse(part_.from ? fmt::format("--to {} is not after --from {}", part_.to->text, part_.from->text)
                           : fmt::format("--to {} leaves nothing of it", part_.to->text));
}

}  // namespace memspike::cli
