// Recordings: what is written is read back, whole, cut, damaged, concatenated and by pieces.
#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <random>
#include <set>

#include "recording/lanes.h"
#include "recording/utf8.h"
#include "recording_facts.h"

using namespace memspike;
using namespace memspike::facts;

namespace {

std::string notes_of(const std::vector<facts::Fact>& facts) {
  std::string notes;
  for (const facts::Fact& fact : facts) {
    if (const auto* note = std::get_if<facts::Noted>(&fact)) notes += note->text + "\n";
  }
  return notes;
}

std::size_t rows_of(const std::vector<facts::Fact>& facts) {
  return static_cast<std::size_t>(std::count_if(facts.begin(), facts.end(), [](const facts::Fact& fact) {
    return std::holds_alternative<facts::MemcgRow>(fact);
  }));
}

template <class F>
std::vector<F> all_of(const std::vector<facts::Fact>& facts) {
  std::vector<F> result;
  for (const facts::Fact& fact : facts) {
    if (const auto* one = std::get_if<F>(&fact)) result.push_back(*one);
  }
  return result;
}

// When the fact was told that this one came behind: the row or the kill that decides a burst.
std::uint64_t time_before(const std::vector<facts::Fact>& facts, std::size_t index) {
  while (index-- > 0) {
    if (const auto* row = std::get_if<facts::MemcgRow>(&facts[index])) return row->row.time_ns;
    if (const auto* killed = std::get_if<facts::ProcessKilled>(&facts[index])) return killed->kill.time_ns;
    if (const auto* gone = std::get_if<facts::MemcgGone>(&facts[index])) return gone->time_ns;
  }
  return 0;
}

}  // namespace

TEST_CASE("a recording gives the report of its facts, to the byte") {
  const std::string bytes = record(story());
  const ReadBack read = read_back(bytes);
  CHECK(read.error.empty());
  REQUIRE(read.recordings.size() == 1);
  CHECK(read.recordings[0].size() == story().size() + all_of<facts::BurstFound>(read.recordings[0]).size());
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

TEST_CASE("the bursts of a recording are those that a replay finds, each told as soon as it is decided") {
  const auto read = read_back(record(story())).recordings.at(0);
  lives::LifeTable table({});
  std::vector<facts::BurstFound> found;
  Taker taker([&](const facts::Fact& fact) {
    if (const auto* burst = std::get_if<facts::BurstFound>(&fact)) found.push_back(*burst);
  });
  table.pass_to(taker);
  for (const facts::Fact& fact : read) table.apply(fact);
  const auto told = all_of<facts::BurstFound>(read);
  REQUIRE(told.size() >= 3);
  REQUIRE(told.size() == found.size());
  for (std::size_t i = 0; i < told.size(); ++i) {
    INFO("burst " << i);
    CHECK(told[i].memcg == found[i].memcg);
    CHECK(told[i].burst == found[i].burst);
  }
  std::size_t killed = 0;
  for (std::size_t i = 0; i < read.size(); ++i) {
    const auto* fact = std::get_if<facts::BurstFound>(&read[i]);
    if (fact == nullptr) continue;
    const spike::Outcome outcome = fact->burst.outcome;
    killed += outcome == spike::Outcome::oom_kill ? 1 : 0;
    const bool is_decided_here = outcome == spike::Outcome::fell || outcome == spike::Outcome::oom_kill;
    if (is_decided_here) CHECK(time_before(read, i) == fact->burst.end_ns);
  }
  CHECK(killed >= 1);
  std::size_t reported = 0;
  for (const report::Memcg& memcg : table.take().memcgs) reported += memcg.bursts.size();
  CHECK(reported == told.size());
}

TEST_CASE("rows come back with everything that a timeline shows") {
  const auto read = read_back(record(story())).recordings.at(0);
  std::vector<facts::MemcgRow> expected;
  std::vector<facts::MemcgRow> rows;
  for (const auto& fact : story()) {
    if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) expected.push_back(*row);
  }
  for (const auto& fact : read) {
    if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) rows.push_back(*row);
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

namespace {

// Each byte about where one packet ends and the next begins, and every seventh inside of them: what lies
// there is one block of zlib, of which a cut leaves a part wherever it falls.
std::vector<std::size_t> cuts(const std::string& trace) {
  constexpr std::size_t kAbout = 12, kStep = 7;
  std::set<std::size_t> at;
  for (std::size_t size = 0; size < trace.size(); size += kStep) at.insert(size);
  protozero::pbf_reader reader(trace);
  std::size_t end = 0;
  do {
    for (std::size_t size = end - std::min(end, kAbout); size < std::min(end + kAbout, trace.size());
         ++size) {
      at.insert(size);
    }
    if (!reader.next()) break;
    reader.skip();
    end = trace.size() - reader.length();
  } while (true);
  return {at.begin(), at.end()};
}

}  // namespace

TEST_CASE("a recording that is cut at any byte is read up to there") {
  const std::string bytes = record(story(), true);
  std::size_t most_rows = 0;
  for (const std::size_t size : cuts(bytes)) {
    INFO("cut at byte " << size << " of " << bytes.size());
    const ReadBack read = read_back(std::string_view(bytes).substr(0, size));
    if (read.recordings.empty()) {
      CHECK(read.error.find("no recording of memspike") != std::string::npos);
      continue;
    }
    CHECK(read.error.empty());
    REQUIRE(read.recordings.size() == 1);
    CHECK(std::holds_alternative<facts::RecordingEnded>(read.recordings[0].back()));
    CHECK(notes_of(read.recordings[0]).find("the recording was cut before its end") != std::string::npos);
    CHECK(rows_of(read.recordings[0]) >= most_rows);  // nothing that was whole is given up
    most_rows = std::max(most_rows, rows_of(read.recordings[0]));
    if (size % 16 == 0) report_of(read.recordings[0]);  // ten times dearer than reading
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

namespace {

// The packets as they are without compression, where a changed byte is not found out by a checksum.
std::string inflated(const std::string& trace) {
  std::string packets;
  protozero::pbf_reader reader(trace);
  while (reader.next(1)) {
    protozero::pbf_reader packet = reader.get_message();
    while (packet.next(50)) {
      const auto packed = packet.get_view();
      std::string block(1U << 20, '\0');
      uLongf size = block.size();
      REQUIRE(uncompress(reinterpret_cast<Bytef*>(block.data()), &size,
                         reinterpret_cast<const Bytef*>(packed.data()), packed.size()) == Z_OK);
      packets.append(block, 0, size);
    }
  }
  return packets;
}

// Bytes changed, left out, put in, and parts repeated, one to eight times.
std::string mutated(std::string bytes, std::mt19937& random) {
  for (auto left = 1 + random() % 8; left > 0; --left) {
    const std::size_t at = random() % bytes.size();
    const std::size_t size = std::min<std::size_t>(1 + random() % 64, bytes.size() - at);
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes.erase(at, size);
        break;
      case 2:
        bytes.insert(at, bytes.substr(at / 2, size));
        break;
      default:
        bytes.insert(at, 1, static_cast<char>(random()));
    }
    if (bytes.empty()) bytes = "x";
  }
  return bytes;
}

}  // namespace

TEST_CASE("400 recordings that somebody tampered with are read, or refused, and reported on") {
  std::mt19937 random(7);  // the same each time
  const std::string packets = inflated(record(story(), true));
  CHECK(report_of(read_back(packets).recordings.at(0)) == report_of(story()));
  int read_ones = 0;
  for (int i = 0; i < 400; ++i) {
    INFO("mutant " << i);
    const ReadBack read = read_back(mutated(packets, random), 1 + random() % 4096);
    for (const auto& recording : read.recordings) {
      ++read_ones;
      CHECK(report_of(recording).starts_with('{'));
    }
  }
  CHECK(read_ones > 200);
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

TEST_CASE("a file of more recordings than anybody puts into one is refused") {
  const std::string one = record({session(1)});
  std::string many;
  for (int i = 0; i < 256; ++i) many += one;
  CHECK(read_back(many).error.empty());
  many += one;
  CHECK(read_back(many).error.find("more than 256 recordings") != std::string::npos);
}

TEST_CASE("more cgroups than can live at the same time are refused, however many there were in all") {
  std::vector<facts::Fact> facts{session(1)};
  const auto found = [&](facts::MemcgIndex index) {
    facts::MemcgFound fact;
    fact.memcg = index;
    fact.path = "/x";
    facts.emplace_back(fact);
  };
  constexpr facts::MemcgIndex kMost = 65'536;
  for (facts::MemcgIndex index = 0; index < kMost; ++index) found(index);
  facts::MemcgGone gone;
  gone.memcg = 3;
  facts.emplace_back(gone);
  found(kMost);
  CHECK(read_back(record(facts)).error.empty());
  found(kMost + 1);
  CHECK(read_back(record(facts)).error.find("more than 65536 cgroups") != std::string::npos);
}

namespace {

// A block as an attacker makes it: 16 MiB of packets without anything in them, in 16 KiB.
std::string bomb() {
  constexpr std::size_t kBytes = 16U << 20;
  std::string packets;
  while (packets.size() < kBytes) packets += std::string_view("\x0a\x00", 2);
  std::string packed(compressBound(packets.size()), '\0');
  uLongf size = packed.size();
  REQUIRE(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                   reinterpret_cast<const Bytef*>(packets.data()), packets.size()) == Z_OK);
  packed.resize(size);
  std::string trace;
  {
    protozero::pbf_writer writer(trace);
    protozero::pbf_writer message(writer, 1);
    message.add_bytes(50, packed);  // compressed_packets
  }
  return trace;
}

}  // namespace

TEST_CASE("a file that inflates out of all proportion is refused soon, however small it is") {
  const std::string recording = record(story());
  const std::string block = bomb();
  std::size_t blocks = 0;
  recording::Reader reader([](std::size_t, const facts::Fact&) {});
  REQUIRE(reader.feed(recording));
  Result<void> fed;
  for (; fed && blocks < 100; ++blocks) fed = reader.feed(block);
  REQUIRE_FALSE(fed);
  CHECK(fed.error().message.find("inflates to more than 100 times its size") != std::string::npos);
  CHECK(blocks == 2);
}

TEST_CASE("more rows than anybody reads at one moment are refused") {
  const auto error_of_rows = [](std::uint64_t step_ns) {
    std::vector<facts::Fact> facts{session(1)};
    facts::MemcgFound found;
    found.time_ns = kStartNs;
    found.path = "/x";
    facts.emplace_back(found);
    std::uint64_t state = 88172645463325252ULL;
    for (std::uint64_t i = 0; i < 70'000; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      facts.emplace_back(row(0, i * step_ns, state >> 20));
    }
    return read_back(record(facts)).error;
  };
  CHECK(error_of_rows(1).empty());
  CHECK(error_of_rows(0) ==
        "this recording will not be read: more than 65536 rows of one cgroup are at the same time");
}

TEST_CASE("names of counts are escaped like any other text") {
  facts::SessionKnown known = session(1);
  known.events.push_back({"forged\": 1}, \"memcgs\": [\"forged\"], \"x", 1});
  const auto parsed = nlohmann::json::parse(report_of({known}));
  CHECK(parsed.at("memcgs").empty());
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
  std::vector<facts::Fact> facts = {session(0), story()[1], story()[2]};
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
  for (const facts::Fact& fact : story()) writer.write(fact);
  CHECK(writer.flush().error().message == "disk full");
  CHECK(writer.failed());
  writer.write(story()[3]);
  CHECK(writer.flush().error().message == "disk full");
  CHECK(calls == 1);
}
