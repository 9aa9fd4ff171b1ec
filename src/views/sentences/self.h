// What memspike itself cost while it recorded, in words.
#pragma once

#include "facts/session.h"
#include "views/kit/page.h"

namespace memspike::views {

Facts self_facts(const facts::Self& self, const Page& page);

}  // namespace memspike::views
