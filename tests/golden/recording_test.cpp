// A recording as an independent reader of Perfetto's format sees it: protoc, by a schema of the
// few messages used; and what trace_processor makes of such packets, by the rules of its format.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "../unit/recording_facts.h"
#include "golden.h"
#include "run.h"
#include "trace_text.h"

using namespace memspike;
using golden::Node;

namespace {

struct Slice {
  std::string track_name;
  std::string name;
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t parent_track = 0;
  std::vector<std::string> flows;
};

// Reads packets as trace_processor does: state by packet in the order of the file, then events in order of
// time, those of one instant in the order of the file.
class Processor {
 public:
  explicit Processor(const Node& trace) {
    for (const auto& [name, packet] : trace.messages) read(packet);
    std::stable_sort(events_.begin(), events_.end(), [](const Node* a, const Node* b) {
      return a->number("timestamp") < b->number("timestamp");
    });
    for (const Node* packet : events_) take(*packet);
    for (const auto& [track, open] : open_) CHECK(open.empty());  // every slice has its end
  }

  std::vector<Slice> slices(const std::string& name) const {
    std::vector<Slice> found;
    for (const Slice& slice : slices_) {
      if (slice.name == '"' + name + '"') found.push_back(slice);
    }
    return found;
  }
  std::size_t counters() const { return counters_; }

 private:
  void read(const Node& packet) {
    CHECK(packet.number("trusted_packet_sequence_id") != 0);
    sequences_.insert(packet.number("trusted_packet_sequence_id"));
    CHECK(sequences_.size() == 1);
    constexpr unsigned kCleared = 1;
    constexpr unsigned kNeedsState = 2;
    const auto flags = packet.number("sequence_flags");
    if ((flags & kCleared) != 0) state_begun_ = true;
    if ((flags & kNeedsState) != 0) CHECK(state_begun_);
    if (const Node* clocks = packet.message("clock_snapshot")) read_clocks(*clocks);
    if (const Node* defaults = packet.message("trace_packet_defaults")) {
      CHECK(clocks_.count(defaults->number("timestamp_clock_id")) == 1);
      has_clock_ = true;
    }
    if (const Node* interned = packet.message("interned_data")) {
      for (const auto& [name, category] : interned->messages) categories_.insert(category.value("iid"));
    }
    if (const Node* track = packet.message("track_descriptor")) read_track(*track);
    if (const Node* event = packet.message("track_event")) read_event(packet, *event, flags);
  }

  void read_clocks(const Node& snapshot) {
    for (const auto& [name, clock] : snapshot.messages) clocks_.insert(clock.number("clock_id"));
    CHECK(clocks_ == std::set<std::uint64_t>{1, 3, 6});
    CHECK(snapshot.number("primary_trace_clock") == 3);
  }

  void read_track(const Node& track) {
    const auto uuid = track.number("uuid");
    CHECK(tracks_.emplace(uuid, track).second);  // no uuid twice
    if (track.number("parent_uuid") != 0) CHECK(tracks_.count(track.number("parent_uuid")) == 1);
  }

  void read_event(const Node& packet, const Node& event, std::uint64_t flags) {
    CHECK(flags == 2);
    CHECK(has_clock_);
    CHECK(packet.number("timestamp") != 0);
    REQUIRE(tracks_.count(event.number("track_uuid")) == 1);
    const bool on_counter = tracks_.at(event.number("track_uuid")).message("counter") != nullptr;
    CHECK(on_counter == (event.value("type") == "TYPE_COUNTER"));
    for (const std::string& iid : event.values_of("category_iids")) CHECK(categories_.count(iid) == 1);
    events_.push_back(&packet);
    // The reader of facts and the user interface alike want a counter in order of time.
    if (!on_counter) return;
    ++counters_;
    std::uint64_t& last_ns = last_of_counter_[event.number("track_uuid")];
    CHECK(packet.number("timestamp") >= last_ns);
    last_ns = packet.number("timestamp");
  }

  void take(const Node& packet) {
    const Node& event = *packet.message("track_event");
    const Node& track = tracks_.at(event.number("track_uuid"));
    const std::uint64_t time_ns = packet.number("timestamp");
    auto& open = open_[event.number("track_uuid")];
    if (event.value("type") == "TYPE_SLICE_END") {
      REQUIRE(!open.empty());  // an end closes what began last on its track
      slices_[open.back()].end_ns = time_ns;
      open.pop_back();
    } else if (event.value("type") != "TYPE_COUNTER") {
      if (event.value("type") == "TYPE_SLICE_BEGIN") open.push_back(slices_.size());
      slices_.push_back({track.value("name"), event.value("name"), time_ns, time_ns,
                         track.number("parent_uuid"), event.values_of("flow_ids")});
    }
  }

  std::set<std::uint64_t> sequences_;
  std::set<std::uint64_t> clocks_;
  std::set<std::string> categories_;
  std::map<std::uint64_t, Node> tracks_;
  std::map<std::uint64_t, std::uint64_t> last_of_counter_;
  std::vector<const Node*> events_;
  std::map<std::uint64_t, std::vector<std::size_t>> open_;
  std::vector<Slice> slices_;
  std::size_t counters_ = 0;
  bool state_begun_ = false;
  bool has_clock_ = false;
};

// A stall of another thread while the first one still stands.
std::vector<facts::Fact> two_stalls() {
  auto facts = facts::story();
  const auto stall = std::find_if(facts.begin(), facts.end(), [](const facts::Fact& fact) {
    return std::holds_alternative<facts::TaskStalled>(fact);
  });
  facts.insert(stall + 1, facts::TaskStalled{1, facts::kStartNs + 8'450'000, 1'000'000, 4096, 42, 44});
  return facts;
}

}  // namespace

TEST_CASE("a recording is a Perfetto trace that protoc reads") {
  const std::string text = golden::decode_with_protoc(facts::record(facts::story()));
  // protoc shows a field that its schema does not know by its number.
  for (const char digit : std::string("123456789")) {
    CHECK(text.find(std::string("\n  ") + digit) == std::string::npos);
  }
  golden::check_golden("recording.txtpb", text);
}

TEST_CASE(
    "a recording's spikes and bursts are slices as wide as the report says, joined to the kill that cut them "
    "off") {
  const auto story = facts::story();
  const Node trace = golden::parse_text(golden::decode_with_protoc(facts::record(story)));
  const Processor processor(trace);
  lives::LifeTable table({});
  for (const facts::Fact& fact : story) table.apply(fact);
  using Spans = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  Spans expected;
  Spans expected_bursts;
  for (const report::Memcg& memcg : table.take().memcgs) {
    for (const spike::Burst& burst : memcg.bursts) {
      expected_bursts.emplace_back(burst.half_begin_ns, burst.half_begin_ns + burst.duration_ns);
    }
    for (const spike::Spike& spike : memcg.spikes) {
      expected.emplace_back(spike.half_begin_ns, spike.half_begin_ns + spike.width_ns);
    }
  }
  const auto drawn_as = [&](const std::string& name, std::vector<std::string>& cut_off) {
    Spans drawn;
    for (const Slice& slice : processor.slices(name)) {
      CHECK(slice.track_name == '"' + name + "s\"");
      CHECK(slice.parent_track != 0);
      drawn.emplace_back(slice.begin_ns, slice.end_ns);
      cut_off.insert(cut_off.end(), slice.flows.begin(), slice.flows.end());
    }
    return drawn;
  };
  std::vector<std::string> cut_off;
  std::vector<std::string> bursts_cut_off;
  Spans drawn = drawn_as("spike", cut_off);
  Spans drawn_bursts = drawn_as("burst", bursts_cut_off);
  std::sort(expected.begin(), expected.end());
  std::sort(expected_bursts.begin(), expected_bursts.end());
  std::sort(drawn_bursts.begin(), drawn_bursts.end());
  CHECK(expected_bursts.size() >= 3);
  CHECK(drawn_bursts == expected_bursts);
  CHECK(expected.size() >= 3);
  CHECK(drawn == expected);
  std::vector<std::string> kills;
  for (const Slice& slice : processor.slices("oom kill")) {
    kills.insert(kills.end(), slice.flows.begin(), slice.flows.end());
  }
  CHECK(kills.size() == 2);
  CHECK(cut_off == kills);
  REQUIRE(bursts_cut_off.size() == 1);  // more victims end no other burst
  CHECK(bursts_cut_off.front() == kills.front());
  CHECK(processor.counters() > 10);
}

TEST_CASE("stalls that overlap are slices side by side, and a container's life has its end") {
  const Node trace = golden::parse_text(golden::decode_with_protoc(facts::record(two_stalls())));
  const Processor processor(trace);
  const auto stalls = processor.slices("stall");
  REQUIRE(stalls.size() == 3);  // and one that memory.high imposed
  CHECK(stalls[0].begin_ns == facts::kStartNs + 6'900'000);
  CHECK(stalls[0].end_ns == facts::kStartNs + 8'400'000);
  CHECK(stalls[1].begin_ns == facts::kStartNs + 7'450'000);
  CHECK(stalls[1].end_ns == facts::kStartNs + 8'450'000);
  const auto lives = processor.slices("alive");
  REQUIRE(lives.size() == 2);
  CHECK(lives[0].end_ns == facts::kStartNs + 10'000'000);  // with the recording
  CHECK(lives[1].end_ns == facts::kStartNs + 9'500'000);   // it was removed
}

TEST_CASE("equal tops of one spike are one slice") {
  std::string trace;
  recording::Writer writer(
      [&trace](std::string_view bytes) -> Result<void> {
        trace += bytes;
        return {};
      },
      {1, 2, 3});
  facts::MemcgFound found;
  found.time_ns = 10;
  writer.write(found);
  spike::Spike spike;
  spike.half_begin_ns = 1'000;
  spike.width_ns = 500;
  for (const std::uint64_t peak_ns : {1'100, 1'300}) {
    spike.peak_ns = peak_ns;
    writer.write(facts::SpikeFound{0, spike});
  }
  spike.half_begin_ns = 2'000;
  writer.write(facts::SpikeFound{0, spike});
  writer.write(facts::RecordingEnded{3'000});
  REQUIRE(writer.flush());
  const Node decoded = golden::parse_text(golden::decode_with_protoc(trace));
  CHECK(Processor(decoded).slices("spike").size() == 2);
}

TEST_CASE("the queries of the documents are answered by a recording") {
  const std::string recording = facts::record(facts::story());
  const golden::TempDir dir;
  golden::write(dir.path() / "story.pftrace", recording);
  const auto [code, answers] =
      golden::run(std::string(MEMSPIKE_PYTHON) + " " + MEMSPIKE_PROTO_DIR + "/trace_sql.py " +
                  (dir.path() / "story.pftrace").string() + " " + MEMSPIKE_DOCUMENTS + "/recordings.md 2>&1");
  INFO(answers);
  REQUIRE(code == 0);
  const Node decoded = golden::parse_text(golden::decode_with_protoc(recording));
  const Processor processor(decoded);
  const auto lines = [&answer = answers](const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = answer.find(what, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  CHECK(lines("\"fell\"") + lines("\"oom_kill\"") + lines("\"ongoing\"") + lines("\"removed\"") ==
        processor.slices("burst").size());
  CHECK(lines("\"oom_kill\",\"oom kill\"") >= 1);  // the arrow from a burst to its kill
  CHECK(lines("\"/pod\",") == 1);
}
