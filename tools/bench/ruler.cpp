// memspike-bench-ruler: does one thing over and over, and says what CPU time it takes, its children's too.
// Where the machine's clock counts instructions (tools/bench/instructions) the figure is the same in each
// run.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kPageBytes = 4096;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void touch(std::byte* begin, std::size_t pages) {
  for (std::size_t page = 0; page < pages; ++page) {
    static_cast<volatile std::byte*>(begin)[page * kPageBytes] = std::byte{1};
  }
}

void pages(std::size_t count) {
  void* const start =
      mmap(nullptr, count * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) die("mmap");
  madvise(start, count * kPageBytes, MADV_NOHUGEPAGE);
  touch(static_cast<std::byte*>(start), count);
  munmap(start, count * kPageBytes);
}

void forks(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
      execl("/proc/self/exe", "ruler", "nothing", nullptr);
      _exit(127);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) die("waitpid");
  }
}

void tmpfs(std::size_t count) {
  static const std::vector<std::byte> kPage(kPageBytes, std::byte{1});
  const int file = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) die("/dev/shm");
  for (std::size_t i = 0; i < count; ++i) {
    if (write(file, kPage.data(), kPage.size()) != static_cast<ssize_t>(kPage.size())) die("write");
  }
  close(file);
}

// Two processes on one CPU that wake each other: two switches a round.
void switches(std::size_t count) {
  int there[2], back[2];
  if (pipe(there) != 0 || pipe(back) != 0) die("pipe");
  const pid_t child = fork();
  if (child < 0) die("fork");
  char byte = 0;
  if (child == 0) {
    close(there[1]);
    while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) {
    }
    _exit(0);
  }
  for (std::size_t i = 0; i < count / 2; ++i) {
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) die("pipe");
  }
  for (const int end : {there[0], there[1], back[0], back[1]}) close(end);
  waitpid(child, nullptr, 0);
}

struct Unit {
  std::string_view name;
  void (*run)(std::size_t count);
  std::size_t count;
};

constexpr Unit kUnits[] = {{"page", pages, 16384},
                           {"fork_exec", forks, 50},
                           {"tmpfs_page", tmpfs, 8192},
                           {"switch", switches, 4000}};

// What this process and its children that ended had of a CPU: a tracer that runs meanwhile is not in it, what
// it adds to the kernel's work for them is.
double cpu_ns() {
  double sum_ns = 0;
  for (const auto whose : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(whose, &usage);
    for (const timeval& part : {usage.ru_utime, usage.ru_stime}) {
      sum_ns += static_cast<double>(part.tv_sec) * 1e9 + static_cast<double>(part.tv_usec) * 1e3;
    }
  }
  return sum_ns;
}

// The least of some rounds: what an interrupt adds is not the unit's.
double measure(const Unit& unit) {
  constexpr int kRounds = 5;
  unit.run(unit.count);
  double least = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double begin_ns = cpu_ns();
    unit.run(unit.count);
    const double each = (cpu_ns() - begin_ns) / static_cast<double>(unit.count);
    least = round == 0 ? each : std::min(least, each);
  }
  return least;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "nothing") return 0;
  for (const Unit& unit : kUnits) {
    if (argc > 1 && std::none_of(argv + 1, argv + argc, [&](const char* name) { return unit.name == name; }))
      continue;
    std::printf("%s %.1f\n", unit.name.data(), measure(unit));
    std::fflush(stdout);
  }
  return 0;
}
