#include <catch2/catch.hpp>

#include "decode/decoder.h"
#include "decode_records.h"

using namespace memspike;
using namespace memspike::decode;

namespace {

constexpr std::uint64_t kPage = 4096;

template <class T>
T decoded(const wire::Bytes& record, std::uint64_t page_size_bytes = kPage) {
  auto event = decode::decode(record, page_size_bytes);
  REQUIRE(event);
  REQUIRE(std::holds_alternative<T>(*event));
  return std::get<T>(*event);
}

}  // namespace

TEST_CASE("a sample with every number of levels decodes, pages as bytes") {
  const wire::Bytes one = wire::sample(123, {wire::level(7, 3, 5, 10, 99)}, 4);
  const Sample sample = decoded<Sample>(one);
  CHECK(sample.time_ns == 123);
  CHECK(sample.tgid == 4711);
  CHECK(sample.tid == 4712);
  CHECK(sample.trigger == MEMSPIKE_TRIGGER_PAGE_ALLOC);
  CHECK(sample.path.outer_headroom_bytes == 4 * kPage);
  REQUIRE(sample.path.levels.size() == 1);
  const Level& own = sample.path.levels[0];
  CHECK(own.slot == 7);
  CHECK(own.usage_bytes == 3 * kPage);
  CHECK(own.watermark_bytes == 5 * kPage);
  CHECK(own.limit_bytes == 10 * kPage);
  CHECK(own.previous_look_ns == 99);

  std::vector<memspike_level> all;
  for (std::uint32_t at = 0; at < MEMSPIKE_MAX_LEVELS; ++at) all.push_back(wire::level(at, at + 1, at + 2));
  const Sample deep = decoded<Sample>(wire::sample(1, all));
  REQUIRE(deep.path.levels.size() == MEMSPIKE_MAX_LEVELS);
  std::uint32_t slot = 0;
  for (const Level& at : deep.path) {
    CHECK(at.slot == slot);
    CHECK(at.usage_bytes == (slot + 1) * kPage);
    ++slot;
  }
}

TEST_CASE("the page size is that of the machine that wrote the record") {
  const Sample sample = decoded<Sample>(wire::sample(1, {wire::level(0, 3, 5, 10)}), 65'536);
  CHECK(sample.path.levels[0].usage_bytes == 3 * 65'536);
  CHECK(sample.path.levels[0].limit_bytes == 10 * 65'536);
}

TEST_CASE("no limit and no outer headroom are absent, not large numbers") {
  const Sample sample =
      decoded<Sample>(wire::sample(1, {wire::level(0, 1, 1, MEMSPIKE_UNLIMITED_PAGES),
                                       wire::level(1, 1, 1, MEMSPIKE_UNLIMITED_PAGES - 1)}));
  CHECK_FALSE(sample.path.levels[0].limit_bytes);
  CHECK(sample.path.levels[1].limit_bytes == (MEMSPIKE_UNLIMITED_PAGES - 1) * kPage);
  CHECK(sample.path.outer_headroom_bytes == kNoHeadroom);
}

TEST_CASE("a birth decodes, with and without parent and pattern") {
  const MemcgBorn child = decoded<MemcgBorn>(wire::born(5, 77, 3, 2, "cri-containerd-ab.scope", 999));
  CHECK(child.time_ns == 5);
  CHECK(child.serial_nr == 77);
  CHECK(child.cgroup_id == 999);
  CHECK(child.slot == 3);
  CHECK(child.parent_slot == 2u);
  CHECK_FALSE(child.pattern);
  CHECK(child.name == "cri-containerd-ab.scope");

  const MemcgBorn root = decoded<MemcgBorn>(wire::born(5, 77, 0, MEMSPIKE_NO_SLOT, "/kubepods/pod1", 9, 4));
  CHECK_FALSE(root.parent_slot);
  CHECK(root.pattern == 4u);
}

TEST_CASE("a birth without a slot of its own is malformed") {
  CHECK_FALSE(decode::decode(wire::born(5, 77, MEMSPIKE_NO_SLOT, 0, "x"), kPage));
}

TEST_CASE("a removal decodes") {
  const MemcgGone gone = decoded<MemcgGone>(wire::gone(9, 77, wire::level(3, 0, 8, 16, 7)));
  CHECK(gone.time_ns == 9);
  CHECK(gone.serial_nr == 77);
  CHECK(gone.last.slot == 3);
  CHECK(gone.last.usage_bytes == 0);
  CHECK(gone.last.watermark_bytes == 8 * kPage);
  CHECK(gone.last.limit_bytes == 16 * kPage);
  CHECK(gone.last.previous_look_ns == 7);
  CHECK_FALSE(gone.is_disabled);
  CHECK(decoded<MemcgGone>(wire::gone(9, 77, wire::level(3, 0, 8), MEMSPIKE_GONE_DISABLED)).is_disabled);
}

TEST_CASE("an OOM kill decodes") {
  const OomKill kill =
      decoded<OomKill>(wire::oom_kill(9, {wire::level(3, 50, 50, 50), wire::level(2, 60, 60)}));
  CHECK(kill.time_ns == 9);
  CHECK(kill.victim_tgid == 815);
  CHECK(kill.victim_tid == 817);
  CHECK(kill.trigger_tgid == 816);
  CHECK(kill.anon_rss_bytes == 10 * kPage);
  CHECK(kill.file_rss_bytes == 20 * kPage);
  CHECK(kill.shmem_rss_bytes == 30 * kPage);
  CHECK(kill.oom_score_adj == -998);
  CHECK(kill.killed);
  CHECK(kill.victim_comm == "victim");
  CHECK(kill.trigger_comm == "trigger");
  REQUIRE(kill.path.levels.size() == 2);
  CHECK(kill.path.levels[0].slot == 3);
  CHECK(kill.path.levels[1].slot == 2);
  CHECK(kill.path.outer_headroom_bytes == kNoHeadroom);

  CHECK_FALSE(kill.origin);
  CHECK_FALSE(kill.is_group);

  memspike_oom_kill marked = wire::raw_oom_kill(9, {wire::level(3, 50, 50, 50)});
  marked.killed = 0;
  CHECK_FALSE(decoded<OomKill>(wire::bytes_of(marked)).killed);
}

TEST_CASE("an OOM kill tells its incident only where the kernel could be asked") {
  memspike_oom_kill raw = wire::raw_oom_kill(9, {wire::level(3, 50, 50, 50)});
  raw.oom_serial_nr = 100;
  raw.oom_cgroup_id = 999;
  raw.incident = 7;
  raw.oom_flags = MEMSPIKE_OOM_GROUP;
  CHECK_FALSE(decoded<OomKill>(wire::bytes_of(raw)).origin);
  CHECK(decoded<OomKill>(wire::bytes_of(raw)).is_group);
  raw.oom_flags = MEMSPIKE_OOM_KNOWN;
  const OomKill kill = decoded<OomKill>(wire::bytes_of(raw));
  REQUIRE(kill.origin);
  CHECK(kill.origin->serial_nr == 100);
  CHECK(kill.origin->cgroup_id == 999);
  CHECK(kill.origin->incident == 7);
  CHECK_FALSE(kill.is_group);
}

TEST_CASE("an OOM kill tells what kind it was, who asked and who started the victim") {
  memspike_oom_kill raw = wire::raw_oom_kill(9, {wire::level(3, 50, 50, 50)});
  raw.oom_flags = MEMSPIKE_OOM_KNOWN | MEMSPIKE_OOM_BY_KTHREAD;
  raw.oom_constraint = MEMSPIKE_OOM_CPUSET;
  raw.oom_order = -1;
  raw.trigger_serial_nr = 55;
  raw.parent_serial_nr = 56;
  raw.parent_tgid = 814;
  raw.pid_in_namespace = 1;
  raw.namespace_depth = 2;
  wire::put_text(raw.parent_comm, "shim");
  OomKill kill = decoded<OomKill>(wire::bytes_of(raw));
  REQUIRE(kill.origin);
  CHECK(kill.origin->constraint == MEMSPIKE_OOM_CPUSET);
  CHECK(kill.origin->order == -1);
  CHECK(kill.trigger_serial_nr == 55);
  CHECK(kill.trigger_is_kthread);
  CHECK(kill.parent.tgid == 814);
  CHECK(kill.parent.serial_nr == 56);
  CHECK(kill.parent.comm == "shim");
  CHECK(kill.pid_in_namespace == 1);
  CHECK(kill.namespace_depth == 2);
  raw.oom_flags = 0;
  kill = decoded<OomKill>(wire::bytes_of(raw));
  CHECK_FALSE(kill.origin);
  CHECK_FALSE(kill.trigger_is_kthread);
}

TEST_CASE("births and removals tell the kernel's count of kills") {
  memspike_memcg_gone raw{};
  raw.header = wire::header(MEMSPIKE_RECORD_MEMCG_GONE, sizeof(raw), 9);
  raw.oom_kills = 151;
  CHECK(decoded<MemcgGone>(wire::bytes_of(raw)).oom_kills == 151u);
  CHECK(decoded<MemcgBorn>(wire::born(9, 100, 1, 0, "app")).oom_kills == 0u);
}

TEST_CASE("negative kernel counters read as no memory") {
  const auto negative = static_cast<std::uint64_t>(std::int64_t{-3});
  const Sample sample = decoded<Sample>(wire::sample(1, {wire::level(0, negative, negative)}));
  CHECK(sample.path.levels[0].usage_bytes == 0);
  CHECK(sample.path.levels[0].watermark_bytes == 0);
  memspike_oom_kill raw = wire::raw_oom_kill(1, {wire::level(0, 1, 1)});
  raw.anon_rss_pages = negative;
  CHECK(decoded<OomKill>(wire::bytes_of(raw)).anon_rss_bytes == 0);
}

TEST_CASE("page counts beyond any memory saturate, below what means no headroom") {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 62;
  const Sample sample = decoded<Sample>(wire::sample(1, {wire::level(0, kMost, kMost)}, kMost));
  // spike::Detector takes usage below 2^63 bytes.
  CHECK(sample.path.levels[0].usage_bytes == INT64_MAX);
  CHECK(sample.path.levels[0].watermark_bytes == INT64_MAX);
  CHECK(sample.path.outer_headroom_bytes == INT64_MAX);
  CHECK(sample.path.outer_headroom_bytes != kNoHeadroom);
}

TEST_CASE("names are untrusted bytes: without a NUL they end with their field") {
  const std::string long_name(MEMSPIKE_NAME_LEN, 'x');
  CHECK(decoded<MemcgBorn>(wire::born(1, 1, 0, 0, long_name)).name == long_name);
  CHECK(decoded<MemcgBorn>(wire::born(1, 1, 0, 0, "")).name.empty());
  CHECK(decoded<MemcgBorn>(wire::born(1, 1, 0, 0, std::string_view("a\0b", 3))).name == "a");

  const std::string comm = "\x1b]0;\"\xff\xfe,<b>\n\r&1";
  REQUIRE(comm.size() <= MEMSPIKE_COMM_LEN);
  memspike_oom_kill raw = wire::raw_oom_kill(1, {wire::level(0, 1, 1)});
  std::memset(raw.victim_comm, 0, sizeof(raw.victim_comm));
  wire::put_text(raw.victim_comm, comm);
  wire::put_text(raw.trigger_comm, "0123456789abcdef");
  const OomKill kill = decoded<OomKill>(wire::bytes_of(raw));
  CHECK(kill.victim_comm == comm);
  CHECK(kill.trigger_comm == "0123456789abcdef");
}

TEST_CASE("a stall says whose it was, how long it took and what it gave") {
  const Stall stall = decoded<Stall>(wire::stall(9'000, 3, 700, 5));
  CHECK(stall.time_ns == 9'000);
  CHECK(stall.duration_ns == 700);
  CHECK(stall.reclaimed_bytes == 5 * kPage);
  CHECK(stall.slot == 3);
  CHECK(stall.tgid == 816);
  CHECK(stall.tid == 818);
  CHECK_FALSE(stall.throttled);
  CHECK_FALSE(decode::decode(wire::stall(9, 3, 10, 5), kPage));  // longer than the clock runs
  CHECK(decoded<Stall>(wire::stall(9'000, 3, 700, 0, MEMSPIKE_STALL_THROTTLED)).throttled);
  CHECK_FALSE(decode::decode(wire::stall(9'000, 3, 700, 0, MEMSPIKE_STALL_THROTTLED + 1), kPage));
}

TEST_CASE("limit hits are counts, and one that the kernel does not keep is none") {
  const LimitHits hits = decoded<LimitHits>(wire::limit_hits(9'000, 3, 41, MEMSPIKE_NOT_COUNTED));
  CHECK(hits.time_ns == 9'000);
  CHECK(hits.slot == 3);
  CHECK(hits.hits.refused_charges == 41u);
  CHECK_FALSE(hits.hits.throttled_charges.has_value());
  CHECK(decoded<LimitHits>(wire::limit_hits(9, 3, 41, 5)).hits.throttled_charges == 5u);
}

TEST_CASE("an OOM kill has the memcgs above the target") {
  memspike_oom_kill raw = wire::raw_oom_kill(9, {wire::level(3, 50, 50, 50)});
  raw.outer_count = 2;
  raw.outer[0] = {71, 60, 80};
  raw.outer[1] = {72, 90, MEMSPIKE_UNLIMITED_PAGES};
  raw.oom_flags = MEMSPIKE_OOM_KNOWN | MEMSPIKE_OOM_GROUP;
  raw.oom_serial_nr = 5;
  raw.oom_cgroup_id = 71;
  raw.incident = 4;
  const OomKill kill = decoded<OomKill>(wire::bytes_of(raw));
  REQUIRE(kill.outer.size() == 2);
  CHECK(kill.outer[0].cgroup_id == 71);
  CHECK(kill.outer[0].usage_bytes == 60 * kPage);
  CHECK(kill.outer[0].limit_bytes == 80 * kPage);
  CHECK_FALSE(kill.outer[1].limit_bytes);
  CHECK(kill.is_group);
  REQUIRE(kill.origin);
  CHECK(kill.origin->serial_nr == 5);
  CHECK(kill.origin->cgroup_id == 71);
  CHECK(kill.origin->incident == 4);
  raw.outer_count = MEMSPIKE_MAX_LEVELS + 1;
  CHECK_FALSE(decode::decode(wire::bytes_of(raw), kPage));
}

TEST_CASE("records decode from any alignment, as a file holds them") {
  const wire::Bytes record = wire::sample(42, {wire::level(1, 2, 3)});
  for (std::size_t shift = 0; shift < 8; ++shift) {
    wire::Bytes moved(shift + record.size());
    std::copy(record.begin(), record.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
    const auto event = decode::decode(std::span(moved).subspan(shift), kPage);
    REQUIRE(event);
    CHECK(std::get<Sample>(*event).path.levels[0].watermark_bytes == 3 * kPage);
  }
}

TEST_CASE("a stack decodes: the kernel's frames, then the user's") {
  const Stack stack = decoded<Stack>(wire::stack(9, 3, 64, {0xffffffff81000000, 2}, {0x401000, 4, 5}));
  CHECK(stack.time_ns == 9);
  CHECK(stack.slot == 3);
  CHECK(stack.bytes == 64 * kPage);
  CHECK(stack.tgid == 4711);
  CHECK(stack.tid == 4712);
  CHECK(stack.comm == "worker");
  CHECK(stack.kernel == std::vector<std::uint64_t>{0xffffffff81000000, 2});
  CHECK(stack.user == std::vector<std::uint64_t>{0x401000, 4, 5});
  const Stack bare = decoded<Stack>(wire::stack(9, 3, 64, {}, {}));
  CHECK(bare.kernel.empty());
  CHECK(bare.user.empty());
}
