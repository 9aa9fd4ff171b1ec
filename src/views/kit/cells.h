// What the tables of a section share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "views/kit/page.h"

namespace memspike::views {

// "  title  remark", after an empty line; the remark below where there is no room for it.
void heading(Page& page, std::string_view title, std::string_view remark = {});

// "… and 3 more"
void and_more(Page& page, std::string_view text);

// Values for a cell, which breaks nowhere: their glue is a space again.
std::string cell_bytes(const Page& page, std::uint64_t value);
std::string cell_duration(const Page& page, std::uint64_t ns);
std::string cell_time(const Page& page, std::uint64_t monotonic_ns);

// "12.3 %"; empty where there is no whole.
std::string percent_share(std::uint64_t part, std::uint64_t whole);

}  // namespace memspike::views
