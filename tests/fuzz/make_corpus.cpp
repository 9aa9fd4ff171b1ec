// Writes the seed corpora of the fuzz targets: one directory a target, one file a seed.
#include <sys/auxv.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "../unit/decode_records.h"
#include "../unit/recording_facts.h"
#include "record_stream.h"

namespace {

using namespace memspike;
namespace fs = std::filesystem;

constexpr std::uint64_t kMiBPages = 256;
constexpr std::uint64_t kRootInode = 10;  // the one that fuzz_decoder expects

bool write_seed(const fs::path& directory, std::size_t number, std::string_view bytes) {
  std::ofstream file(directory / ("seed-" + std::to_string(number)), std::ios::binary);
  file << bytes;
  file.close();
  return static_cast<bool>(file);
}

bool write_seeds(const fs::path& directory, const std::vector<std::string>& seeds) {
  fs::create_directories(directory);
  std::size_t number = 0;
  for (const std::string& seed : seeds) {
    if (!write_seed(directory, number++, seed)) return false;
  }
  return true;
}

class Recording {
 public:
  explicit Recording(fuzz::StreamOptions options) {
    text_.append(reinterpret_cast<const char*>(&options), sizeof(options));
    add(wire::born(1, 100, 0, MEMSPIKE_NO_SLOT, "pod", kRootInode));
  }
  Recording& add(const wire::Bytes& record) {
    text_.append(reinterpret_cast<const char*>(record.data()), record.size());
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// A container that bursts, is killed and restarted: every type of record, several levels.
std::string oom_story(fuzz::StreamOptions options) {
  Recording recording(options);
  std::uint64_t now_ns = 1'000;
  for (std::uint64_t serial = 101; serial < 103; ++serial) {
    const auto levels = [&](std::uint64_t mib, std::uint64_t look_ns) {
      return std::pair(wire::level(1, mib * kMiBPages, 50 * kMiBPages, 50 * kMiBPages, look_ns),
                       wire::level(0, mib * kMiBPages + 64, 51 * kMiBPages, 60 * kMiBPages, look_ns));
    };
    recording.add(wire::born(now_ns, serial, 1, 0, "app"));
    for (const std::uint64_t mib : {1u, 38u, 45u, 38u, 49u, 50u}) {
      const auto [app, pod] = levels(mib, now_ns);
      now_ns += 1'000;
      recording.add(wire::sample(now_ns, {app, pod}, 4'000));
    }
    const auto [app, pod] = levels(50, now_ns);
    recording.add(wire::stack(now_ns, 1, 64, {0xffffffff81000001, 0xffffffff81000002}, {0x401000, 0x401100}));
    recording.add(wire::stack(now_ns, 1, 64, {}, {0x401000}));
    memspike_oom_kill kill = wire::raw_oom_kill(now_ns + 5, {app, pod});
    recording.add(wire::bytes_of(kill));
    kill.oom_serial_nr = serial;
    kill.incident = 7;
    kill.oom_flags = MEMSPIKE_OOM_KNOWN | MEMSPIKE_OOM_GROUP;
    recording.add(wire::bytes_of(kill)).add(wire::bytes_of(kill));
    recording.add(wire::limit_hits(now_ns + 890, 1, 3 * serial, 0));
    recording.add(wire::gone(now_ns + 900, serial, wire::level(1, 0, 50 * kMiBPages, 50 * kMiBPages)));
  }
  return recording.text();
}

// Many spikes of one memcg, out of order, with changes of its limit and its watermark.
std::string restless(fuzz::StreamOptions options) {
  Recording recording(options);
  for (std::uint64_t i = 0; i < 60; ++i) {
    const std::uint64_t usage_pages = (i * 7 % 13) * kMiBPages;
    const std::uint64_t watermark_pages = (i < 40 ? 20 : 14) * kMiBPages;
    const std::uint64_t max_pages = i % 16 == 0 ? MEMSPIKE_UNLIMITED_PAGES : 30 * kMiBPages;
    recording.add(
        wire::sample(1'000 + (i ^ 1) * 100, {wire::level(0, usage_pages, watermark_pages, max_pages)}));
  }
  return recording.text();
}

std::string hostile(fuzz::StreamOptions options) {
  constexpr std::uint64_t kHuge = ~std::uint64_t{0} >> 1;
  Recording recording(options);
  recording.add(wire::born(2, 101, 1, 0, std::string(MEMSPIKE_NAME_LEN, '\xff')));
  recording.add(wire::born(2, 102, 2, 1, "\x1b[31m\"<b>,\n\xc3"));
  recording.add(wire::sample(3, {wire::level(2, kHuge, kHuge), wire::level(1, 1, kHuge, 0)}, kHuge));
  recording.add(wire::oom_kill(4, {wire::level(2, ~kHuge, ~kHuge), wire::level(7, 1, 1)}));
  recording.add(wire::sample(kHuge, {wire::level(0, 1, 1)}));
  memspike_stack stack = wire::raw_stack(5, 2, kHuge, {1}, {~0ULL});
  wire::put_text(stack.comm, "\x1b;\n\xff");
  recording.add(wire::bytes_of(stack, stack.header.size));
  stack.user_count = 0xffffffff;
  recording.add(wire::bytes_of(stack, stack.header.size));
  recording.add(wire::Bytes(20));
  return recording.text();
}

std::vector<std::string> decoder_seeds() {
  std::vector<std::string> seeds;
  for (const unsigned flags : {0x00u, 0x13u, 0x1cu, 0x3fu}) {
    const fuzz::StreamOptions options{static_cast<std::uint8_t>(flags), 100, 4, 0};
    seeds.push_back(oom_story(options));
    seeds.push_back(restless(options));
    seeds.push_back(hostile(options));
  }
  return seeds;
}

// Maps, perf maps, kallsyms and status in one: every parser reads every input.
std::vector<std::string> proc_text_seeds() {
  return {
      "55d0c0a00000-55d0c0b00000 r-xp 00002000 fd:01 131 /usr/bin/my app (deleted)\n"
      "7f00a0000000-7f00a0010000 rwxp 00000000 00:00 0 \n"
      "7fffd0000000-7fffd0002000 r-xp 00000000 00:00 0                          [vdso]\n",
      "7f00a0000000 40 LazyCompile:*grow /app/server.js:7\n0x7f00a0000040 0x10 stub\n",
      "ffffffff81000000 T _stext\nffffffffc0001000 t xfs_write\t[xfs]\nffffffff82000000 D jiffies\n",
      "Name:\tapp\nNSpid:\t4711\t17\t1\n", "_ZN8memspike8workload5CacheIcE4growEPVcm\n"};
}

// Whole lines, one in parts, one with names that look like the rest of it; records parted by zero bytes.
std::vector<std::string> kernel_log_seeds() {
  const std::string head =
      "6,1,5,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0";
  const std::string killed =
      "3,3,6,-;Memory cgroup out of memory: Killed process 815 (app) total-vm:1kB, anon-rss:1kB, "
      "file-rss:0kB, "
      "shmem-rss:0kB, UID:0 pgtables:64kB oom_score_adj:0\n";
  const std::string end(1, '\0');
  return {
      "4,1,4,-;kworker/1:2 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0" + end +
          "6,2,5,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
          "task_memcg=/a,task=app,pid=815,uid=0" +
          end + killed,
      head + ",oom_memcg=" + end + "4,2,5,c;/pod/x\\x5cx2d,task=y" + end + "4,3,5,c;,task_memcg=/pod" + end +
          "4,4,5,c;,task=,task=,pid=1,pid=815,uid=0" + end + killed,
      "sysrq: Manual OOM execution" + end + killed + " SUBSYSTEM=x"};
}

const std::vector<std::string> kUnits{"52428800", "50Mi", "50MiB", "50M",   "1.5Gi", "500k", "0",   "500ms",
                                      "30s",      "5m",   "1h30m", "0.5us", "-1",    "9Ei",  "1e3", "2d"};

std::vector<std::string> layout_seeds() {
  const std::string uid = "3f2a1b4c-0d1e-4f20-8a9b-0c1d2e3f4a5b";
  const std::string under = "3f2a1b4c_0d1e_4f20_8a9b_0c1d2e3f4a5b";
  const std::string id(64, 'a');
  const std::string annotations =
      R"({"annotations":{"io.kubernetes.cri.sandbox-namespace":"shop",)"
      R"("io.kubernetes.cri.sandbox-name":"cart-0","io.kubernetes.cri.sandbox-uid":")";
  return {"/kubepods/burstable/pod" + uid + "/" + id,
          "/kubepods/pod" + std::string(32, 'b') + "/crio-" + id,
          "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + under +
              ".slice/cri-containerd-" + id + ".scope/nested",
          "/kubepods.slice/kubepods-pod" + under + ".slice/crio-conmon-" + id + ".scope",
          "/system.slice/containerd.service/kubepods-besteffort-pod" + under + ".slice:cri-containerd:" + id,
          "/docker/" + id + "/kubelet/kubepods/pod" + uid + "/" + id,
          annotations + uid + R"(","io.kubernetes.cri.container-name":"app"}})",
          annotations + uid + R"(","io.kubernetes.cri.container-type":"sandbox"}})",
          R"({"Config":{"Labels":{"io.kubernetes.pod.name":"p","io.kubernetes.docker.type":"container"}}})"};
}

// Recordings whole, in many blocks, twice and cut, behind the byte that tells how they arrive.
std::vector<std::string> recording_seeds() {
  const std::string whole = facts::record(facts::story());
  const std::string blocks = facts::record(facts::story(), true);
  const std::string piece(1, '\x08');
  return {piece + whole, piece + blocks, piece + whole + whole, piece + blocks.substr(0, blocks.size() / 2),
          piece + facts::record({facts::session(1)})};
}

// The kernel's vDSO: a whole ELF file of two pages, with unwind tables.
std::vector<std::string> unwind_seeds() {
  const auto address = getauxval(AT_SYSINFO_EHDR);
  if (address == 0)
    return {
        "\x7f"
        "ELF"};
  constexpr std::size_t kBytes = 8192;
  const auto* image = reinterpret_cast<const char*>(address);  // NOLINT(performance-no-int-to-ptr)
  return {std::string(image, kBytes)};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: memspike_make_corpus DIR\n");
    return 2;
  }
  const fs::path root = argv[1];
  const bool written =
      write_seeds(root / "decoder", decoder_seeds()) && write_seeds(root / "units", kUnits) &&
      write_seeds(root / "recording", recording_seeds()) &&
      write_seeds(root / "cgroup_layout", layout_seeds()) &&
      write_seeds(root / "proc_text", proc_text_seeds()) && write_seeds(root / "unwind", unwind_seeds()) &&
      write_seeds(root / "kernel_log", kernel_log_seeds());
  if (!written) std::fprintf(stderr, "memspike_make_corpus: cannot write below %s\n", argv[1]);
  return written ? 0 : 1;
}
