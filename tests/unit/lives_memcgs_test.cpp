// How the recording learns of memcgs, their readings, their limits and their end.
#include <catch2/catch.hpp>
#include <vector>

#include "lives_events.h"

using namespace memspike;
using namespace memspike::events;
using events::Recording;

namespace {

std::vector<std::string> paths_of(const Recording& recording) {
  std::vector<std::string> paths;
  for (const auto& [index, memcg] : recording.memcgs().known()) paths.push_back(memcg.path);
  return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("a root is known by its inode number, whatever it calls itself") {
  Recording recording({}, anything);
  recording.name_cgroup(10, "/kubepods/pod1");
  recording.name_cgroup(11, "/kubepods/pod2");
  recording.apply(root_born(101, 1, 11));
  recording.apply(root_born(100, 0, 10));
  CHECK(paths_of(recording) == Paths{"/kubepods/pod2", "/kubepods/pod1"});
  CHECK_FALSE(recording.memcgs()[0].parent);
  REQUIRE(recording.find(100));
  CHECK(recording.memcgs()[*recording.find(100)].path == "/kubepods/pod1");
  CHECK_FALSE(recording.find(999));
  CHECK(recording.orphans() == 0);
}

TEST_CASE("a child's path is its parent's and its own name") {
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(child_born(102, 2, 1, "nested"));
  CHECK(paths_of(recording) == Paths{"/pod", "/pod/app", "/pod/app/nested"});
  CHECK(recording.memcgs()[1].parent.has_value());
}

TEST_CASE("a child of the root of the hierarchy has one slash") {
  Recording recording({}, anything);
  recording.name_cgroup(1, "/");
  recording.apply(root_born(100, 0, 1));
  recording.apply(child_born(101, 1, 0, "system.slice"));
  CHECK(paths_of(recording) == Paths{"/", "/system.slice"});
}

TEST_CASE("a memcg that was waited for brings its whole path") {
  Recording recording({}, anything);
  decode::MemcgBorn birth = root_born(100, 0, 77);
  birth.pattern = 0;
  birth.name = "/kubepods/pod9";
  recording.apply(birth);
  CHECK(paths_of(recording) == Paths{"/kubepods/pod9"});
  CHECK_FALSE(recording.memcgs()[0].parent);
}

TEST_CASE("births that cannot be placed, and readings of what was not born, are counted") {
  Recording recording = recording_of_pod();
  recording.apply(root_born(101, 1, 999));               // an inode that nobody expects
  recording.apply(child_born(102, 2, 7, "x"));           // a parent that nobody saw
  recording.apply(child_born(103, 0xfffffffd, 0, "x"));  // a slot that no table has
  CHECK(recording.orphans() == 3);
  recording.apply(sample(5, {level(2, kMiB), level(0, kMiB)}));
  CHECK(recording.orphans() == 4);
  CHECK(recording.memcgs().size() == 1);
  CHECK(recording.state(0).usage().last_bytes == kMiB);
}

TEST_CASE("a description is asked for once and decides what is reported") {
  std::vector<std::string> asked;
  Recording recording({}, [&](const std::string& path) {
    asked.push_back(path);
    facts::Description description;
    description.role = facts::Role::container;
    description.container = facts::Container{"abc", "app"};
    description.in_target = path != "/pod";
    return description;
  });
  std::vector<std::string> rows;
  recording.on_row([&](const std::string& path, const timeline::Row&) { rows.push_back(path); });
  recording.name_cgroup(10, "/pod");
  recording.apply(root_born(100, 0, 10));
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(sample(5, {level(1, kMiB), level(0, 2 * kMiB)}));
  recording.close(10);
  CHECK(asked == Paths{"/pod", "/pod/app"});
  CHECK(rows == Paths{"/pod/app", "/pod/app"});
  const auto memcgs = recording.take().memcgs;
  REQUIRE(memcgs.size() == 1);
  CHECK(memcgs[0].path == "/pod/app");
  CHECK(memcgs[0].role == facts::Role::container);
  CHECK(memcgs[0].container->name == "app");
}

TEST_CASE("a sample of several levels is a reading of each, the outermost first") {
  Recording recording = recording_of_pod({{}, true, true, {}, {}});
  std::vector<std::string> rows;
  recording.on_row([&](const std::string& path, const timeline::Row&) { rows.push_back(path); });
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(sample(5, {level(1, 3 * kMiB), level(0, 4 * kMiB)}));
  recording.apply(sample(9, {level(1, 2 * kMiB), level(0, 3 * kMiB)}));
  CHECK(rows == Paths{"/pod", "/pod/app", "/pod", "/pod/app"});
  recording.close(20);
  const auto memcgs = recording.take().memcgs;
  REQUIRE(memcgs.size() == 2);
  const report::Usage& app = memcgs[1].usage;
  CHECK(app.first_bytes == 3 * kMiB);
  CHECK(app.last_bytes == 2 * kMiB);
  CHECK(app.min_bytes == 2 * kMiB);
  CHECK(app.peak_bytes == 3 * kMiB);
  CHECK(app.peak_ns == 5);
  CHECK(memcgs[0].timeline == timeline::Series{{5, 4 * kMiB}, {9, 3 * kMiB}, {20, 3 * kMiB}});
}

TEST_CASE("without keep_timeline no timeline is kept") {
  Recording recording = recording_of_pod();
  push_spike(recording, 100, kMiB, 9 * kMiB, 64 * kMiB);
  recording.close(200);
  const auto memcgs = recording.take().memcgs;
  CHECK(memcgs.at(0).timeline.empty());
  CHECK(memcgs.at(0).limits.empty());
}

TEST_CASE("with the timeline the limit is kept: the first one and each change") {
  Recording recording = recording_of_pod({{}, true, true, {}, {}});
  recording.apply(sample(1, {level(0, kMiB, {}, 4 * kMiB)}));
  recording.apply(sample(2, {level(0, kMiB, 8 * kMiB, 4 * kMiB)}));
  recording.apply(sample(3, {level(0, 2 * kMiB, 8 * kMiB, 4 * kMiB)}));
  recording.apply(sample(4, {level(0, 2 * kMiB, 6 * kMiB, 4 * kMiB)}));
  recording.close(10);
  using Limits = std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>>;
  CHECK(recording.take().memcgs.at(0).limits == Limits{{1, {}}, {2, 8 * kMiB}, {4, 6 * kMiB}});
}

TEST_CASE("the level that a memcg lives at is the one it spends its time on") {
  Recording recording = recording_of_pod();
  recording.apply(sample(0, {level(0, 38 * kMiB, {}, 60 * kMiB)}));
  recording.apply(sample(9'000, {level(0, 60 * kMiB, {}, 60 * kMiB)}));
  for (std::uint64_t t = 1; t < 100; ++t) {
    recording.apply(sample(9'000 + t, {level(0, 60 * kMiB - t, {}, 60 * kMiB)}));
  }
  recording.close(9'200);
  CHECK(recording.take().memcgs.at(0).usage.typical_bytes == Approx(38 * kMiB).epsilon(0.01));
}

TEST_CASE("headroom is the smallest of the whole chain, what lies outside the target included") {
  std::vector<std::uint64_t> headrooms;
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "app"));
  recording.on_row(
      [&](const std::string&, const timeline::Row& row) { headrooms.push_back(row.headroom_bytes); });
  const auto read = [&](std::optional<std::uint64_t> app_limit, std::optional<std::uint64_t> pod_limit,
                        std::uint64_t outer) {
    headrooms.clear();
    static std::uint64_t now_ns = 10;
    now_ns += 10;
    // Usage moves with time, so that each reading is a row.
    recording.apply(sample(
        now_ns,
        {level(1, 2 * kMiB + now_ns, app_limit, 8 * kMiB), level(0, 3 * kMiB + now_ns, pod_limit, 8 * kMiB)},
        outer));
    REQUIRE(headrooms.size() == 2);
    for (std::uint64_t& headroom : headrooms) {
      if (headroom != decode::kNoHeadroom) headroom = (headroom + kMiB / 2) / kMiB;
    }
    return headrooms;  // the pod's, the app's: in MiB
  };
  using Both = std::vector<std::uint64_t>;
  CHECK(read({}, {}, decode::kNoHeadroom) == Both{decode::kNoHeadroom, decode::kNoHeadroom});
  CHECK(read(10 * kMiB, {}, decode::kNoHeadroom) == Both{decode::kNoHeadroom, 8});
  CHECK(read(10 * kMiB, 8 * kMiB, decode::kNoHeadroom) == Both{5, 5});
  CHECK(read(5 * kMiB, 8 * kMiB, decode::kNoHeadroom) == Both{5, 3});
  CHECK(read(5 * kMiB, 8 * kMiB, kMiB) == Both{1, 1});
  CHECK(read({}, {}, 4 * kMiB) == Both{4, 4});
  CHECK(read(kMiB, 8 * kMiB, decode::kNoHeadroom) == Both{5, 0});  // lowered below the usage
}

TEST_CASE("a removal ends the timeline, and what comes later is not the memcg's") {
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(sample(5, {level(1, 3 * kMiB, 8 * kMiB)}));
  std::vector<timeline::Row> rows;
  recording.on_row([&](const std::string&, const timeline::Row& row) { rows.push_back(row); });
  recording.apply(decode::MemcgGone{20, 101, level(1, 0, 8 * kMiB, 6 * kMiB)});
  // The peak that only the last look's watermark tells of, and the last look itself.
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].mark == timeline::Mark::watermark);
  CHECK(rows[0].usage_bytes == 6 * kMiB);
  CHECK(rows[0].headroom_bytes == 2 * kMiB);
  CHECK(rows[1].time_ns == 20);
  CHECK(rows[1].headroom_bytes == 8 * kMiB);
  recording.apply(sample(30, {level(1, 5 * kMiB)}));
  CHECK(recording.orphans() == 1);
  recording.close(100);
  CHECK(rows.size() == 2);

  const auto memcgs = recording.take().memcgs;
  REQUIRE(memcgs.size() == 1);  // the pod was never read
  CHECK(memcgs[0].gone);
  CHECK(memcgs[0].usage.last_bytes == 0);
  CHECK(memcgs[0].usage.peak_bytes == 6 * kMiB);
  CHECK(memcgs[0].kernel_peak_bytes == 6 * kMiB);
  CHECK(memcgs[0].kernel_peak_source == "watermark");
}

TEST_CASE("a removal of another memcg than the one in its slot is ignored") {
  Recording recording = recording_of_pod();
  recording.apply(sample(5, {level(0, 3 * kMiB)}));
  recording.apply(decode::MemcgGone{20, 999, level(0, 0)});
  recording.apply(decode::MemcgGone{20, 100, level(7, 0)});
  CHECK_FALSE(recording.memcgs()[0].gone);
  CHECK(recording.state(0).usage().last_bytes == 3 * kMiB);
}

TEST_CASE("a slot is used again by the next container") {
  Recording recording = recording_of_pod();
  for (std::uint64_t serial = 101; serial <= 103; ++serial) {
    recording.apply(child_born(serial, 1, 0, "app" + std::to_string(serial)));
    recording.apply(sample(serial, {level(1, serial * kMiB)}));
    recording.apply(decode::MemcgGone{serial, serial, level(1, 0, {}, serial * kMiB)});
  }
  recording.close(1000);
  const auto memcgs = recording.take().memcgs;
  REQUIRE(memcgs.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(memcgs[i].usage.peak_bytes == (101 + i) * kMiB);
  CHECK(memcgs[2].path == "/pod/app103");
}

TEST_CASE("a limit that changed and a watermark that somebody reset are noted") {
  Recording recording = recording_of_pod();
  recording.apply(sample(1, {level(0, kMiB, 8 * kMiB, 4 * kMiB)}));
  recording.apply(sample(2, {level(0, kMiB, 9 * kMiB, 4 * kMiB)}));
  recording.apply(sample(3, {level(0, kMiB, {}, 4 * kMiB)}));
  recording.apply(sample(4, {level(0, kMiB, {}, kMiB)}));
  recording.close(10);
  const report::Report report = recording.take();
  CHECK_FALSE(report.memcgs.at(0).limit_bytes);
  const auto& notes = report.notes;
  REQUIRE(notes.size() == 3);
  CHECK(notes[0] == "/pod: the limit changed from 8.0 MiB to 9.0 MiB");
  CHECK(notes[1] == "/pod: the limit changed from 9.0 MiB to none");
  CHECK(notes[2].find("/pod: somebody reset the kernel's maximum (it was 4.0 MiB)") == 0);
}

TEST_CASE("notes are bounded, and say that there were more") {
  Recording recording = recording_of_pod();
  for (std::uint64_t i = 0; i < 1000; ++i) recording.apply(sample(i, {level(0, kMiB, (i % 2 + 8) * kMiB)}));
  const auto notes = recording.take().notes;
  CHECK(notes.size() == 51);
  CHECK(notes.back() == "more of the same followed");
}
