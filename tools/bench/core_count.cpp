// memspike-bench-core SAMPLES: takes a made-up recording to its report, once. For counting instructions.
#include <cstdio>
#include <cstdlib>

#include "stream.h"

int main(int argc, char** argv) {
  const long samples = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (samples <= 0) {
    std::fputs("Usage: memspike-bench-core SAMPLES\n", stderr);
    return 2;
  }
  const memspike::bench::Stream stream(static_cast<std::size_t>(samples));
  memspike::lives::LifeOptions options;
  options.keep_all_spikes = false;
  memspike::bench::Pipeline pipeline(std::move(options));
  pipeline.run(stream);
  const auto report = pipeline.take();
  std::printf("spikes=%llu\n", static_cast<unsigned long long>(report.memcgs.front().spikes_total));
  return 0;
}
