#include "cli/stat_reader.h"

#include <algorithm>

#include "cgroup/files.h"
#include "cgroup/scan.h"

namespace memspike::cli {
namespace {

constexpr std::uint64_t kRoundNs = 1'000'000'000;
constexpr std::uint64_t kTurnNs = 10'000'000;
constexpr int kReadsPerTurn = 16;

}  // namespace

void StatReader::read(const report::Interpreter& interpreter, report::MemcgIndex memcg,
                      std::uint64_t time_ns) {
  const auto dir = cgroup::memcg_dir(hierarchy_, interpreter.memcgs()[memcg].path);
  if (const auto bytes = cgroup::read_inactive_file_bytes(dir)) {
    emit_(report::InactiveFileRead{memcg, time_ns, *bytes});
  }
}

void StatReader::read_at_birth(const report::Interpreter& interpreter, report::MemcgIndex memcg,
                               std::uint64_t born_ns) {
  if (interpreter.memcgs()[memcg].description.in_target) read(interpreter, memcg, born_ns);
}

void StatReader::read_due(const report::Interpreter& interpreter, std::uint64_t now_ns) {
  if (now_ns < turn_ns_) return;
  if (next_ == 0) round_ns_ = now_ns;
  int reads = 0;
  for (; next_ < interpreter.memcgs().size() && reads < kReadsPerTurn; ++next_) {
    const report::Interpreter::Memcg& memcg = interpreter.memcgs()[next_];
    if (memcg.gone || !memcg.description.in_target) continue;
    read(interpreter, next_, now_ns);
    ++reads;
  }
  const bool done = next_ >= interpreter.memcgs().size();
  turn_ns_ = done ? std::max(round_ns_ + kRoundNs, now_ns + kTurnNs) : now_ns + kTurnNs;
  if (done) next_ = 0;
}

}  // namespace memspike::cli
