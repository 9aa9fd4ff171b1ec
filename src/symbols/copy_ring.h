// The ring buffer with copies of user stacks, read where the kernel writes it. It is filled on behalf of
// strangers' stacks, but by the kernel: its own layout is trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/unique_fd.h"

namespace memspike::symbols {

class CopyRing {
 public:
  CopyRing() = default;
  ~CopyRing();
  CopyRing(const CopyRing&) = delete;
  CopyRing& operator=(const CopyRing&) = delete;

  // `bytes`: its size. False: it cannot be mapped.
  bool map(UniqueFd file, std::size_t bytes);

  // Hands over what waits, at most so many. Returns how many.
  std::size_t take(std::size_t most, const std::function<void(std::span<const std::byte> record)>& sink);

  // Readable when somebody wants it to be read; -1: there is none.
  int fd() const { return file_.get(); }

 private:
  UniqueFd file_;
  std::size_t bytes_ = 0;
  std::uint64_t* consumed_ = nullptr;    // a page of its own
  const std::byte* produced_ = nullptr;  // a page, then the data, twice
};

}  // namespace memspike::symbols
