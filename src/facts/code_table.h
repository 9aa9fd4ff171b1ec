// Places in the code, each once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "facts/code.h"
#include "facts/fact.h"

namespace memspike::facts {

class CodeTable {
 public:
  // Their numbers: of one that is known already the same.
  std::uint32_t module(const Module& module);
  std::uint32_t frame(Frame frame);  // its module: by its number here

  const std::vector<Module>& modules() const { return modules_; }
  const std::vector<Frame>& frames() const { return frames_; }

  // What came since this was asked last.
  CodeNamed take_news();
  std::size_t bytes() const { return bytes_; }  // roughly

 private:
  using Key = std::tuple<std::uint32_t, std::uint64_t, std::string, std::uint32_t>;  // module to line

  std::map<std::pair<std::string, std::string>, std::uint32_t> module_numbers_;
  std::map<Key, std::uint32_t> frame_numbers_;
  std::vector<Module> modules_;
  std::vector<Frame> frames_;
  std::size_t told_modules_ = 0;
  std::size_t told_frames_ = 0;
  std::size_t bytes_ = 0;
};

// The numbers that a CodeNamed gives to its modules and frames, in a table of our own.
class CodeNumbers {
 public:
  void add(const CodeNamed& named, CodeTable& table);
  // Those of a stack. What a damaged recording says may point nowhere: that is left out.
  void renumber(std::vector<std::uint32_t>& frames) const;

 private:
  std::vector<std::uint32_t> modules_;
  std::vector<std::uint32_t> frames_;
};

// In pieces: what a reader has to hold at a time stays small.
void tell_in_pieces(const CodeNamed& all, const std::function<void(const CodeNamed& piece)>& take);

}  // namespace memspike::facts
