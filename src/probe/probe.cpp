#include "probe/probe.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>

#include "probe/log.h"
#include "probe/run_stats.h"
#include "probe/state.h"
#include "probe/walk.h"

namespace memspike::probe {

namespace {

bpf_program* find_program(const memspike_bpf& skeleton, std::string_view name) {
  return bpf_object__find_program_by_name(skeleton.obj, std::string(name).c_str());
}

void configure_settings(memspike_bpf& skeleton, const Features& features, const Options& options,
                        bool stacks) {
  auto& settings = *skeleton.rodata;
  settings.has_rdonly_cast = features.has_rdonly_cast;
  settings.has_current_task_btf = features.has_current_task_btf;
  settings.cpu_count = tally_count() / MEMSPIKE_TRIGGER_COUNT;
  settings.with_stacks = stacks;
  settings.memory_is_v1 = options.memory_is_v1;
  settings.gfp_account = features.gfp_account;
  settings.sweep_period_ns = options.sweep_period_ns;
  settings.wakeup_bytes = options.ring_bytes / 4;
  for (const std::string& pattern : options.name_patterns) {
    if (settings.pattern_count == MEMSPIKE_MAX_PATTERNS) break;
    auto& slot = settings.patterns[settings.pattern_count++];
    slot.length = static_cast<__u32>(std::min(pattern.size(), sizeof(slot.prefix)));
    std::memcpy(slot.prefix, pattern.data(), slot.length);
  }
}

void configure_maps(memspike_bpf& skeleton, const Options& options, bool stacks) {
  if (!stacks) bpf_map__set_max_entries(skeleton.maps.stack_drafts, 1);
  bpf_map__set_max_entries(skeleton.maps.records, options.ring_bytes);
  for (bpf_map* map : {skeleton.maps.memcgs, skeleton.maps.told_hits, skeleton.maps.slot_by_serial,
                       skeleton.maps.free_slots}) {
    bpf_map__set_max_entries(map, options.max_memcgs);
  }
  bpf_map__set_max_entries(skeleton.maps.processes, options.max_processes);
  bpf_map__set_max_entries(skeleton.maps.tallies, tally_count());
}

void select_programs(memspike_bpf& skeleton, const std::vector<Program>& plan) {
  for (const std::string_view name : all_program_names()) {
    const bool planned =
        std::any_of(plan.begin(), plan.end(), [&](const Program& p) { return p.name == name; });
    bpf_program__set_autoload(find_program(skeleton, name), planned);
  }
}

// Removes the program that the kernel refused from the plan; false if it was required.
bool drop_from(std::vector<Program>& plan, const std::string& name, const std::string& why,
               std::vector<std::string>& missing) {
  const auto found = std::find_if(plan.begin(), plan.end(), [&](const Program& p) { return p.name == name; });
  if (found == plan.end() || found->need == Need::required) return false;
  missing.push_back(fmt::format("{}: {}; {}", found->event, why, found->loss));
  plan.erase(found);
  return true;
}

std::string why_no_stacks(const std::string& why) {
  return why + "; the report does not say where the memory was asked for";
}

// Arms the sweep's timer on this CPU. 0, or a negative error.
int start_timer(const memspike_bpf& skeleton) {
  bpf_test_run_opts run{};
  run.sz = sizeof(run);
  const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton.progs.start_sweep), &run);
  return error == 0 && run.retval != 0 ? -EIO : error;
}

// Whether the programs may remember who current is: while what makes them forget is attached.
void set_remembers(memspike_bpf& skeleton, bool remembers) {
  __atomic_store_n(&skeleton.bss->remembers_current, remembers ? 1 : 0, __ATOMIC_SEQ_CST);
}

// All CPUs have to ask again who current is: see current.bpf.h.
void forget_current(const Tallies& tallies) {
  const std::span<memspike_tally> all = tallies.all();
  for (std::size_t cpu = 0; cpu < all.size(); cpu += MEMSPIKE_TRIGGER_COUNT) {
    for (const auto trigger : {MEMSPIKE_TRIGGER_PAGE_ALLOC, MEMSPIKE_TRIGGER_PAGE_FREE}) {
      __atomic_store_n(&all[cpu + trigger].known, 0, __ATOMIC_SEQ_CST);
    }
  }
}

void fill_free_slots(const memspike_bpf& skeleton, std::uint32_t count) {
  const int fd = bpf_map__fd(skeleton.maps.free_slots);
  for (std::uint32_t slot = 0; slot < count; ++slot) bpf_map_update_elem(fd, nullptr, &slot, BPF_ANY);
}

}  // namespace

Probe::Probe(std::unique_ptr<State> state) : state_(std::move(state)) {}
Probe::Probe(Probe&&) noexcept = default;
Probe& Probe::operator=(Probe&&) noexcept = default;
Probe::~Probe() = default;

Result<Probe> Probe::load(const Features& features, const Options& options) {
  auto state = std::make_unique<State>();
  auto plan = make_plan(features, options.tier);
  if (!plan) return tl::unexpected(plan.error());
  state->plan = std::move(*plan);
  state->missing = state->plan.missing;
  bool stacks = options.stacks && features.has_task_stack;
  if (options.stacks && !stacks) {
    state->missing.push_back("stacks: " + why_no_stacks("the kernel has no bpf_get_task_stack for them"));
  }
  // The kernel, not its version, says which programs it takes: try, without stacks if it refuses
  // them, else without the optional program that it refuses, and again.
  std::string refused_stacks;
  for (;;) {
    LogCapture log;
    state->skeleton.reset(memspike_bpf__open());
    if (state->skeleton == nullptr) {
      return fail(ErrorKind::failed, fmt::format("cannot open the BPF object: {}", std::strerror(errno)));
    }
    configure_settings(*state->skeleton, features, options, stacks);
    configure_maps(*state->skeleton, options, stacks);
    select_programs(*state->skeleton, state->plan.programs);
    const int error = memspike_bpf__load(state->skeleton.get());
    if (error == 0) break;
    const std::string why = explain_load_failure(log.text(), -error);
    if (options.on_refused) options.on_refused(log.failed_program(), log.text());
    if (stacks) {
      stacks = false;
      refused_stacks = why;
      continue;
    }
    // Not the stacks' fault: they get another chance.
    stacks = !std::exchange(refused_stacks, {}).empty();
    if (drop_from(state->plan.programs, log.failed_program(), why, state->missing)) continue;
    return fail(ErrorKind::unsupported,
                fmt::format("the kernel refused the BPF program {}: {}", log.failed_program(), why),
                "run `memspike doctor` to see what this kernel allows");
  }
  if (!refused_stacks.empty()) state->missing.push_back("stacks: " + why_no_stacks(refused_stacks));
  state->takes_stacks = stacks;
  fill_free_slots(*state->skeleton, options.max_memcgs);
  auto tallies = Tallies::map(bpf_map__fd(state->skeleton->maps.tallies));
  if (!tallies) return tl::unexpected(tallies.error());
  state->tallies = std::move(*tallies);
  const auto on_record = [](void* context, void* data, std::size_t size) {
    const auto* self = static_cast<State*>(context);
    (*self->sink)({static_cast<const std::byte*>(data), size});
    return 0;
  };
  state->ring.reset(
      ring_buffer__new(bpf_map__fd(state->skeleton->maps.records), on_record, state.get(), nullptr));
  if (state->ring == nullptr) {
    return fail(ErrorKind::failed, fmt::format("cannot map the ring buffer: {}", std::strerror(errno)));
  }
  if (options.measure_runs) {
    auto run_stats = start_run_stats();
    if (run_stats) state->run_stats = std::move(*run_stats);
    if (!run_stats) {
      state->missing.push_back(fmt::format("kernel.bpf_stats: {}; how long the BPF programs ran is not known",
                                           run_stats.error().message));
    }
  }
  return Probe(std::move(state));
}

Result<void> Probe::attach() {
  state_->skeleton->bss->memory_subsys = memory_subsys(*state_->skeleton);
  for (const Program& program : state_->plan.programs) {
    if (program.event.empty()) continue;
    bpf_program* handle = find_program(*state_->skeleton, program.name);
    int error = 0;
    if (program.name == "start_sweep") {
      error = start_timer(*state_->skeleton);
      state_->timer_runs = error == 0;
    } else {
      LinkPtr link(bpf_program__attach(handle));
      error = link == nullptr ? -errno : 0;
      if (link != nullptr) state_->links.push_back(std::move(link));
    }
    if (error != 0 && program.need == Need::required) {
      return fail(ErrorKind::unsupported,
                  fmt::format("cannot attach to {}: {}", program.event, std::strerror(-error)));
    }
    if (error != 0) {
      state_->missing.push_back(
          fmt::format("{}: {}; {}", program.event, std::strerror(-error), program.loss));
      continue;
    }
    state_->hooks.push_back({std::string(program.event), std::string(program.attach)});
  }
  if (!state_->timer_runs) state_->hooks.push_back({"sweep", "user space"});
  const auto hooked = [&](std::string_view event) {
    return std::any_of(state_->hooks.begin(), state_->hooks.end(),
                       [&](const Hook& hook) { return hook.event == event; });
  };
  set_remembers(*state_->skeleton, hooked("sched_switch") && hooked("cgroup_attach_task"));
  return {};
}

Result<void> Probe::track(std::span<const std::uint64_t> cgroup_ids) {
  auto result = track_subtree(*state_->skeleton, cgroup_ids);
  // CPUs may remember these memcgs as untracked: see switch_memcg (tracking.bpf.h), learn_current.
  __atomic_add_fetch(&state_->skeleton->data->generation_of_answers, 1, __ATOMIC_SEQ_CST);
  for (memspike_tally& tally : state_->tallies.all()) __atomic_store_n(&tally.serial_nr, 0, __ATOMIC_SEQ_CST);
  forget_current(state_->tallies);
  return result;
}

void Probe::detach() {
  state_->skeleton->bss->sweep_stopped = 1;
  set_remembers(*state_->skeleton, false);
  forget_current(state_->tallies);
  state_->links.clear();
  // A program that was running when its hook was removed ends within microseconds (tracepoint
  // programs do not sleep); the timer fires once more at most.
  constexpr long kGraceNs = 3'000'000;
  const timespec grace{0, kGraceNs};
  nanosleep(&grace, nullptr);
}

void Probe::look_at_all() {
  const int fd = bpf_program__fd(state_->skeleton->progs.sweep_one);
  const std::uint32_t used = state_->skeleton->bss->slots_used;
  for (std::uint32_t slot = 0; slot < used; ++slot) {
    std::array<std::uint64_t, 1> arguments{slot};
    bpf_test_run_opts run{};
    run.sz = sizeof(run);
    run.ctx_in = arguments.data();
    run.ctx_size_in = sizeof(arguments);
    bpf_prog_test_run_opts(fd, &run);
  }
}

Result<std::size_t> Probe::drain(const Sink& sink) {
  state_->sink = &sink;
  const int count = ring_buffer__consume(state_->ring.get());
  state_->sink = nullptr;
  if (count < 0) {
    return fail(ErrorKind::failed, fmt::format("cannot read the ring buffer: {}", std::strerror(-count)));
  }
  return static_cast<std::size_t>(count);
}

int Probe::ring_fd() const { return ring_buffer__epoll_fd(state_->ring.get()); }

void Probe::wake_at_rise(std::uint64_t bytes) {
  const std::uint64_t pages = bytes / static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  constexpr std::uint64_t kMostPages = std::numeric_limits<std::uint32_t>::max();
  state_->skeleton->data->wake_rise_pages =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(pages, 1, kMostPages));
}

void Probe::release_slot(std::uint32_t slot) {
  bpf_map_update_elem(bpf_map__fd(state_->skeleton->maps.free_slots), nullptr, &slot, BPF_ANY);
}

Tier Probe::tier() const { return state_->plan.tier; }
const std::string& Probe::tier_reason() const { return state_->plan.tier_reason; }
bool Probe::takes_stacks() const { return state_->takes_stacks; }
bool Probe::sweeps_by_itself() const { return state_->timer_runs; }

void Probe::refresh() {
  // A rarer interrupt need not be moved, and must not: starting the timer anew puts off what it was set to.
  constexpr std::uint64_t kOftenNs = 10'000'000;
  forget_current(state_->tallies);
  const bool is_pinned = state_->skeleton->data->timer_flags != 0;
  if (state_->timer_runs && is_pinned && state_->skeleton->rodata->sweep_period_ns <= kOftenNs)
    start_timer(*state_->skeleton);
}
const std::vector<Hook>& Probe::hooks() const { return state_->hooks; }
const std::vector<std::string>& Probe::missing() const { return state_->missing; }

}  // namespace memspike::probe
