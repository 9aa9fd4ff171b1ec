// What memcgs are called in sentences.
#pragma once

#include <string>
#include <string_view>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// "container app", "pod shop/checkout", "cgroup /system.slice/x". Escaped.
std::string label_of(const report::Subject& subject, const report::Report& report, const Page& page);

// A memcg by its path: "container app", "pod shop/checkout", "cgroup /a/b".
std::string memcg_name(const std::string& path, const report::Report& report, const Page& page);

// Whose limit that is, given as a kill's limit_path: "pod shop/checkout", "the pod",
// "cgroup /kubepods/…/pods-slice", "a cgroup above the target". Escaped.
std::string limit_owner(const std::string& limit_path, const report::Report& report, const Page& page);

// The same as it stands in a reason: "the limit of pod shop/checkout, which is its containers' sum". Escaped.
std::string owned_limit(const std::string& limit_path, const report::Report& report, const Page& page);

// A path as short as people still recognise it: ids cut as docker and crictl print them, and the
// components between the first and the last left out where it is long. Not escaped.
std::string short_path(std::string_view path, std::string_view ellipsis);

// A sentence with each path as what it is called, or short. Escaped.
std::string with_names(std::string_view text, const report::Report& report, const Page& page);

}  // namespace memspike::views
