// Which process died, and whether its container did, in words.
#pragma once

#include <string>

#include "report/death.h"
#include "views/kit/page.h"

namespace memspike::views {

// "worker (pid 812), a child of app (pid 800): the container lives on, …".
std::string death_of(const report::OomKill& kill, const report::Memcg& memcg, const report::Report& report,
                     const Page& page);

}  // namespace memspike::views
