#include "views/text/stack_section.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "views/kit/cells.h"
#include "views/kit/escape.h"
#include "views/kit/way_in.h"
#include "views/sentences/labels.h"
#include "views/text/tables.h"

namespace memspike::views {
namespace {

constexpr std::size_t kMaxStacks = 5;
constexpr std::size_t kMaxFrames = 12;  // of a user stack
constexpr std::size_t kMaxKernelFrames = 64;
constexpr std::size_t kMaxFrameColumns = 60;  // templates are long

// "ns::Cache<char>::grow(volatile char*, unsigned long)" is "ns::Cache<char>::grow" to who reads it.
std::string_view without_parameters(std::string_view name) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)";
  int depth = 0;
  for (std::size_t i = 1; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (name[i] != '(' || depth != 0) continue;
    if (name.substr(i, kAnonymous.size()) == kAnonymous) continue;
    // Go writes main.(*T).Method, C++ operator()(…).
    if (name[i - 1] == '.' || name[i - 1] == ' ' || name.substr(0, i).ends_with("operator")) continue;
    return name.substr(0, i);
  }
  return name;
}

// Stacks that read the same, though their addresses differ.
struct Place {
  const facts::Stack* heaviest = nullptr;
  std::uint64_t pages = 0;
};

std::vector<Place> places_of(const report::Stacks& stacks) {
  std::map<std::pair<std::uint32_t, std::string>, Place> places;
  for (const facts::Stack& stack : stacks.stacks) {
    std::string user = stack.comm;
    if (stack.cut_short) user += kCutShort;
    for (const std::uint32_t frame : stack.user) user += '\n' + label_of(stacks.frames[frame], stacks);
    Place& place = places[{stack.pid, std::move(user)}];
    if (place.heaviest == nullptr) place.heaviest = &stack;  // they come by weight
    place.pages += stack.pages;
  }
  std::vector<Place> sorted;
  for (const auto& [key, place] : places) sorted.push_back(place);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Place& a, const Place& b) { return a.pages > b.pages; });
  return sorted;
}

// " (cache.cpp:42)"; "": it is not known.
std::string line_of(const facts::Frame& frame, const Page& page, bool& is_told) {
  if (frame.line == 0 || frame.file.empty()) return {};
  is_told = true;
  const std::string file = frame.file.substr(frame.file.rfind('/') + 1);
  return fmt::format(" ({}:{})", truncate_middle(page.escape(file), kMaxFrameColumns, page.style().utf8),
                     frame.line);
}

// "inner ← … ← outer", innermost first.
std::string chain_of(const std::vector<std::uint32_t>& frames, const report::Stacks& stacks, const Page& page,
                     std::size_t max_frames) {
  const std::string arrow = page.style().utf8 ? " ← " : " <- ";
  std::string text;
  bool is_told = false;  // the line, of the innermost one that has one
  for (std::size_t i = 0; i < std::min(frames.size(), max_frames); ++i) {
    const std::string label = label_of(stacks.frames[frames[i]], stacks);
    const std::string name = page.escape(without_parameters(label));
    text += (i == 0 ? "" : arrow) + truncate_middle(name, kMaxFrameColumns, page.style().utf8);
    if (!is_told) text += line_of(stacks.frames[frames[i]], page, is_told);
  }
  if (frames.size() > max_frames) text += fmt::format("{}{}", arrow, page.glyph().ellipsis);
  return text;
}

// What the kernel was asked for tells more than how it charges: the outer frames, without the entry
// that all have in common.
std::string kernel_chain_of(const facts::Stack& stack, const report::Stacks& stacks, const Page& page) {
  std::vector<std::uint32_t> frames = stack.kernel;
  const auto is_entry = [&](std::uint32_t frame) {
    const std::string_view name = stacks.frames[frame].function;
    return name.starts_with("entry_") || name.starts_with("asm_") || name.starts_with("do_syscall") ||
           name.starts_with("x64_sys_call") || name.starts_with("ret_from_fork");
  };
  while (frames.size() > 1 && is_entry(frames.back())) frames.pop_back();
  if (frames.size() <= kMaxKernelFrames) return chain_of(frames, stacks, page, kMaxKernelFrames);
  frames.erase(frames.begin(), frames.end() - static_cast<std::ptrdiff_t>(kMaxKernelFrames));
  return fmt::format("{}{}{}", page.glyph().ellipsis, page.style().utf8 ? " ← " : " <- ",
                     chain_of(frames, stacks, page, kMaxKernelFrames));
}

void write_place(Page& page, const Place& place, const report::Stacks& stacks) {
  const facts::Stack& stack = *place.heaviest;
  std::string head = fmt::format("{}, {}{}pid {}", counted(place.pages, "page"), page.escape(stack.comm),
                                 page.separator(), stack.pid);
  if (stack.container)
    head += fmt::format("{}container {}", page.separator(),
                        page.escape(short_path(*stack.container, page.glyph().ellipsis)));
  page.fact(percent_share(place.pages, stacks.pages), head, Tone::strong);
  const std::string arrow = page.style().utf8 ? " ← " : " <- ";
  std::string chain = chain_of(stack.user, stacks, page, kMaxFrames);
  if (stack.cut_short) chain += (chain.empty() ? "" : arrow) + std::string(kCutShort);
  if (!chain.empty()) page.fact("", chain);
  if (!stack.kernel.empty()) {
    const std::string kernel = page.style().kernel_frames ? kernel_chain_of(stack, stacks, page)
                                                          : page.escape(way_in(stack, stacks));
    page.fact("", "kernel: " + kernel, Tone::faint);
  }
}

// The share of pages whose stack does not reach the begin of its thread, of each process where that is more
// than a few.
void write_cut(Page& page, const report::Stacks& stacks) {
  constexpr std::uint64_t kFew = 20;  // one in so many
  constexpr std::size_t kMaxNamedProcesses = 5;
  struct Share {
    std::string comm;
    std::uint64_t pages = 0;
    std::uint64_t cut = 0;
  };
  std::map<std::uint32_t, Share> processes;
  for (const facts::Stack& stack : stacks.stacks) {
    Share& share = processes[stack.pid];
    if (share.comm.empty()) share.comm = stack.comm;
    share.pages += stack.pages;
    if (stack.cut_short) share.cut += stack.pages;
  }
  std::vector<std::pair<std::uint32_t, Share>> worst;
  for (const auto& process : processes) {
    if (process.second.cut * kFew > process.second.pages) worst.push_back(process);
  }
  std::stable_sort(worst.begin(), worst.end(),
                   [](const auto& a, const auto& b) { return a.second.cut > b.second.cut; });
  if (worst.size() > kMaxNamedProcesses) worst.resize(kMaxNamedProcesses);
  for (const auto& [pid, share] : worst) {
    page.fact("",
              fmt::format("{} of the pages of {} (pid {}) have a stack that is cut short",
                          percent_share(share.cut, share.pages), page.escape(share.comm), pid),
              Tone::warn);
  }
}

void write_remarks(Page& page, const report::Stacks& stacks, std::size_t more) {
  if (more > 0) {
    page.fact("",
              fmt::format("{} and {} more places: -f folded and -f pprof have all", page.glyph().ellipsis,
                          grouped(more)),
              Tone::faint);
  }
  if (stacks.overflow_pages > 0) {
    page.fact("",
              fmt::format("{} charged from more places than are told apart",
                          counted(stacks.overflow_pages, "page was", "pages were")),
              Tone::warn);
  }
  write_cut(page, stacks);
}

}  // namespace

void write_stacks(Page& page, const report::Report& report) {
  if (!report.stacks) return;
  const report::Stacks& stacks = *report.stacks;
  page.rule("where it was asked for", Tone::strong);
  const std::vector<Place> places = places_of(stacks);
  if (places.empty()) page.fact("", "no counter rose while a stack could be taken", Tone::faint);
  const std::size_t shown = std::min(places.size(), kMaxStacks);
  for (std::size_t i = 0; i < shown; ++i) write_place(page, places[i], stacks);
  write_remarks(page, stacks, places.size() - shown);
  page.line();
}

}  // namespace memspike::views
