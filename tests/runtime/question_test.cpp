// Questions to a recording: what cannot be answered is not answered with "all quiet".
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "harness.h"

using namespace memspike::test;

namespace {

struct Ended {
  int code;
  std::string out;
  std::string err;
};

Ended ask(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {memspike_path(), "report"});
  Process process({std::move(arguments), nullptr, {}});
  const int code = process.wait();
  return {code, process.out(), process.err()};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A pod's recording of half a second and a little more, with one container in it.
class Recorded {
 public:
  Recorded() : id_("9b1f0d5c4e7a83216f0e5d4c3b2a19087f6e5d4c3b2a1908f7e6d5c4b3a29180"), uid_(unique_uid()) {
    const Cgroup pod("/kubepods/burstable/pod" + uid_, 64U << 20);
    const Cgroup container("/kubepods/burstable/pod" + uid_ + "/" + id_, 48U << 20);
    for (const char* name : {"first", "second"}) {
      Process record({{memspike_path(), "record", "--cgroup", pod.path(), "-d", "600ms", "-o",
                       (dir_ / name).string(), "-f", "perfetto"},
                      nullptr,
                      {}});
      record.wait_for_err("recording;");
      REQUIRE(run_workload(container, {"anon", "16M", "--hold", "5"}) == 0);
      REQUIRE(record.wait() == 0);
    }
    write_file(dir_ / "both", read_file(dir_ / "first") + read_file(dir_ / "second"));
  }

  std::string first() const { return (dir_ / "first").string(); }
  std::string both() const { return (dir_ / "both").string(); }
  const std::string& id() const { return id_; }
  const TempDir& dir() const { return dir_; }

 private:
  TempDir dir_;
  std::string id_;
  std::string uid_;
};

const Recorded& recorded() {
  static const Recorded once;
  return once;
}

}  // namespace

TEST_CASE("an impossible part of a recording is an error, with what there is", "[cli][question]") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"--from", "9m"}, "--from 9m is when it was over"},
      {{"--from", "500ms", "--to", "100ms"}, "--to 100ms is not after --from 500ms"},
      {{"--to", "2001-01-01T00:00:00Z"}, "--to 2001-01-01T00:00:00Z is before it began"},
      {{"--from", "2091-01-01T00:00:00Z"}, "is when it was over"},
      {{"--from", "noon"}, "neither a time since the start nor one in UTC"},
      {{"--session", "2"}, "there is no --session 2"},
      {{"--session", "0"}, "--session"},
  };
  for (const auto& [options, said] : cases) {
    for (const char* format : {"text", "json", "csv"}) {
      std::vector<std::string> arguments{recorded().first(), "-f", format};
      arguments.insert(arguments.end(), options.begin(), options.end());
      const Ended ended = ask(arguments);
      INFO(options.front() << " " << options.at(1) << ": " << ended.err);
      CHECK(ended.code == 2);
      CHECK(contains(ended.err, said));
      CHECK(!contains(ended.out, "all quiet"));
    }
  }
}

TEST_CASE("a container that was not recorded is not found, one that was is", "[cli][question]") {
  const Ended absent = ask({recorded().first(), "--container", "zzzz"});
  CHECK(absent.code == 3);
  CHECK(contains(absent.err, "no container zzzz was recorded"));
  CHECK(contains(absent.err, recorded().id().substr(0, 12)));
  CHECK(ask({recorded().first(), "--container", recorded().id().substr(0, 12)}).code == 0);
  CHECK(ask({"--container", recorded().id(), recorded().first()}).code == 0);
}

TEST_CASE("a time of day as the report prints it is understood", "[cli][question]") {
  const Json whole = parse_report(ask({recorded().first(), "-f", "json"}).out);
  const std::string start = whole.at("session").at("start_utc");  // 2026-11-24T10:06:13.123456Z
  const std::uint64_t duration_ns = counter(whole.at("session"), "duration_ns");
  for (const std::string& from :
       {start, start.substr(11, 15), start.substr(5, 5) + " " + start.substr(11, 12),
        start.substr(0, 10) + " " + start.substr(11, 8) + " UTC"}) {
    INFO(from);
    const Ended ended = ask({recorded().first(), "-f", "json", "--from", from});
    REQUIRE(ended.code == 0);
    const Json part = parse_report(ended.out);
    CHECK(counter(part.at("session"), "duration_ns") <= duration_ns);
    CHECK(counter(part.at("session"), "duration_ns") + 1'000'000 >= duration_ns);
  }
}

TEST_CASE("that it is a part, or was cut, stands at the top, once", "[cli][question]") {
  const std::string cut = (recorded().dir() / "cut").string();
  const std::string whole = read_file(recorded().first());
  write_file(cut, whole.substr(0, whole.size() - 100));
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{recorded().first(), "--from", "100ms"}, "a part of a recording"}, {{cut}, "the recording was cut"}};
  for (const auto& [arguments, note] : cases) {
    const std::string text = ask(arguments).out;
    const std::size_t at = text.find(note);
    INFO(text);
    REQUIRE(at != std::string::npos);
    CHECK(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') <= 4);
    CHECK(text.find(note, at + 1) == std::string::npos);
  }
}

TEST_CASE("of two recordings in one file each is reported, or one, where a document holds one",
          "[cli][question]") {
  const std::string first = ask({recorded().first(), "-f", "json"}).out;
  const Ended both = ask({recorded().both(), "-f", "json"});
  CHECK(both.code == 0);
  CHECK(both.out.substr(0, first.size()) == first);
  CHECK(both.out.size() > first.size());
  CHECK(ask({recorded().both(), "-f", "json", "--session", "1"}).out == first);
  CHECK(ask({recorded().both(), "-f", "json", "--session", "2"}).out == both.out.substr(first.size()));
  for (const char* format : {"openmetrics", "html", "pprof"}) {
    const Ended ended = ask({recorded().both(), "-f", format});
    CHECK(ended.code == 2);
    CHECK(ended.out.empty());
    CHECK(contains(ended.err, "the file holds 2 recordings, and " + std::string(format) + " holds one"));
    CHECK(contains(ended.err, "--session N, from 1 to 2"));
    CHECK(ask({recorded().both(), "-f", format, "--session", "2"}).code == 0);
  }
}

TEST_CASE("a recording that was packed for a ticket is read as it is", "[cli][question][host]") {
  const std::string plain = ask({recorded().both(), "-f", "json"}).out;
  for (const char* packer : {"gzip -c", "zstd -qc"}) {
    const std::string packed = (recorded().dir() / "packed").string();
    REQUIRE(std::system((std::string(packer) + " " + recorded().both() + " > " + packed).c_str()) == 0);
    CHECK(ask({packed, "-f", "json"}).out == plain);
    const std::string bytes = read_file(packed);
    // A whole one, and half of the next: zstd says nothing of a block that is not whole.
    write_file(packed, bytes + bytes.substr(0, bytes.size() / 2));
    const Ended cut = ask({packed, "-f", "json"});
    CHECK(cut.code == 0);
    CHECK(contains(cut.err, "the compressed file ends early"));
  }
}
