// From the bytes of a ring buffer to the finished report: whatever the records say, there
// is a valid document at the end, in bounded memory and time.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "decode/decoder.h"
#include "record_stream.h"
#include "report/builder.h"
#include "report/csv.h"
#include "report/folded.h"
#include "report/json.h"
#include "report/pprof.h"
#include "report/text.h"
#include "require.h"
#include "timeline/orderer.h"

namespace {

using namespace memspike;

constexpr std::uint64_t kRootInode = 10;

report::Builder make_builder(const fuzz::StreamOptions& options) {
  report::BuilderOptions result;
  result.keep_timeline = (options.flags & fuzz::kKeepTimeline) != 0;
  result.keep_all_spikes = (options.flags & fuzz::kKeepAllSpikes) != 0;
  if ((options.flags & fuzz::kEverySpike) != 0) result.min_prominence_bytes = 1;
  const bool redescribe = (options.flags & fuzz::kRedescribe) != 0;
  report::Builder builder(result, [redescribe](const std::string& path) {
    report::Description description;
    if (path.size() % 2 == 0) {
      description.role = report::Role::container;
      description.container = report::Container{path, path};
    }
    description.wanted = !redescribe || path.size() % 3 != 0;
    return description;
  });
  builder.name_cgroup(kRootInode, "/pod");
  return builder;
}

// Time stands still or goes on, never back, as every consumer of the orderer relies on.
class Consumer {
 public:
  explicit Consumer(report::Builder& builder) : builder_(builder) {}
  void operator()(const decode::Event& event) {
    FUZZ_REQUIRE(decode::time_ns(event) >= now_ns_);
    now_ns_ = decode::time_ns(event);
    builder_.apply(event);
  }
  std::uint64_t now_ns() const { return now_ns_; }

 private:
  report::Builder& builder_;
  std::uint64_t now_ns_ = 0;
};

void check_spikes(const report::Memcg& memcg, std::uint64_t min_prominence_bytes) {
  FUZZ_REQUIRE(memcg.usage.min_bytes <= memcg.usage.peak_bytes);
  FUZZ_REQUIRE(memcg.spikes_total >= memcg.spikes.size());
  FUZZ_REQUIRE(memcg.histograms.prominence_bytes.count() == memcg.spikes_total);
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
report::Stacks name_stacks(const report::RawStacks& raw, std::uint64_t page_size_bytes) {
  report::Stacks stacks;
  stacks.page_size_bytes = page_size_bytes;
  stacks.pages = raw.pages;
  stacks.overflow_pages = raw.overflow_pages;
  stacks.modules = {{"[unknown]", ""}};
  for (const report::RawStack& each : raw.stacks) {
    report::Stack stack = each.stack;
    for (const auto& [from, to] :
         {std::pair(&each.kernel, &stack.kernel), std::pair(&each.user, &stack.user)}) {
      for (const std::uint64_t address : *from) {
        to->push_back(static_cast<std::uint32_t>(stacks.frames.size()));
        stacks.frames.push_back({"", 0, address});
      }
    }
    stacks.stacks.push_back(std::move(stack));
  }
  return stacks;
}

void check_folded(const std::string& text) {
  for (const char c : text) FUZZ_REQUIRE(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
}

void render(const report::Report& report, const fuzz::StreamOptions& options) {
  // Throws, and thereby crashes, on anything that is not JSON in valid UTF-8.
  const auto json = nlohmann::json::parse(report::render_json(report));
  FUZZ_REQUIRE(json["memcgs"].size() == report.memcgs.size());

  check_folded(report::render_folded(report));
  FUZZ_REQUIRE(!report::encode_pprof(report).empty());

  report::TextStyle style;
  style.color = (options.flags & fuzz::kColor) != 0;
  style.utf8 = (options.flags & fuzz::kUtf8) != 0;
  style.columns = options.columns;
  for (const char c : report::render_text(report, style)) {
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

  report::Builder builder = make_builder(stream.options);
  std::size_t csv_bytes = 0;
  report::CsvWriter csv([&](std::string_view text) -> Result<void> {
    csv_bytes += text.size();
    return {};
  });
  builder.on_row([&](const std::string& path, const timeline::Row& row) {
    csv.row(row.time_ns, path, row.usage_bytes, row.watermark_bytes, row.limit_bytes, row.mark);
  });

  timeline::Orderer orderer(std::uint64_t{1} << (stream.options.hold_ns_log2 % 64));
  Consumer consumer(builder);
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
    (void)builder.live();
  }
  orderer.flush(consumer);
  builder.close(consumer.now_ns());
  FUZZ_REQUIRE(csv.flush());
  FUZZ_REQUIRE(csv_bytes > 0);

  report::Report report;
  report.session.min_prominence_bytes = builder.min_prominence_bytes();
  report.session.duration_ns = consumer.now_ns();
  report.with_timeline = (stream.options.flags & fuzz::kKeepTimeline) != 0;
  report.memcgs = builder.take_memcgs();
  report.threads = builder.take_threads();
  report.stacks = name_stacks(builder.take_stacks(), page_size_bytes);
  report.notes = builder.take_notes();
  report.events = {{"samples", stream.records.size()}};
  report.lost = {{"unknown_memcg", builder.orphans()}, {"malformed_record", malformed}};
  for (const report::Memcg& memcg : report.memcgs) check_spikes(memcg, report.session.min_prominence_bytes);
  render(report, stream.options);
  return 0;
}
