#include "cli/oom_score.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/unique_fd.h"

namespace memspike::cli {
namespace {

constexpr int kScore = -999;

// A service manager may have made it -1000 already: that is not for us to raise.
bool is_protected() {
  const UniqueFd file(open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC));
  std::array<char, 16> text{};
  return file && read(file.get(), text.data(), text.size() - 1) > 0 && std::atoi(text.data()) <= kScore;
}

}  // namespace

void protect_from_oom_killer() {
  if (is_protected()) return;
  const std::string score = std::to_string(kScore);
  const UniqueFd file(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!file || write(file.get(), score.data(), score.size()) < 0) {
    spdlog::debug("the OOM killer may choose memspike itself: {}", std::strerror(errno));
  }
}

}  // namespace memspike::cli
