// Recordings: what is written is read back, whole, cut, damaged, concatenated and by pieces.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "recording/lanes.h"
#include "recording/utf8.h"
#include "recording_facts.h"

using namespace memspike;
using namespace memspike::facts;

namespace {

std::string notes_of(const std::vector<report::Fact>& facts) {
  std::string notes;
  for (const report::Fact& fact : facts) {
    if (const auto* note = std::get_if<report::Noted>(&fact)) notes += note->text + "\n";
  }
  return notes;
}

std::size_t rows_of(const std::vector<report::Fact>& facts) {
  return static_cast<std::size_t>(std::count_if(facts.begin(), facts.end(), [](const report::Fact& fact) {
    return std::holds_alternative<report::MemcgRow>(fact);
  }));
}

}  // namespace

TEST_CASE("a recording gives the report of its facts, to the byte") {
  const std::string bytes = record(story());
  const ReadBack read = read_back(bytes);
  CHECK(read.error.empty());
  REQUIRE(read.recordings.size() == 1);
  CHECK(read.recordings[0].size() == story().size());
  CHECK(report_of(read.recordings[0]) == report_of(story()));
  // The pieces in which bytes arrive, and those in which they were written, do not matter.
  CHECK(report_of(read_back(bytes, 1).recordings.at(0)) == report_of(story()));
  CHECK(report_of(read_back(record(story(), true)).recordings.at(0)) == report_of(story()));
}

TEST_CASE("culprits and stacks come back") {
  const auto report = nlohmann::json::parse(report_of(read_back(record(story())).recordings.at(0)));
  CHECK(report.at("memcgs")[1].at("spikes")[0].at("culprits").size() == 2);
  CHECK(report.at("memcgs")[1].at("spikes")[0].at("culprits")[0].at("cmdline").get<std::string>().find(
            "/srv/eat") == 0);
  CHECK(report.at("memcgs")[1].at("spikes")[0].at("culprits")[0].at("pages") == 30 * kMiB / 16'384);
  CHECK(report.at("stacks").size() == 2);
  CHECK(report.at("stacks")[0].at("kernel") == nlohmann::json::array({"handle_mm_fault"}));
  CHECK(report.at("stack_pages").at("total") == 153);
  CHECK(report.at("stack_pages").at("cut_short") == 100);
}

TEST_CASE("rows come back with everything that a timeline shows") {
  const auto read = read_back(record(story())).recordings.at(0);
  std::vector<report::MemcgRow> expected;
  std::vector<report::MemcgRow> rows;
  for (const auto& fact : story()) {
    if (const auto* row = std::get_if<report::MemcgRow>(&fact)) expected.push_back(*row);
  }
  for (const auto& fact : read) {
    if (const auto* row = std::get_if<report::MemcgRow>(&fact)) rows.push_back(*row);
  }
  REQUIRE(rows.size() == expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    INFO("row " << i);
    CHECK(rows[i].memcg == expected[i].memcg);
    CHECK(rows[i].row.time_ns == expected[i].row.time_ns);
    CHECK(rows[i].row.usage_bytes == expected[i].row.usage_bytes);
    CHECK(rows[i].row.watermark_bytes == expected[i].row.watermark_bytes);
    CHECK(rows[i].row.limit_bytes == expected[i].row.limit_bytes);
    CHECK(rows[i].row.headroom_bytes == expected[i].row.headroom_bytes);
    CHECK(rows[i].row.mark == expected[i].row.mark);
  }
}

TEST_CASE("a recording that is cut at any byte is read up to there") {
  const std::string bytes = record(story(), true);
  std::size_t most_rows = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO("cut at byte " << size << " of " << bytes.size());
    const ReadBack read = read_back(std::string_view(bytes).substr(0, size));
    if (read.recordings.empty()) {
      CHECK(read.error.find("no recording of memspike") != std::string::npos);
      continue;
    }
    CHECK(read.error.empty());
    REQUIRE(read.recordings.size() == 1);
    CHECK(std::holds_alternative<report::RecordingEnded>(read.recordings[0].back()));
    CHECK(notes_of(read.recordings[0]).find("the recording was cut before its end") != std::string::npos);
    CHECK(rows_of(read.recordings[0]) >= most_rows);  // nothing that was whole is given up
    most_rows = std::max(most_rows, rows_of(read.recordings[0]));
    report_of(read.recordings[0]);
  }
  CHECK(most_rows == rows_of(story()));
}

TEST_CASE("a damaged byte costs what follows, never what came before") {
  const std::string whole = record(story(), true);
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    INFO("damaged at byte " << at);
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    const ReadBack read = read_back(bytes);
    const ReadBack before = read_back(std::string_view(whole).substr(0, at));
    if (before.recordings.empty()) continue;
    REQUIRE(!read.recordings.empty());
    CHECK(rows_of(read.recordings[0]) >= rows_of(before.recordings[0]));
    report_of(read.recordings[0]);
  }
}

TEST_CASE("a bad tail is named and skipped") {
  const ReadBack read = read_back(record(story()) + "garbage that is no packet");
  REQUIRE(read.recordings.size() == 1);
  // The recording itself had come to its end: nothing is missing.
  CHECK(report_of(read.recordings[0]) == report_of(story()));
  auto facts = story();
  facts.pop_back();
  const ReadBack cut = read_back(record(facts) + "garbage that is no packet");
  REQUIRE(cut.recordings.size() == 1);
  CHECK(notes_of(cut.recordings[0]).find("what follows byte") != std::string::npos);
}

TEST_CASE("recordings that are concatenated are two recordings") {
  recording::Writer::Clocks later = kClocks;
  later.realtime_ns += 12345;
  for (const auto& clocks : {kClocks, later}) {  // the same file twice, and another one
    const ReadBack read = read_back(record(story()) + record(story(), false, clocks));
    CHECK(read.error.empty());
    REQUIRE(read.recordings.size() == 2);
    CHECK(report_of(read.recordings[0]) == report_of(story()));
    CHECK(report_of(read.recordings[1]) == report_of(story()));
  }
}

TEST_CASE("what is no recording is refused") {
  CHECK(read_back("").error == "there is no recording of memspike in this file");
  CHECK(read_back("#!/bin/sh\necho hello\n").error.find("not a recording of memspike") != std::string::npos);
  // A trace of somebody else: one packet with a timestamp.
  CHECK(read_back(std::string("\x0a\x02\x40\x01", 4)).error ==
        "there is no recording of memspike in this file");
}

TEST_CASE("any bytes become UTF-8 and come back") {
  CHECK(recording::to_utf8("plain \xc3\xa9") == "plain \xc3\xa9");
  CHECK(recording::to_utf8("a\\b\xff\xc3") == "a\\\\b\\xff\\xc3");
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (const std::string& text :
       {bytes, std::string("\\xff"), std::string("\\\\x41\xed\xa0\x80"), std::string()}) {
    CHECK(recording::from_utf8(recording::to_utf8(text)) == text);
  }
  CHECK(recording::from_utf8("\\q \\xzz \\x4") == "\\q \\xzz \\x4");  // not ours: as it is
}

TEST_CASE("slices that share a lane never overlap, in whatever order they come") {
  recording::Lanes lanes;
  std::uint64_t next = 0;
  CHECK(lanes.place(10, 20, next).is_new);
  CHECK(lanes.place(20, 30, next).lane == 0);  // after it
  CHECK(lanes.place(5, 9, next).lane == 0);    // before it
  CHECK(lanes.place(1, 5, next).lane == 1);    // ends where another begins that was written earlier
  CHECK(lanes.place(12, 13, next).lane == 1);
  const auto around = lanes.place(0, 40, next);
  CHECK(around.is_new);
  CHECK(around.lane == 2);
  for (int i = 0; i < 1000; ++i) lanes.place(0, 100, next);  // bounded: lanes are given up, numbers are not
  CHECK(next == 1003);
}

TEST_CASE("a row costs few bytes") {
  std::vector<report::Fact> facts = {session(0), story()[1], story()[2]};
  std::uint64_t time_ns = 0;
  std::uint64_t usage = 10 * kMiB;
  constexpr std::size_t kRows = 20'000;
  for (std::size_t i = 0; i < kRows; ++i) {
    time_ns += 90'000 + (i * 2'654'435'761U) % 20'000;  // not more regular than a workload
    usage = 10 * kMiB + ((i * 64) % 4096) * 4096;
    facts.push_back(row(1, time_ns, usage));
  }
  const std::string bytes = record(facts);
  CHECK(static_cast<double>(bytes.size()) / kRows <= 12.0);
}

TEST_CASE("a writer whose sink refuses says so, and stops") {
  int calls = 0;
  recording::Writer writer(
      [&](std::string_view) -> Result<void> {
        ++calls;
        return fail(ErrorKind::failed, "disk full");
      },
      kClocks);
  for (const report::Fact& fact : story()) writer.write(fact);
  CHECK(writer.flush().error().message == "disk full");
  CHECK(writer.failed());
  writer.write(story()[3]);
  CHECK(writer.flush().error().message == "disk full");
  CHECK(calls == 1);
}
