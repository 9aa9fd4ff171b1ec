// memspike-bench-recording SAMPLES FILE: a made-up recording of one memcg, as a session writes it to a file.
// For its size, and for the time that `memspike report` takes.
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "recording/writer.h"
#include "stream.h"

namespace {

using namespace memspike;

// 10,000 samples a second; the sweep comes every millisecond.
constexpr bench::StreamShape kBusyPod{1, 100'000, 10, 0};

constexpr std::size_t kPart = std::size_t{1} << 20;  // of the samples, in memory at a time

class Counted final : public facts::FactSink {
 public:
  explicit Counted(recording::Writer& writer) : writer_(writer) {}
  void apply(const facts::Fact& fact) override {
    rows_ += std::holds_alternative<facts::MemcgRow>(fact);
    writer_.write(fact);
  }
  std::uint64_t rows() const { return rows_; }

 private:
  recording::Writer& writer_;
  std::uint64_t rows_ = 0;
};

std::uint64_t write_recording(std::size_t samples, std::ofstream& file) {
  recording::Writer writer(
      [&file](std::string_view bytes) -> Result<void> {
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return {};
      },
      {});
  lives::LifeOptions options;
  options.keep_all_spikes = false;
  Counted counted(writer);
  bench::Pipeline pipeline(std::move(options), &counted);
  writer.write(facts::SessionKnown{});
  for (std::size_t first = 0; first < samples; first += kPart) {
    bench::StreamShape shape = kBusyPod;
    shape.first = first;
    pipeline.feed(bench::Stream(std::min(kPart, samples - first), shape));
  }
  pipeline.finish();
  (void)writer.flush();
  return counted.rows();
}

}  // namespace

int main(int argc, char** argv) {
  const long samples = argc == 3 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (samples <= 0) {
    std::fputs("Usage: memspike-bench-recording SAMPLES FILE\n", stderr);
    return 2;
  }
  std::ofstream file(argv[2], std::ios::binary);
  const std::uint64_t rows = write_recording(static_cast<std::size_t>(samples), file);
  const auto bytes = static_cast<double>(file.tellp());
  if (!file.flush()) {
    std::perror(argv[2]);
    return 1;
  }
  std::printf("samples=%ld rows=%llu bytes=%.0f bytes_per_sample=%.2f\n", samples,
              static_cast<unsigned long long>(rows), bytes, bytes / static_cast<double>(samples));
  return 0;
}
