// From addresses to names.
#include <dwarf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/message.h"
#include "cgroup_tree.h"
#include "symbols/assemble.h"
#include "symbols/code_address.h"
#include "symbols/demangle.h"
#include "symbols/elf_file.h"
#include "symbols/files_of_root.h"
#include "symbols/go_table.h"
#include "symbols/jit_hints.h"
#include "symbols/lookup.h"
#include "symbols/proc_text.h"
#include "symbols/unwind_rule.h"
#include "symbols/unwind_tables.h"

using namespace memspike;
using namespace memspike::symbols;
using cgroup::testing::Tree;

// Known to this test by name and by address.
extern "C" __attribute__((noinline, used)) int memspike_test_landmark(int x) {
  __asm__ volatile("" ::: "memory");
  return x + 1;
}

namespace {

#if defined(__x86_64__)
constexpr std::uint64_t kSpNumber = 7;
#else
constexpr std::uint64_t kSpNumber = 31;
#endif

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  // Not by an iterator: of some hundred MB, a call for each character is a minute and a half.
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::uint64_t address_of_landmark() {
  int (*function)(int) = memspike_test_landmark;
  std::uint64_t address = 0;
  static_assert(sizeof(function) == sizeof(address));
  std::memcpy(&address, &function, sizeof(address));
  return address;
}

// Without the helper between.
class InProcess {
 public:
  explicit InProcess(const std::filesystem::path& host_root) : lookup_(host_root) {}

  void see(std::uint32_t tgid, std::span<const std::uint64_t> user, std::uint64_t now_ns) {
    lookup_.see(tgid, user, now_ns);
  }
  void read_due(std::uint64_t now_ns) { lookup_.read_due(now_ns); }
  facts::NamedStacks name(const facts::RawStacks& raw) {
    const std::vector<Place> places = places_of(raw);
    Code code = lookup_.locate(places);
    lookup_.name(
        places,
        {[&](std::uint32_t module, std::string_view id) { code.set_build_id(module, id); },
         [&](std::size_t place, std::uint64_t address, std::string_view function) {
           code.set_name(place, address, function);
         },
         [&](std::size_t place, std::string_view function) { code.set_jit_name(place, function); },
         [&](std::size_t place, const std::vector<CodeLine>& lines) { code.set_lines(place, lines); }});
    return assemble(raw, places, code);
  }

 private:
  Lookup lookup_;
};

facts::NamedStacks name_user(InProcess& symbolizer, std::uint32_t pid, std::vector<std::uint64_t> user) {
  facts::RawStacks raw;
  raw.pages = 64;
  raw.stacks.resize(1);
  raw.stacks[0].stack.pages = 64;
  raw.stacks[0].stack.pid = pid;
  raw.stacks[0].user = std::move(user);
  return symbolizer.name(raw);
}

}  // namespace

TEST_CASE("an address is its symbol's from start to end, or to the next one") {
  SymbolTable table;
  table.add(100, 10, "sized");
  table.add(200, 0, "open");
  table.add(300, 50, "outer");
  table.add(310, 5, "inner");
  table.add(400, 8, "old");
  table.add(400, 8, "new");
  table.add(~std::uint64_t{0} - 1, 100, "last");
  table.seal();
  CHECK_FALSE(table.find(99));
  CHECK(table.find(100) == "sized");
  CHECK(table.find(109) == "sized");
  CHECK_FALSE(table.find(110));
  CHECK(table.find(299) == "open");
  CHECK(table.find(312) == "inner");
  CHECK(table.find(330) == "outer");
  CHECK(table.find(401) == "new");
  CHECK(table.find(~std::uint64_t{0} - 1) == "last");
  CHECK_FALSE(SymbolTable().find(1));
}

TEST_CASE("maps are read as the kernel writes them: executable ones only, paths with spaces") {
  const auto maps = parse_maps(
      "7f00a0000000-7f00a0010000 rwxp 00000000 00:00 0 \n"
      "55d0c0a00000-55d0c0b00000 r-xp 00002000 fd:01 131    /srv/my app (deleted)\n"
      "55d0c0b00000-55d0c0c00000 rw-p 00102000 fd:01 131    /srv/my app\n"
      "7fffd0000000-7fffd0002000 r-xp 00000000 00:00 0      [vdso]\n"
      "nonsense\n9-8 r-xp 0 0 0\n");
  REQUIRE(maps.size() == 3);
  CHECK(maps[0] == Mapping{0x55d0c0a00000, 0x55d0c0b00000, 0x2000, 131, "fd:01", "/srv/my app (deleted)"});
  CHECK(maps[1].path.empty());
  CHECK(maps[2].path == "[vdso]");
}

TEST_CASE("perf maps, kallsyms and status") {
  SymbolTable jit;
  parse_perf_map(
      "7f00 40 LazyCompile:*grow /app/my server.js:7\n0x8000 0x10 stub\n8100 0 empty\nzz 1 x\n9000", jit);
  jit.seal();
  CHECK(jit.size() == 2);
  CHECK(jit.find(0x7f3f) == "LazyCompile:*grow /app/my server.js:7");
  CHECK(jit.find(0x8001) == "stub");
  SymbolTable kernel;
  CHECK(parse_kallsyms(
      "ffffffff81000000 T do_page_fault\nffffffff81000100 d data\nffffffffc0000000 t xfs_write\t[xfs]\n",
      kernel));
  kernel.seal();
  CHECK(kernel.find(0xffffffff81000050) == "do_page_fault");
  CHECK(kernel.find(0xffffffffc0000001) == "xfs_write [xfs]");
  SymbolTable hidden;
  CHECK_FALSE(parse_kallsyms("0000000000000000 T do_page_fault\n", hidden));
  CHECK(parse_namespace_pid("Name:\tx\nNSpid:\t4711\t17\t3\nNSpgid:\t1\n") == 3u);
  CHECK(parse_namespace_pid("NSpid:\t4711\n") == 4711u);
  CHECK_FALSE(parse_namespace_pid("Name:\tx\n"));
}

TEST_CASE("C++ names are demangled, others are left alone") {
  CHECK(demangle("_ZN8memspike5CacheIcE4growEPVcm") ==
        "memspike::Cache<char>::grow(char volatile*, unsigned long)");
  CHECK(demangle("c_touch") == "c_touch");
  CHECK(demangle("_Znonsense!") == "_Znonsense!");
  CHECK(demangle("main.(*Cache).grow") == "main.(*Cache).grow");
  const std::string endless = "_Z" + std::string(2'000, 'P');
  CHECK(demangle(endless) == endless);
}

TEST_CASE("Rust's names in both manglings are read") {
  CHECK(demangle("_RNvCs1234_5spike4main") == "spike::main");
  CHECK(demangle("_RNvNtCs1234_7mycrate3foo3bar") == "mycrate::foo::bar");
  CHECK(demangle("_RNvMs_Cs4fqI2P2rA04_5spikeINtB4_5CachehE4grow") == "<spike::Cache<u8>>::grow");
  CHECK(demangle("_RNCNvCs1234_5spike4main0B3_") == "spike::main::{closure#0}");
  CHECK(demangle("_RINvNtC3std3mem8align_ofjdE") == "std::mem::align_of::<usize, f64>");
  CHECK(demangle("_RNvXCs1234_5spikeNtB2_3FooNtNtC4core3fmt5Debug3fmt") ==
        "<spike::Foo as core::fmt::Debug>::fmt");
  CHECK(demangle("_RINvCs1234_5spike4takeRSetE") == "spike::take::<&[str], u16>");
  // What is none, or never ends, is left as it is.
  for (const std::string name : {"_R", "_RN", "_RNvCs_5spike", "_RB_", "_RIB_B_E", "_RINvC1a1bTB5_E"})
    CHECK(demangle(name).substr(0, 2) != "::");
  std::string nested = "_R";
  for (int i = 0; i < 1000; ++i) nested += "Nv";
  CHECK(demangle(nested) == nested);
  std::string doubling = "_RINvC1a1b";
  for (int i = 0; i < 40; ++i) doubling += "TB9_B9_E";
  CHECK(demangle(doubling + "E").size() < 8192);

  CHECK(demangle("_ZN5alloc7raw_vec19RawVec$LT$T$C$A$GT$16reserve_for_push17h0123456789abcdefE") ==
        "alloc::raw_vec::RawVec<T,A>::reserve_for_push");
  CHECK(demangle("_ZN49_$LT$spike..Cache$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE") ==
        "<spike::Cache as core::fmt::Debug>::fmt");
}

TEST_CASE("an unwind rule finds the caller, and nothing beyond what was copied") {
  StackCopy copy;
  copy.memory_at = 0x1000;
  copy.memory.resize(64);
  const std::uint64_t back = 0x401234;
  std::memcpy(copy.memory.data() + 16, &back, sizeof(back));
  Registers registers;
  registers.pc = 0x400000;
  registers.sp() = 0x1000;
  UnwindRule rule;
  rule.kind = UnwindRule::Kind::rule;
  rule.frame = {{DW_OP_bregx, kSpNumber, 24}};
  rule.saved = {{UnwindRule::kReturn, {{DW_OP_call_frame_cfa, 0, 0}, {DW_OP_plus_uconst, 0 - 8ULL, 0}}}};
  auto caller = rule.apply(registers, copy);
  REQUIRE(caller);
  CHECK(caller->pc == back);
  CHECK(caller->sp() == 0x1018);

  MessageWriter message;
  rule.write(message);
  MessageReader reader(message.bytes());
  CHECK(UnwindRule::read(reader).apply(registers, copy)->pc == back);

  rule.frame = {{DW_OP_bregx, kSpNumber, 1024}};  // beyond
  CHECK_FALSE(rule.apply(registers, copy));
  rule.frame = {{DW_OP_plus, 0, 0}};  // of nothing
  CHECK_FALSE(rule.apply(registers, copy));
  rule.frame = {};
  CHECK_FALSE(rule.apply(registers, copy));
}

TEST_CASE("an address that is signed leads where it led before") {
  const std::uint64_t plain = address_of_landmark();
  std::uint64_t kept = plain;
#if defined(__aarch64__)
  constexpr unsigned long kPointersAreSigned = 1UL << 30;  // HWCAP_PACA, arch/arm64/include/uapi/asm/hwcap.h
  __asm__("mov x17, %0\n\tmov x16, sp\n\thint #8 /* pacia1716 */\n\tmov %0, x17"
          : "+r"(kept)
          :
          : "x16", "x17");
  if ((getauxval(AT_HWCAP) & kPointersAreSigned) != 0) CHECK(kept != plain);
#endif
  CHECK(code_address(kept) == plain);
  CHECK(code_address(plain) == plain);
  CHECK(code_address(0) == 0);
}

TEST_CASE("this very program has unwind tables, and lines") {
  const auto elf = ElfFile::open(open_regular("/proc/self/exe"));
  REQUIRE(elf != nullptr);
  SymbolTable table;
  elf->read_functions(table);
  UnwindTables tables(*elf);
  InProcess symbolizer("/");
  const std::uint64_t address = address_of_landmark() + 1;
  const auto pid = static_cast<std::uint32_t>(getpid());
  symbolizer.see(pid, std::vector<std::uint64_t>{address}, 1);
  const facts::NamedStacks stacks = name_user(symbolizer, pid, {address});
  const facts::Frame& frame = stacks.frames.at(stacks.stacks.at(0).user.at(0));
  CHECK(tables.at(frame.address).kind == UnwindRule::Kind::rule);
  CHECK(tables.at(0).kind == UnwindRule::Kind::none);
  CHECK_FALSE(GoTable::find(*elf));
}

TEST_CASE("code that a JIT made asks for what would name it, once a process") {
  facts::RawStacks raw;
  facts::RawStack stack;
  stack.stack.pages = 100;
  stack.stack.pid = 7;
  stack.stack.comm = "app";
  stack.user = {0x10, 0x20};
  raw.stacks = {stack, stack};
  raw.stacks[1].stack.pid = 8;
  raw.stacks[1].stack.pages = 50;
  const std::vector<Place> places = places_of(raw);
  Code code;
  for (const char* what : {"[kernel]", "[unknown]", "[anon]", "[jit]", "/usr/lib/jvm/lib/server/libjvm.so"})
    code.modules.push_back({what, ""});
  for (const Place& place : places)
    code.frames.push_back(
        {"", place.tgid == 7 && place.is_return ? Code::kFiles : Code::kAnonymous, place.address});
  const auto hints = jit_hints(raw, places, code);
  REQUIRE(hints.size() == 2);
  CHECK(hints[0].find("pid 7") != std::string::npos);
  CHECK(hints[0].find("jcmd") != std::string::npos);
  CHECK(hints[1].find("/tmp/perf-PID.map") != std::string::npos);
  for (facts::Frame& frame : code.frames) frame.function = "named";
  CHECK(jit_hints(raw, places, code).empty());
}

TEST_CASE("an ELF file knows its functions, by the addresses in its own terms") {
  const auto elf = ElfFile::open(open_regular("/proc/self/exe"));
  REQUIRE(elf != nullptr);
  CHECK(elf->has_full_symbols());
  CHECK(elf->build_id().size() >= 16);
  SymbolTable functions;
  elf->read_functions(functions);
  functions.seal();
  const auto maps = parse_maps(slurp("/proc/self/maps"));
  const std::uint64_t address = address_of_landmark();
  for (const Mapping& mapping : maps) {
    if (address < mapping.start || address >= mapping.end) continue;
    const auto own = elf->address_of(address - mapping.start + mapping.file_offset);
    REQUIRE(own);
    CHECK(functions.find(*own) == "memspike_test_landmark");
  }
  CHECK(ElfFile::open(open_regular("/proc/self/maps")) == nullptr);
  CHECK(ElfFile::open(open_regular("/no/such/file")) == nullptr);
}

TEST_CASE("a truncated or scrambled ELF file is no crash") {
  const Tree tree;
  const std::string whole = slurp("/proc/self/exe");
  for (const std::size_t size :
       {std::size_t{4}, std::size_t{63}, std::size_t{64}, std::size_t{5'000}, whole.size() / 2}) {
    tree.file("cut", whole.substr(0, size));
    if (const auto elf = ElfFile::open(open_regular(tree.at("cut").string()))) {
      SymbolTable functions;
      elf->read_functions(functions);
      (void)elf->address_of(0x1000);
    }
  }
  for (std::size_t seed = 1; seed <= 60; ++seed) {
    std::string scrambled = whole.substr(0, 4'096);
    for (std::size_t i = 0; i < 40; ++i) {
      scrambled[16 + (seed * 2'654'435'761U + i * 97) % 1'000] = static_cast<char>(seed * i);
    }
    tree.file("scrambled", scrambled);
    if (const auto elf = ElfFile::open(open_regular(tree.at("scrambled").string()))) {
      SymbolTable functions;
      elf->read_functions(functions);
    }
  }
  SUCCEED("nothing crashed");
}

TEST_CASE("a container's links do not lead out of its root, and nothing blocks") {
  const Tree tree;
  tree.file("inside/etc/passwd", "container");
  tree.file("secret", "node");
  tree.link("inside/absolute", "/etc/passwd");
  tree.link("inside/up", "../../../../secret");
  const UniqueFd root(open(tree.at("inside").c_str(), O_PATH | O_DIRECTORY));
  UniqueFd file = open_in_root(root.get(), "/absolute");
  REQUIRE(file);
  CHECK(read_all(file.get(), 100) == "container");
  CHECK_FALSE(open_in_root(root.get(), "/up"));
  REQUIRE(mkfifo(tree.at("inside/pipe").c_str(), 0600) == 0);
  CHECK_FALSE(open_in_root(root.get(), "/pipe"));
  CHECK_FALSE(open_in_root(root.get(), "/etc"));
  CHECK_FALSE(open_in_root(-1, "/etc/passwd"));
}

TEST_CASE("the symbolizer names this very process") {
  InProcess symbolizer("/");
  const std::uint64_t address = address_of_landmark() + 1;
  const auto pid = static_cast<std::uint32_t>(getpid());
  symbolizer.see(pid, std::vector<std::uint64_t>{address}, 1);
  const facts::NamedStacks stacks = name_user(symbolizer, pid, {address, address});
  REQUIRE(stacks.stacks.size() == 1);
  const auto& user = stacks.stacks[0].user;
  REQUIRE(user.size() == 2);
  CHECK(stacks.frames[user[0]].function == "memspike_test_landmark");
  CHECK(user[0] == user[1]);
  CHECK(stacks.modules[stacks.frames[user[0]].module].path.find("memspike_unit_tests") != std::string::npos);
  CHECK(stacks.modules[stacks.frames[user[0]].module].build_id.size() >= 16);
  CHECK(stacks.stacks[0].cut_short);
  const facts::NamedStacks leaf = name_user(symbolizer, pid, {0x10});
  CHECK(facts::label_of(leaf.frames[leaf.stacks.at(0).user.at(0)], leaf) == "[unknown+0x10]");
}

TEST_CASE("stacks that do not end where threads start are cut short, and what is no code is no caller") {
  InProcess symbolizer("/");
  const auto pid = static_cast<std::uint32_t>(getpid());
  const std::uint64_t address = address_of_landmark() + 1;
  symbolizer.see(pid, std::vector<std::uint64_t>{address}, 1);
  const facts::NamedStacks stacks = name_user(symbolizer, pid, {address, 0x7f0000000010, address});
  CHECK(stacks.stacks.at(0).cut_short);
  CHECK(stacks.stacks.at(0).user.size() == 1);
  CHECK_FALSE(name_user(symbolizer, 1, {}).stacks.at(0).cut_short);
  CHECK(is_start_of_thread("_start"));
  CHECK(is_start_of_thread("runtime.goexit.abi0"));
  CHECK(is_start_of_thread("__libc_start_call_main"));
  CHECK_FALSE(is_start_of_thread("touch"));
  CHECK_FALSE(is_start_of_thread("runtime.mallocgc"));
}

TEST_CASE("a killed process is named by what was opened while it lived") {
  const Tree tree;  // stands in for the node: its /proc can be taken away
  const std::string exe = slurp("/proc/self/exe");
  tree.file("proc/42/root/srv/app", exe);
  const auto elf = ElfFile::open(open_regular("/proc/self/exe"));
  REQUIRE(elf != nullptr);
  std::uint64_t offset = 0;
  for (const Mapping& mapping : parse_maps(slurp("/proc/self/maps"))) {
    const std::uint64_t address = address_of_landmark();
    if (address >= mapping.start && address < mapping.end)
      offset = address - mapping.start + mapping.file_offset;
  }
  REQUIRE(offset > 0);
  constexpr std::uint64_t kBase = 0x500000000000;
  tree.file("proc/42/maps",
            "500000000000-50000fffffff r-xp 00000000 fd:01 7 /srv/app\n"
            "600000000000-600000010000 r-xp 00000000 00:00 0 \n");
  tree.file("proc/42/status", "NSpid:\t42\t5\n");
  tree.file("proc/42/root/tmp/perf-5.map", "600000000000 100 JS:grow app.js:1\n");
  InProcess symbolizer(tree.root());
  symbolizer.see(42, std::vector<std::uint64_t>{kBase}, 1);
  std::filesystem::remove_all(tree.at("proc"));
  const facts::NamedStacks stacks =
      name_user(symbolizer, 42, {kBase + offset, 0x600000000010, 0x600000000200, 0x70});
  const auto& user = stacks.stacks.at(0).user;
  CHECK(stacks.frames[user[0]].function == "memspike_test_landmark");
  CHECK(stacks.frames[user[1]].function == "JS:grow app.js:1");
  CHECK(stacks.modules[stacks.frames[user[1]].module].path == "[jit]");
  CHECK(facts::label_of(stacks.frames[user[2]], stacks) == "[anon+0x600000000200]");
  CHECK(user.size() == 3);  // nothing is at 0x70: no caller
  CHECK(stacks.stacks.at(0).cut_short);
}

// As a service asks, every few seconds: of the same places, and of some that are new.
TEST_CASE("a file is read once for each place, until it is forgotten") {
  const Tree tree;
  const std::string exe = slurp("/proc/self/exe");
  tree.file("proc/42/root/srv/app", exe);
  std::uint64_t offset = 0;
  for (const Mapping& mapping : parse_maps(slurp("/proc/self/maps"))) {
    const std::uint64_t address = address_of_landmark();
    if (address >= mapping.start && address < mapping.end)
      offset = address - mapping.start + mapping.file_offset;
  }
  constexpr std::uint64_t kBase = 0x500000000000;
  tree.file("proc/42/maps", "500000000000-50000fffffff r-xp 00000000 fd:01 7 /srv/app\n");
  Lookup lookup(tree.root());
  const auto name_of = [&](std::uint64_t at) {
    lookup.see(42, std::vector<std::uint64_t>{kBase}, 1);
    const std::vector<Place> places{{42, kBase + at, false}};
    Code code = lookup.locate(places);
    lookup.name(places, {[&](std::uint32_t module, std::string_view id) { code.set_build_id(module, id); },
                         [&](std::size_t place, std::uint64_t address, std::string_view function) {
                           code.set_name(place, address, function);
                         },
                         [&](std::size_t, std::string_view) {},
                         [&](std::size_t place, const std::vector<CodeLine>& lines) {
                           code.set_lines(place, lines);
                         }});
    return std::pair(code.frames.at(0), code.modules.at(code.frames[0].module).build_id);
  };
  const auto first = name_of(offset);
  CHECK(first.first.function == "memspike_test_landmark");
  tree.file("proc/42/root/srv/app", "");  // the same file, and nothing in it
  const auto again = name_of(offset);
  CHECK(again.first.function == first.first.function);
  CHECK(again.first.address == first.first.address);
  CHECK(again.first.line == first.first.line);
  CHECK(again.second == first.second);
  CHECK(name_of(offset + 1).first.function.empty());
  lookup.forget();
  CHECK(name_of(offset).first.function.empty());
}

TEST_CASE("maps are read again when an address is not known, but not all the time") {
  const Tree tree;
  InProcess symbolizer(tree.root());
  const auto label_of_5010 = [&] {
    const facts::NamedStacks stacks = name_user(symbolizer, 42, {0x5010});
    return facts::label_of(stacks.frames.at(0), stacks);
  };
  tree.file("proc/42/maps", "1000-2000 r-xp 00000000 fd:01 7 /a\n");
  symbolizer.see(42, std::vector<std::uint64_t>{0x1000}, 1);
  symbolizer.see(42, std::vector<std::uint64_t>{0x9000}, 2);  // at once; in vain
  tree.file("proc/42/maps", "1000-2000 r-xp 00000000 fd:01 7 /a\n5000-6000 r-xp 00000000 fd:01 8 /b\n");
  symbolizer.see(42, std::vector<std::uint64_t>{0x1000, 0x5000}, 3);  // too soon
  CHECK(label_of_5010() == "[unknown+0x5010]");
  symbolizer.see(42, std::vector<std::uint64_t>{0x1000, 0x5000}, 20'000'000);
  CHECK(label_of_5010() == "[b+0x10]");
}

TEST_CASE("a process that was seen in exec is read once more, though it is not seen again") {
  const Tree tree;
  tree.file("proc/42/maps", "1000-2000 r-xp 00000000 fd:01 7 /before\n");
  InProcess symbolizer(tree.root());
  symbolizer.see(42, std::vector<std::uint64_t>{0x1000}, 1);
  tree.file("proc/42/maps", "5000-6000 r-xp 00000000 fd:01 8 /after\n");
  const auto label = [&] {
    const facts::NamedStacks stacks = name_user(symbolizer, 42, {0x5010});
    return facts::label_of(stacks.frames.at(0), stacks);
  };
  CHECK(label() == "[unknown+0x5010]");
  symbolizer.read_due(2);
  CHECK(label() == "[after+0x10]");
  // Code that comes to be in its first milliseconds, as a JIT's does.
  tree.file("proc/42/maps", "5000-6000 r-xp 00000000 fd:01 8 /after\n7000-8000 r-xp 00000000 00:00 0\n");
  symbolizer.read_due(3);  // not yet
  const facts::NamedStacks before = name_user(symbolizer, 42, {0x7010});
  CHECK(facts::label_of(before.frames.at(0), before) == "[unknown+0x7010]");
  symbolizer.read_due(6'000'000);
  const facts::NamedStacks later = name_user(symbolizer, 42, {0x7010});
  CHECK(facts::label_of(later.frames.at(0), later) == "[anon+0x7010]");
  std::filesystem::remove_all(tree.root() / "proc/42");
  symbolizer.see(42, std::vector<std::uint64_t>{0x9000}, 7'000'000);
  symbolizer.read_due(30'000'000);  // gone: what was known stays known
  CHECK(label() == "[after+0x10]");
}

TEST_CASE("debug files are found by build id, in the container or on the node, and must fit") {
  // Stripped by hand: the section headers are gone, hence the symbols; the build id is in a note segment.
  std::string stripped = slurp("/proc/self/exe");
  const auto whole = ElfFile::open(open_regular("/proc/self/exe"));
  REQUIRE(whole != nullptr);
  const std::string id = whole->build_id();
  std::memset(stripped.data() + 0x28, 0, 8);        // e_shoff
  std::memset(stripped.data() + 0x3a + 0x2, 0, 4);  // e_shnum, e_shstrndx
  const std::string debug_path = "usr/lib/debug/.build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug";
  std::uint64_t offset = 0;
  for (const Mapping& mapping : parse_maps(slurp("/proc/self/maps"))) {
    const std::uint64_t address = address_of_landmark();
    if (address >= mapping.start && address < mapping.end)
      offset = address - mapping.start + mapping.file_offset;
  }
  for (const std::string& where : {std::string("proc/42/root/"), std::string("")}) {
    const Tree tree;
    tree.file("proc/42/maps", "500000000000-50000fffffff r-xp 00000000 fd:01 7 /srv/app\n");
    tree.file("proc/42/root/srv/app", stripped);
    tree.file(where + debug_path, slurp("/proc/self/exe"));
    InProcess symbolizer(tree.root());
    symbolizer.see(42, std::vector<std::uint64_t>{0x500000000000}, 1);
    const facts::NamedStacks stacks = name_user(symbolizer, 42, {0x500000000000 + offset});
    INFO(where);
    CHECK(stacks.frames.at(0).function == "memspike_test_landmark");
    CHECK(stacks.modules.at(0).build_id == id);
  }
  const Tree tree;
  tree.file("proc/42/maps", "500000000000-50000fffffff r-xp 00000000 fd:01 7 /srv/app\n");
  tree.file("proc/42/root/srv/app", stripped);
  std::string other = slurp("/proc/self/exe");  // of another build: its id differs in the first byte
  std::string id_bytes;
  for (std::size_t i = 0; i < id.size(); i += 2)
    id_bytes += static_cast<char>(std::stoi(id.substr(i, 2), nullptr, 16));
  const auto at = other.find(id_bytes);
  REQUIRE(at != std::string::npos);
  other[at] = static_cast<char>(~other[at]);
  tree.file(debug_path, other);
  InProcess symbolizer(tree.root());
  symbolizer.see(42, std::vector<std::uint64_t>{0x500000000000}, 1);
  CHECK(name_user(symbolizer, 42, {0x500000000000 + offset}).frames.at(0).function.empty());
}
