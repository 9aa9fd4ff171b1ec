// A vector of few elements that lives where it is; only where there are many, they live on the heap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <vector>

namespace memspike {

// Copying one costs what is in it, not what there is room for; what is not used is not even set to zero.
template <class T, std::size_t kFew>
class InlineVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  InlineVector() {}  // not `= default`: that would clear all of the room where a value is made of nothing
  InlineVector(const InlineVector& other) { assign(other); }
  InlineVector& operator=(const InlineVector& other) {
    if (this != &other) assign(other);
    return *this;
  }

  void push_back(const T& value) {
    if (size_ < kFew) {
      new (bytes_.data() + size_ * sizeof(T)) T(value);
    } else {
      if (size_ == kFew) many_.assign(begin(), end());
      many_.push_back(value);
    }
    ++size_;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return many_.empty() ? std::launder(reinterpret_cast<T*>(bytes_.data())) : many_.data(); }
  T* end() { return begin() + size_; }
  const T* begin() const {
    return many_.empty() ? std::launder(reinterpret_cast<const T*>(bytes_.data())) : many_.data();
  }
  const T* end() const { return begin() + size_; }
  T& operator[](std::size_t index) { return begin()[index]; }
  const T& operator[](std::size_t index) const { return begin()[index]; }

 private:
  void assign(const InlineVector& other) {
    size_ = other.size_;
    many_ = other.many_;
    for (std::size_t i = 0; many_.empty() && i < size_; ++i) new (bytes_.data() + i * sizeof(T)) T(other[i]);
  }

  std::uint32_t size_ = 0;  // first, beside what is there
  std::vector<T> many_;     // all of them, once they are more than a few
  alignas(T) std::array<std::byte, kFew * sizeof(T)> bytes_;
};

}  // namespace memspike
