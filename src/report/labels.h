// What memcgs are called in sentences.
#pragma once

#include <string>
#include <string_view>

#include "report/page.h"
#include "report/subject.h"

namespace memspike::report {

// "container app", "pod shop/checkout", "cgroup /system.slice/x". Escaped.
std::string label_of(const Subject& subject, const Report& report, const Page& page);

// Whose limit that is, given as a kill's limit_path: "pod shop/checkout", "the pod",
// "cgroup /kubepods/…/pods-slice", "a cgroup above the target". Escaped.
std::string limit_owner(const std::string& limit_path, const Report& report, const Page& page);

// A path as short as people still recognise it: ids cut as docker and crictl print them, and the
// components between the first and the last left out where it is long. Not escaped.
std::string short_path(std::string_view path, std::string_view ellipsis);

// The same for every path in a sentence.
std::string with_short_paths(std::string_view text, std::string_view ellipsis);

}  // namespace memspike::report
