#include "stories.h"

#include <algorithm>

#include "../unit/bursts_of.h"
#include "timeline/rise.h"

namespace memspike::golden {

using namespace facts;
using namespace near_miss;
using namespace report;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1'000 * kMs;
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kStart = 86'400 * kSecond;                     // CLOCK_MONOTONIC: up for a day
constexpr std::uint64_t kUtc = 1'795'491'613 * kSecond + 123'456'000;  // 2026-11-24T03:40:13.123456Z

const std::string kPodPath = "/kubepods/burstable/pod3f2a91b0-c7d1-4e5f-8a6b-9c0d1e2f3a4b";

Session session(std::uint64_t duration_ns) {
  Session s;
  s.start_monotonic_ns = kStart;
  s.start_realtime_ns = kUtc;
  s.duration_ns = duration_ns;
  s.kernel_release = "6.1.0-18-amd64";
  s.cgroup_mode = "v2";
  s.tier = "tracepoint";
  s.hooks = {{"mm_page_alloc", "tp_btf"},
             {"mm_page_free", "tp_btf"},
             {"memcg_reclaim_begin", "tp_btf"},
             {"memcg_reclaim_end", "tp_btf"},
             {"mark_victim", "tp_btf"},
             {"oom_kill_process", "fentry"},
             {"sweep", "timer"}};
  s.sweep_period_ns = kMs;
  s.max_sample_gap_ns = 1'203'551;
  s.min_prominence_bytes = 5 * kMiB / 2;
  s.self = Self{duration_ns, duration_ns / 250, 21 * kMiB, 7 * kMiB, {}};
  return s;
}

Report base(std::uint64_t duration_ns) {
  Report r;
  r.session = session(duration_ns);
  r.events = {
      {"page_allocs", 2'104'822}, {"page_frees", 2'031'400}, {"samples", 51'557}, {"unchanged", 4'084'665}};
  r.lost = {{"ring_buffer_full", 0}, {"program_recursion", 0}, {"slots_full", 0}};
  return r;
}

// Adds a spike and counts it in the histograms, as the session does.
void add_spike(Memcg& memcg, const spike::Spike& spike) {
  Histograms& h = memcg.histograms;
  if (!memcg.spikes.empty()) h.interval_ns.record(spike.peak_ns - memcg.spikes.back().peak_ns);
  h.prominence_bytes.record(spike.prominence_bytes);
  h.width_ns.record(spike.width_ns);
  h.rise_ns.record(spike.rise_ns);
  if (spike.headroom_bytes != spike::kNoHeadroom) h.headroom_bytes.record(spike.headroom_bytes);
  memcg.spikes.push_back(spike);
  ++memcg.spikes_total;
  const Burst burst = burst_of(spike);
  count(burst, memcg);
  memcg.bursts.push_back(burst);
  memcg.observed.add(burst);
  memcg.burst_threshold_bytes = 5 * kMiB / 2;
}

spike::Spike spike_at(std::uint64_t time_ns, std::uint64_t peak_bytes, std::uint64_t prominence_bytes,
                      std::uint64_t limit_bytes, spike::Outcome outcome = spike::Outcome::fell) {
  spike::Spike s;
  s.peak_ns = time_ns;
  s.peak_bytes = peak_bytes;
  s.prominence_bytes = prominence_bytes;
  s.rise_ns = 3'310'000 + prominence_bytes / 7;
  s.width_ns = 21'400'000 + prominence_bytes * 2;
  s.crest_ns = s.width_ns / 3;
  s.crest_rise_ns = s.rise_ns / 8;
  s.left_base_ns = time_ns - 10 * kMs;
  s.right_base_ns = time_ns + 90 * kMs;
  s.headroom_bytes = limit_bytes == 0 ? spike::kNoHeadroom : limit_bytes - peak_bytes;
  s.outcome = outcome;
  return s;
}

OomKill kill_at(std::uint64_t time_ns, std::uint32_t pid, std::string comm, std::uint64_t limit_bytes) {
  OomKill k;
  k.time_ns = time_ns;
  k.pid = pid;
  k.comm = std::move(comm);
  k.usage_bytes = limit_bytes;
  k.limit_bytes = limit_bytes;
  k.anon_rss_bytes = limit_bytes - 2'236'416;
  k.file_rss_bytes = 1'609'728;
  k.shmem_rss_bytes = 0;
  k.oom_score_adj = 969;
  k.victims = {{k.pid, k.comm}};
  k.trigger = OomKill::Trigger{k.pid, k.comm};
  return k;
}

void add_allocations(Memcg& memcg, std::uint64_t pages, std::uint32_t pid, const std::string& comm) {
  memcg.allocations.pages = pages;
  memcg.allocations.by_order = {pages - 64, 16, 8, 2};
  for (std::uint64_t order = 0; order < 4; ++order) {
    memcg.histograms.alloc_order.record(order, memcg.allocations.by_order[order]);
  }
  memcg.allocations.by_process = {{pid, comm, pages - pages / 40}, {pid - 1, "sh", pages / 50}};
  memcg.allocations.unattributed_pages = pages - (pages - pages / 40) - pages / 50;
}

// The worker's threads and a helper made every spike of the memcg.
void add_culprits(Report& report, Memcg& memcg, std::uint32_t pid, const std::string& comm) {
  const auto first = static_cast<std::uint32_t>(report.threads.size());
  report.threads.push_back(
      {pid, pid + 7, comm, "/srv/" + comm + " --port 8080", memcg.path, memcg.container});
  report.threads.push_back({pid, pid, comm, "/srv/" + comm + " --port 8080", memcg.path, memcg.container});
  report.threads.push_back({pid - 1, pid - 1, "sh", "", memcg.path, memcg.container});
  const auto blame = [&](Causes& causes, std::uint64_t bytes) {
    const std::uint64_t pages = bytes / 4096;
    causes.culprits = {{first, pages - pages / 4}, {first + 1, pages / 5}, {first + 2, pages / 50}};
    causes.other_pages = pages / 100;
    causes.unattributed_pages = pages / 40;
  };
  for (Spike& spike : memcg.spikes) blame(spike, spike.prominence_bytes);
  for (Burst& burst : memcg.bursts) blame(burst, burst.height_bytes());
}

// What scrapers met between two times: the level it lives at, and each peak for as long as its crest.
void show(Memcg& memcg, std::uint64_t from_ns, std::uint64_t until_ns) {
  const std::uint64_t typical = memcg.usage.typical_bytes.value_or(0);
  const auto hold = [&](std::uint64_t until, std::uint64_t bytes) {
    memcg.shown.hold(from_ns, until, bytes);
    memcg.observed.time_above.hold(until > from_ns ? until - from_ns : 0, bytes, memcg.limit_bytes);
    from_ns = std::max(from_ns, until);
  };
  for (const spike::Spike& spike : memcg.spikes) {
    hold(std::min(until_ns, spike.peak_ns), typical);
    hold(std::min(until_ns, spike.peak_ns + spike.crest_ns), spike.peak_bytes);
  }
  hold(until_ns, typical);
  memcg.working_set_known = true;
}

// The picture that goes with the numbers: from its birth at the level it lives at, but for the spikes.
void add_overview(Memcg& memcg, std::uint64_t born_ns, std::uint64_t end_ns) {
  const std::uint64_t floor_bytes = memcg.usage.typical_bytes.value_or(0);
  timeline::Overview& overview = memcg.overview;
  overview.push(born_ns, 0);
  overview.push(born_ns + 40 * kMs, floor_bytes);
  for (const spike::Spike& spike : memcg.spikes) {
    overview.push(spike.peak_ns - 4 * kMs, floor_bytes);
    overview.push(spike.peak_ns, spike.peak_bytes);
    overview.push(spike.peak_ns + std::min(spike.width_ns, 40 * kMs), floor_bytes);
  }
  overview.push(end_ns, memcg.usage.last_bytes);
}

// The second before a kill: at the level it lives at, then evenly to the limit within 29 ms.
void add_last_second(Memcg& memcg, OomKill& kill) {
  LastSecond& last = kill.last_second.emplace();
  last.path = memcg.path;
  last.window_ns = kSecond;
  last.limit_bytes = kill.limit_bytes;
  const std::uint64_t floor_bytes = *memcg.usage.typical_bytes;
  const std::uint64_t rise_bytes = *kill.limit_bytes - floor_bytes;
  const std::uint64_t rise_ns = 29'113'000;
  const std::uint64_t leaves_ns = memcg.usage.peak_ns - rise_ns;
  last.timeline = {{kill.time_ns - kSecond, floor_bytes}, {leaves_ns, floor_bytes}};
  constexpr std::uint64_t kSteps = 48;
  for (std::uint64_t i = 1; i <= kSteps; ++i) {
    last.timeline.push_back({leaves_ns + rise_ns * i / kSteps, floor_bytes + rise_bytes * i / kSteps});
  }
  const auto rise = timeline::final_rise(last.timeline, kMiB);
  last.baseline = rise->baseline;
  last.crest = rise->crest;
  last.slope_bytes_per_second = timeline::slope_bytes_per_second(*rise);
  last.baseline_to_limit_ns = rise->crest.time_ns - rise->baseline.time_ns;
}

// One life of the container: it starts, bursts `bursts` times, and is killed at its limit.
Memcg life(unsigned index, std::uint64_t born_ns, unsigned bursts, bool killed) {
  const std::uint64_t limit_bytes = 50 * kMiB;
  Memcg m;
  const std::string id = std::string(1, static_cast<char>('4' + index)) +
                         "b1c0e7a99d2f0c31a5566b7e8d9f0a1b2c3d4e5f60718293a4b5c6d7e8f9a0b";
  m.path = kPodPath + "/" + id;
  m.role = Role::container;
  m.container = Container{id, "app"};
  m.limit_bytes = limit_bytes;
  m.usage = {0, 0, 0, 0, 0, 39'976'960 + index * 4096};
  for (unsigned i = 0; i < bursts; ++i) {
    const std::uint64_t peak = 46 * kMiB + (i * 37 + index * 11) % 13 * 262'144;
    add_spike(m, spike_at(born_ns + (i + 1) * 1'700 * kMs + i * i * 31 * kMs, peak, peak - 40'001'536,
                          limit_bytes));
  }
  m.usage.peak_bytes = killed ? limit_bytes : m.spikes.back().peak_bytes;
  m.usage.peak_ns = born_ns + 8 * kSecond + 221'004;
  if (killed) {
    spike::Spike last =
        spike_at(m.usage.peak_ns, limit_bytes, limit_bytes, limit_bytes, spike::Outcome::oom_kill);
    last.rise_ns = 7'912 * kMs;
    last.width_ns = 7'960 * kMs;
    last.crest_ns = 19 * kMs;
    last.crest_rise_ns = 11 * kMs;
    add_spike(m, last);
    Spike& spike = m.spikes.back();
    spike.stalls = {41, 380 * kMs, 27 * kMs};
    spike.limit_hits = {44, 0};
    spike.composition = composition::Growth{
        last.left_base_ns - 3 * kMs, last.peak_ns + kMs, 46 * kMiB, -3 * kMiB, 0, 4096, {}};
    spike.allocated = composition::Allocated{49 * kMiB, 240 * 1024, 64 * 1024};
    // It rose from the level that it lives at, where find_peaks looks back to its start.
    OomKill kill = kill_at(m.usage.peak_ns + 180'000, 71'204 + index * 318, "checkout-worker", limit_bytes);
    kill.limit_path = m.path;
    kill.limit_source = LimitSource::kernel;
    add_last_second(m, kill);
    Burst& burst = m.bursts.back() = burst_of(spike);
    burst.floor = {m.usage.peak_ns - 40 * kMs, *m.usage.typical_bytes};
    burst.rise_begin = *kill.last_second->baseline;
    burst.half_begin_ns = m.usage.peak_ns - 15 * kMs;
    burst.end_ns = m.usage.peak_ns + 180'000;
    burst.duration_ns = burst.end_ns - burst.half_begin_ns;
    burst.makeup->grown = {
        burst.rise_begin.time_ns - 3 * kMs, burst.end_ns - 90'000, 14 * kMiB, -3 * kMiB, 0, 4096, {}};
    burst.makeup->shift =
        composition::Growth{burst.top.time_ns, burst.end_ns - 90'000, 2 * kMiB, -2 * kMiB, 0, 0, {}};
    set_bursts(m, std::vector<Burst>(m.bursts));
    m.inherited = Inherited{born_ns, 12 * kMiB};
    m.oom_kills.push_back(std::move(kill));
    m.gone = true;
  } else {
    m.usage.peak_ns = m.spikes.back().peak_ns;
    m.usage.last_bytes = 39'993'344;
  }
  m.kernel_peak_bytes = m.usage.peak_bytes;
  m.kernel_peak_source = "memory.peak";
  m.kernel_oom_kills = m.oom_kills.size();
  show(m, born_ns, killed ? m.usage.peak_ns + 20 * kMs : born_ns + 3 * kSecond);
  add_allocations(m, 61'440 + index * 1024, 71'204 + index * 318, "checkout-worker");
  add_overview(m, born_ns, m.usage.peak_ns + kSecond / 5);
  return m;
}

}  // namespace

Report oom_story() {
  Report r = base(30 * kSecond + 4 * kMs);
  r.target = {"pod 3f2a91b0-c7d1-4e5f-8a6b-9c0d1e2f3a4b",
              "3f2a91b0-c7d1-4e5f-8a6b-9c0d1e2f3a4b",
              "shop",
              "checkout-7d9c8b5f4-x2lvp",
              "burstable",
              kPodPath};
  Memcg pod;
  pod.path = kPodPath;
  pod.role = Role::pod;
  pod.usage = {40 * kMiB, 40'284'160, 290'816, 52'723'712, kStart + 8 * kSecond + 221'004, 40'267'776};
  pod.kernel_peak_bytes = 52'723'712;
  pod.kernel_peak_source = "memory.peak";
  for (unsigned i = 0; i < 3; ++i) {
    add_spike(pod, spike_at(kStart + (8 + 9 * i) * kSecond + 221'004, 52'723'712, 52'432'896, 0));
  }
  Memcg sandbox;
  sandbox.path = kPodPath + "/0d3fe1f2c3b4a5968778695a4b3c2d1e0f00112233445566778899aabbccddee";
  sandbox.role = Role::sandbox;
  sandbox.container = Container{"0d3fe1f2c3b4a5968778695a4b3c2d1e0f00112233445566778899aabbccddee", {}};
  sandbox.usage = {290'816, 290'816, 290'816, 294'912, kStart + 12, 290'816};
  sandbox.kernel_peak_bytes = 294'912;
  sandbox.kernel_peak_source = "memory.peak";
  r.memcgs = {pod, sandbox};
  for (unsigned i = 0; i < 3; ++i) r.memcgs.push_back(life(i, kStart + 9 * i * kSecond, 4, true));
  r.memcgs.push_back(life(3, kStart + 27 * kSecond, 1, false));
  for (unsigned i = 0; i < 4; ++i) add_culprits(r, r.memcgs[2 + i], 71'204 + i * 318, "checkout-worker");
  return r;
}

Report oom_story_with_timeline() {
  Report r = oom_story();
  r.with_timeline = true;
  r.memcgs.erase(r.memcgs.begin() + 3, r.memcgs.end());
  for (std::uint64_t i = 0; i < 5; ++i) r.memcgs[2].timeline.emplace_back(kStart + i * 40'123, i * 262'144);
  StallMarks stalls(3);
  for (std::uint64_t i = 1; i < 5; ++i) stalls.add(kStart + i * i * 8'192, i % 3 * 5'000 + 400);
  r.memcgs[2].stall_marks = stalls;
  return r;
}

Report silent() {
  Report r = base(5 * kSecond);
  r.target.description = "cgroup /system.slice/nothing.service";
  r.target.cgroup = "/system.slice/nothing.service";
  Memcg m;
  m.path = r.target.cgroup;
  r.memcgs = {m};
  for (auto& [name, value] : r.events) value = 0;
  return r;
}

Report absent() {
  Report r = silent();
  r.session.self.reset();
  r.memcgs.clear();
  return r;
}

Report quiet() {
  Report r = silent();
  r.events[2].second = 1;
  r.memcgs[0].usage = {20 * kMiB, 21 * kMiB, 20 * kMiB, 21 * kMiB, kStart + kSecond, 20 * kMiB};
  r.memcgs[0].kernel_peak_bytes = 21 * kMiB;
  r.memcgs[0].kernel_peak_source = "memory.peak";
  return r;
}

// A title that sets the window's name, a carriage return, quotes, a formula, a
// comma, a newline, HTML, a C1 CSI, an override that reads backwards, half a character.
const char* const kHostileName =
    "\x1b]0;pwned\x07\r\"x\",'=1+1\n</script><b>&\xc2\x9b"
    "31m\xe2\x80\xae"
    "exe.txt\xe2\x80\xac\xff\xe2\x82\\";

Report hostile() {
  Report r = base(5 * kSecond);
  const std::string name = kHostileName;
  r.target = {name, name, name, name, name, "/" + name};
  r.session.kernel_release = name;
  r.session.hooks = {{name, name}};
  r.notes = {name, "a note with \xe4\xb8\xad\xe6\x96\x87 and e\xcc\x81"};
  Memcg m = life(0, kStart, 2, true);
  m.path = "/" + name;
  m.container->name = name;
  m.kernel_peak_source = name;
  m.oom_kills[0].comm = name;
  m.oom_kills[0].trigger = OomKill::Trigger{4711, name};
  m.oom_kills[0].limit_path = "/" + name + "/above";
  m.oom_kills[0].last_second->path = "/" + name + "/above";
  m.allocations.by_process[0].comm = name;
  m.allocations.by_process[1].comm = "";
  add_culprits(r, m, 71'204, name);
  r.memcgs = {m};
  return r;
}

Report losses() {
  Report r = base(12 * kSecond);
  r.target.description = "cgroup /batch/job-7";
  r.target.cgroup = "/batch/job-7";
  r.session.tier = "charge";
  r.session.cgroup_mode = "v1";
  r.session.self->programs = {{"on_page_alloc", 2'310'004, 180'180'312}, {"on_memcg_event", 3, 1'201}};
  r.lost = {{"ring_buffer_full", 12'345}, {"program_recursion", 1}, {"slots_full", 0}};
  r.notes = {
      "the limit changed from 50.0 MiB to 64.0 MiB at 2026-11-24T03:40:20.000417Z",
      "memory.max_usage_in_bytes was reset by somebody at 2026-11-24T03:40:21.512000Z: peaks before it are "
      "those that were sampled"};
  Memcg m = life(0, kStart, 1, true);
  m.path = "/batch/job-7";
  m.role = Role::cgroup;
  m.container.reset();
  m.limit_bytes = 64 * kMiB;
  m.kernel_peak_bytes = 53 * kMiB + 4096;
  m.kernel_peak_source = "memory.max_usage_in_bytes";
  m.kernel_oom_kills = 2;
  m.oom_kills[0].usage_bytes = 30 * kMiB;
  m.oom_kills[0].limit_path = "/batch";
  m.oom_kills[0].limit_source = LimitSource::inferred;
  m.oom_kills[0].last_second->path = "/batch";
  m.spikes.push_back(
      spike_at(kStart + 11 * kSecond, 30 * kMiB, 20 * kMiB, 64 * kMiB, spike::Outcome::ongoing));
  m.spikes_total = 3;
  m.bursts.push_back(burst_of(m.spikes.back()));
  m.bursts_total = 3;
  Memcg child = life(1, kStart, 2, false);
  child.path = "/batch/job-7/step-2";
  child.role = Role::cgroup;
  child.container.reset();
  child.kernel_peak_bytes = 40 * kMiB;
  child.usage.typical_bytes.reset();
  child.kernel_oom_kills = 2;
  r.memcgs = {m, child};
  return r;
}

Report crowd() {
  Report r = base(7 * 3600 * kSecond);
  r.session.start_realtime_ns = kUtc + 18 * 3600 * kSecond;
  r.target = {"pod 3f2a", "3f2a91b0-c7d1-4e5f-8a6b-9c0d1e2f3a4b", {}, {}, "besteffort", kPodPath};
  Memcg m;
  m.path = kPodPath + "/9f8e7d6c5b4a39281706f5e4d3c2b1a0";
  m.role = Role::container;
  m.container = Container{"9f8e7d6c5b4a39281706f5e4d3c2b1a0", {}};
  m.usage = {kMiB, 3 * kMiB, 0, 900 * kMiB, kStart + 3600 * kSecond, 6 * kMiB};
  for (std::uint64_t i = 0; i < 300; ++i) {
    const std::uint64_t height = (3 + i * i % 701) * kMiB;
    add_spike(
        m, spike_at(kStart + (i + 1) * 80 * kSecond, height + 6 * kMiB, height, i % 3 == 0 ? 0 : kMiB << 10));
    m.spikes.back().rise_ns = 10'000 + i * i * i * 700;
    m.bursts.back() = burst_of(m.spikes.back());
  }
  for (std::uint32_t i = 0; i < 200; ++i) {
    m.oom_kills.push_back(kill_at(kStart + (i + 1) * 120 * kSecond, 4000 + i, "stress", 900 * kMiB));
    m.oom_kills.back().limit_bytes.reset();
  }
  m.usage.last_bytes = 3 * kMiB;
  show(m, kStart, kStart + 7 * 3600 * kSecond);
  m.working_set_known = false;
  add_overview(m, kStart, kStart + 7 * 3600 * kSecond);
  m.spikes_total = m.bursts_total = 1500;  // the oldest are kept in the histograms only
  for (std::uint32_t i = 0; i < 14; ++i)
    m.allocations.by_process.push_back({4000 + i, "stress", 9000 - i * 500});
  m.allocations.pages = 80'500;
  r.memcgs = {m};
  for (unsigned i = 0; i < 13; ++i) {
    Memcg idle;
    idle.path = kPodPath + "/idle" + std::to_string(i);
    idle.usage.peak_bytes = i * 4096;
    r.memcgs.push_back(idle);
  }
  return r;
}

Report stacks() {
  Report r = oom_story();
  const std::string app = r.memcgs[2].path;
  r.memcgs.resize(3);
  r.events.emplace_back("stacks", 201);
  r.lost.emplace_back("stack_ring_buffer_full", 0);
  Stacks s;
  s.modules = {{"/srv/checkout-worker", "1f2e3d4c5b6a79880000111122223333aaaabbbb"},
               {"/lib/x86_64-linux-gnu/libc.so.6", "82ce4e6e4ef08fa58a3535f7437bd3e592db5ac0"},
               {"[kernel]", ""},
               {"[jit]", ""},
               {"[unknown]", ""}};
  s.frames = {{"shop::Cache<std::string, shop::Basket>::grow(std::size_t) const", 0, 0x12a7c},
              {"shop::(anonymous namespace)::serve(shop::Request&&)", 0, 0x13b01},
              {"main", 0, 0x11020},
              {"", 1, 0x2724a},
              {"charge_memcg", 2, 0xffffffff813a1b2c},
              {"__mem_cgroup_charge", 2, 0xffffffff813a1c3d},
              {"do_anonymous_page", 2, 0xffffffff81333333},
              {"__handle_mm_fault", 2, 0xffffffff81344444},
              {"handle_mm_fault", 2, 0xffffffff81355555},
              {"do_user_addr_fault", 2, 0xffffffff81066666},
              {"exc_page_fault", 2, 0xffffffff82077777},
              {"LazyCompile:*render /app/views.js:41", 3, 0x7f11c0de0040},
              {kHostileName, 4, 0x7f11c0de1000},
              {"main.(*Ledger).append", 0, 0x491a40},
              {"", 4, 0x10}};
  const auto add = [&](std::uint64_t pages, std::uint32_t pid, std::string comm,
                       std::vector<std::uint32_t> user) {
    s.stacks.push_back(
        {pages, pages / 64, pid, std::move(comm), app, "app", {}, {4, 5, 6, 7, 8, 9, 10}, std::move(user)});
    s.pages += pages;
  };
  add(6'400, 71'204, "checkout-worker", {0, 1, 2, 3});
  add(3'200, 71'204, "checkout-worker", {11, 1, 2, 3});
  add(1'920, 71'203, kHostileName, {12, 14});
  add(640, 71'211, "ledger", {13, 2, 3});
  add(320, 71'213, "kworker/1:2", {});
  add(64, 71'214, "sh", {14});
  add(64, 71'215, "sh", {14});
  s.stacks[4].container.reset();
  s.stacks[2].cut_short = true;
  s.overflow_pages = 256;
  s.pages += s.overflow_pages;
  s.user_pages = 12'288;
  s.cut_short_pages = 2'048;
  r.stacks = s;
  return r;
}

}  // namespace memspike::golden
