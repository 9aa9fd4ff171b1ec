#include "symbols/told.h"

namespace memspike::symbols {

Told::Answer* Told::add(const Key& key) {
  const auto known = answers_.find(key);
  if (known != answers_.end()) return &known->second;
  return answers_.size() < kMaxPlaces ? &answers_[key] : nullptr;
}

const Told::Answer* Told::find(const Key& key) const {
  const auto known = answers_.find(key);
  return known == answers_.end() ? nullptr : &known->second;
}

const std::string* Told::build_id(std::uint32_t module) const {
  const auto known = build_ids_.find(module);
  return known == build_ids_.end() ? nullptr : &known->second;
}

}  // namespace memspike::symbols
