// The detector against the real scipy.signal, through tests/unit/spike_oracle.py.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "spike/detector.h"

using namespace memspike::spike;

namespace {

constexpr std::uint64_t kPage = 4096;

class TemporaryFile {
 public:
  TemporaryFile() {
    std::string name = std::filesystem::temp_directory_path() / "memspike-oracle-XXXXXX";
    const int fd = mkstemp(name.data());
    REQUIRE(fd >= 0);
    close(fd);
    path_ = name;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

using Random = std::mt19937_64;

// Small integers: ties, plateaus, equal times.
std::vector<Point> small_series(Random& random) {
  std::vector<Point> points;
  const std::uint64_t alphabet = 2 + random() % 8;
  std::uint64_t time = 1'700'000'000'000'000 + random() % 1'000'000;
  for (std::uint64_t left = 3 + random() % 60; left > 0; --left) {
    time += random() % 4 == 0 ? 0 : random() % 1'000'000;
    points.push_back({time, random() % alphabet, kNoHeadroom});
  }
  return points;
}

// Pages under a limit: bursts with noisy flanks, dwelling at the limit, irregular time.
std::vector<Point> container_series(Random& random, std::size_t length) {
  std::vector<Point> points;
  const std::int64_t limit = 12'800;  // 50 MiB
  std::int64_t pages = 9'000;
  std::int64_t drift = 0;
  std::uint64_t time = 90'000'000'000'000;
  while (points.size() < length) {
    if (random() % 40 == 0) drift = static_cast<std::int64_t>(random() % 400) - 200;
    pages += drift + static_cast<std::int64_t>(random() % 129) - 64;
    pages = std::min(limit, std::max<std::int64_t>(pages, 0));
    time += random() % 30 == 0 ? random() % 2'000'000'000 : random() % 60'000;
    points.push_back({time, static_cast<std::uint64_t>(pages) * kPage, kNoHeadroom});
  }
  return points;
}

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::fell:
      return "fell";
    case Outcome::oom_kill:
      return "oom_kill";
    case Outcome::removed:
    case Outcome::ongoing:
      break;
  }
  return "ongoing";
}

void write_spike(std::ostream& out, const Spike& spike) {
  out << R"({"peak_ns":)" << spike.peak_ns << R"(,"peak_bytes":)" << spike.peak_bytes
      << R"(,"prominence_bytes":)" << spike.prominence_bytes << R"(,"width_ns":)" << spike.width_ns
      << R"(,"rise_ns":)" << spike.rise_ns << R"(,"crest_ns":)" << spike.crest_ns << R"(,"crest_rise_ns":)"
      << spike.crest_rise_ns << R"(,"left_base_ns":)" << spike.left_base_ns << R"(,"right_base_ns":)"
      << spike.right_base_ns << R"(,"outcome":")" << name_of(spike.outcome) << R"("})";
}

void write_series(std::ostream& out, const std::vector<Point>& points, std::uint64_t min_prominence_bytes) {
  Detector detector(min_prominence_bytes);
  std::vector<Spike> spikes;
  for (const Point& point : points) detector.push(point, spikes);
  detector.finish(spikes);

  out << R"({"min_prominence_bytes":)" << min_prominence_bytes << R"(,"points":[)";
  const char* separator = "";
  for (const Point& point : points) {
    out << separator << "[" << point.time_ns << "," << point.usage_bytes << "]";
    separator = ",";
  }
  out << R"(],"spikes":[)";
  separator = "";
  for (const Spike& spike : spikes) {
    out << separator;
    write_spike(out, spike);
    separator = ",";
  }
  out << "]}\n";
}

}  // namespace

TEST_CASE("spikes: the real scipy finds the same") {
  const TemporaryFile file;
  {
    std::ofstream out(file.path());
    Random random(11);
    // In statements of their own: the order of arguments is the compiler's choice.
    for (int i = 0; i < 3000; ++i) {
      const std::uint64_t threshold = 1 + random() % 8;
      write_series(out, small_series(random), threshold);
    }
    for (int i = 0; i < 30; ++i) {
      const std::uint64_t threshold = (1 + random() % 2000) * kPage;
      write_series(out, container_series(random, 3000), threshold);
    }
    for (const std::size_t length : {0u, 1u, 2u, 3u}) {
      write_series(out, container_series(random, length), kPage);
    }
    out.flush();
    REQUIRE(out.good());
  }
  const std::string command =
      std::string(MEMSPIKE_PYTHON " '" MEMSPIKE_UNIT_TESTS "/spike_oracle.py' '") + file.path() + "'";
  const int status = std::system(command.c_str());
  INFO(command << ": is python3-scipy installed?");
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
