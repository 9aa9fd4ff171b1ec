// A vector of few elements that lives where it is, without a heap.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace memspike {

// Copying one costs what is in it, not what there is room for; what is not used is not even set to zero.
template <class T, std::size_t kCapacity>
class InlineVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  InlineVector() {}  // not `= default`: that would clear all of the room where a value is made of nothing
  InlineVector(const InlineVector& other) { assign(other); }
  InlineVector& operator=(const InlineVector& other) {
    if (this != &other) assign(other);
    return *this;
  }

  // There must be room.
  void push_back(const T& value) {
    assert(size_ < kCapacity);
    new (bytes_.data() + size_ * sizeof(T)) T(value);
    ++size_;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return std::launder(reinterpret_cast<T*>(bytes_.data())); }
  T* end() { return begin() + size_; }
  const T* begin() const { return std::launder(reinterpret_cast<const T*>(bytes_.data())); }
  const T* end() const { return begin() + size_; }
  T& operator[](std::size_t index) { return begin()[index]; }
  const T& operator[](std::size_t index) const { return begin()[index]; }

 private:
  void assign(const InlineVector& other) {
    size_ = other.size_;
    for (std::size_t i = 0; i < size_; ++i) new (bytes_.data() + i * sizeof(T)) T(other[i]);
  }

  std::uint32_t size_ = 0;  // first, beside what is there
  alignas(T) std::array<std::byte, kCapacity * sizeof(T)> bytes_;
};

}  // namespace memspike
