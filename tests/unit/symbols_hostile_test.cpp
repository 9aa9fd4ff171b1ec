// Files and processes that want to be more than their reader can bear.
#include <elf.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include "base/message.h"
#include "base/sanitized.h"
#include "cgroup_tree.h"
#include "dead_file_system.h"
#include "patience.h"
#include "symbols/clock.h"
#include "symbols/elf_file.h"
#include "symbols/files_of_root.h"
#include "symbols/lookup.h"
#include "symbols/symbolizer.h"
#include "symbols/trial.h"

using namespace memspike;
using namespace memspike::symbols;
using cgroup::testing::DeadFileSystem;
using cgroup::testing::Tree;
using Clock = std::chrono::steady_clock;

namespace {

bool in_time(Clock::time_point start) { return Clock::now() - start < test::kPatience; }

// Of this thread, whatever else the machine does.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// An ELF file with nothing but a symbol table that claims to be as large as the file.
std::string greedy_elf_header(std::uint64_t claimed_bytes) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(header);
  header.e_shoff = sizeof(header);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  Elf64_Shdr sections[3]{};
  sections[1].sh_type = SHT_SYMTAB;
  sections[1].sh_link = 2;
  sections[2].sh_type = SHT_STRTAB;
  for (Elf64_Shdr* section : {&sections[1], &sections[2]}) {
    section->sh_offset = 4096;
    section->sh_size = claimed_bytes - 4096;
    section->sh_entsize = sizeof(Elf64_Sym);
  }
  std::string bytes(sizeof(header) + sizeof(sections), '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), sections, sizeof(sections));
  return bytes;
}

// A child begins with what its parent has.
std::uint64_t most_memory_kib(int who) {
  rusage usage{};
  getrusage(static_cast<__rusage_who>(who), &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss);
}

std::string status_line(pid_t pid, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key + ":\t", 0) == 0) return line.substr(key.size() + 2);
  }
  return "";
}

facts::RawStacks one_stack(std::uint32_t pid, std::vector<std::uint64_t> user) {
  facts::RawStacks raw;
  raw.stacks.resize(1);
  raw.stacks[0].stack.pid = pid;
  raw.stacks[0].user = std::move(user);
  return raw;
}

bool ends(pid_t pid) {
  for (int i = 0; i < 2'000; ++i) {
    if (kill(pid, 0) != 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace

TEST_CASE("a file that is larger on paper than on its disk is not read") {
  const Tree tree;
  constexpr off_t kClaimed = off_t{1} << 30;
  tree.file("sparse", greedy_elf_header(kClaimed));
  REQUIRE(truncate(tree.at("sparse").c_str(), kClaimed) == 0);
  struct stat status {};
  REQUIRE(stat(tree.at("sparse").c_str(), &status) == 0);
  REQUIRE(status.st_blocks * 512 < 36'864);
  CHECK_FALSE(open_regular(tree.at("sparse").string()));
  const UniqueFd root(open(tree.root().c_str(), O_PATH | O_DIRECTORY));
  CHECK_FALSE(open_in_root(root.get(), "/sparse"));
  // What is there is read: a large file of its own weight, and a small one in no block at all.
  tree.file("whole", std::string(std::size_t{2} << 20, 'x'));
  CHECK(open_regular(tree.at("whole").string()));
  CHECK(open_regular("/proc/self/maps"));
}

TEST_CASE("sections of an ELF file that claim gigabytes are left out") {
  const Tree tree;
  constexpr off_t kClaimed = off_t{1} << 30;
  tree.file("greedy", greedy_elf_header(kClaimed));
  REQUIRE(truncate(tree.at("greedy").c_str(), kClaimed) == 0);
  const double start = cpu_seconds();
  // As if it were of its own weight: opened by hand.
  const auto elf = ElfFile::open(UniqueFd(open(tree.at("greedy").c_str(), O_RDONLY)));
  REQUIRE(elf != nullptr);
  SymbolTable table;
  elf->read_functions(table);
  CHECK(table.size() == 0);
  CHECK(cpu_seconds() - start < 0.2);
}

TEST_CASE("a lease on a file keeps nobody waiting") {
  const Tree tree;
  tree.file("perf-1.map", "1000 10 leased\n");
  const UniqueFd owner(open(tree.at("perf-1.map").c_str(), O_RDWR));
  const auto before = std::signal(SIGIO, SIG_IGN);
  REQUIRE(fcntl(owner.get(), F_SETLEASE, F_WRLCK) == 0);
  const auto start = Clock::now();
  CHECK_FALSE(open_regular(tree.at("perf-1.map").string()));
  CHECK(in_time(start));
  fcntl(owner.get(), F_SETLEASE, F_UNLCK);
  std::signal(SIGIO, before);
  CHECK(open_regular(tree.at("perf-1.map").string()));
}

TEST_CASE("a file that grows while its checksum is made is read no further than it was") {
  const Tree tree;
  tree.file("growing", "x");
  const UniqueFd file(open(tree.at("growing").c_str(), O_RDWR));
  std::atomic<bool> stop = false;
  std::thread grower([&] {  // always a mebibyte ahead
    const std::string piece(1U << 20, 'x');
    while (!stop && lseek(file.get(), 0, SEEK_END) < (off_t{512} << 20)) {
      if (write(file.get(), piece.data(), piece.size()) < 0) break;
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  struct stat before {};
  REQUIRE(fstat(file.get(), &before) == 0);
  const double start = cpu_seconds();
  CHECK(crc_of(file.get()));
  CHECK(cpu_seconds() - start < 1);
  stop = true;
  grower.join();
  // Cut short meanwhile: there is no checksum.
  const UniqueFd empty(open(tree.at("growing").c_str(), O_RDONLY));
  REQUIRE(truncate(tree.at("growing").c_str(), 0) == 0);
  CHECK(crc_of(empty.get()) == 0u);
}

TEST_CASE("a trial ends with its time, its memory or its crash, and what it said until then is kept") {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto start = Clock::now();
  const Trial late = run_trial(kSecond, 100, [](const TrialWrite& write) {
    write("before");
    for (;;) pause();
  });
  CHECK(late.bytes == "before");
  CHECK_FALSE(late.is_whole);
  const Trial busy = run_trial(kSecond / 5, 100, [](const TrialWrite&) {
    for (volatile int i = 0;;) i = 1 - i;
  });
  CHECK_FALSE(busy.is_whole);
  const Trial talkative = run_trial(10 * kSecond, 100'000, [](const TrialWrite& write) {
    while (write(std::string(10'000, 'x'))) {
    }
  });
  CHECK_FALSE(talkative.is_whole);
  CHECK(talkative.bytes.size() < 300'000);
  const Trial crashed = run_trial(10 * kSecond, 100, [](const TrialWrite& write) {
    write("last words");
    raise(SIGKILL);
  });
  CHECK(crashed.bytes == "last words");
  CHECK_FALSE(crashed.is_whole);
  const Trial good = run_trial(10 * kSecond, 100, [](const TrialWrite& write) { write("all"); });
  CHECK(good.bytes == "all");
  CHECK(good.is_whole);
  CHECK(in_time(start));
}

TEST_CASE("a trial writes to no file") {
  const Tree tree;
  tree.file("there", "untouched");
  const Trial trial = run_trial(10'000'000'000, 100, [&](const TrialWrite& write) {
    const UniqueFd made(open(tree.at("made").c_str(), O_WRONLY | O_CREAT, 0600));
    const UniqueFd there(open(tree.at("there").c_str(), O_WRONLY));
    write(made || there ? "opened" : "refused");
  });
  // Without landlock the helper's own limits stand in for it.
  const bool has_landlock = trial.bytes == "refused";
  CHECK((has_landlock || trial.bytes == "opened"));
  if (has_landlock) CHECK_FALSE(std::filesystem::exists(tree.at("made")));
}

TEST_CASE("a perf map of millions of lines takes a bounded memory") {
  const Tree tree;
  tree.file("proc/42/maps", "600000000000-700000000000 r-xp 00000000 00:00 0 \n");
  tree.file("proc/42/status", "NSpid:\t42\n");
  {
    std::filesystem::create_directories(tree.at("proc/42/root/tmp"));
    std::ofstream map(tree.at("proc/42/root/tmp/perf-42.map"));
    std::string lines;
    for (int i = 0; i < 1000; ++i) lines += "600000000000 10 LazyCompile:*a_function_of_an_application\n";
    map << "600000001000 100 first\n";
    for (int i = 0; i < 4'000; ++i) map << lines;  // 232 MB
  }
  constexpr std::uint64_t kMinute = 60'000'000'000;  // it is the memory that is bounded here
  Lookup lookup(tree.root(), {kMinute, kMinute});
  lookup.see(42, std::vector<std::uint64_t>{0x600000001010}, 1);
  const std::vector<Place> places{{42, 0x600000001010, false}};
  std::string name;
  const Troubles troubles = lookup.name(
      places, {[](std::uint32_t, std::string_view) {}, [](std::size_t, std::uint64_t, std::string_view) {},
               [&](std::size_t, std::string_view function) { name = function; },
               [](std::size_t, const std::vector<CodeLine>&) {}});
  CHECK(name == "first");
  CHECK(troubles.failed_files == 0);
  if (!kSanitized) CHECK(most_memory_kib(RUSAGE_CHILDREN) < most_memory_kib(RUSAGE_SELF) + (300U << 10));
}

TEST_CASE("of a process with very many mappings a bounded number is kept") {
  const Tree tree;
  std::string maps;
  for (int i = 0; i < 64'000; ++i) {
    char line[100];
    std::snprintf(line, sizeof(line), "%x000-%x001 r-xp 00000000 fd:01 %d /lib/%d.so\n", 0x1000 + 2 * i,
                  0x1000 + 2 * i, i + 1, i);
    maps += line;
  }
  tree.file("proc/42/maps", maps);
  Lookup lookup(tree.root(), {1, 1});
  const auto start = Clock::now();
  lookup.see(42, std::vector<std::uint64_t>{0x1000000}, 1);
  const std::vector<Place> places{{42, 0x1000000, false}, {42, 0x1000000 + (0x2000ULL * 60'000), false}};
  const Code code = lookup.locate(places);
  CHECK(code.modules[code.frames[0].module].path == "/lib/0.so");
  CHECK(code.modules[code.frames[1].module].path == "[unknown]");
  CHECK(code.modules.size() < 20'000);
  if (!kSanitized) CHECK(in_time(start));
}

TEST_CASE("when time is over, code is shown by module and offset, and that is counted") {
  const Tree tree;
  tree.file("proc/42/maps", "1000-2000 r-xp 00000000 fd:01 7 /srv/app\n");
  tree.file("proc/42/root/srv/app", "no ELF file");
  Lookup lookup(tree.root(), {1, 1});
  lookup.see(42, std::vector<std::uint64_t>{0x1010}, 1);
  const std::vector<Place> places{{42, 0x1010, false}};
  const Code code = lookup.locate(places);
  CHECK(code.modules[code.frames[0].module].path == "/srv/app");
  CHECK(code.frames[0].address == 0x10);
  CHECK(lookup.name(places, {}).failed_files == 1);
}

TEST_CASE("a file system that never answers holds up neither who looks at mappings nor who names them") {
  const Tree tree;
  tree.file("proc/42/maps",
            "1000-2000 r-xp 00000000 fd:01 7 /dead/app\n3000-4000 r-xp 00000000 fd:01 8 /srv/app\n");
  tree.dir("proc/42/root/dead");
  tree.file("proc/42/root/srv/app", "no ELF file");
  const DeadFileSystem dead(tree.at("proc/42/root/dead"));
  if (!dead.is_mounted()) return;  // that takes root, and FUSE
  const auto start = Clock::now();
  Symbolizer symbolizer(tree.root(), true);
  symbolizer.start({100'000'000, 1'000'000'000});
  for (std::uint64_t now = 1; now < 100; ++now)
    symbolizer.see(42, std::vector<std::uint64_t>{0x1010, now << 32}, now);
  const facts::NamedStacks stacks{symbolizer.name(one_stack(42, {0x1010, 0x3010}))};
  CHECK(facts::label_of(stacks.frames.at(0), stacks) == "[app+0x10]");
  CHECK(stacks.modules.at(stacks.frames[0].module).path == "/dead/app");
  CHECK(stacks.modules.at(stacks.frames[1].module).path == "/srv/app");
  CHECK(in_time(start));
}

TEST_CASE("the helper names code as its memspike would, and has no rights but to look") {
  Symbolizer symbolizer("/", true);
  symbolizer.start();
  const auto own = static_cast<std::uint32_t>(getpid());
  const auto address = reinterpret_cast<std::uint64_t>(&cpu_seconds);
  symbolizer.see(own, std::vector<std::uint64_t>{address}, 1);
  const facts::NamedStacks stacks{symbolizer.name(one_stack(own, {address}))};
  CHECK(stacks.frames.at(0).function.find("cpu_seconds") != std::string::npos);
  CHECK(stacks.modules.at(stacks.frames[0].module).path.find("memspike_unit_tests") != std::string::npos);
  CHECK(symbolizer.remarks().empty());
  const pid_t helper = symbolizer.helper();
  CHECK(status_line(helper, "Name") == "memspike-names");
  CHECK(status_line(helper, "NoNewPrivs") == "1");
  if (!kSanitized) CHECK(status_line(helper, "Seccomp") == "2");
  // CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE.
  constexpr std::uint64_t kKept = 1ULL << 2 | 1ULL << 19 | 1ULL << 40;
  CHECK((std::stoull(status_line(helper, "CapEff"), nullptr, 16) & ~kKept) == 0);
  CHECK((std::stoull(status_line(helper, "CapPrm"), nullptr, 16) & ~kKept) == 0);
}

TEST_CASE("names are asked for without waiting, and an answer that comes too late is of no other question") {
  const Tree tree;
  tree.file("proc/42/maps", "1000-2000 r-xp 00000000 fd:01 7 /srv/app\n");
  tree.file("proc/42/root/srv/app", "no ELF file");
  Symbolizer symbolizer(tree.root(), true);
  symbolizer.start({50'000'000, 100'000'000});
  symbolizer.see(42, std::vector<std::uint64_t>{0x1010}, 1);
  const auto named = [&](Clock::duration most) {
    const auto start = Clock::now();
    std::optional<Symbolizer::Named> answer;
    while (!answer && Clock::now() - start < most) {
      const auto asked = Clock::now();
      symbolizer.take_chains([](std::uint64_t, const Chain&) {});
      answer = symbolizer.take_named(now_ns());
      if (!kSanitized) CHECK(Clock::now() - asked < std::chrono::milliseconds(200));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return answer;
  };
  CHECK_FALSE(symbolizer.take_named(now_ns()));
  kill(symbolizer.helper(), SIGSTOP);
  symbolizer.begin_naming(one_stack(42, {0x70}));
  CHECK(symbolizer.is_naming());
  const auto late = named(test::kPatience);  // its time is over
  REQUIRE(late);
  CHECK(late->raw.stacks.at(0).user == std::vector<std::uint64_t>{0x70});
  CHECK_FALSE(symbolizer.is_naming());
  symbolizer.begin_naming(one_stack(42, {0x1010, 0x1020}));
  kill(symbolizer.helper(), SIGCONT);  // now it answers the first one, too
  const auto answer = named(test::kPatience);
  REQUIRE(answer);
  REQUIRE(answer->stacks.frames.size() == 2);
  CHECK(facts::label_of(answer->stacks.frames[0], answer->stacks) == "[app+0x10]");
  CHECK(symbolizer.forget());
  symbolizer.begin_naming(one_stack(42, {0x1010}));
  const auto forgotten = named(test::kPatience);
  REQUIRE(forgotten);
  CHECK(facts::label_of(forgotten->stacks.frames.at(0), forgotten->stacks) == "[unknown+0x1010]");
}

TEST_CASE("without its helper memspike goes on, and says so") {
  auto symbolizer = std::make_unique<Symbolizer>("/", true);
  symbolizer->start({50'000'000, 100'000'000});
  const pid_t helper = symbolizer->helper();
  SECTION("it died") {
    kill(helper, SIGKILL);
    for (int i = 0; i < 2'000; ++i) symbolizer->see(1, std::vector<std::uint64_t>{1ULL << 20 | i << 12}, 1);
    const auto start = Clock::now();
    const facts::NamedStacks stacks{symbolizer->name(one_stack(42, {0x5010}))};
    CHECK(facts::label_of(stacks.frames.at(0), stacks) == "[unknown+0x5010]");
    CHECK(in_time(start));
  }
  SECTION("it hangs: neither seeing nor naming waits for it") {
    kill(helper, SIGSTOP);
    const auto start = Clock::now();
    for (int i = 0; i < 20'000; ++i) symbolizer->see(1, std::vector<std::uint64_t>{1ULL << 20 | i << 12}, 1);
    CHECK(in_time(start));
    CHECK(symbolizer->name(one_stack(42, {0x5010})).stacks.size() == 1);
    CHECK(in_time(start));
  }
  SECTION("somebody is in a hurry") {
    kill(helper, SIGSTOP);
    const auto start = Clock::now();
    int asked = 0;
    CHECK(symbolizer->name(one_stack(42, {0x5010}), [&] { return ++asked < 3; }).stacks.size() == 1);
    CHECK(in_time(start));
    CHECK(asked == 3);
  }
  REQUIRE(symbolizer->remarks().size() == 1);
  CHECK(symbolizer->remarks()[0].find("died or was late") != std::string::npos);
  symbolizer.reset();
  CHECK(ends(helper));
}

TEST_CASE("messages that end too early, or claim too much, are told as such") {
  const std::string whole = MessageWriter().number(300).text("name").number(~std::uint64_t{0}).bytes();
  MessageReader reader(whole);
  CHECK(reader.number() == 300);
  CHECK(reader.text() == "name");
  CHECK(reader.number() == ~std::uint64_t{0});
  CHECK(reader.at_end());
  CHECK(reader.is_whole());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    MessageReader cut(std::string_view(whole).substr(0, size));
    cut.number();
    cut.text();
    cut.number();
    CHECK_FALSE(cut.is_whole());
    CHECK(cut.at_end());
  }
}
