#include "capture/live/capture.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <string_view>
#include <utility>
#include <variant>

#include "capture/live/event_counts.h"
#include "cgroup/files.h"
#include "cgroup/scan.h"
#include "cgroup/text.h"
#include "decode/decoder.h"
#include "probe/feature_names.h"
#include "process/clock.h"

namespace memspike::capture {
namespace {

// How often room is made in the kernel's table of processes.
constexpr std::uint64_t kEndedProcessesNs = 2'000'000'000;

// How often it is judged what counts as a spike in each memcg, beside when its own limit changes.
constexpr std::uint64_t kRisesNs = 1'000'000'000;

// How often it is told what the session is known to be: its counts.
constexpr std::uint64_t kSessionNs = 500'000'000;

// Changes of detail that are known, of a service that changes it for months.
constexpr std::size_t kMostDetails = 64;

// How often the probe is refreshed. It takes some microseconds.
constexpr std::uint64_t kRefreshNs = 100'000'000;

// What months may take of memory, where a recording may take more.
StackFacts::Options stack_options(const Looks& looks) {
  if (!looks.is_sparing) return {};
  return {true, {2048, 1024, 16'384}};
}

// Of a kill all is told ten seconds later: names that take longer would come too late.
std::optional<symbols::Budget> budget_of_names(const Looks& looks) {
  if (looks.probe.stacks == probe::Stacks::off) return std::nullopt;
  return looks.is_sparing ? symbols::Budget{2'000'000'000, 6'000'000'000, std::size_t{8} << 20}
                          : symbols::Budget();
}

}  // namespace

Capture::Capture(Scope scope, Looks looks, probe::Features features, probe::Probe probe,
                 std::unique_ptr<Helpers> helpers)
    : scope_(std::move(scope)),
      looks_(std::move(looks)),
      features_(std::move(features)),
      probe_(std::move(probe)),
      names_(scope_.roots),
      helpers_(std::move(helpers)),
      orderer_(kReorderNs),
      interpreter_([this](const std::string& path) { return describe(path); },
                   [this](const facts::Fact& fact) { emit(fact); }, page_size_bytes_),
      census_(looks_.min_prominence_bytes),
      processes_(*helpers_),
      memory_stat_(scope_.hierarchy, census_, looks_.is_sparing),
      rise_reader_(
          scope_.hierarchy, helpers_->proc, census_,
          [this](std::uint32_t tgid, std::uint64_t now_ns) { processes_.ask(tgid, now_ns); },
          looks_.is_sparing),
      late_names_([this] { names_.reload(); }, [this](const std::string& path) { return describe(path); }),
      hang_watch_(scope_.hierarchy, helpers_->proc, census_),
      kernel_counters_(scope_.hierarchy, census_, looks_.is_sparing),
      kernel_log_(KernelLog::open_at_end()),
      stack_facts_(scope_.hierarchy, helpers_->symbolizer, page_size_bytes_, stack_options(looks_)),
      self_meter_(helpers_->pids()) {
  names_.follow();
  sources_ = readers_;
  sources_.insert(sources_.end(), watchers_.begin(), watchers_.end());
  stack_facts_.set_taken(probe_.takes_stacks());
  if (looks_.is_sparing) take_stacks(false);
  probe_.wake_at_least_rise(census_.least_rise_bytes());
  kernel_log_.set_mount([this](std::string_view path) { return below_mount(path); });
}

Result<std::unique_ptr<Capture>> Capture::start(Scope scope, Looks looks) {
  if (auto known = probe::check_feature_names(looks.disabled_features); !known) {
    return tl::unexpected(known.error());
  }
  probe::Features features = probe::find_features(looks.disabled_features);
  if (auto usable = probe::check_required(features); !usable) return tl::unexpected(usable.error());
  auto helpers = std::make_unique<Helpers>(scope.roots.host_root, budget_of_names(looks));
  looks.probe.memory_is_v1 = !scope.hierarchy.memory_is_v2;
  if (scope.follow) looks.probe.name_patterns = scope.follow->leaf_prefixes;
  auto probe = probe::Probe::load(features, looks.probe);
  if (!probe) return tl::unexpected(probe.error());
  std::unique_ptr<Capture> capture(new Capture(std::move(scope), std::move(looks), std::move(features),
                                               std::move(*probe), std::move(helpers)));
  if (const auto copies = capture->probe_.stack_copies())
    capture->stack_facts_.unwind_from(copies->fd, copies->bytes);
  if (auto attached = capture->probe_.attach(); !attached) return tl::unexpected(attached.error());
  for (const Hook& hook : capture->probe_.hooks()) spdlog::debug("hooked {} by {}", hook.event, hook.attach);
  for (const std::string& missing : capture->probe_.missing()) spdlog::warn("without {}", missing);
  return capture;
}

void Capture::add_sink(facts::FactSink& sink) {
  sinks_.add(sink);
  sink.apply(session_known());
}

void Capture::add_stage(facts::FactStage& stage) {
  stage.pass_to(sinks_);
  first_ = &stage;
  stage.apply(session_known());
}

facts::Description Capture::describe(const std::string& path) {
  const cgroup::MemcgDescription known = cgroup::describe_memcg(path, scope_.hierarchy, names_);
  facts::Description description;
  description.role = known.role;
  if (known.container) description.container = facts::Container{known.container->id, known.container->name};
  if (known.pod)
    description.pod = facts::PodId{known.pod->uid, known.pod->namespace_name, known.pod->pod, known.pod->qos};
  description.in_target = std::any_of(root_paths_.begin(), root_paths_.end(),
                                      [&](const std::string& root) { return cgroup::is_below(path, root); });
  return description;
}

// The kernel names a cgroup from its hierarchy's root, we from where that is mounted.
std::string Capture::below_mount(std::string_view path) const {
  const std::string& root = scope_.hierarchy.mount_root;
  if (root != "/" && cgroup::is_below(path, root)) path.remove_prefix(root.size());
  return cgroup::normal_path(path);
}

// A cgroup whose name matched a pattern in the kernel: is it one of ours by its whole path?
void Capture::take_birth(const decode::MemcgBorn& event) {
  decode::MemcgBorn birth = event;
  if (birth.pattern) {
    birth.name = below_mount(birth.name);
    if (scope_.follow && cgroup::is_awaited(*scope_.follow, birth.name)) {
      spdlog::debug("found {}", cgroup::printable(birth.name));
      root_paths_.push_back(birth.name);
    }
  }
  names_.keep_up();  // who is born has its name as a rule
  interpreter_.apply(birth);
  wake_at_rise(birth.slot);
  if (!closer_.empty()) look_as_closely(birth.slot);
}

// What is not in the target has no spikes.
void Capture::wake_at_rise(std::uint32_t slot) {
  constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  const auto memcg = interpreter_.at_slot(slot);
  if (!memcg) return;
  const Living* living = census_.find(*memcg);
  probe_.wake_at_rise(slot, living != nullptr ? living->rise_bytes : kNever);
}

// What a source says. Charges join those that wait; what is known of a thread holds for the charges that
// follow.
void Capture::hear(const facts::Fact& fact) {
  if (const auto* charged = std::get_if<facts::MemcgCharged>(&fact)) return interpreter_.add(*charged);
  if (std::holds_alternative<facts::ThreadSeen>(fact)) interpreter_.flush();
  emit(fact);
}

void Capture::tell_up_to(std::uint64_t until_ns) {
  for (Source* source : readers_) source->tell(until_ns, hear_);
}

void Capture::take(const decode::Event& event) {
  tell_up_to(decode::time_ns(event));
  if (const auto* birth = std::get_if<decode::MemcgBorn>(&event)) return take_birth(*birth);
  if (const auto* stack = std::get_if<decode::Stack>(&event)) return take_stack(*stack);
  if (std::holds_alternative<decode::Sample>(event)) ++samples_taken_;
  interpreter_.apply(event);
  if (const auto* gone = std::get_if<decode::MemcgGone>(&event)) probe_.release_slot(gone->last.slot);
}

void Capture::take_stack(const decode::Stack& stack) {
  const auto memcg = interpreter_.memcg_of(stack);
  if (!memcg) return;
  for (Source* source : sources_) source->on_stack(*memcg, stack);
}

// Rows and charges are nearly all there is: nobody here waits for them.
void Capture::emit(const facts::Fact& fact) {
  first_->apply(fact);
  census_.apply(fact);
  if (std::holds_alternative<facts::MemcgRow>(fact) || std::holds_alternative<facts::MemcgCharged>(fact))
    return;
  session_is_news_ = session_is_news_ || std::holds_alternative<facts::MemcgNamed>(fact);
  for (Source* source : sources_) source->on_fact(fact, hear_);
}

void Capture::set_target(facts::Target target) {
  scope_.target = std::move(target);
  tell_session();
}

// What the sources see of a record, before it is put in order.
void Capture::tell_readings(const decode::Sample& sample) {
  for (std::size_t i = 0; i < sample.path.levels.size(); ++i) {
    const decode::Level& level = sample.path.levels[i];
    const auto memcg = interpreter_.at_slot(level.slot);
    const Living* living = memcg ? census_.find(*memcg) : nullptr;
    if (living == nullptr) continue;
    Reading reading{*memcg,
                    sample.time_ns,
                    std::min(level.usage_bytes, level.watermark_bytes),
                    level.watermark_bytes,
                    level.limit_bytes,
                    i == 0,
                    living->rise_bytes};
    census_.see(reading);
    if (living->rise_bytes != reading.rise_bytes) {  // by another limit
      reading.rise_bytes = living->rise_bytes;
      wake_at_rise(level.slot);
    }
    for (Source* source : gauges_) source->on_reading(reading);
  }
}

Result<void> Capture::drain(std::uint64_t now_ns) {
  const auto drained = probe_.drain([this, now_ns](std::span<const std::byte> record) {
    auto event = decode::decode(record, page_size_bytes_);
    if (!event) {
      ++malformed_;
      spdlog::debug("{}", event.error().message);
      return;
    }
    for (Source* source : sources_) source->on_event(*event, now_ns);
    if (const auto* sample = std::get_if<decode::Sample>(&*event)) tell_readings(*sample);
    orderer_.push(std::move(*event));
  });
  if (!drained) return tl::unexpected(drained.error());
  records_taken_ += *drained;
  return {};
}

void Capture::poll(const std::vector<Source*>& sources, std::uint64_t now_ns) {
  for (Source* source : sources) source->poll(now_ns, hear_);
}

Result<void> Capture::pump() {
  const std::uint64_t now_ns = monotonic_ns();
  const ClockOffset clock_before = clock_.offsets().back();
  rise_reader_.set_needed(told_detail() == probe::Detail::sweep);
  if (auto drained = drain(now_ns); !drained) return drained;
  poll(readers_, now_ns);  // at once: what rose may fall again
  orderer_.release(now_ns, [this](const decode::Event& event) { take(event); });
  poll(watchers_, now_ns);
  learn_target();
  if (!(clock_.offsets().back() == clock_before)) tell_session();
  do_what_is_due(now_ns);
  first_->tick(now_ns);
  return {};
}

void Capture::do_what_is_due(std::uint64_t now_ns) {
  if (now_ns >= next_refresh_ns_) {
    next_refresh_ns_ = now_ns + kRefreshNs;
    probe_.refresh();
    note_detail();
  }
  if (now_ns >= next_rises_ns_) {
    next_rises_ns_ = now_ns + kRisesNs;
    census_.judge_rises();
    for (std::uint32_t slot = 0; slot < interpreter_.slots(); ++slot) wake_at_rise(slot);
  }
  if (now_ns >= next_session_ns_) {
    next_session_ns_ = now_ns + (looks_.is_sparing ? 2 * kSessionNs : kSessionNs);
    tell_session();
  }
  if (now_ns >= next_ended_processes_ns_) {
    next_ended_processes_ns_ = now_ns + kEndedProcessesNs;
    forget_gone_roots();
    look_for_memcgs();
    take_ended_processes();
  }
}

std::size_t Capture::live_roots() const {
  const auto is_root = [](const auto& entry) { return !entry.second.parent; };
  return static_cast<std::size_t>(std::count_if(census_.all().begin(), census_.all().end(), is_root));
}

// What came and went between two looks at the node is known by its path at least, and its name as soon as
// the node knows it. Says whether there was news.
bool Capture::complete_target() {
  facts::Target& target = scope_.target;
  if (root_paths_.empty() || (target.pod && target.qos)) return false;
  const facts::Target before = target;
  if (target.cgroup.empty()) target.cgroup = root_paths_.front();
  const facts::Description known = describe(target.cgroup);
  if (!known.pod) return target.cgroup != before.cgroup;
  if (!target.pod_uid) target.pod_uid = known.pod->uid;
  if (!target.qos) target.qos = known.pod->qos;
  if (!target.pod && known.pod->name) {
    target.namespace_name = known.pod->namespace_name;
    target.pod = known.pod->name;
  }
  return target.cgroup != before.cgroup || target.pod_uid != before.pod_uid || target.qos != before.qos ||
         target.pod != before.pod;
}

void Capture::learn_target() {
  if (!std::exchange(session_is_news_, false) && root_paths_.size() == described_roots_) return;
  described_roots_ = root_paths_.size();
  if (complete_target()) tell_session();
}

// The detail may have changed: by whoever asked for it, or because the charge hooks were too dear.
void Capture::note_detail() {
  const std::string detail(probe::to_string(told_detail()));
  if (!details_.empty() && details_.back().detail == detail) return;
  details_.push_back({details_.empty() ? clock_.offsets().front().monotonic_ns : monotonic_ns(), detail});
  if (details_.size() > kMostDetails) details_.erase(details_.begin());
  most_detail_ = std::max(most_detail_, told_detail());
}

// Of most memcgs. The kernel may turn out not to have it: see probe::Probe::refresh().
probe::Detail Capture::told_detail() const {
  if (closer_.empty()) return probe_.detail();
  return probe::has_detail(probe_.tier(), far_detail_) ? far_detail_ : probe::Detail::sweep;
}

// It was made as it was decided anew at what is above it.
void Capture::look_as_closely(std::uint32_t slot) {
  const auto memcg = interpreter_.at_slot(slot);
  const Living* living = memcg ? census_.find(*memcg) : nullptr;
  if (living != nullptr && living->is_closer != probe_.looks_closer_at(slot)) mark_closer();
}

void Capture::mark_closer() {
  std::vector<std::uint32_t> slots;
  for (std::uint32_t slot = 0; slot < interpreter_.slots(); ++slot) {
    const auto memcg = interpreter_.at_slot(slot);
    const Living* living = memcg ? census_.find(*memcg) : nullptr;
    if (living != nullptr && living->is_closer) slots.push_back(slot);
  }
  probe_.look_closer_at(slots);
}

void Capture::look_closer_at(std::vector<facts::MemcgIndex> roots) {
  const bool were_some = !closer_.empty();
  if (!were_some) far_detail_ = probe_.detail();
  closer_ = std::move(roots);
  census_.look_closer_at(closer_);
  if (!closer_.empty()) mark_closer();
  if (closer_.empty() != were_some) return;
  step_detail(were_some ? -1 : 1);
  probe_.look_at_all();
}

void Capture::zoom(int direction) {
  closer_.clear();
  census_.look_closer_at({});
  probe_.look_closer_at_all();
  step_detail(direction);
  probe_.look_at_all();
  note_detail();
}

// One detail more (1) or less (-1), as far as the tier has one.
void Capture::step_detail(int direction) {
  auto next = static_cast<int>(probe_.detail()) + direction;
  const auto is_detail = [](int number) {
    return number >= static_cast<int>(probe::Detail::sweep) &&
           number <= static_cast<int>(probe::Detail::pages);
  };
  while (is_detail(next) && !probe::has_detail(probe_.tier(), static_cast<probe::Detail>(next)))
    next += direction;
  if (!is_detail(next)) return;
  if (auto set = probe_.set_detail(static_cast<probe::Detail>(next)); !set)
    note(fmt::format("the detail could not be changed: {}", set.error().message));
  if (looks_.is_sparing) take_stacks(direction > 0);
}

void Capture::take_stacks(bool are_wanted) {
  if (!probe_.takes_stacks()) return;
  probe_.rest_stacks(!are_wanted);
  stack_facts_.set_rest(!are_wanted);
  for (decode::Stack& carried : probe_.carried_stacks()) {
    carried.time_ns = monotonic_ns();
    take(carried);
  }
}

void Capture::tell_session() {
  interpreter_.tell_thinned();
  emit(session_known());
}

facts::SessionKnown Capture::session_known() {
  note_detail();
  facts::SessionKnown known;
  known.time_ns = monotonic_ns();
  facts::Session& session = known.session;
  const std::vector<ClockOffset>& offsets = clock_.offsets();
  session.start_monotonic_ns = offsets.front().monotonic_ns;
  session.start_realtime_ns = offsets.front().realtime_ns;
  session.clock_steps.assign(offsets.begin() + 1, offsets.end());
  session.kernel_release = features_.kernel_release;
  session.cgroup_mode = std::string(cgroup::to_string(scope_.hierarchy.mode));
  session.tier = std::string(probe::tier_name(probe_.tier(), told_detail()));
  session.detail = std::string(probe::to_string(told_detail()));
  session.details = details_;
  const auto not_seen = probe::not_seen(probe_.tier(), most_detail_);
  session.not_seen.assign(not_seen.begin(), not_seen.end());
  session.tier_reason = probe_.tier_reason();
  session.hooks = probe_.hooks();
  session.page_size_bytes = page_size_bytes_;
  session.sweep_period_ns = looks_.probe.sweep_period_ns;
  session.container_filter = scope_.container_filter;
  known.target = scope_.target;
  session.self = self_meter_.read(probe_);
  count_events(probe_, memory_stat_, {interpreter_.orphans(), malformed_}, known);
  return known;
}

}  // namespace memspike::capture
