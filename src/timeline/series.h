// A timeline that is kept, every row of it, exact, in few bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace memspike::timeline {

// Rows (ns, bytes of usage), as differences in pages of bytes: 4 to 6 bytes a row, where two plain numbers
// would be 16. Rows can be added behind and read from the front. Nothing is copied as it grows.
class Series {
 public:
  using Row = std::pair<std::uint64_t, std::uint64_t>;

  Series() = default;
  Series(std::initializer_list<Row> rows);

  void emplace_back(std::uint64_t time_ns, std::uint64_t usage_bytes);
  void clear() { *this = {}; }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Row front() const { return *begin(); }  // not of an empty one

  class const_iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Row;
    using difference_type = std::ptrdiff_t;
    using pointer = const Row*;
    using reference = const Row&;

    reference operator*() const { return row_; }
    pointer operator->() const { return &row_; }
    const_iterator& operator++() {
      if (--left_ > 0) read();
      return *this;
    }
    const_iterator operator++(int) {
      const const_iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const const_iterator& a, const const_iterator& b) { return a.left_ == b.left_; }

   private:
    friend class Series;
    const_iterator(const Series& series, std::size_t left) : series_(&series), left_(left) {
      if (left > 0) read();
    }
    void read();

    const Series* series_;
    std::size_t left_;  // rows from this one on
    std::size_t page_ = 0;
    std::size_t at_ = 0;  // in the page, behind this row
    Row row_;
  };

  const_iterator begin() const { return {*this, size_}; }
  const_iterator end() const { return {*this, 0}; }

  friend bool operator==(const Series& a, const Series& b) {
    return a.size_ == b.size_ && a.pages_ == b.pages_;
  }

 private:
  std::vector<std::string> pages_;  // no row lies in two of them
  std::size_t size_ = 0;
  Row last_;
};

}  // namespace memspike::timeline
