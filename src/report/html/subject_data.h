// The part of the page's data about one container, pod or cgroup.
#pragma once

#include "report/json_writer.h"
#include "report/page.h"
#include "report/subject.h"

namespace memspike::report::html {

void write_subject(JsonWriter& json, const Subject& subject, const Report& report, const Page& page);

}  // namespace memspike::report::html
