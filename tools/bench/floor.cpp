// memspike-bench-floor: attaches the programs that do nothing, says "ready", and keeps them until it
// is told to end.
#include <bpf/libbpf.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "empty.skel.h"

namespace {

struct Destroy {
  void operator()(memspike_bench_empty* skeleton) const { memspike_bench_empty__destroy(skeleton); }
};

int wait_for_the_end() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  std::puts("ready");
  std::fflush(stdout);
  int number = 0;
  return sigwait(&signals, &number);
}

}  // namespace

int main() {
  const std::unique_ptr<memspike_bench_empty, Destroy> skeleton(memspike_bench_empty__open_and_load());
  if (!skeleton || memspike_bench_empty__attach(skeleton.get()) != 0) {
    std::fputs("memspike-bench-floor: cannot load or attach the empty programs\n", stderr);
    return 1;
  }
  return wait_for_the_end();
}
