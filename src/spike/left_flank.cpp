#include "spike/left_flank.h"

#include <algorithm>

namespace memspike::spike {

void LeftFlank::rise(std::uint64_t value, std::uint64_t last_ns, std::uint64_t next_value,
                     std::uint64_t next_ns) {
  if (live_nodes() >= thin_at_) thin();
  // The old top stops being the top and gains a child: its count stays.
  const Entry entry{value, last_ns, next_value, next_ns, top_, 1};
  if (free_.empty()) {
    top_ = static_cast<Node>(nodes_.size());
    nodes_.push_back(entry);
  } else {
    top_ = free_.back();
    free_.pop_back();
    nodes_[top_] = entry;
  }
}

void LeftFlank::pop() {
  Entry& entry = nodes_[top_];
  const Node parent = entry.parent;
  if (--entry.references == 0) {
    free_.push_back(top_);  // the parent loses a child and becomes the top
  } else if (parent != kNone) {
    ++nodes_[parent].references;
  }
  top_ = parent;
}

LeftFlank::Node LeftFlank::hold() {
  if (top_ != kNone) ++nodes_[top_].references;
  return top_;
}

void LeftFlank::let_go(Node node) {
  while (node != kNone && --nodes_[node].references == 0) {
    free_.push_back(node);
    node = nodes_[node].parent;
  }
}

LeftFlank::Node LeftFlank::nearest_at_or_below(Node node, std::uint64_t floor_bytes) const {
  while (node != kNone && nodes_[node].value > floor_bytes) node = nodes_[node].parent;
  return node;
}

Moment LeftFlank::crossing(Node node, const Level& level) const {
  const Entry& entry = nodes_[node];
  return {entry.ns,
          share_of_way(level, entry.value, entry.next_value) * static_cast<double>(entry.next_ns - entry.ns)};
}

// Drops every other node of the unbranched stretches. Only a node without other
// children may take over its child's rise: another branch would see a wrong next row.
void LeftFlank::thin() {
  std::vector<bool> keep(nodes_.size(), false);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Entry& child = nodes_[i];
    if (child.references == 0 || child.parent == kNone || keep[child.parent]) continue;
    const Node dropped = child.parent;
    const Node lower = nodes_[dropped].parent;
    if (nodes_[dropped].references != 1 || lower == kNone || nodes_[lower].references != 1) continue;
    nodes_[lower].next_value = nodes_[dropped].next_value;
    nodes_[lower].next_ns = nodes_[dropped].next_ns;
    child.parent = lower;
    keep[i] = keep[lower] = true;
    nodes_[dropped].references = 0;
    free_.push_back(dropped);
  }
  // What could not be thinned is bounded by the number of held peaks; do not try at every rise.
  thin_at_ = std::max(max_nodes_, live_nodes() + live_nodes() / 2);
}

}  // namespace memspike::spike
