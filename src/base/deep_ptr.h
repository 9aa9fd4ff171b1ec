// Owns a value elsewhere, or none; a copy owns a copy.
#pragma once

#include <memory>
#include <utility>

namespace memspike {

template <class T>
class DeepPtr {
 public:
  DeepPtr() = default;
  explicit DeepPtr(std::unique_ptr<T> owned) : owned_(std::move(owned)) {}
  DeepPtr(const DeepPtr& other) : owned_(other.owned_ ? std::make_unique<T>(*other.owned_) : nullptr) {}
  DeepPtr(DeepPtr&&) noexcept = default;
  DeepPtr& operator=(DeepPtr other) noexcept {
    owned_ = std::move(other.owned_);
    return *this;
  }
  ~DeepPtr() = default;

  template <class... Arguments>
  static DeepPtr make(Arguments&&... arguments) {
    return DeepPtr(std::make_unique<T>(std::forward<Arguments>(arguments)...));
  }

  void reset() { owned_.reset(); }
  explicit operator bool() const { return owned_ != nullptr; }
  T* operator->() { return owned_.get(); }
  const T* operator->() const { return owned_.get(); }
  T& operator*() { return *owned_; }
  const T& operator*() const { return *owned_; }

 private:
  std::unique_ptr<T> owned_;
};

}  // namespace memspike
