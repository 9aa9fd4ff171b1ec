#include "views/json/subjects.h"

#include <algorithm>
#include <string>
#include <utility>

#include "report/subject.h"
#include "views/kit/way_in.h"

namespace memspike::views {
namespace {

SubjectShown together(const report::Lives& lives) {
  const report::Memcg& last = *lives.back();
  SubjectShown all;
  all.path = last.path;
  all.role = last.role;
  all.container = last.container;
  all.pod = last.pod;
  all.lives = lives.size();
  for (const report::Memcg* life : lives) {
    all.shown.merge(life->shown);
    all.working_set_known = all.working_set_known && life->working_set_known;
    all.observed.merge(life->observed);
    all.peak_bytes = std::max(all.peak_bytes, life->usage.peak_bytes);
  }
  return all;
}

std::vector<std::string> labels_of(const std::vector<std::uint32_t>& frames, const report::Stacks& stacks) {
  std::vector<std::string> labels;
  for (const std::uint32_t frame : frames) labels.push_back(label_of(stacks.frames[frame], stacks));
  return labels;
}

}  // namespace

std::vector<SubjectShown> shown_subjects(const report::Report& report) {
  const std::vector<report::Lives> groups = report::lives_of(report);
  auto limits = report::advise_limits(groups);
  std::vector<SubjectShown> subjects;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    subjects.push_back(together(groups[i]));
    subjects.back().limits = std::move(limits[i]);
  }
  return subjects;
}

std::vector<StackShown> shown_stacks(const report::Stacks& stacks) {
  constexpr std::size_t kMaxStacks = 100;  // folded and pprof have all
  std::vector<StackShown> heaviest;
  for (std::size_t i = 0; i < std::min(kMaxStacks, stacks.stacks.size()); ++i) {
    const facts::Stack& stack = stacks.stacks[i];
    heaviest.push_back(
        {stack, way_in(stack, stacks), labels_of(stack.kernel, stacks), labels_of(stack.user, stacks)});
  }
  return heaviest;
}

StackPages shown_pages(const report::Stacks& stacks) {
  return {stacks.pages, stacks.overflow_pages, stacks.user_pages, stacks.cut_short_pages};
}

}  // namespace memspike::views
