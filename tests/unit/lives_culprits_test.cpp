// Which threads a spike is attributed to.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "lives_events.h"

using namespace memspike;
using namespace memspike::events;

namespace {

constexpr std::uint64_t kHigh = std::uint64_t{1} << 40;  // a watermark that adds no rows

decode::Sample by(std::uint32_t tgid, std::uint32_t tid, decode::Sample sample,
                  std::uint32_t trigger = MEMSPIKE_TRIGGER_CHARGE) {
  sample.tgid = tgid;
  sample.tid = tid;
  sample.trigger = trigger;
  for (decode::Level& level : sample.path.levels) level.previous_look_ns = sample.time_ns;
  return sample;
}

decode::Level at(std::uint32_t slot, std::uint64_t mib) { return level(slot, mib * kMiB, {}, kHigh); }

report::Report finish(Recording& recording) {
  recording.close(100'000);
  return recording.take();
}

}  // namespace

TEST_CASE("the culprit is the thread that charged, not its quiet sibling") {
  Recording recording = recording_of_pod();
  recording.learn({70, 71, 1, "worker", "app --serve"});
  recording.learn({80, 80, 1, "innocent", "sleep 9"});
  recording.apply(by(80, 80, sample(10, {at(0, 10)})));
  recording.apply(by(80, 80, sample(20, {at(0, 11)})));
  recording.apply(by(70, 71, sample(30, {at(0, 40)})));
  recording.apply(by(80, 80, sample(40, {at(0, 10)}), MEMSPIKE_TRIGGER_PAGE_FREE));
  const report::Report result = finish(recording);
  REQUIRE(result.memcgs.at(0).spikes.size() == 1);
  const report::Spike& spike = result.memcgs[0].spikes[0];
  REQUIRE(spike.culprits.size() == 2);
  CHECK(spike.culprits[0].pages == 29 * 256);
  CHECK(spike.culprits[1].pages == 256);
  CHECK(spike.unattributed_pages == 0);
  CHECK(spike.risen_pages() == 30 * 256);
  const report::Thread& thread = result.threads.at(spike.culprits[0].thread);
  CHECK(thread.pid == 70);
  CHECK(thread.tid == 71);
  CHECK(thread.comm == "worker");
  CHECK(thread.cmdline == "app --serve");
  CHECK(thread.cgroup == "/pod");
}

TEST_CASE("a move seen by a neighbour's page event is told by what each of them allocated") {
  Recording recording = recording_of_pod();
  recording.learn({70, 71, 1, "worker", "app --serve"});
  recording.learn({80, 80, 1, "innocent", "sleep 9"});
  const auto allocated = [](decode::Sample sample, std::uint64_t user_mib, std::uint64_t kernel_mib) {
    sample.allocated_bytes[MEMSPIKE_PURPOSE_USER] = user_mib * kMiB;
    sample.allocated_bytes[MEMSPIKE_PURPOSE_KERNEL] = kernel_mib * kMiB;
    sample.allocated_bytes[MEMSPIKE_PURPOSE_NONE] = kMiB;  // charged to nobody
    return sample;
  };
  const auto page = MEMSPIKE_TRIGGER_PAGE_ALLOC;
  recording.apply(by(80, 80, sample(10, {at(0, 10)}), page));
  recording.apply(allocated(by(80, 80, sample(20, {at(0, 39)}), page), 1, 0));  // 28 of them are 71's
  recording.apply(allocated(by(70, 71, sample(30, {at(0, 40)}), page), 26, 3));
  recording.apply(by(80, 80, sample(40, {at(0, 10)}), MEMSPIKE_TRIGGER_PAGE_FREE));
  const report::Report result = finish(recording);
  const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
  REQUIRE(spike.culprits.size() == 2);
  CHECK(result.threads.at(spike.culprits[0].thread).pid == 70);
  CHECK(spike.culprits[0].pages == 29 * 256);
  CHECK(spike.culprits[1].pages == 256);
  CHECK(spike.allocated == composition::Allocated{27 * kMiB, 3 * kMiB, 2 * kMiB});
}

TEST_CASE("what tasks allocate while a spike rises is told by kind, also of what nobody is charged for") {
  Recording recording = recording_of_pod();
  const auto allocated = [](decode::Sample sample, std::uint64_t user_bytes, std::uint64_t other_bytes) {
    sample.allocated_bytes = {user_bytes, 0, other_bytes};
    return sample;
  };
  recording.apply(by(7, 7, sample(10, {at(0, 10)})));
  recording.apply(
      allocated(by(7, 7, sample(20, {at(0, 20)})), 9 * kMiB, 0));  // the charge tier has them, too
  recording.apply(allocated(by(8, 8, sample(30, {at(0, 30)}), MEMSPIKE_TRIGGER_PAGE_ALLOC), 0, kMiB));
  recording.apply(allocated(by(7, 7, sample(40, {at(0, 10)}), MEMSPIKE_TRIGGER_PAGE_FREE), 5 * kMiB, kMiB));
  recording.apply(allocated(by(7, 7, sample(50, {at(0, 15)})), 4 * kMiB, 0));
  recording.apply(by(7, 7, sample(60, {at(0, 10)}), MEMSPIKE_TRIGGER_UNCHARGE));
  const report::Report result = finish(recording);
  const std::vector<report::Spike>& spikes = result.memcgs.at(0).spikes;
  REQUIRE(spikes.size() == 2);
  CHECK(spikes[0].allocated == composition::Allocated{14 * kMiB, 0, 2 * kMiB});  // told as it falls, too
  CHECK(spikes[0].culprits.size() == 1);  // who allocated what nobody is charged for is none
  CHECK(spikes[1].allocated == composition::Allocated{4 * kMiB, 0, 0});
}

TEST_CASE("a spike of which no record told what was allocated says so") {
  Recording recording = recording_of_pod();
  recording.apply(by(7, 7, sample(10, {at(0, 10)})));
  recording.apply(by(7, 7, sample(20, {at(0, 20)}), MEMSPIKE_TRIGGER_SWEEP));
  recording.apply(by(7, 7, sample(30, {at(0, 10)})));
  CHECK_FALSE(finish(recording).memcgs.at(0).spikes.at(0).allocated);
}

TEST_CASE("a peak like those before it is blamed on its own rise only") {
  Recording recording = recording_of_pod();
  recording.learn({70, 70, 1, "first", ""});
  recording.learn({80, 80, 1, "second", ""});
  recording.apply(by(70, 70, sample(10, {at(0, 10)})));
  recording.apply(by(70, 70, sample(20, {at(0, 90)})));
  recording.apply(by(70, 70, sample(30, {at(0, 11)}), MEMSPIKE_TRIGGER_PAGE_FREE));
  recording.apply(by(80, 80, sample(40, {at(0, 91)})));
  recording.apply(by(80, 80, sample(50, {at(0, 10)}), MEMSPIKE_TRIGGER_PAGE_FREE));
  const report::Report result = finish(recording);
  const report::Spike& highest = result.memcgs.at(0).spikes.back();
  CHECK(highest.peak_bytes == 91 * kMiB);
  CHECK(highest.left_base_ns == 20);  // a step: usage stood at its base until then
  REQUIRE(highest.culprits.size() == 1);
  CHECK(result.threads.at(highest.culprits[0].thread).pid == 80);
}

TEST_CASE("what a sweep, a fall's trigger or no task saw is attributed to nobody") {
  for (const auto trigger : {MEMSPIKE_TRIGGER_SWEEP, MEMSPIKE_TRIGGER_REQUEST, MEMSPIKE_TRIGGER_PAGE_FREE,
                             MEMSPIKE_TRIGGER_UNCHARGE, MEMSPIKE_TRIGGER_RECLAIM}) {
    Recording recording = recording_of_pod();
    recording.apply(by(7, 7, sample(10, {at(0, 10)})));
    recording.apply(by(7, 7, sample(20, {at(0, 20)}), trigger));
    recording.apply(by(0, 0, sample(30, {at(0, 30)})));  // an interrupt of an idle CPU
    recording.apply(by(7, 7, sample(40, {at(0, 10)})));
    const report::Report result = finish(recording);
    const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
    CHECK(spike.culprits.empty());
    CHECK(spike.unattributed_pages == 20 * 256);
    CHECK(result.threads.empty());
  }
}

TEST_CASE("a pod's spike names the container whose thread charged") {
  Recording recording({}, [](const std::string& path) {
    facts::Description description;
    if (path != "/pod") description.container = facts::Container{path, path.substr(5)};
    return description;
  });
  recording.name_cgroup(10, "/pod");
  recording.apply(root_born(100, 0, 10));
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(child_born(102, 2, 0, "sidecar"));
  recording.apply(by(1, 1, sample(10, {at(1, 5), at(0, 10)})));
  recording.apply(by(2, 2, sample(20, {at(2, 5), at(0, 10)})));
  // The sidecar's look sees 9 MiB that the app has charged to the pod; the app's own comes after.
  recording.apply(by(2, 2, sample(30, {at(2, 6), at(0, 20)})));
  recording.apply(by(1, 1, sample(31, {at(1, 14), at(0, 20)})));
  recording.apply(by(1, 1, sample(40, {at(1, 5), at(0, 11)}), MEMSPIKE_TRIGGER_UNCHARGE));
  const report::Report result = finish(recording);
  const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
  REQUIRE(spike.culprits.size() == 2);
  CHECK(spike.culprits[0].pages == 9 * 256);
  CHECK(result.threads[spike.culprits[0].thread].container->name == "app");
  CHECK(spike.culprits[1].pages == 1 * 256);
  CHECK(result.threads[spike.culprits[1].thread].container->name == "sidecar");
  CHECK(spike.unattributed_pages == 0);
}

TEST_CASE("a number that is used again is another culprit, a name changed by exec is not") {
  Recording recording = recording_of_pod();
  recording.learn({7, 7, 1, "sh", "sh"});
  recording.apply(by(7, 7, sample(10, {at(0, 10)})));
  recording.apply(by(7, 7, sample(20, {at(0, 12)})));
  recording.learn({7, 7, 1, "java", "java -jar"});
  recording.apply(by(7, 7, sample(30, {at(0, 22)})));
  recording.learn({7, 7, 99, "java", "java -jar"});
  recording.apply(by(7, 7, sample(40, {at(0, 52)})));
  recording.apply(by(7, 7, sample(50, {at(0, 10)}), MEMSPIKE_TRIGGER_UNCHARGE));
  const report::Report result = finish(recording);
  const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
  REQUIRE(spike.culprits.size() == 2);
  CHECK(spike.culprits[0].pages == 30 * 256);
  CHECK(spike.culprits[1].pages == 12 * 256);
  CHECK(result.threads[spike.culprits[1].thread].comm == "java");  // most of it, but for 2 of sh
}

TEST_CASE("a thread whose command line was read late is one row, and has it") {
  Recording recording = recording_of_pod();
  recording.apply(by(7, 7, sample(10, {at(0, 10)})));
  recording.apply(by(7, 7, sample(20, {at(0, 20)})));  // not asked about yet
  recording.learn({7, 7, 5, "app", ""});               // in exec: it has none
  recording.apply(by(7, 7, sample(30, {at(0, 40)})));
  recording.learn({7, 7, 5, "app", "app --serve"});
  recording.apply(by(7, 7, sample(40, {at(0, 45)})));
  recording.apply(by(7, 7, sample(50, {at(0, 10)}), MEMSPIKE_TRIGGER_UNCHARGE));
  const report::Report result = finish(recording);
  const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
  REQUIRE(spike.culprits.size() == 1);
  CHECK(spike.culprits[0].pages == 35 * 256);
  CHECK(result.threads[spike.culprits[0].thread].cmdline == "app --serve");
}

TEST_CASE("a thread that was moved between the memcgs of a pod is one row in the pod's spike") {
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "one"));
  recording.apply(child_born(102, 2, 0, "two"));
  recording.learn({7, 7, 1, "runc", "runc init"});
  recording.apply(by(7, 7, sample(10, {at(1, 5), at(0, 10)})));
  recording.apply(by(7, 7, sample(20, {at(1, 10), at(0, 15)})));
  recording.apply(by(7, 7, sample(30, {at(2, 2), at(0, 17)})));
  recording.apply(by(7, 7, sample(40, {at(2, 22), at(0, 37)})));
  recording.apply(by(7, 7, sample(50, {at(2, 2), at(0, 12)}), MEMSPIKE_TRIGGER_UNCHARGE));
  const report::Report result = finish(recording);
  const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
  REQUIRE(spike.culprits.size() == 1);
  CHECK(spike.culprits[0].pages == 25 * 256);  // the first reading of a memcg has nothing to compare with
  CHECK(spike.unattributed_pages == 2 * 256);
}

TEST_CASE("who was gone before it could be asked has the name that BPF knows") {
  Recording recording = recording_of_pod();
  recording.apply(by(7, 8, sample(10, {at(0, 10)})));
  recording.apply(by(7, 8, sample(20, {at(0, 20)})));
  recording.apply(by(9, 9, sample(30, {at(0, 25)})));
  recording.apply(by(7, 8, sample(40, {at(0, 10)}), MEMSPIKE_TRIGGER_UNCHARGE));
  recording.apply(facts::ProcessAllocations{0, 7, "shortlived", {}});
  const report::Report result = finish(recording);
  const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
  REQUIRE(spike.culprits.size() == 2);
  CHECK(result.threads[spike.culprits[0].thread].comm == "shortlived");
  CHECK(result.threads[spike.culprits[1].thread].comm.empty());
}

TEST_CASE("pages are those of the machine") {
  Recording recording = recording_of_pod();
  facts::SessionKnown known;
  known.session.page_size_bytes = 65'536;
  recording.apply(known);
  recording.apply(by(7, 7, sample(10, {at(0, 10)})));
  recording.apply(by(7, 7, sample(20, {at(0, 20)})));
  recording.apply(by(7, 7, sample(30, {at(0, 10)})));
  CHECK(finish(recording).memcgs.at(0).spikes.at(0).culprits.at(0).pages == 160);
}

TEST_CASE("a storm of charges is told in a few facts, and its spike has the same culprits") {
  std::vector<facts::MemcgCharged> told;
  std::uint64_t rows = 0;
  capture::Interpreter interpreter(anything, [&](const facts::Fact& fact) {
    if (const auto* charged = std::get_if<facts::MemcgCharged>(&fact)) told.push_back(*charged);
    rows += std::holds_alternative<facts::MemcgRow>(fact) ? 1 : 0;
  });
  interpreter.name_cgroup(10, "/pod");
  interpreter.apply(root_born(100, 0, 10));
  interpreter.apply(by(7, 7, sample(10, {at(0, 10)})));
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    const std::uint32_t tid = 7 + i % 2;  // two threads take turns
    interpreter.apply(by(7, tid, sample(10 + i, {at(0, 10 + i)})));
  }
  CHECK(told.empty());
  CHECK(rows > 1000);
  interpreter.apply(by(7, 7, sample(2000, {at(0, 10)}), MEMSPIKE_TRIGGER_UNCHARGE));
  REQUIRE(told.size() == 2);
  CHECK(told[0].bytes == 500 * kMiB);
  CHECK(told[1].bytes == 500 * kMiB);
  CHECK(told[0].time_ns == 1009);
  CHECK(told[0].memcgs == std::vector<facts::MemcgIndex>{0});
}

TEST_CASE("a charge is told within its age, and before its memcg is gone") {
  std::vector<facts::Fact> facts;
  capture::Interpreter interpreter(anything, [&](const facts::Fact& fact) { facts.push_back(fact); });
  const auto charges = [&] {
    return std::count_if(facts.begin(), facts.end(), [](const facts::Fact& fact) {
      return std::holds_alternative<facts::MemcgCharged>(fact);
    });
  };
  interpreter.name_cgroup(10, "/pod");
  interpreter.apply(root_born(100, 0, 10));
  interpreter.apply(by(7, 7, sample(10, {at(0, 10)})));
  interpreter.apply(by(7, 7, sample(20, {at(0, 11)})));
  interpreter.apply(by(7, 7, sample(19 + capture::Charges::kMaxAgeNs, {at(0, 12)})));
  CHECK(charges() == 0);
  interpreter.apply(by(7, 7, sample(20 + capture::Charges::kMaxAgeNs, {at(0, 13)})));
  CHECK(charges() == 1);
  interpreter.apply(by(7, 7, sample(30 + capture::Charges::kMaxAgeNs, {at(0, 14)})));
  interpreter.apply(decode::MemcgGone{40 + capture::Charges::kMaxAgeNs, 100, at(0, 14)});
  CHECK(charges() == 2);
  CHECK(std::holds_alternative<facts::MemcgGone>(facts.back()));
}
