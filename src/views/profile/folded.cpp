#include "views/profile/folded.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "views/kit/escape.h"

namespace memspike::views {
namespace {

std::string escape_folded(std::string_view name) {
  std::string text = escape_terminal(name);
  std::replace(text.begin(), text.end(), ';', ':');
  return text.empty() ? "-" : text;
}

std::string line_of(const facts::Stack& stack, const report::Stacks& stacks, KernelFrames kernel) {
  std::string line = fmt::format("{};pid {};{}", escape_folded(stack.container.value_or(stack.cgroup)),
                                 stack.pid, escape_folded(stack.comm));
  const auto add = [&](std::string_view name, std::string_view mark) {
    line += fmt::format(";{}{}", escape_folded(name), mark);
  };
  const auto add_all = [&](const std::vector<std::uint32_t>& frames, std::string_view mark) {
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame)
      add(label_of(stacks.frames[*frame], stacks), mark);
  };
  if (stack.cut_short) add(kCutShort, "");
  add_all(stack.user, "");
  if (kernel == KernelFrames::all) {
    add_all(stack.kernel, "_[k]");
  } else if (const std::string way = way_in(stack, stacks); !way.empty()) {
    add(way, "_[k]");
  }
  return line;
}

}  // namespace

std::string render_folded(const report::Report& report, KernelFrames kernel) {
  if (!report.stacks) return {};
  const report::Stacks& stacks = *report.stacks;
  std::map<std::string, std::uint64_t> pages_by_line;
  for (const facts::Stack& stack : stacks.stacks)
    pages_by_line[line_of(stack, stacks, kernel)] += stack.pages;
  if (stacks.overflow_pages > 0) pages_by_line["[more different stacks]"] += stacks.overflow_pages;
  std::vector<std::pair<std::string, std::uint64_t>> lines(pages_by_line.begin(), pages_by_line.end());
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [line, pages] : lines) text += fmt::format("{} {}\n", line, pages);
  return text;
}

}  // namespace memspike::views
