// From the bytes of a ring buffer to the finished report: whatever the records say, there
// is a valid document at the end, in bounded memory and time.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "capture/interpreter.h"
#include "capture/stack_sums.h"
#include "decode/decoder.h"
#include "lives/life_table.h"
#include "lives/timeline_rows.h"
#include "record_stream.h"
#include "require.h"
#include "timeline/orderer.h"
#include "views/csv/csv.h"
#include "views/json/json.h"
#include "views/profile/folded.h"
#include "views/profile/pprof.h"
#include "views/text/text.h"

namespace {

using namespace memspike;

constexpr std::uint64_t kRootInode = 10;

lives::LifeOptions life_options(const fuzz::StreamOptions& options) {
  lives::LifeOptions result;
  result.keep_timeline = (options.flags & fuzz::kKeepTimeline) != 0;
  result.keep_all_spikes = (options.flags & fuzz::kKeepAllSpikes) != 0;
  if ((options.flags & fuzz::kEverySpike) != 0) result.min_prominence_bytes = 1;
  return result;
}

std::unique_ptr<capture::Interpreter> make_interpreter(const fuzz::StreamOptions& options,
                                                       lives::LifeTable& table) {
  const bool redescribe = (options.flags & fuzz::kRedescribe) != 0;
  auto interpreter = std::make_unique<capture::Interpreter>(
      [redescribe](const std::string& path) {
        facts::Description description;
        if (path.size() % 2 == 0) {
          description.role = facts::Role::container;
          description.container = facts::Container{path, path};
        }
        description.in_target = !redescribe || path.size() % 3 != 0;
        return description;
      },
      [&table](const facts::Fact& fact) { table.apply(fact); });
  interpreter->name_cgroup(kRootInode, "/pod");
  return interpreter;
}

// Time stands still or goes on, never back, as every consumer of the orderer relies on.
class Consumer {
 public:
  explicit Consumer(capture::Interpreter& interpreter) : interpreter_(interpreter) {}
  void operator()(const decode::Event& event) {
    FUZZ_REQUIRE(decode::time_ns(event) >= now_ns_);
    now_ns_ = decode::time_ns(event);
    if (const auto* stack = std::get_if<decode::Stack>(&event)) {
      if (const auto memcg = interpreter_.memcg_of(*stack)) stacks_.add(*memcg, *stack);
    }
    interpreter_.apply(event);
  }
  std::uint64_t now_ns() const { return now_ns_; }
  facts::RawStacks take_stacks(std::uint64_t page_size_bytes) { return stacks_.take(page_size_bytes); }

 private:
  capture::Interpreter& interpreter_;
  capture::StackSums stacks_;
  std::uint64_t now_ns_ = 0;
};

void check_spikes(const report::Memcg& memcg, std::uint64_t min_prominence_bytes) {
  FUZZ_REQUIRE(memcg.usage.min_bytes <= memcg.usage.peak_bytes);
  FUZZ_REQUIRE(memcg.spikes_total >= memcg.spikes.size());
  FUZZ_REQUIRE(memcg.histograms.prominence_bytes.count() == memcg.spikes_total);
  FUZZ_REQUIRE(memcg.burst_histograms.height_bytes.count() == memcg.bursts_total);
  std::uint64_t previous_ns = 0;
  for (const spike::Spike& spike : memcg.spikes) {
    FUZZ_REQUIRE(spike.peak_ns >= previous_ns);
    FUZZ_REQUIRE(spike.peak_bytes <= memcg.usage.peak_bytes);
    FUZZ_REQUIRE(spike.prominence_bytes <= spike.peak_bytes);
    FUZZ_REQUIRE(spike.prominence_bytes >= min_prominence_bytes);
    FUZZ_REQUIRE(spike.left_base_ns <= spike.peak_ns);
    FUZZ_REQUIRE(spike.right_base_ns >= spike.peak_ns);
    previous_ns = spike.peak_ns;
  }
}

// Frames without symbols: addresses as they are.
void tell_stacks(facts::RawStacks raw, lives::LifeTable& table) {
  table.apply(facts::CodeNamed{{{"[unknown]", ""}}, {}});
  std::uint32_t frames = 0;
  for (facts::RawStack& each : raw.stacks) {
    facts::CodeNamed code;
    for (const auto& [from, to] :
         {std::pair(&each.kernel, &each.stack.kernel), std::pair(&each.user, &each.stack.user)}) {
      for (const std::uint64_t address : *from) {
        to->push_back(frames++);
        code.frames.push_back({"", 0, address});
      }
    }
    table.apply(code);
    table.apply(facts::StackSeen{each.memcg, std::move(each.stack)});
  }
  table.apply(facts::StacksCounted{raw.overflow_pages});
}

void check_folded(const std::string& text) {
  for (const char c : text) FUZZ_REQUIRE(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
}

void render(const report::Report& report, const fuzz::StreamOptions& options) {
  // Throws, and thereby crashes, on anything that is not JSON in valid UTF-8.
  const auto json = nlohmann::json::parse(views::render_json(report));
  FUZZ_REQUIRE(json["memcgs"].size() == report.memcgs.size());

  check_folded(views::render_folded(report));
  FUZZ_REQUIRE(!views::encode_pprof(report).empty());

  views::TextStyle style;
  style.color = (options.flags & fuzz::kColor) != 0;
  style.utf8 = (options.flags & fuzz::kUtf8) != 0;
  style.columns = options.columns;
  for (const char c : views::render_text(report, style)) {
    const auto byte = static_cast<unsigned char>(c);
    FUZZ_REQUIRE(byte >= 0x20 || c == '\n' || (style.color && c == '\x1b'));
    FUZZ_REQUIRE(byte != 0x7f);
    FUZZ_REQUIRE(style.utf8 || byte < 0x80);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Stream stream = fuzz::split(std::as_bytes(std::span(data, size)));
  const std::uint64_t page_size_bytes = std::uint64_t{1} << (12 + stream.options.page_size_log2 % 5);

  lives::LifeTable table(life_options(stream.options));
  const std::unique_ptr<capture::Interpreter> owner = make_interpreter(stream.options, table);
  capture::Interpreter& interpreter = *owner;
  std::size_t csv_bytes = 0;
  views::CsvWriter csv([&](std::string_view text) -> Result<void> {
    csv_bytes += text.size();
    return {};
  });
  lives::TimelineRows rows({}, [&](const std::string& path, const timeline::Row& row) {
    csv.row(row.time_ns, path, row.usage_bytes, row.watermark_bytes, row.limit_bytes, row.mark);
  });
  table.pass_to(rows);

  timeline::Orderer orderer(std::uint64_t{1} << (stream.options.hold_ns_log2 % 64));
  Consumer consumer(interpreter);
  std::uint64_t malformed = 0;
  std::uint64_t latest_ns = 0;
  for (const auto record : stream.records) {
    // A copy of exactly this size, so that the sanitizer sees a read past its end.
    const std::vector<std::byte> exact(record.begin(), record.end());
    auto event = decode::decode(exact, page_size_bytes);
    if (!event) {
      ++malformed;
      continue;
    }
    latest_ns = std::max(latest_ns, decode::time_ns(*event));
    orderer.push(std::move(*event));
    orderer.release(latest_ns, consumer);
    (void)table.live(0);
  }
  orderer.flush(consumer);
  tell_stacks(consumer.take_stacks(page_size_bytes), table);
  facts::SessionKnown known;
  known.session.page_size_bytes = page_size_bytes;
  known.events = {{"samples", stream.records.size()}};
  known.lost = {{"unknown_memcg", interpreter.orphans()}, {"malformed_record", malformed}};
  table.apply(known);
  interpreter.close(consumer.now_ns());
  FUZZ_REQUIRE(csv.flush());
  FUZZ_REQUIRE(csv_bytes > 0);

  const report::Report report = table.take();
  for (const report::Memcg& memcg : report.memcgs) check_spikes(memcg, report.session.min_prominence_bytes);
  render(report, stream.options);
  return 0;
}
