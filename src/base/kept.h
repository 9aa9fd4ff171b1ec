// A bounded number of things that are dear to make, and wanted again and again: files that are kept open.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>

namespace memspike {

template <class Key, class Value>
class Kept {
 public:
  // Where there is one too many all are let go: who is wanted still is made anew.
  explicit Kept(std::size_t most) : most_(most) {}

  // The one of this key, made by make() unless it is there.
  template <class Make>
  const Value& get(const Key& key, Make make) {
    if (const auto known = kept_.find(key); known != kept_.end()) return known->second;
    if (kept_.size() >= most_) kept_.clear();
    return kept_.emplace(key, make()).first->second;
  }
  const Value* find(const Key& key) const {
    const auto known = kept_.find(key);
    return known != kept_.end() ? &known->second : nullptr;
  }
  void forget(const Key& key) { kept_.erase(key); }
  std::size_t size() const { return kept_.size(); }

 private:
  std::size_t most_;
  std::unordered_map<Key, Value> kept_;
};

}  // namespace memspike
