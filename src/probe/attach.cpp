#include "probe/attach.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <span>
#include <string>

#include "base/own_limits.h"
#include "probe/state.h"
#include "probe/walk.h"

namespace memspike::probe {
namespace {

bool is_attached(const std::vector<Attached>& attached, std::string_view program) {
  return std::any_of(attached.begin(), attached.end(),
                     [&](const Attached& each) { return each.program.name == program; });
}

void add_once(std::vector<std::string>& lines, std::string line) {
  if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(std::move(line));
}

bool is_kprobe(const Program& program) { return program.attach == "kprobe" || program.attach == "kretprobe"; }

bpf_link* attach_program(const bpf_program* handle, const Program& program) {
  if (!is_kprobe(program)) return bpf_program__attach(handle);
  return bpf_program__attach_kprobe(handle, program.attach == "kretprobe",
                                    std::string(program.event).c_str());
}

}  // namespace

bpf_program* find_program(const memspike_bpf& skeleton, std::string_view name) {
  return bpf_object__find_program_by_name(skeleton.obj, std::string(name).c_str());
}

int start_timer(const memspike_bpf& skeleton) {
  bpf_test_run_opts run{};
  run.sz = sizeof(run);
  const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton.progs.start_sweep), &run);
  return error == 0 && run.retval != 0 ? -EIO : error;
}

void set_remembers(memspike_bpf& skeleton, bool remembers) {
  __atomic_store_n(&skeleton.bss->remembers_current, remembers ? 1 : 0, __ATOMIC_SEQ_CST);
}

void forget_current(const Tallies& tallies) {
  const std::span<memspike_tally> all = tallies.all();
  for (std::size_t cpu = 0; cpu < all.size(); cpu += MEMSPIKE_TRIGGER_COUNT) {
    __atomic_store_n(&all[cpu + MEMSPIKE_TRIGGER_PAGE_ALLOC].known, 0, __ATOMIC_SEQ_CST);
  }
}

// 0, or a negative error.
int Probe::State::attach(const Program& program) {
  LinkPtr link;
  if (program.name == "start_sweep") {
    if (const int error = start_timer(*skeleton); error != 0) return error;
    timer_runs = true;
  } else {
    link.reset(attach_program(find_program(*skeleton, program.name), program));
    if (link == nullptr) return -errno;
  }
  attached.push_back({program, std::move(link)});
  return 0;
}

// What is watched above this detail no longer is.
void Probe::State::detach_above(Detail detail) {
  const auto is_above = [&](const Attached& each) { return each.program.least > detail; };
  if (std::none_of(attached.begin(), attached.end(), is_above)) return;
  // What makes the CPUs forget is about to go.
  set_remembers(*skeleton, false);
  forget_current(tallies);
  attached.erase(std::remove_if(attached.begin(), attached.end(), is_above), attached.end());
}

// What the programs may take for granted, by what is attached.
void Probe::State::set_switches() {
  const bool charges = plan.tier == Tier::charge && plan.detail >= Detail::charges;
  __atomic_store_n(&skeleton->bss->charges_are_seen, charges ? 1 : 0, __ATOMIC_SEQ_CST);
  set_remembers(*skeleton, is_attached(attached, "on_switch") && is_attached(attached, "on_attach_task"));
}

// They cost more than what they see is worth: the next best way is taken, for the rest of the recording.
void Probe::State::stop_hooking_charges(double firings_per_move) {
  const auto is_charge_hook = [](const Program& program) { return program.least == Detail::charges; };
  plan.tier = Tier::tracepoint;
  plan.tier_reason =
      fmt::format("the charge functions ran {:.0f} times for each move of a counter", firings_per_move);
  if (plan.detail == Detail::charges) plan.detail = Detail::sweep;
  plan.programs.erase(std::remove_if(plan.programs.begin(), plan.programs.end(), is_charge_hook),
                      plan.programs.end());
  set_switches();
  attached.erase(std::remove_if(attached.begin(), attached.end(),
                                [&](const Attached& each) { return is_charge_hook(each.program); }),
                 attached.end());
  add_once(missing,
           fmt::format("page_counter: {}, which costs as much as page events; moves are seen {}",
                       plan.tier_reason, plan.detail == Detail::sweep ? "by the sweep" : "at page events"));
  list_hooks();
}

void Probe::State::list_hooks() {
  hooks.clear();
  for (const Attached& each : attached)
    hooks.push_back({std::string(each.program.event), std::string(each.program.attach)});
  if (!timer_runs) hooks.push_back({"sweep", "user space"});
}

Result<void> Probe::attach() {
  state_->skeleton->bss->memory_subsys = memory_subsys(*state_->skeleton);
  return set_detail(state_->plan.detail);
}

Result<void> Probe::set_detail(Detail detail) { return state_->set_detail(detail); }

Result<void> Probe::State::set_detail(Detail detail) {
  if (!has_detail(plan.tier, detail)) {
    return fail(ErrorKind::unsupported,
                fmt::format("the {} tier has no detail {}", to_string(plan.tier), to_string(detail)));
  }
  detach_above(detail);
  plan.detail = detail;
  has_processes = has_processes || detail == Detail::pages;
  for (const Program& program : plan.programs) {
    if (program.event.empty() || program.least > detail) continue;
    if (program.only_with_high && !watches_high) continue;
    if (is_attached(attached, program.name)) continue;
    const int error = attach(program);
    if (auto limit = own_limit_behind(-error)) return tl::unexpected(std::move(*limit));
    if (error != 0 && program.need == Need::required) {
      return fail(ErrorKind::unsupported,
                  fmt::format("cannot attach to {}: {}", program.event, std::strerror(-error)));
    }
    if (error != 0) {
      add_once(missing, fmt::format("{}: {}; {}", program.event, std::strerror(-error), program.loss));
    }
  }
  list_hooks();
  set_switches();
  return {};
}

// What is attached for that is optional: missing() tells where it fails.
void Probe::State::watch_high() {
  if (watches_high || attached.empty() || skeleton->bss->high_is_set == 0) return;
  watches_high = true;
  (void)set_detail(plan.detail);
}

void Probe::State::check_charge_hooks() {
  if (plan.tier != Tier::charge || plan.detail < Detail::charges) return;
  const Counts counts = count();
  const TriggerCounts& up = counts.triggers[MEMSPIKE_TRIGGER_CHARGE];
  const TriggerCounts& down = counts.triggers[MEMSPIKE_TRIGGER_UNCHARGE];
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto now_ns =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  const auto ratio = firing_ratio.too_high(now_ns, up.fired + down.fired, up.recorded + down.recorded,
                                           most_firings_per_move);
  if (ratio) stop_hooking_charges(*ratio);
}

}  // namespace memspike::probe
