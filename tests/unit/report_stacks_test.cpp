// Stacks for flame graphs and for pprof.
#include <zlib.h>

#include <catch2/catch.hpp>
#include <map>
#include <protozero/pbf_message.hpp>
#include <string>
#include <vector>

#include "views/profile/folded.h"
#include "views/profile/pprof.h"

using namespace memspike;
using namespace memspike::facts;
using namespace memspike::report;
using namespace memspike::views;

namespace {

Report two_stacks() {
  Report report;
  report.session.start_realtime_ns = 1'795'491'613'123'456'000;
  report.session.duration_ns = 30'000'000'000;
  Stacks stacks;
  stacks.modules = {{"/srv/app", "0123abcd"}, {"[kernel]", ""}, {"/lib/libc.so.6", ""}};
  stacks.frames = {{"touch", 0, 0x1010},
                   {"fill;all\n", 0, 0x1050},
                   {"", 2, 0x2724a},
                   {"handle_mm_fault", 1, 0xffffffff81000010},
                   {"touch", 0, 0x1018}};
  Stack first;
  first.pages = 100;
  first.pid = 7;
  first.comm = "app";
  first.container = "web";
  first.pod = "shop";
  first.kernel = {3};
  first.user = {0, 1, 2};
  Stack second = first;
  second.pages = 28;
  second.user = {4, 1, 2};  // another address in the same function
  Stack third = first;
  third.pages = 3;
  third.comm = "\x1b[31m;x";
  third.kernel.clear();
  third.cut_short = true;
  stacks.stacks = {first, second, third};
  stacks.pages = 141;
  stacks.overflow_pages = 10;
  report.stacks = stacks;
  return report;
}

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string input = packed;
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

using Numbers = std::vector<std::uint64_t>;

// A message of numbers, texts and messages, as far as pprof uses them.
struct Message {
  std::multimap<int, std::uint64_t> numbers;
  std::multimap<int, std::string> texts;

  explicit Message(const std::string& bytes) {
    protozero::pbf_reader reader(bytes);
    while (reader.next()) {
      const int tag = static_cast<int>(reader.tag());
      if (reader.wire_type() == protozero::pbf_wire_type::varint) {
        numbers.emplace(tag, reader.get_uint64());
      } else {
        texts.emplace(tag, reader.get_string());
      }
    }
  }
  std::uint64_t number(int tag) const {
    const auto found = numbers.find(tag);
    return found == numbers.end() ? 0 : found->second;
  }
  std::vector<std::string> all(int tag) const {
    std::vector<std::string> result;
    const auto [first, last] = texts.equal_range(tag);
    for (auto it = first; it != last; ++it) result.push_back(it->second);
    return result;
  }
};

Numbers packed(const Message& message, int tag) {
  Numbers values;
  const std::string bytes = message.all(tag).at(0);
  for (const char* at = bytes.data(); at != bytes.data() + bytes.size();) {
    values.push_back(protozero::decode_varint(&at, bytes.data() + bytes.size()));
  }
  return values;
}

}  // namespace

TEST_CASE("folded: outermost first, equal lines added, names that cannot break a line") {
  CHECK(render_folded(two_stacks()) ==
        "web;pid 7;app;[libc.so.6+0x2724a];fill:all\\x0a;touch;page fault_[k] 128\n"
        "[more different stacks] 10\n"
        "web;pid 7;\\x1b[31m:x;[cut short];[libc.so.6+0x2724a];fill:all\\x0a;touch 3\n");
  CHECK(render_folded(two_stacks(), KernelFrames::all).find(";touch;handle_mm_fault_[k] 128\n") !=
        std::string::npos);
  CHECK(render_folded(Report()).empty());
}

TEST_CASE("pprof: values, locations, functions and mappings of profile.proto") {
  const auto gzipped = render_pprof(two_stacks());
  REQUIRE(gzipped);
  const Message profile(gunzip(*gzipped));
  const auto strings = profile.all(6);
  REQUIRE(!strings.empty());
  CHECK(strings[0].empty());
  const auto text = [&](std::uint64_t index) { return strings.at(index); };

  const auto types = profile.all(1);
  REQUIRE(types.size() == 2);
  CHECK(text(Message(types[0]).number(1)) == "alloc_space");
  CHECK(text(Message(types[0]).number(2)) == "bytes");
  CHECK(text(Message(types[1]).number(1)) == "pages");
  CHECK(text(profile.number(14)) == "alloc_space");
  CHECK(profile.number(9) == 1'795'491'613'123'456'000);
  CHECK(profile.number(10) == 30'000'000'000);

  const auto samples = profile.all(2);
  REQUIRE(samples.size() == 4);
  const Message sample(samples[0]);
  CHECK(packed(sample, 2) == Numbers{100 * 4096, 100});
  CHECK(packed(sample, 1) == Numbers{6, 1, 2, 3});  // the way in, then the user's, innermost first
  std::map<std::string, std::string> labels;
  std::map<std::string, std::uint64_t> numbers;
  for (const std::string& each : sample.all(3)) {
    const Message label(each);
    if (label.number(2) != 0) labels[text(label.number(1))] = text(label.number(2));
    if (label.number(3) != 0) numbers[text(label.number(1))] = label.number(3);
  }
  CHECK(labels["thread"] == "app");
  CHECK(labels["pod"] == "shop");
  CHECK(labels["kernel"] == "page fault");
  CHECK(text(profile.number(7)) == "kernel: .*");
  CHECK(labels["container"] == "web");
  CHECK(numbers["process"] == 7);
  CHECK(packed(Message(samples[3]), 2) == Numbers{10 * 4096, 10});

  const auto mappings = profile.all(3);
  REQUIRE(mappings.size() == 3);
  CHECK(text(Message(mappings[0]).number(5)) == "/srv/app");
  CHECK(text(Message(mappings[0]).number(6)) == "0123abcd");
  CHECK(Message(mappings[0]).number(7) == 1);
  CHECK(text(Message(mappings[1]).number(5)) == "/lib/libc.so.6");  // the kernel is not the program
  CHECK(Message(mappings[2]).number(1) == 2);
  CHECK(Message(mappings[2]).number(2) == 0xffffffff81000010);
  CHECK(Message(mappings[2]).number(3) == 0xffffffff81000011);

  const auto locations = profile.all(4);
  REQUIRE(locations.size() == 7);  // and two that are no code
  CHECK(Message(locations[0]).number(3) == 0x1010);
  const auto function_of = [&](std::size_t i) {
    return Message(Message(locations[i]).all(4).at(0)).number(1);
  };
  CHECK(function_of(0) == function_of(4));  // two addresses, one function
  std::map<std::uint64_t, std::string> functions;
  for (const std::string& each : profile.all(5))
    functions[Message(each).number(1)] = text(Message(each).number(2));
  CHECK(functions.size() == 6);
  CHECK(functions[function_of(5)] == "[cut short]");
  CHECK(functions[function_of(6)] == "kernel: page fault");
  CHECK(functions[function_of(0)] == "touch");
  CHECK(functions[function_of(2)] == "[libc.so.6+0x2724a]");
  CHECK(functions[function_of(1)] == "fill;all\\x0a");
}

TEST_CASE("pprof: the same report gives the same bytes, and none gives a valid empty profile") {
  CHECK(*render_pprof(two_stacks()) == *render_pprof(two_stacks()));
  const Message empty(gunzip(*render_pprof(Report())));
  CHECK(empty.all(1).size() == 2);
  CHECK(empty.all(2).empty());
}

TEST_CASE("pprof: with all of the kernel's frames none is dropped") {
  const Message profile(encode_pprof(two_stacks(), KernelFrames::all));
  CHECK(packed(Message(profile.all(2)[0]), 1) == Numbers{4, 1, 2, 3});
  CHECK(profile.number(7) == 0);
}

TEST_CASE("the way into the kernel is told by what was asked of it") {
  const auto way = [](const std::vector<std::string>& functions) {
    Stacks stacks;
    Stack stack;
    stacks.modules = {{"[kernel]", ""}};
    for (const std::string& function : functions) {
      stack.kernel.push_back(static_cast<std::uint32_t>(stacks.frames.size()));
      stacks.frames.push_back({function, 0, stacks.frames.size()});
    }
    return way_in(stack, stacks);
  };
  CHECK(way({"get_page_from_freelist", "__alloc_pages", "do_anonymous_page", "handle_mm_fault",
             "exc_page_fault", "asm_exc_page_fault"}) == "page fault");
  CHECK(way({"charge_memcg", "__do_huge_pmd_anonymous_page", "handle_mm_fault", "exc_page_fault"}) ==
        "huge page");
  CHECK(way({"__alloc_pages", "pte_alloc_one", "__pte_alloc", "handle_mm_fault", "exc_page_fault"}) ==
        "page table");
  CHECK(way({"shmem_add_to_page_cache", "shmem_write_begin", "generic_perform_write", "vfs_write"}) ==
        "tmpfs write");
  CHECK(way({"allocate_slab", "kmem_cache_alloc_noprof", "dup_task_struct", "copy_process.isra.0",
             "kernel_clone", "__x64_sys_clone3"}) == "fork");
  CHECK(way({"page_cache_ra_unbounded", "filemap_read", "vfs_read"}) == "file read");
  CHECK(way({"alloc_pages", "pipe_write", "vfs_write"}) == "pipe");
  CHECK(way({"kmem_cache_alloc", "alloc_empty_file", "__x64_sys_eventfd2"}) == "slab");
  CHECK(way({"something_new", "__x64_sys_newcall"}) == "system call newcall");
  CHECK(way({"something_new"}) == "kernel");
  CHECK(way({}).empty());
}
