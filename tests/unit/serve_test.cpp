// What the service counts and keeps, without a kernel.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/units.h"
#include "recording_facts.h"
#include "serve/catch_up.h"
#include "serve/dossiers.h"
#include "serve/http_server.h"
#include "serve/kill_log.h"
#include "serve/meter.h"
#include "serve/service.h"
#include "serve/subject.h"

using namespace memspike;
using namespace memspike::serve;
using facts::kMiB;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kUtc = 1'796'010'012'345'678'901;

class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "memspike-serve-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Scratch() { fs::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

facts::Description container(const std::string& name, const std::string& pod = "checkout-7d9f") {
  facts::Description description;
  description.role = facts::Role::container;
  description.container = facts::Container{std::string(64, 'c'), name};
  description.pod = facts::PodId{"uid-1", "shop", pod, "burstable"};
  return description;
}

timeline::Row row(std::uint64_t time_ns, std::uint64_t usage_bytes, OptionalBytes limit_bytes = 100 * kMiB) {
  timeline::Row result;
  result.time_ns = time_ns;
  result.usage_bytes = usage_bytes;
  result.watermark_bytes = usage_bytes;
  result.limit_bytes = limit_bytes;
  if (limit_bytes) result.headroom_bytes = *limit_bytes - std::min(*limit_bytes, usage_bytes);
  return result;
}

Dossiers::Fill three_files(std::size_t bytes = 10) {
  return [bytes](const fs::path& directory) -> Result<void> {
    for (const char* file : {kRecordingFile, kTextFile, kJsonFile}) {
      std::ofstream(directory / file) << std::string(bytes, 'x');
    }
    return {};
  };
}

const SubjectId kApp{"shop", "checkout-7d9f", "app"};

}  // namespace

TEST_CASE("subjects are containers and services, by names that do not change with a restart") {
  using cgroup::NodeScope;
  CHECK(subject_of("/kubepods/poduid-1/c", container("app"), NodeScope::pods) == kApp);
  facts::Description nameless = container("app");
  nameless.container->name.reset();
  nameless.pod->name.reset();
  nameless.pod->namespace_name.reset();
  CHECK(subject_of("/x", nameless, NodeScope::pods)->is_called_as({"", "uid-1", "unknown"}));
  facts::Description service;
  CHECK(subject_of("/system.slice/nginx.service", service, NodeScope::services) ==
        SubjectId{"", "", "nginx.service"});
  CHECK_FALSE(subject_of("/system.slice/nginx.service", service, NodeScope::pods));
  CHECK_FALSE(subject_of("/system.slice", service, NodeScope::all));
  CHECK(is_aggregate("/kubepods/burstable", service));
  CHECK_FALSE(is_aggregate("/kubepods/poduid-1/c", container("app")));
}

TEST_CASE("globs match whole texts, and take no time over stars") {
  CHECK(matches_glob("shop-*", "shop-eu"));
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("s?op/*/app", "shop/x-y/app"));
  CHECK_FALSE(matches_glob("shop", "shop-eu"));
  CHECK_FALSE(matches_glob(std::string(40, '*') + "b", std::string(10'000, 'a')));
}

TEST_CASE("counters go on through restarts, and stay for five minutes after the end") {
  Meters meters;
  std::uint64_t now = kSecond;
  for (facts::MemcgIndex life = 0; life < 100; ++life, now += kSecond) {
    meters.begin(life, kApp, "/c", now);
    meters.row(life, row(now, 10 * kMiB), {});
    meters.row(life, row(now + 1000, 60 * kMiB), {});
    meters.kill(life, now + 2000, life % 2 == 0 ? KilledBy::own : KilledBy::pod);
    meters.end(life, now + 3000);
  }
  CHECK(meters.size() == 1);
  const Series* series = meters.find(kApp);
  REQUIRE(series != nullptr);
  CHECK(series->kills[static_cast<std::size_t>(KilledBy::own)] == 50);
  CHECK(series->kills[static_cast<std::size_t>(KilledBy::pod)] == 50);
  CHECK(series->lives == 100);
  CHECK(series->bursts == 100);
  CHECK(series->burst_share.count == 100);
  CHECK(series->living == 0);
  meters.tick(now + 298 * kSecond);
  CHECK(meters.size() == 1);
  meters.tick(now + 301 * kSecond);
  CHECK(meters.size() == 0);
}

TEST_CASE("two scrapers do not steal each other's peak") {
  Meters meters;
  meters.begin(1, kApp, "/c", 1);
  meters.row(1, row(10, 90 * kMiB), {});
  meters.row(1, row(20, 20 * kMiB), {});
  const std::size_t a = meters.scraper_of("a", 30);
  const std::size_t b = meters.scraper_of("b", 31);
  CHECK(a != b);
  CHECK(meters.take(40, a)[0].peak_bytes[a] == 90 * kMiB);
  CHECK(meters.take(41, a)[0].peak_bytes[a] == 20 * kMiB);
  CHECK(meters.take(42, b)[0].peak_bytes[b] == 90 * kMiB);
  meters.row(1, row(50, 55 * kMiB), {});
  meters.row(1, row(60, 21 * kMiB), {});
  CHECK(meters.scraper_of("a", 70) == a);
  CHECK(meters.take(70, a)[0].peak_bytes[a] == 55 * kMiB);
  CHECK(meters.take(71, b)[0].peak_bytes[b] == 55 * kMiB);
  CHECK(meters.take(72, b)[0].peak_bytes[b] == 21 * kMiB);
}

TEST_CASE("time near the limit is counted up to now, and what had no name is counted for who it was") {
  Meters meters;
  const SubjectId nameless{"", "uid-1", "unknown"};
  meters.begin(1, nameless, "/c", 0);
  meters.row(1, row(0, 95 * kMiB), {});
  meters.kill(1, 1, KilledBy::node);
  meters.row(1, row(2 * kSecond, 10 * kMiB), {});
  meters.begin(1, kApp, "/c", 3 * kSecond);
  meters.row(1, row(4 * kSecond, 91 * kMiB), {});
  CHECK(meters.find(nameless) == nullptr);
  const Series series = meters.take(7 * kSecond, {})[0];
  CHECK(series.id == kApp);
  CHECK(series.near_limit_ns == 5 * kSecond);
  CHECK(series.kills[static_cast<std::size_t>(KilledBy::node)] == 1);
  CHECK(series.living == 1);
}

TEST_CASE("containers that get their name when they are gone are the one that is called so") {
  Meters meters;
  for (facts::MemcgIndex life = 0; life < 50; ++life) {
    const SubjectId nameless{"shop", "checkout-7d9f", "unknown", "id-" + std::to_string(life)};
    meters.begin(life, nameless, "/c", life);
    meters.row(life, row(life, 10 * kMiB), {});
    meters.row(life, row(life, 60 * kMiB), {});
    meters.end(life, life + 1);
    if (life % 2 == 0) meters.rename(nameless, kApp, life + 2);
  }
  REQUIRE(meters.take(kSecond, {}).size() == 1);  // the others are young yet
  CHECK(meters.take(kSecond, {})[0].lives == 25);
  const auto later = meters.take(20 * kSecond, {});
  REQUIRE(later.size() == 2);
  CHECK(later[1].id.container == "unknown");
  CHECK(later[1].lives == 25);
  CHECK(later[0].bursts + later[1].bursts == 50);
}

TEST_CASE("there are only so many series, and what finds no room is counted") {
  Meters meters;
  for (facts::MemcgIndex i = 0; i < Meters::kMaxSeries + 10; ++i)
    meters.begin(i, {"", "", "/hostile/" + std::to_string(i)}, "/c", 1);
  CHECK(meters.size() == Meters::kMaxSeries);
  CHECK(meters.dropped() == 10);
}

TEST_CASE("names of dossiers are safe in a file system, whatever a container is called") {
  CHECK(dossier_name(kUtc, kApp) == "20261130T034012.345Z-shop-checkout-7d9f-app");
  const std::string hostile = dossier_name(kUtc, {"../..", "a/b\n\x1b[31m", std::string(5000, 'x')});
  CHECK(hostile.size() < 255);
  CHECK(hostile.find('/') == std::string::npos);
  CHECK(hostile.find("..") == std::string::npos);
  CHECK(std::all_of(hostile.begin(), hostile.end(), [](char c) { return c > ' ' && c < 127; }));
}

TEST_CASE("a crash-looping pod pushes out its own dossiers, not others' and not its first") {
  const Scratch scratch;
  Dossiers dossiers(scratch.path() / "dossiers", {10, std::uint64_t{1} << 30});
  REQUIRE(dossiers.open());
  REQUIRE(dossiers.add(dossier_name(kUtc, {"shop", "quiet", "app"}), three_files()));
  for (std::uint64_t i = 0; i < 100; ++i)
    REQUIRE(dossiers.add(dossier_name(kUtc + i * kSecond, {"shop", "loop", "app"}), three_files()));
  REQUIRE(dossiers.entries().size() == 10);
  std::set<std::string> names;
  for (const auto& entry : dossiers.entries()) names.insert(entry.name);
  CHECK(names.count(dossier_name(kUtc, {"shop", "quiet", "app"})) == 1);
  CHECK(names.count(dossier_name(kUtc, {"shop", "loop", "app"})) == 1);
  CHECK(names.count(dossier_name(kUtc + 99 * kSecond, {"shop", "loop", "app"})) == 1);
  CHECK(dossiers.forgotten() == 91);
  std::size_t on_disk = 0;
  for (const auto& entry : fs::directory_iterator(scratch.path() / "dossiers"))
    on_disk += entry.is_directory() ? 1 : 0;
  CHECK(on_disk == 10);
}

TEST_CASE("dossiers are bounded by bytes, found again, and half ones are not") {
  const Scratch scratch;
  const fs::path directory = scratch.path() / "dossiers";
  {
    Dossiers dossiers(directory, {100, 200U << 10});
    REQUIRE(dossiers.open());
    for (std::uint64_t i = 0; i < 10; ++i)
      REQUIRE(
          dossiers.add(dossier_name(kUtc + i, {"", "", "c" + std::to_string(i)}), three_files(16U << 10)));
    CHECK(dossiers.bytes() <= 200U << 10);
    CHECK(dossiers.entries().size() < 6);
    CHECK(dossiers.entries().back().group() == "-c9");
    const auto failing = [](const fs::path& path) -> Result<void> {
      std::ofstream(path / kTextFile) << "half";
      return fail(ErrorKind::failed, "disk full");
    };
    CHECK_FALSE(dossiers.add("20261130T034012.345Z-half", failing));
  }
  fs::create_directory(directory / ".unfinished-20261130T034012.345Z-crash");
  Dossiers again(directory, {100, 200U << 10});
  REQUIRE(again.open());
  CHECK(again.entries().size() >= 3);
  for (const auto& entry : fs::directory_iterator(directory)) {
    CHECK(entry.path().filename().string().front() != '.');
    CHECK(entry.path().string().find("half") == std::string::npos);
  }
  // The same name twice is two dossiers.
  const auto first = again.add(dossier_name(kUtc, kApp), three_files());
  const auto second = again.add(dossier_name(kUtc, kApp), three_files());
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first != *second);
}

TEST_CASE("a kill's line is read back, hostile names and half lines are not taken for more") {
  KillRecord kill;
  kill.number = 7;
  kill.realtime_ns = kUtc;
  kill.subject = {"shop", "a\"b\n{", "app"};
  kill.comm = std::string("x\xff\x1b[2J", 6);
  kill.by = KilledBy::pod;
  kill.limit_bytes = 50 * kMiB;
  const std::string line = to_line(kill);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find('\x1b') == std::string::npos);
  const auto back = from_line(line);
  REQUIRE(back);
  CHECK(back->number == 7);
  CHECK(back->by == KilledBy::pod);
  CHECK(back->limit_bytes == 50 * kMiB);
  CHECK_FALSE(from_line(line.substr(0, line.size() / 2)));
  CHECK_FALSE(from_line("[]"));

  const Scratch scratch;
  REQUIRE(append_to_log(scratch.path(), line + "\n"));
  std::ofstream(scratch.path() / "kills.jsonl", std::ios::app) << line.substr(0, 20);
  kill.number = 8;
  REQUIRE(append_to_log(scratch.path(), to_line(kill) + "\n"));
  kill.dossier = "20261130T034012.345Z-x";
  REQUIRE(append_to_log(scratch.path(), to_line(kill) + "\n"));
  KillLog log;
  log.load(scratch.path());
  REQUIRE(log.all().size() == 2);
  CHECK(log.all().back().dossier == kill.dossier);
  CHECK(log.next_number() == 9);
}

TEST_CASE("a target means a kill by any name that people have for it") {
  KillRecord kill;
  kill.subject = kApp;
  kill.pod_uid = "3f2a1b4c-0000-1111-2222-333344445555";
  kill.container_id = std::string(64, 'c');
  kill.path = "/kubepods/pod3f2a/ccc";
  for (const char* name :
       {"", "app", "checkout-7d9f", "shop/checkout-7d9f", "checkout", "shop/checkout", "checkout-7d9f/app",
        "shop/checkout-7d9f/app", "3f2a1b4c", "cccc", "/kubepods/pod3f2a"})
    CHECK(is_meant(name, kill));
  for (const char* name : {"check", "shop", "other", "3f2", "ccd", "/kubepods/pod3f"})
    CHECK_FALSE(is_meant(name, kill));
}

TEST_CASE("kills while the service was down are the kernel's count beyond what is known") {
  const Scratch scratch;
  KillLog log;
  {
    CatchUp first("boot-1");
    first.load(scratch.path(), log);
    first.found(0, 100, 3, 10);  // three before the service ever ran
    CHECK(first.take_missed(0) == 0);
    first.killed(0, 20);
    REQUIRE(write_catch_up(scratch.path(), first.text(log.next_number(), {{kApp, {3, 0, 0, 0, 0}}})));
    // One more, told by the log only: then it is killed itself.
    first.killed(0, 30);
    KillRecord kill;
    kill.cgroup_id = 100;
    kill.subject = kApp;
    kill.by = KilledBy::pod;
    log.add(kill);
  }
  CatchUp second("boot-1");
  second.load(scratch.path(), log);
  REQUIRE(second.subjects().size() == 1);
  CHECK(second.subjects()[0].subject == kApp);
  CHECK(second.subjects()[0].kills == std::array<std::uint64_t, 5>{3, 1, 0, 0, 0});
  second.found(5, 100, 9, 10);  // 3 + 2 are known
  second.found(6, 101, 2, 10);  // born meanwhile
  second.found(7, 102, 1, 10);
  second.killed(7, 9);  // which that count has, and which comes only now
  CHECK(second.take_missed(5) == 4);
  CHECK(second.take_missed(5) == 0);
  CHECK(second.take_missed(6) == 2);
  CHECK(second.take_missed(7) == 0);
  CHECK(second.take_unseen(7, 1) == 0);
  second.killed(6, 50);
  CHECK(second.take_unseen(6, 3) == 2);
  REQUIRE(write_catch_up(scratch.path(), second.text(log.next_number(), {})));
  CatchUp other_boot("boot-2");
  other_boot.load(scratch.path(), log);
  other_boot.found(0, 100, 1, 10);
  CHECK(other_boot.take_missed(0) == 1);
  CHECK(other_boot.subjects().empty());
}

TEST_CASE("the service makes a dossier of a kill, whole, and knows it after a restart") {
  const Scratch scratch;
  std::uint64_t now = facts::kStartNs;
  ServiceOptions options;
  options.data_dir = scratch.path() / "data";
  options.keep_ns = 5 * kSecond;
  options.after_ns = kSecond;
  Surroundings world;
  world.monotonic_ns = [&now] { return now; };
  world.clocks = [&now] { return recording::Clocks{now, facts::kUtcNs, now}; };
  world.memcg_dir = [](const std::string&) { return fs::path("/nonexistent"); };
  std::vector<std::string> warnings;
  world.warn = [&warnings](const std::string& text) { warnings.push_back(text); };
  std::string dossier;
  {
    Service service(options, world);
    service.open("boot-1");
    service.start_writing();
    service.apply(facts::session(0));
    facts::MemcgFound pod;
    pod.memcg = 0;
    pod.time_ns = now;
    pod.path = "/pod";
    pod.description = container("app");
    pod.description.role = facts::Role::pod;
    pod.description.container.reset();
    service.apply(pod);
    facts::MemcgFound app = pod;
    app.memcg = 1;
    app.parent = 0;
    app.path = "/pod/app";
    app.description = container("app");
    service.apply(app);
    for (std::uint64_t i = 0; i < 100; ++i) {
      service.apply(facts::row(0, i * 1'000'000, (3 + i / 3) * kMiB, 90 * kMiB));
      service.apply(facts::row(1, i * 1'000'000, (2 + i / 3) * kMiB));
    }
    service.apply(facts::kill(100'000'000, false));
    service.apply(facts::kill(100'000'000, true));
    const auto early = service.unfinished(1);
    REQUIRE(early);
    CHECK(report_of(early->excerpt)->memcgs.size() == 2);
    CHECK(early->complete_ns == facts::kStartNs + 100'000'000 + kSecond);
    now += 2 * kSecond;
    service.tick(now);
    // On its way to the disk, and still there for who asks.
    const auto late = service.unfinished(1);
    REQUIRE(late);
    CHECK(late->excerpt.to_ns == early->complete_ns);
    service.finish();
    CHECK_FALSE(service.unfinished(1));
    REQUIRE(service.kills().all().size() == 2);
    dossier = service.kills().all().back().dossier;
    CHECK(service.written().made == 1);
    CHECK(service.meters().find(kApp)->kills[static_cast<std::size_t>(KilledBy::own)] == 2);
  }
  CHECK(warnings.empty());
  INFO(dossier);
  REQUIRE(fs::exists(options.data_dir / "dossiers" / dossier / kRecordingFile));
  std::ifstream file(options.data_dir / "dossiers" / dossier / kRecordingFile, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  lives::LifeTable table{lives::LifeOptions{}};
  recording::Reader reader([&](std::size_t, const facts::Fact& fact) { table.apply(fact); });
  REQUIRE(reader.feed(bytes));
  REQUIRE(reader.finish());
  const report::Report report = table.take();
  REQUIRE(report.memcgs.size() == 2);
  CHECK(report.memcgs[1].usage.peak_bytes == 35 * kMiB);
  REQUIRE(report.memcgs[1].oom_kills.size() == 1);
  CHECK(report.memcgs[1].oom_kills[0].victims.size() == 2);

  Service again(options, world);
  again.open("boot-1");
  const KillRecord* kill = again.last_kill("checkout");
  REQUIRE(kill != nullptr);
  CHECK(kill->dossier == dossier);
  CHECK(again.written().dossiers == 1);
}

TEST_CASE("what is known of a kill without a dossier is told in a sentence") {
  KillRecord kill;
  kill.subject = kApp;
  kill.realtime_ns = kUtc;
  kill.by = KilledBy::pod;
  kill.pid = 123;
  kill.comm = "red\x1b[31m";
  kill.usage_bytes = 8 * kMiB;
  kill.limit_bytes = 9 * kMiB;
  CHECK(sentence_of(kill) == "shop/checkout-7d9f/app was OOM-killed by its pod's limit at " +
                                 format_utc(kUtc) + ": red\\x1b[31m (123), at 8.0 MiB of 9.0 MiB\n");
  kill.pid = 0;
  kill.count = 3;
  kill.by = KilledBy::unknown;
  CHECK(sentence_of(kill) ==
        "shop/checkout-7d9f/app was OOM-killed (by which limit is not known): 3 times in all, known at " +
            format_utc(kUtc) + "\n");
  kill.is_hang = true;
  CHECK(sentence_of(kill) == "shop/checkout-7d9f/app hangs at a limit since " + format_utc(kUtc) + "\n");
}

TEST_CASE("a kill whose dossier a crash has cost says so at the next start") {
  const Scratch scratch;
  KillRecord kill;
  kill.subject = kApp;
  kill.number = 1;
  REQUIRE(append_to_log(scratch.path(), to_line(kill) + "\n"));
  KillLog log;
  log.load(scratch.path());
  REQUIRE(log.all().size() == 1);
  CHECK(log.all().front().no_dossier == "the service ended before it was written");
}

TEST_CASE("a data directory that cannot be used costs the dossiers, and nothing else") {
  const Scratch scratch;
  std::ofstream(scratch.path() / "file") << "no directory";
  ServiceOptions options;
  options.data_dir = scratch.path() / "file";
  std::vector<std::string> warnings;
  Surroundings world;
  world.monotonic_ns = [] { return facts::kStartNs; };
  world.clocks = [] { return recording::Clocks{}; };
  world.memcg_dir = [](const std::string&) { return fs::path("/nonexistent"); };
  world.warn = [&warnings](const std::string& text) { warnings.push_back(text); };
  Service service(options, world);
  service.open("boot-1");
  service.start_writing();
  service.apply(facts::session(0));
  facts::MemcgFound app;
  app.memcg = 1;
  app.path = "/pod/app";
  app.description = container("app");
  service.apply(app);
  service.apply(facts::kill(100'000'000, false));
  service.finish();
  CHECK(warnings.size() == 1);
  REQUIRE(service.kills().all().size() == 1);
  CHECK(service.kills().all()[0].no_dossier == "the data directory cannot be used");
  CHECK(service.written().failed >= 1);
  CHECK(service.meters().find(kApp)->all_kills() == 1);
}

TEST_CASE("addresses are numbers and ports") {
  CHECK(parse_address("127.0.0.1:9779")->port == "9779");
  CHECK(parse_address("[::1]:9779")->host == "::1");
  CHECK(parse_address(":9779")->host.empty());
  for (const char* text : {"9779", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "::1:9779", "a:b"})
    CHECK_FALSE(parse_address(text));
}
