// google-benchmark of the core: how many samples a second one core takes from bytes to the report, and
// how much memory a sample costs that is kept.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include "stream.h"

namespace {

using memspike::bench::Pipeline;
using memspike::bench::Stream;

constexpr std::size_t kSamples = 1'000'000;
// A storm on one CPU has 1.07 rows a sample (44,373 of 41,585): the sweep looks every millisecond, 15 samples
// later, and finds the counter as it was. With 1 each sample has two rows, as a counter has that rests
// between any two moves: the worst case.
constexpr std::int64_t kStormStillEvery = 15;

double heap_bytes() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

void per_second(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kSamples));
}

void decode(benchmark::State& state) {
  const Stream stream(kSamples, memspike::bench::StreamShape{static_cast<std::uint32_t>(state.range(0))});
  for (auto _ : state) {
    stream.each([](std::span<const std::byte> record) {
      auto event = memspike::decode::decode(record, memspike::bench::kPageBytes);
      benchmark::DoNotOptimize(event);
    });
  }
  per_second(state);
}

memspike::bench::StreamShape shape_of(const benchmark::State& state) {
  memspike::bench::StreamShape shape;
  shape.levels = static_cast<std::uint32_t>(state.range(0));
  shape.still_every = static_cast<std::size_t>(state.range(1));
  return shape;
}

// As a session without --timeline: bounded memory.
void to_report(benchmark::State& state) {
  const Stream stream(kSamples, shape_of(state));
  for (auto _ : state) {
    memspike::lives::LifeOptions options;
    options.keep_all_spikes = false;
    Pipeline pipeline(std::move(options));
    pipeline.run(stream);
    auto report = pipeline.take();
    benchmark::DoNotOptimize(report);
  }
  per_second(state);
}

// As a session whose report has every row.
void to_timeline(benchmark::State& state) {
  const Stream stream(kSamples);
  double bytes = 0;
  double rows = 0;
  for (auto _ : state) {
    const double before = heap_bytes();
    memspike::lives::LifeOptions options;
    options.keep_timeline = true;
    options.keep_all_spikes = false;
    Pipeline pipeline(std::move(options));
    pipeline.run(stream);
    bytes = heap_bytes() - before;
    auto report = pipeline.take();
    rows = static_cast<double>(report.memcgs.front().timeline.size());
    benchmark::DoNotOptimize(report);
  }
  per_second(state);
  state.counters["bytes_per_row"] = bytes / rows;
}

BENCHMARK(decode)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond);
BENCHMARK(to_report)
    ->ArgNames({"levels", "still_every"})
    ->ArgsProduct({{1, 2}, {kStormStillEvery, 1}})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(to_timeline)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
