// The node at a glance: one page that needs nothing else, and no script.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "serve/exposition.h"
#include "serve/kill_log.h"
#include "serve/meter.h"

namespace memspike::serve {

struct Glance {
  std::vector<Series> series;
  std::vector<KillRecord> kills;  // the newest last
  Health health;
  std::uint64_t realtime_ns = 0;
};

// Names are untrusted; dossiers' names are ours.
std::string render_page(const Glance& glance);

}  // namespace memspike::serve
