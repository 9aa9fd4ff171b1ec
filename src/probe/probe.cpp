#include "probe/probe.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>

#include "base/own_limits.h"
#include "probe/attach.h"
#include "probe/cadence.h"
#include "probe/log.h"
#include "probe/run_stats.h"
#include "probe/state.h"
#include "probe/walk.h"

namespace memspike::probe {

namespace {

// A copy is some KiB to write, and to read.
constexpr std::uint64_t kCopyPeriodNs = 1'000'000;

bool copies(Stacks stacks) { return stacks == Stacks::tables || stacks == Stacks::automatic; }

void configure_settings(memspike_bpf& skeleton, const Features& features, const Options& options,
                        Stacks stacks) {
  auto& settings = *skeleton.rodata;
  settings.has_rdonly_cast = features.has_rdonly_cast;
  settings.has_current_task_btf = features.has_current_task_btf;
  settings.cpu_count = tally_count() / MEMSPIKE_TRIGGER_COUNT;
  settings.with_stacks = stacks != Stacks::off;
  settings.copies_stacks = copies(stacks);
  settings.follows_frame_pointers = stacks != Stacks::tables;
  settings.stack_period_ns = options.stack_period_ns != 0 ? options.stack_period_ns
                             : copies(stacks)             ? kCopyPeriodNs
                                                          : 0;
  settings.copy_wakeup_bytes = std::min(settings.copy_wakeup_bytes, options.stack_ring_bytes / 8);
  settings.has_task_pt_regs = features.has_task_pt_regs;
  settings.memory_is_v1 = options.memory_is_v1;
  settings.gfp_account = features.gfp_account;
  settings.sweep_period_ns = options.sweep_period_ns;
  const Cadence cadence = Cadence::of_period(options.sweep_period_ns);
  settings.sweep_quiet_shift = cadence.quiet_shift;
  settings.sweep_max_shift = cadence.max_shift;
  settings.sweep_most_step_shift = cadence.step_shift;
  settings.wakeup_bytes = options.ring_bytes / 4;
  if (options.moves_per_second > 0) settings.move_period_ns = 1'000'000'000 / options.moves_per_second;
  for (const std::string& pattern : options.name_patterns) {
    if (settings.pattern_count == MEMSPIKE_MAX_PATTERNS) break;
    auto& slot = settings.patterns[settings.pattern_count++];
    slot.length = static_cast<__u32>(std::min(pattern.size(), sizeof(slot.prefix)));
    std::memcpy(slot.prefix, pattern.data(), slot.length);
  }
}

void configure_maps(memspike_bpf& skeleton, const Options& options, Stacks stacks) {
  if (stacks == Stacks::off) bpf_map__set_max_entries(skeleton.maps.stack_drafts, 1);
  bpf_map__set_autocreate(skeleton.maps.carried_stacks, stacks != Stacks::off);
  bpf_map__set_autocreate(skeleton.maps.stack_copies, copies(stacks));
  bpf_map__set_autocreate(skeleton.maps.copy_drafts, copies(stacks));
  bpf_map__set_max_entries(skeleton.maps.stack_copies, options.stack_ring_bytes);
  bpf_map__set_max_entries(skeleton.maps.records, options.ring_bytes);
  for (bpf_map* map :
       {skeleton.maps.memcgs, skeleton.maps.rises, skeleton.maps.closer, skeleton.maps.told_hits,
        skeleton.maps.budgets, skeleton.maps.slot_by_serial, skeleton.maps.free_slots}) {
    bpf_map__set_max_entries(map, options.max_memcgs);
  }
  // As CADENCE_GROUP of bpf/state.bpf.h.
  constexpr std::uint32_t kCadenceGroup = 16;
  bpf_map__set_max_entries(skeleton.maps.cadences, options.max_memcgs / kCadenceGroup + 1);
  bpf_map__set_max_entries(skeleton.maps.processes, options.max_processes);
  bpf_map__set_max_entries(skeleton.maps.tallies, tally_count());
}

// A weak function or type that vmlinux has not is looked for in the modules' BTF, which takes CAP_SYS_ADMIN.
// libbpf before 1.3 fails for want of it instead of going on without (load_module_btfs), but asks only once
// for each object: so have it ask where a failure does not matter, for a function that no kernel has.
void pass_over_modules(memspike_bpf& skeleton) {
  __u32 first = 0;
  if (bpf_btf_get_next_id(0, &first) == 0 || errno != EPERM) return;
  bpf_program__set_attach_target(skeleton.progs.sweep_one, 0, "memspike_is_in_no_kernel");
}

// A program that is loaded for a function is loaded for the one of its row: kernels name some differently.
void select_programs(memspike_bpf& skeleton, const std::vector<Program>& plan) {
  for (const std::string_view name : all_program_names()) {
    bpf_program__set_autoload(find_program(skeleton, name), false);
  }
  for (const Program& program : plan) {
    bpf_program* handle = find_program(skeleton, program.name);
    bpf_program__set_autoload(handle, true);
    if (program.attach != "fentry" && program.attach != "fexit") continue;
    bpf_program__set_attach_target(handle, 0, std::string(program.event).c_str());
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

tl::unexpected<Error> cannot(std::string_view what, int error) {
  if (auto limit = own_limit_behind(error)) return tl::unexpected(std::move(*limit));
  return fail(ErrorKind::failed, fmt::format("cannot {}: {}", what, std::strerror(error)));
}

std::string why_no_stacks(const std::string& why) {
  return why + "; the report does not say where the memory was asked for";
}

std::string why_no_copies(const std::string& why) {
  return why + "; user stacks are followed by frame pointers alone, and end where the code keeps none";
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

// What CPUs remember of memcgs: see switch_memcg (bpf/tracking.bpf.h), learn_current.
void Probe::State::make_forget() {
  __atomic_add_fetch(&skeleton->data->generation_of_answers, 1, __ATOMIC_SEQ_CST);
  for (memspike_tally& tally : tallies.all()) __atomic_store_n(&tally.serial_nr, 0, __ATOMIC_SEQ_CST);
  forget_current(tallies);
}

Result<Probe> Probe::load(const Features& features, const Options& options) {
  auto state = std::make_unique<State>();
  auto plan = make_plan(features, options.tier, options.detail);
  if (!plan) return tl::unexpected(plan.error());
  state->plan = std::move(*plan);
  state->missing = state->plan.missing;
  Stacks wanted = options.stacks;
  if (wanted != Stacks::off && !features.has_task_stack) {
    wanted = Stacks::off;
    state->missing.push_back("stacks: " + why_no_stacks("the kernel has no bpf_get_task_stack for them"));
  }
  if (copies(wanted) && !features.has_user_copies) {
    wanted = Stacks::frame_pointers;
    state->missing.push_back("stack copies: " + why_no_copies("the kernel has no bpf_probe_read_user"));
  }
  Stacks stacks = wanted;
  // The kernel, not its version, says which programs it takes: try, without copies of stacks and then
  // without stacks if it refuses them, else without the optional program that it refuses, and again.
  std::string refused_stacks;
  for (;;) {
    LogCapture log;
    state->skeleton.reset(memspike_bpf__open());
    if (state->skeleton == nullptr) return cannot("open the BPF object", errno);
    configure_settings(*state->skeleton, features, options, stacks);
    configure_maps(*state->skeleton, options, stacks);
    select_programs(*state->skeleton, state->plan.programs);
    pass_over_modules(*state->skeleton);
    const int error = memspike_bpf__load(state->skeleton.get());
    if (error == 0) break;
    if (auto limit = too_tight_own_limit()) return tl::unexpected(std::move(*limit));
    const std::string why = explain_load_failure(log.text(), -error);
    if (options.on_refused) options.on_refused(log.failed_program(), log.text());
    if (stacks != Stacks::off) {
      stacks = copies(stacks) ? Stacks::frame_pointers : Stacks::off;
      refused_stacks = why;
      continue;
    }
    // Not the stacks' fault: they get another chance.
    stacks = wanted;
    refused_stacks.clear();
    if (drop_from(state->plan.programs, log.failed_program(), why, state->missing)) continue;
    return fail(ErrorKind::unsupported,
                fmt::format("the kernel refused the BPF program {}: {}", log.failed_program(), why),
                "run `memspike doctor` to see what this kernel allows");
  }
  if (!refused_stacks.empty() && stacks == Stacks::off)
    state->missing.push_back("stacks: " + why_no_stacks(refused_stacks));
  if (!refused_stacks.empty() && stacks != Stacks::off)
    state->missing.push_back("stack copies: " + why_no_copies(refused_stacks));
  state->stacks = stacks;
  if (!features.has_charge_batches) state->most_firings_per_move = 0;  // as if they had none
  state->cadence = Cadence::of_period(options.sweep_period_ns);
  auto moved_ticks = Mapped<std::uint32_t>::map(state->skeleton->maps.cadences);
  if (!moved_ticks) return tl::unexpected(moved_ticks.error());
  state->moved_ticks = std::move(*moved_ticks);
  auto rises = Mapped<std::uint64_t>::map(state->skeleton->maps.rises);
  if (!rises) return tl::unexpected(rises.error());
  state->rises = std::move(*rises);
  auto closer = Mapped<std::uint64_t>::map(state->skeleton->maps.closer);
  if (!closer) return tl::unexpected(closer.error());
  state->closer = std::move(*closer);
  fill_free_slots(*state->skeleton, options.max_memcgs);
  auto tallies = Mapped<memspike_tally>::map(state->skeleton->maps.tallies);
  if (!tallies) return tl::unexpected(tallies.error());
  state->tallies = std::move(*tallies);
  const auto on_record = [](void* context, void* data, std::size_t size) {
    const auto* self = static_cast<State*>(context);
    (*self->sink)({static_cast<const std::byte*>(data), size});
    return 0;
  };
  state->ring.reset(
      ring_buffer__new(bpf_map__fd(state->skeleton->maps.records), on_record, state.get(), nullptr));
  if (state->ring == nullptr) return cannot("map the ring buffer", errno);
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

Result<void> Probe::track(std::span<const std::uint64_t> cgroup_ids) {
  const auto untracked = track_subtree(*state_->skeleton, cgroup_ids);
  if (untracked) state_->untracked = std::max(state_->untracked, *untracked);
  state_->make_forget();  // CPUs may remember these memcgs as untracked
  return untracked ? Result<void>{} : tl::unexpected(untracked.error());
}

std::uint64_t Probe::untracked() const { return state_->untracked; }

void Probe::detach() {
  state_->skeleton->bss->sweep_stopped = 1;
  set_remembers(*state_->skeleton, false);
  forget_current(state_->tallies);
  state_->attached.clear();
  // A program that was running when its hook was removed ends within microseconds (tracepoint
  // programs do not sleep); the timer fires once more at most.
  constexpr long kGraceNs = 3'000'000;
  const timespec grace{0, kGraceNs};
  nanosleep(&grace, nullptr);
}

void Probe::State::look_at(std::uint32_t slot) {
  std::array<std::uint64_t, 1> arguments{slot};
  bpf_test_run_opts run{};
  run.sz = sizeof(run);
  run.ctx_in = arguments.data();
  run.ctx_size_in = sizeof(arguments);
  bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.sweep_one), &run);
}

void Probe::look_at_all() {
  const std::uint32_t used = state_->skeleton->bss->slots_used;
  for (std::uint32_t slot = 0; slot < used; ++slot) state_->look_at(slot);
}

// As on_sweep_timer does it, which does not run here.
void Probe::sweep() {
  const std::uint32_t used = state_->skeleton->bss->slots_used;
  const std::uint32_t sweep = ++state_->skeleton->bss->sweep_tick;
  for (std::uint32_t slot = 0; slot < used; ++slot) {
    const std::uint32_t moved = __atomic_load_n(&state_->moved_ticks.all()[slot], __ATOMIC_RELAXED);
    if (state_->cadence.is_due(sweep, moved, slot)) state_->look_at(slot);
  }
}

Result<std::size_t> Probe::drain(const Sink& sink) {
  state_->sink = &sink;
  const int count = ring_buffer__consume(state_->ring.get());
  state_->sink = nullptr;
  state_->watch_high();
  if (state_->timer_runs && state_->skeleton->bss->sweep_is_late != 0) start_timer(*state_->skeleton);
  if (count < 0) {
    return fail(ErrorKind::failed, fmt::format("cannot read the ring buffer: {}", std::strerror(-count)));
  }
  return static_cast<std::size_t>(count);
}

int Probe::ring_fd() const { return ring_buffer__epoll_fd(state_->ring.get()); }

namespace {

std::uint64_t pages_of(std::uint64_t bytes) {
  return std::max<std::uint64_t>(1, bytes / static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
}

}  // namespace

void Probe::wake_at_least_rise(std::uint64_t bytes) {
  constexpr std::uint64_t kMostPages = std::numeric_limits<std::uint32_t>::max();
  state_->skeleton->data->least_rise_pages =
      static_cast<std::uint32_t>(std::min(pages_of(bytes), kMostPages));
}

void Probe::wake_at_rise(std::uint32_t slot, std::uint64_t bytes) {
  const auto rises = state_->rises.all();
  if (slot < rises.size()) __atomic_store_n(&rises[slot], pages_of(bytes), __ATOMIC_RELAXED);
}

void Probe::look_closer_at(std::span<const std::uint32_t> slots) {
  const auto closer = state_->closer.all();
  std::vector<bool> are_wanted(closer.size());
  for (const std::uint32_t slot : slots) {
    if (slot < closer.size()) are_wanted[slot] = true;
  }
  for (std::size_t slot = 0; slot < closer.size(); ++slot)
    __atomic_store_n(&closer[slot], are_wanted[slot] ? 1 : 0, __ATOMIC_RELAXED);
  __atomic_store_n(&state_->skeleton->bss->looks_at_some, 1, __ATOMIC_SEQ_CST);
  state_->make_forget();
}

bool Probe::looks_closer_at(std::uint32_t slot) const {
  const auto closer = state_->closer.all();
  return slot < closer.size() && __atomic_load_n(&closer[slot], __ATOMIC_RELAXED) != 0;
}

void Probe::look_closer_at_all() {
  __atomic_store_n(&state_->skeleton->bss->looks_at_some, 0, __ATOMIC_SEQ_CST);
  state_->make_forget();
}

void Probe::release_slot(std::uint32_t slot) {
  const auto rises = state_->rises.all();
  if (slot < rises.size()) __atomic_store_n(&rises[slot], 0, __ATOMIC_RELAXED);
  bpf_map_update_elem(bpf_map__fd(state_->skeleton->maps.free_slots), nullptr, &slot, BPF_ANY);
}

Tier Probe::tier() const { return state_->plan.tier; }
Detail Probe::detail() const { return state_->plan.detail; }
const std::string& Probe::tier_reason() const { return state_->plan.tier_reason; }
bool Probe::takes_stacks() const { return state_->stacks != Stacks::off; }
void Probe::rest_stacks(bool rest) { state_->skeleton->bss->stacks_rest = rest ? 1 : 0; }

std::optional<Probe::StackCopies> Probe::stack_copies() const {
  if (!copies(state_->stacks)) return std::nullopt;
  const bpf_map* map = state_->skeleton->maps.stack_copies;
  return StackCopies{bpf_map__fd(map), bpf_map__max_entries(map)};
}

std::vector<decode::Stack> Probe::carried_stacks() {
  std::vector<decode::Stack> stacks;
  if (!takes_stacks()) return stacks;
  const bpf_map* map = state_->skeleton->maps.carried_stacks;
  const int cpus = libbpf_num_possible_cpus();
  std::vector<memspike_carried> values(cpus > 0 ? static_cast<std::size_t>(cpus) : 0);
  const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  for (std::uint32_t key = 0; key < bpf_map__max_entries(map); ++key) {
    if (values.empty() || bpf_map_lookup_elem(bpf_map__fd(map), &key, values.data()) != 0) continue;
    for (memspike_carried& carried : values) {
      if (carried.pages == 0) continue;
      decode::Stack& stack = stacks.emplace_back();
      stack.bytes = carried.pages * page_bytes;
      stack.slot = carried.slot;
      stack.tgid = stack.tid = carried.tgid;
      stack.comm.assign(carried.comm, strnlen(carried.comm, sizeof(carried.comm)));
      carried.pages = 0;
    }
    bpf_map_update_elem(bpf_map__fd(map), &key, values.data(), BPF_ANY);
  }
  return stacks;
}

bool Probe::sweeps_by_itself() const { return state_->timer_runs; }

void Probe::refresh() {
  // A rarer interrupt need not be moved, and must not: starting the timer anew puts off what it was set to.
  constexpr std::uint64_t kOftenNs = 10'000'000;
  forget_current(state_->tallies);
  state_->check_charge_hooks();
  const bool is_pinned = state_->skeleton->data->timer_flags != 0;
  const std::uint64_t period_ns = state_->skeleton->rodata->sweep_period_ns
                                  << state_->skeleton->bss->sweep_step_shift;
  if (state_->timer_runs && is_pinned && period_ns <= kOftenNs) start_timer(*state_->skeleton);
}
const std::vector<Hook>& Probe::hooks() const { return state_->hooks; }
const std::vector<std::string>& Probe::missing() const { return state_->missing; }

}  // namespace memspike::probe
