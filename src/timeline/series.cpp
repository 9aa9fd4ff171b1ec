#include "timeline/series.h"

#include "base/varint.h"

namespace memspike::timeline {
namespace {

constexpr std::size_t kPageBytes = 4000;  // with what the heap adds less than a page of the machine

}  // namespace

Series::Series(std::initializer_list<Row> rows) {
  for (const auto& [time_ns, usage_bytes] : rows) emplace_back(time_ns, usage_bytes);
}

void Series::emplace_back(std::uint64_t time_ns, std::uint64_t usage_bytes) {
  if (pages_.empty() || pages_.back().size() + 2 * kMaxVarintBytes > kPageBytes) {
    pages_.emplace_back().reserve(kPageBytes);
  }
  std::string& page = pages_.back();
  append_varint(page, zigzag(last_.first, time_ns));
  append_varint(page, zigzag(last_.second, usage_bytes));
  last_ = {time_ns, usage_bytes};
  ++size_;
}

void Series::const_iterator::read() {
  if (at_ == series_->pages_[page_].size()) {
    ++page_;
    at_ = 0;
  }
  const std::string& page = series_->pages_[page_];
  row_.first = unzigzag(row_.first, take_varint(page, at_));
  row_.second = unzigzag(row_.second, take_varint(page, at_));
}

}  // namespace memspike::timeline
