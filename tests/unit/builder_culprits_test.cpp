// Which threads a spike is attributed to.
#include <catch2/catch.hpp>

#include "builder_events.h"

using namespace memspike;
using namespace memspike::events;
using report::Builder;

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

struct Result {
  std::vector<report::Memcg> memcgs;
  std::vector<report::Thread> threads;
};

Result finish(Builder& builder) {
  builder.close(100'000);
  Result result;
  result.memcgs = builder.take_memcgs();
  result.threads = builder.take_threads();
  return result;
}

}  // namespace

TEST_CASE("the culprit is the thread that charged, not its quiet sibling") {
  Builder builder = builder_with_pod();
  builder.learn({70, 71, 1, "worker", "app --serve"});
  builder.learn({80, 80, 1, "innocent", "sleep 9"});
  builder.apply(by(80, 80, sample(10, {at(0, 10)})));
  builder.apply(by(80, 80, sample(20, {at(0, 11)})));
  builder.apply(by(70, 71, sample(30, {at(0, 40)})));
  builder.apply(by(80, 80, sample(40, {at(0, 10)}), MEMSPIKE_TRIGGER_PAGE_FREE));
  const Result result = finish(builder);
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

TEST_CASE("what a sweep, a fall's trigger or no task saw is attributed to nobody") {
  for (const auto trigger : {MEMSPIKE_TRIGGER_SWEEP, MEMSPIKE_TRIGGER_REQUEST, MEMSPIKE_TRIGGER_PAGE_FREE,
                             MEMSPIKE_TRIGGER_UNCHARGE, MEMSPIKE_TRIGGER_RECLAIM}) {
    Builder builder = builder_with_pod();
    builder.apply(by(7, 7, sample(10, {at(0, 10)})));
    builder.apply(by(7, 7, sample(20, {at(0, 20)}), trigger));
    builder.apply(by(0, 0, sample(30, {at(0, 30)})));  // an interrupt of an idle CPU
    builder.apply(by(7, 7, sample(40, {at(0, 10)})));
    const Result result = finish(builder);
    const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
    CHECK(spike.culprits.empty());
    CHECK(spike.unattributed_pages == 20 * 256);
    CHECK(result.threads.empty());
  }
}

TEST_CASE("a pod's spike names the container whose thread charged") {
  Builder builder({}, [](const std::string& path) {
    report::Description description;
    if (path != "/pod") description.container = report::Container{path, path.substr(5)};
    return description;
  });
  builder.name_cgroup(10, "/pod");
  builder.apply(root_born(100, 0, 10));
  builder.apply(child_born(101, 1, 0, "app"));
  builder.apply(child_born(102, 2, 0, "sidecar"));
  builder.apply(by(1, 1, sample(10, {at(1, 5), at(0, 10)})));
  builder.apply(by(2, 2, sample(20, {at(2, 5), at(0, 10)})));
  // The sidecar's look sees 9 MiB that the app has charged to the pod; the app's own comes after.
  builder.apply(by(2, 2, sample(30, {at(2, 6), at(0, 20)})));
  builder.apply(by(1, 1, sample(31, {at(1, 14), at(0, 20)})));
  builder.apply(by(1, 1, sample(40, {at(1, 5), at(0, 11)}), MEMSPIKE_TRIGGER_UNCHARGE));
  const Result result = finish(builder);
  const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
  REQUIRE(spike.culprits.size() == 2);
  CHECK(spike.culprits[0].pages == 9 * 256);
  CHECK(result.threads[spike.culprits[0].thread].container->name == "app");
  CHECK(spike.culprits[1].pages == 1 * 256);
  CHECK(result.threads[spike.culprits[1].thread].container->name == "sidecar");
  CHECK(spike.unattributed_pages == 0);
}

TEST_CASE("a number that is used again, or a name changed by exec, is another culprit") {
  Builder builder = builder_with_pod();
  builder.learn({7, 7, 1, "sh", "sh"});
  builder.apply(by(7, 7, sample(10, {at(0, 10)})));
  builder.apply(by(7, 7, sample(20, {at(0, 12)})));
  builder.learn({7, 7, 1, "java", "java -jar"});
  builder.apply(by(7, 7, sample(30, {at(0, 22)})));
  builder.learn({7, 7, 99, "java", "java -jar"});
  builder.apply(by(7, 7, sample(40, {at(0, 52)})));
  builder.apply(by(7, 7, sample(50, {at(0, 10)}), MEMSPIKE_TRIGGER_UNCHARGE));
  const Result result = finish(builder);
  const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
  REQUIRE(spike.culprits.size() == 3);
  CHECK(spike.culprits[0].pages == 30 * 256);
  CHECK(result.threads[spike.culprits[1].thread].comm == "java");
  CHECK(result.threads[spike.culprits[2].thread].comm == "sh");
}

TEST_CASE("who was gone before it could be asked has the name that BPF knows") {
  Builder builder = builder_with_pod();
  builder.apply(by(7, 8, sample(10, {at(0, 10)})));
  builder.apply(by(7, 8, sample(20, {at(0, 20)})));
  builder.apply(by(9, 9, sample(30, {at(0, 25)})));
  builder.apply(by(7, 8, sample(40, {at(0, 10)}), MEMSPIKE_TRIGGER_UNCHARGE));
  builder.name_process(7, "shortlived");
  const Result result = finish(builder);
  const report::Spike& spike = result.memcgs.at(0).spikes.at(0);
  REQUIRE(spike.culprits.size() == 2);
  CHECK(result.threads[spike.culprits[0].thread].comm == "shortlived");
  CHECK(result.threads[spike.culprits[1].thread].comm.empty());
}

TEST_CASE("pages are those of the machine") {
  report::BuilderOptions options;
  options.page_size_bytes = 65'536;
  Builder builder = builder_with_pod(options);
  builder.apply(by(7, 7, sample(10, {at(0, 10)})));
  builder.apply(by(7, 7, sample(20, {at(0, 20)})));
  builder.apply(by(7, 7, sample(30, {at(0, 10)})));
  CHECK(finish(builder).memcgs.at(0).spikes.at(0).culprits.at(0).pages == 160);
}
