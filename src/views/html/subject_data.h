// The part of the page's data about one container, pod or cgroup.
#pragma once

#include "report/subject.h"
#include "views/kit/json_writer.h"
#include "views/kit/page.h"

namespace memspike::views::html {

void write_subject(JsonWriter& json, const report::Subject& subject, const report::Report& report,
                   const Page& page);

}  // namespace memspike::views::html
