// The answers about containers across their restarts and about other memcgs, and the heaviest stacks.
#pragma once

#include <vector>

#include "report/report.h"
#include "views/json/json_values.h"

namespace memspike::views {

std::vector<SubjectShown> shown_subjects(const report::Report& report);
std::vector<StackShown> shown_stacks(const report::Stacks& stacks);
StackPages shown_pages(const report::Stacks& stacks);

}  // namespace memspike::views
