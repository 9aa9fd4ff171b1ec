// A small recording with every kind of fact, for tests of the recording's writer and reader.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "facts/fact.h"
#include "facts/sink.h"
#include "lives/life_table.h"
#include "recording/reader.h"
#include "recording/writer.h"
#include "views/json/json.h"

namespace memspike::facts {

inline constexpr std::uint64_t kStartNs = 5'000'000'000;
inline constexpr std::uint64_t kUtcNs = 1'800'000'000'123'456'789;
inline constexpr std::uint64_t kMiB = 1U << 20;

inline facts::SessionKnown session(std::uint64_t samples) {
  facts::SessionKnown known;
  known.time_ns = kStartNs;
  known.session.start_monotonic_ns = kStartNs;
  known.session.start_realtime_ns = kUtcNs;
  known.session.kernel_release = "6.1.0-test";
  known.session.cgroup_mode = "v2";
  known.session.tier = "charge";
  known.session.tier_reason = "because";
  known.session.hooks = {{"mm_page_alloc", "tp_btf"}, {"mark_victim", "tp_btf"}};
  known.session.page_size_bytes = 16'384;
  known.session.sweep_period_ns = 1'000'000;
  known.session.max_sample_gap_ns = 77;
  known.session.self =
      facts::Self{9'000'000, 123'456, 21 * kMiB, 7 * kMiB, {{"on_page_alloc", 1000, 71'000}}};
  known.target.description = "pod x";
  known.target.pod_uid = "11111111-2222-3333-4444-555555555555";
  known.target.namespace_name = "shop";
  known.target.pod = "checkout\xff\x1b[31m";  // untrusted bytes stay as they are
  known.target.qos = "burstable";
  known.target.cgroup = "/pod";
  known.events = {{"samples", samples}, {"unchanged", 12}};
  known.lost = {{"ring_buffer_full", 3}};
  return known;
}

inline facts::MemcgRow row(facts::MemcgIndex memcg, std::uint64_t after_ns, std::uint64_t usage_bytes,
                           std::optional<std::uint64_t> limit_bytes = 50 * kMiB,
                           timeline::Mark mark = timeline::Mark::sampled) {
  timeline::Row row{kStartNs + after_ns, usage_bytes, 60 * kMiB, limit_bytes, decode::kNoHeadroom, mark};
  if (limit_bytes) row.headroom_bytes = *limit_bytes > usage_bytes ? *limit_bytes - usage_bytes : 0;
  return {memcg, row};
}

inline facts::ProcessKilled kill(std::uint64_t after_ns, bool same_incident) {
  facts::ProcessKilled killed;
  killed.memcgs = {1, 0};
  killed.same_incident = same_incident;
  killed.kill.time_ns = kStartNs + after_ns;
  killed.kill.pid = same_incident ? 43 : 42;
  killed.kill.comm = "a;b\"c";
  killed.kill.usage_bytes = 50 * kMiB;
  killed.kill.limit_bytes = 50 * kMiB;
  killed.kill.anon_rss_bytes = 40 * kMiB;
  killed.kill.file_rss_bytes = 1;
  killed.kill.shmem_rss_bytes = 2;
  killed.kill.oom_score_adj = -998;
  killed.kill.limit_path = "/pod/app";
  killed.kill.limit_source = facts::LimitSource::kernel;
  killed.kill.victims = {{killed.kill.pid, killed.kill.comm}};
  killed.kill.trigger = report::OomKill::Trigger{44, "asker\xff"};
  killed.kill.chain = {{"/pod/app", 50 * kMiB, 50 * kMiB}, {"/", 900 * kMiB, {}}};
  return killed;
}

// Every kind of fact, and every kind of row.
inline std::vector<facts::Fact> story() {
  using timeline::Mark;
  facts::MemcgRow under_another = row(1, 6'000'000, 30 * kMiB);
  under_another.row.headroom_bytes = 7 * kMiB;  // an ancestor is tighter
  facts::MemcgRow unbounded = row(0, 6'500'000, 8 * kMiB, std::nullopt);
  unbounded.row.headroom_bytes = 9 * kMiB;
  return {
      session(0),
      facts::MemcgFound{0, kStartNs, 4711, {}, "/pod", {facts::Role::pod, {}, true}},
      facts::MemcgFound{1,
                        kStartNs + 10,
                        4712,
                        0,
                        "/pod/app",
                        {facts::Role::container, facts::Container{"abcdef", {}}, true}},
      row(0, 100, kMiB, std::nullopt),
      row(1, 100, kMiB),
      facts::ThreadSeen{kStartNs + 150, {42, 43, 77, "eater", "/srv/eat \xfe --all"}},
      row(0, 3'000'000, 2 * kMiB, std::nullopt, Mark::held),
      row(1, 4'000'000, 45 * kMiB, 50 * kMiB, Mark::watermark),
      facts::MemcgCharged{kStartNs + 4'000'000, {1, 0}, 42, 43, 30 * kMiB, {29 * kMiB, kMiB, 4096}},
      facts::MemcgCharged{kStartNs + 4'100'000, {1}, 44, 44, 14 * kMiB, {}},
      row(1, 5'000'000, 2 * kMiB),
      under_another,
      row(1, 6'100'000, 3 * kMiB),
      unbounded,
      row(0, 7'000'000, kMiB, 64 * kMiB),
      row(0, 7'100'000, kMiB, std::nullopt),
      facts::KernelLogged{kStartNs + 8'500'500, 42, true, "/pod/app", "oom-kill:constraint=…"},
      facts::Noted{1, "the limit changed"},
      facts::Noted{{}, "without reclaim"},
      facts::InactiveFileRead{1, kStartNs + 7'500'000, 3 * kMiB},
      facts::MemoryStatRead{1, kStartNs + 7'600'000, 3 * kMiB, {kMiB, 2 * kMiB, 0, 4096, {}}, false, kMiB},
      row(1, 8'000'000, 50 * kMiB),
      facts::MemoryStatRead{1, kStartNs + 8'100'000, 50 * kMiB, {47 * kMiB, kMiB, 2 * kMiB, {}, 0}, {}},
      facts::TaskStalled{1, kStartNs + 8'400'000, 1'500'000, 64 * 4096, 42, 43},
      facts::HighSet{1, kStartNs + 8'410'000, 45 * kMiB},
      facts::TaskStalled{1, kStartNs + 8'430'000, 12'000, 0, 42, 43, true},
      facts::TasksHung{1, kStartNs + 8'440'000, false, "/above", {{42, 43}}},
      facts::TasksHung{1, kStartNs + 8'445'000, true, {}, {}},
      facts::LimitHit{1, kStartNs + 8'450'000, {17, 2}},
      facts::MovesThinned{1, kStartNs + 8'100'000, kStartNs + 8'460'000, 12'345},
      kill(8'500'000, false),
      kill(8'600'000, true),
      row(1, 9'000'000, kMiB),
      facts::MemcgGone{1, kStartNs + 9'500'000, 50 * kMiB, 19, {}},
      facts::KernelCounts{0, 61 * kMiB, "memory.peak", 2, 17, 3, true, 14'000},
      facts::MemcgNamed{1,
                        {facts::Role::container, facts::Container{"abcdef", "app"}, true,
                         facts::PodId{"655aed01", "shop", "checkout", "burstable"}}},
      facts::ProcessAllocations{1, 42, "eater", {100, 0, 3}},
      facts::ProcessAllocations{1, 0, "", {7}},
      facts::CodeNamed{{{"/srv/eat", "0123abcd"}, {"[kernel]", ""}}, {}},
      facts::CodeNamed{{}, {{"eat(Meal\xff)", 0, 0x1010}, {"handle_mm_fault", 1, ~std::uint64_t{15}}}},
      facts::StackSeen{1, {100, 7, 42, "eater", "", {}, {}, {1}, {0, 0}, true}},
      facts::StackSeen{0, {50, 1, 42, "eater", "", {}, {}, {1}, {}, false}},
      facts::StacksCounted{3},
      session(99),
      facts::RecordingEnded{kStartNs + 10'000'000}};
}

inline constexpr recording::Writer::Clocks kClocks{kStartNs, kUtcNs, kStartNs + 5};

// Does with every fact what it is told.
class Taker final : public FactSink {
 public:
  explicit Taker(std::function<void(const Fact& fact)> take) : take_(std::move(take)) {}
  void apply(const Fact& fact) override { take_(fact); }

 private:
  std::function<void(const Fact& fact)> take_;
};

// The bytes of a recording of these facts. `flush_each`: a block for every fact.
inline std::string record(const std::vector<facts::Fact>& facts, bool flush_each = false,
                          const recording::Writer::Clocks& clocks = kClocks) {
  std::string bytes;
  recording::Writer writer(
      [&](std::string_view piece) -> Result<void> {
        bytes += piece;
        return {};
      },
      clocks);
  lives::LifeTable table({});
  Taker taker([&](const facts::Fact& fact) { writer.write(fact); });
  table.pass_to(taker);
  for (const facts::Fact& fact : facts) {
    table.apply(fact);
    if (flush_each) static_cast<void>(writer.flush());
  }
  static_cast<void>(writer.flush());
  return bytes;
}

// What is read back, by recording.
struct ReadBack {
  std::vector<std::vector<facts::Fact>> recordings;
  std::string error;
};

inline ReadBack read_back(std::string_view bytes, std::size_t piece = std::string_view::npos) {
  ReadBack result;
  recording::Reader reader([&](std::size_t recording, const facts::Fact& fact) {
    if (result.recordings.size() <= recording) result.recordings.resize(recording + 1);
    result.recordings[recording].push_back(fact);
  });
  for (std::size_t at = 0; at < bytes.size() && result.error.empty();
       at += std::min(piece, bytes.size() - at)) {
    if (auto fed = reader.feed(bytes.substr(at, piece)); !fed) result.error = fed.error().message;
  }
  if (result.error.empty()) {
    if (auto finished = reader.finish(); !finished) result.error = finished.error().message;
  }
  return result;
}

// All that a report can say about these facts.
inline std::string report_of(const std::vector<facts::Fact>& facts) {
  lives::LifeOptions options;
  options.keep_timeline = true;
  lives::LifeTable table(options);
  for (const facts::Fact& fact : facts) table.apply(fact);
  return views::render_json(table.take());
}

}  // namespace memspike::facts
