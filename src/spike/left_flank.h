// The way up to the present: which earlier samples a walk to the left can stop at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "spike/level.h"

namespace memspike::spike {

// Keeps, for the current sample and for every held peak, the chain of samples that are
// each the nearest smaller one to the left. A walk to the left from a peak first meets
// a level at one of them. Chains share their tails: nodes are counted references in one
// arena, so a sample costs amortized O(1) however many peaks are held.
//
// More than max_nodes nodes are thinned to about half: every other sample of a long
// unbranched rise is then interpolated between its neighbours.
class LeftFlank {
 public:
  using Node = std::uint32_t;
  static constexpr Node kNone = ~Node{0};

  explicit LeftFlank(std::size_t max_nodes) : max_nodes_(max_nodes), thin_at_(max_nodes) {}

  // A row (value at last_ns, its last row when flat) is followed by a higher one.
  void rise(std::uint64_t value, std::uint64_t last_ns, std::uint64_t next_value, std::uint64_t next_ns);

  // The current sample is down at `value`: forgets everything that it hides.
  void fall(std::uint64_t value) {
    while (top_ != kNone && nodes_[top_].value >= value) pop();
  }

  // Keeps the chain of the current sample alive until let_go.
  Node hold();
  void let_go(Node node);

  // The nearest node at or below floor_bytes, walking down the chain from `node`.
  Node nearest_at_or_below(Node node, std::uint64_t floor_bytes) const;

  // When the rise out of `node` crossed the level.
  Moment crossing(Node node, const Level& level) const;

  std::uint64_t row_ns(Node node) const { return nodes_[node].ns; }
  std::uint64_t value(Node node) const { return nodes_[node].value; }
  // The row right after it, which is higher.
  std::uint64_t next_ns(Node node) const { return nodes_[node].next_ns; }
  std::uint64_t next_value(Node node) const { return nodes_[node].next_value; }
  // The nearest smaller sample to its left.
  Node parent(Node node) const { return nodes_[node].parent; }
  // The chain of the current sample.
  Node top() const { return top_; }
  // The lowest value on it, not above `value`, the current sample's.
  std::uint64_t lowest(std::uint64_t value) const {
    for (Node node = top_; node != kNone; node = nodes_[node].parent) value = nodes_[node].value;
    return value;
  }
  std::size_t memory_bytes() const {
    return nodes_.capacity() * sizeof(Entry) + free_.capacity() * sizeof(Node);
  }
  std::size_t live_nodes() const { return nodes_.size() - free_.size(); }

 private:
  struct Entry {
    std::uint64_t value;
    std::uint64_t ns;
    std::uint64_t next_value;  // the row right after: higher
    std::uint64_t next_ns;
    Node parent;               // the nearest smaller sample to the left
    std::uint32_t references;  // children, holders, and being the top; 0: free
  };

  void pop();
  void thin();

  std::vector<Entry> nodes_;
  std::vector<Node> free_;
  Node top_ = kNone;
  std::size_t max_nodes_;
  std::size_t thin_at_;
};

}  // namespace memspike::spike
