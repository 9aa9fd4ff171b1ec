#include "report/folded.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "report/escape.h"

namespace memspike::report {
namespace {

std::string escape_folded(std::string_view name) {
  std::string text = escape_terminal(name);
  std::replace(text.begin(), text.end(), ';', ':');
  return text.empty() ? "-" : text;
}

std::string line_of(const Stack& stack, const Stacks& stacks) {
  std::string line = escape_folded(stack.comm);
  const auto add = [&](const std::vector<std::uint32_t>& frames, std::string_view mark) {
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      line += fmt::format(";{}{}", escape_folded(label_of(stacks.frames[*frame], stacks)), mark);
    }
  };
  add(stack.user, "");
  add(stack.kernel, "_[k]");
  return line;
}

}  // namespace

std::string render_folded(const Report& report) {
  if (!report.stacks) return {};
  const Stacks& stacks = *report.stacks;
  std::map<std::string, std::uint64_t> pages_by_line;
  for (const Stack& stack : stacks.stacks) pages_by_line[line_of(stack, stacks)] += stack.pages;
  if (stacks.overflow_pages > 0) pages_by_line["[more different stacks]"] += stacks.overflow_pages;
  std::vector<std::pair<std::string, std::uint64_t>> lines(pages_by_line.begin(), pages_by_line.end());
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [line, pages] : lines) text += fmt::format("{} {}\n", line, pages);
  return text;
}

}  // namespace memspike::report
