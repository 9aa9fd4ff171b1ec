#include "facts/code_table.h"

#include <algorithm>

namespace memspike::facts {
namespace {

// Of an entry beside its text, twice over: in its vector and in its map.
constexpr std::size_t kEntryBytes = 256;

}  // namespace

std::uint32_t CodeTable::module(const Module& module) {
  const auto [known, is_new] = module_numbers_.try_emplace({module.path, module.build_id},
                                                           static_cast<std::uint32_t>(modules_.size()));
  if (is_new) {
    modules_.push_back(module);
    bytes_ += kEntryBytes + 2 * (module.path.size() + module.build_id.size());
  }
  return known->second;
}

std::uint32_t CodeTable::frame(Frame frame) {
  const auto [known, is_new] =
      frame_numbers_.try_emplace(Key{frame.module, frame.address, frame.function, frame.line},
                                 static_cast<std::uint32_t>(frames_.size()));
  if (is_new) {
    bytes_ += kEntryBytes + 2 * frame.function.size() + frame.file.size();
    frames_.push_back(std::move(frame));
  }
  return known->second;
}

CodeNamed CodeTable::take_news() {
  const auto begin_of = [](std::size_t told) { return static_cast<std::ptrdiff_t>(told); };
  CodeNamed news;
  news.modules.assign(modules_.begin() + begin_of(told_modules_), modules_.end());
  news.frames.assign(frames_.begin() + begin_of(told_frames_), frames_.end());
  told_modules_ = modules_.size();
  told_frames_ = frames_.size();
  return news;
}

void CodeNumbers::add(const CodeNamed& named, CodeTable& table) {
  for (const Module& module : named.modules) modules_.push_back(table.module(module));
  for (Frame frame : named.frames) {
    frame.module = frame.module < modules_.size() ? modules_[frame.module] : table.module({"[unknown]", ""});
    frames_.push_back(table.frame(std::move(frame)));
  }
}

void CodeNumbers::renumber(std::vector<std::uint32_t>& frames) const {
  std::size_t kept = 0;
  for (const std::uint32_t frame : frames) {
    if (frame < frames_.size()) frames[kept++] = frames_[frame];
  }
  frames.resize(kept);
}

void tell_in_pieces(const CodeNamed& all, const std::function<void(const CodeNamed& piece)>& take) {
  constexpr std::size_t kPiece = 256;
  const auto tell = [&](const auto& entries, auto CodeNamed::*field) {
    for (std::size_t first = 0; first < entries.size(); first += kPiece) {
      const auto begin = entries.begin() + static_cast<std::ptrdiff_t>(first);
      const auto count = static_cast<std::ptrdiff_t>(std::min(kPiece, entries.size() - first));
      CodeNamed piece;
      (piece.*field).assign(begin, begin + count);
      take(piece);
    }
  };
  tell(all.modules, &CodeNamed::modules);
  tell(all.frames, &CodeNamed::frames);
}

}  // namespace memspike::facts
