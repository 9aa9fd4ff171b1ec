// Outputs that are written in the background: nothing waits for them, and nothing is lost in silence.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "cgroup_tree.h"
#include "cli/background_output.h"
#include "cli/csv_stream.h"
#include "cli/recorder.h"
#include "patience.h"
#include "recording/reader.h"
#include "recording/unpack.h"
#include "recording_facts.h"

using namespace memspike;
using cli::BackgroundOutput;
using cli::CsvStream;
using cli::Output;
using std::chrono::milliseconds;
using Tree = cgroup::testing::Tree;

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Output open_stream(const std::filesystem::path& path) {
  auto output = Output::open(path.string(), STDOUT_FILENO);
  REQUIRE(output);
  return std::move(*output);
}

// A pipe with a name whose reader reads when it is told to.
class Pipe {
 public:
  explicit Pipe(const std::filesystem::path& path) : path_(path) {
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    reader_ = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader_ >= 0);
    REQUIRE(fcntl(reader_, F_SETPIPE_SZ, kBytes) == kBytes);
  }
  ~Pipe() { close(reader_); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  static constexpr int kBytes = 4096;

  // What one read takes, at most a pipe full.
  std::size_t read_some() const {
    char bytes[kBytes];
    return static_cast<std::size_t>(std::max<ssize_t>(read(reader_, bytes, sizeof bytes), 0));
  }
  std::string read_all() const {
    std::string text;
    char bytes[4096];
    for (ssize_t size = 0; (size = read(reader_, bytes, sizeof bytes)) > 0;) {
      text.append(bytes, static_cast<std::size_t>(size));
    }
    return text;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int reader_ = -1;
};

std::string read_to_end(const Pipe& pipe, const BackgroundOutput& output) {
  std::string text;
  while (!output.wait(milliseconds(1))) text += pipe.read_all();
  return text + pipe.read_all();
}

template <typename Condition>
bool comes_true(Condition&& condition) {
  for (int i = 0; i < 5000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return false;
}

bool wait_for_stall(const BackgroundOutput& output, milliseconds time) {
  return comes_true([&] { return output.stalled() >= time; });
}

timeline::Row row_at(std::uint64_t time_ns) {
  timeline::Row row{};
  row.time_ns = time_ns;
  row.usage_bytes = 4096;
  row.watermark_bytes = 8192;
  return row;
}

}  // namespace

TEST_CASE("what was offered is written, in order, and closed") {
  const Tree tree;
  BackgroundOutput output(open_stream(tree.at("file")));
  CHECK(output.offer("before it starts, "));
  REQUIRE(output.start());
  CHECK(output.offer("after, "));
  output.sync();
  CHECK(output.offer("at the end"));
  output.sync();
  output.close();
  REQUIRE(output.wait(milliseconds(10'000)));
  CHECK(content_of(tree.at("file")) == "before it starts, after, at the end");
  CHECK_FALSE(output.failure());
  CHECK_FALSE(output.offer("too late"));
}

TEST_CASE("whoever offers does not wait for a reader who has stalled") {
  const Tree tree;
  const Pipe pipe(tree.at("pipe"));
  BackgroundOutput output(open_stream(pipe.path()), 64 << 10);
  REQUIRE(output.start());
  CHECK(output.has_reader());
  const auto begin = std::chrono::steady_clock::now();
  std::string taken;
  std::size_t refused = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string text(1000, static_cast<char>('a' + i % 26));
    if (output.offer(text)) {
      taken += text;
    } else {
      ++refused;
    }
  }
  CHECK(std::chrono::steady_clock::now() - begin < test::kPatience);
  CHECK(refused > 0);
  REQUIRE(wait_for_stall(output, milliseconds(50)));
  CHECK_FALSE(output.wait(milliseconds(1)));
  CHECK_FALSE(output.failure());
  CHECK(read_to_end(pipe, output) == taken);
  CHECK(output.stalled() == std::chrono::nanoseconds(0));
  CHECK(output.offer("there is room again"));
  CHECK(read_to_end(pipe, output) == "there is room again");
}

TEST_CASE("a slow reader has not stalled") {
  const Tree tree;
  const Pipe pipe(tree.at("pipe"));
  BackgroundOutput output(open_stream(pipe.path()));
  REQUIRE(output.start());
  REQUIRE(output.offer(std::string(40 * Pipe::kBytes, 'x')));
  std::size_t bytes = 0;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(wait_for_stall(output, milliseconds(5)));
    // Whatever it takes until the thread runs again: once it has written, the time counts from then.
    const auto before = std::chrono::steady_clock::now();
    bytes += pipe.read_some();
    CHECK(comes_true([&] { return output.stalled() <= std::chrono::steady_clock::now() - before; }));
  }
  CHECK(bytes + read_to_end(pipe, output).size() == 40 * Pipe::kBytes);
}

TEST_CASE("nobody waits for a thread whose reader has stalled") {
  const Tree tree;
  const Pipe pipe(tree.at("pipe"));
  const auto begin = std::chrono::steady_clock::now();
  {
    BackgroundOutput output(open_stream(pipe.path()));
    REQUIRE(output.start());
    REQUIRE(output.offer(std::string(10 * Pipe::kBytes, 'x')));
  }
  CHECK(std::chrono::steady_clock::now() - begin < test::kPatience);
  std::this_thread::sleep_for(milliseconds(20));
  pipe.read_all();  // the thread goes on, finds that nobody wants to know, and ends
}

TEST_CASE("a full disk is told, and nothing is written after it") {
  BackgroundOutput output(open_stream("/dev/full"));
  REQUIRE(output.start());
  REQUIRE(output.offer("text"));
  REQUIRE(output.wait(milliseconds(10'000)));
  const auto failure = output.failure();
  REQUIRE(failure);
  CHECK(failure->message == "cannot write to /dev/full: No space left on device");
  CHECK_FALSE(output.offer("more"));
}

TEST_CASE("a pipe has nothing to sync, and that is no failure") {
  const Tree tree;
  const Pipe pipe(tree.at("pipe"));
  BackgroundOutput output(open_stream(pipe.path()));
  REQUIRE(output.start());
  output.sync();
  REQUIRE(output.wait(milliseconds(10'000)));
  CHECK_FALSE(output.failure());
}

TEST_CASE("a timeline that has no room says how many rows are missing, where they are missing") {
  const Tree tree;
  const Pipe pipe(tree.at("pipe"));
  BackgroundOutput output(open_stream(pipe.path()), 256 << 10);
  CsvStream csv(output);
  REQUIRE(output.start());
  constexpr std::uint64_t kRows = 40'000;
  for (std::uint64_t i = 1; i <= kRows; ++i) {
    csv.row("/a", row_at(i));
    csv.tick(i);
  }
  csv.flush(kRows);
  CHECK(csv.lost_rows() > 0);
  const std::uint64_t lost_first = csv.lost_rows();
  std::string text = read_to_end(pipe, output);
  csv.tick(kRows + 1);
  csv.row("/a", row_at(kRows + 2));
  csv.flush(kRows + 2);
  text += read_to_end(pipe, output);
  CHECK(csv.lost_rows() == lost_first);
  std::uint64_t rows = 0;
  std::uint64_t lost = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    CHECK(std::count(line.begin(), line.end(), ',') == 5);
    const std::size_t mark = line.find(",,,,,lost:");
    if (mark != std::string::npos) {
      lost += std::stoull(line.substr(mark + 10));
    } else if (line.find("monotonic_ns") == std::string::npos) {
      ++rows;
    }
  }
  CHECK(lost == lost_first);
  CHECK(rows + lost == kRows + 1);
  CHECK(text.substr(text.rfind("40002")) == "40002,/a,4096,8192,,\n");
}

TEST_CASE("a recording that has no room ends there, and is a recording up to there") {
  const Tree tree;
  const Pipe pipe(tree.at("pipe"));
  auto recorder = cli::Recorder::open(pipe.path().string());
  REQUIRE(recorder);
  REQUIRE((*recorder)->output().start());
  (*recorder)->apply(facts::session(1));
  (*recorder)->apply(facts::MemcgFound{0, 1, 0, {}, "/a", {}});
  std::uint64_t state = 88172645463325252ULL;
  constexpr int kMost = 20'000'000;
  int written = 0;
  for (; written < kMost && (*recorder)->ended_ns() == 0; ++written) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    timeline::Row row = row_at(static_cast<std::uint64_t>(written) + 1);
    row.usage_bytes = state;  // nothing that compresses
    (*recorder)->apply(facts::MemcgRow{0, row});
  }
  REQUIRE(written < kMost);
  CHECK((*recorder)->lost_facts() == 0);
  (*recorder)->apply(facts::MemcgRow{0, row_at(1)});
  CHECK((*recorder)->lost_facts() == 1);
  (*recorder)->close();
  const std::string trace = read_to_end(pipe, (*recorder)->output());
  CHECK_FALSE((*recorder)->output().failure());
  int rows = 0;
  recording::Reader reader([&](std::size_t, const facts::Fact& fact) {
    rows += std::holds_alternative<facts::MemcgRow>(fact) ? 1 : 0;
  });
  recording::Unpacker unpacker([&reader](std::string_view bytes) { return reader.feed(bytes); });
  REQUIRE(unpacker.feed(trace));
  REQUIRE(unpacker.finish());
  REQUIRE(reader.finish());
  CHECK(rows > 0);
  CHECK(rows < written);
}
