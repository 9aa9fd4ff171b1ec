#include "cli/oom_score.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/unique_fd.h"

namespace memspike::cli {

void protect_from_oom_killer() {
  constexpr std::string_view kScore = "-999";
  const UniqueFd file(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!file || write(file.get(), kScore.data(), kScore.size()) < 0) {
    spdlog::debug("the OOM killer may choose memspike itself: {}", std::strerror(errno));
  }
}

}  // namespace memspike::cli
