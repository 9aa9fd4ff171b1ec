// Who records how others run out of memory must not be killed for it.
#pragma once

namespace memspike::cli {

// Makes this process one of the last that the OOM killer chooses, as kubelet and container runtimes do
// (oom_score_adj -999), if it may: lowering the score takes CAP_SYS_RESOURCE. Children that are forked later
// inherit it.
void protect_from_oom_killer();

}  // namespace memspike::cli
