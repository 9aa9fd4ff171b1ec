#include "probe/walk.h"

#include <fmt/core.h>

#include <array>
#include <cstring>
#include <deque>
#include <optional>

#include "memspike/abi.h"

namespace memspike::probe {
namespace {

struct Node {
  std::uint64_t css = 0;
  std::uint64_t serial_nr = 0;
  std::uint64_t cgroup_id = 0;
  std::uint64_t first_child = 0;
  std::uint64_t next_sibling = 0;
  std::uint32_t slot = 0;
};

// One step of the walk: the program runs once, in this task's context, and leaves its
// answer in a global. Every css is verified by its serial number or read at once after
// it was found; a css freed in between reads as another memcg or none, never as a fault.
class Walker {
 public:
  explicit Walker(memspike_bpf& skeleton)
      : skeleton_(skeleton), fd_(bpf_program__fd(skeleton.progs.walk_memcgs)) {}

  std::optional<Node> run(memspike_walk operation, std::uint64_t css, std::uint64_t serial_nr,
                          std::uint32_t parent_slot = MEMSPIKE_NO_SLOT) {
    std::array<std::uint64_t, 4> arguments{static_cast<std::uint64_t>(operation), css, serial_nr,
                                           parent_slot};
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.ctx_in = arguments.data();
    options.ctx_size_in = sizeof(arguments);
    if (bpf_prog_test_run_opts(fd_, &options) != 0 || options.retval != 0) return std::nullopt;
    const auto& walked = skeleton_.bss->walked;
    return Node{walked.css,         walked.serial_nr,    walked.cgroup_id,
                walked.first_child, walked.next_sibling, walked.slot};
  }

  std::optional<Node> find_child(const Node& parent, std::uint64_t cgroup_id) {
    for (std::uint64_t css = parent.first_child; css != 0;) {
      const auto child = run(MEMSPIKE_WALK_READ, css, 0);
      if (!child) return std::nullopt;
      if (child->cgroup_id == cgroup_id) return child;
      css = child->next_sibling;
    }
    return std::nullopt;
  }

  // The nearest to the root first: whoever makes more cgroups than there is room for has them below their
  // own. Returns how many found none.
  std::uint64_t track(const Node& root) {
    constexpr std::size_t kMostWalked = 1U << 17;  // twice what the table can hold
    std::uint64_t untracked = 0;
    std::size_t walked = 0;
    std::deque<Place> places{{root.css, root.serial_nr, MEMSPIKE_NO_SLOT}};
    for (; !places.empty() && walked < kMostWalked; ++walked) {
      const Place place = places.front();
      places.pop_front();
      const std::uint32_t slot = slot_for(place);
      if (slot == MEMSPIKE_NO_SLOT) continue;
      if (slot == MEMSPIKE_SLOT_TABLE_FULL) ++untracked;
      add_children(place, slot, places);
    }
    return untracked + places.size();
  }

 private:
  // Where a memcg stands in the walk: below which slot, MEMSPIKE_SLOT_TABLE_FULL where that has none.
  struct Place {
    std::uint64_t css = 0;
    std::uint64_t serial_nr = 0;
    std::uint32_t parent_slot = MEMSPIKE_NO_SLOT;
  };

  // MEMSPIKE_NO_SLOT: removed meanwhile, or about to be: nothing to track.
  std::uint32_t slot_for(const Place& place) {
    if (place.parent_slot == MEMSPIKE_SLOT_TABLE_FULL) return MEMSPIKE_SLOT_TABLE_FULL;
    const auto tracked = run(MEMSPIKE_WALK_TRACK, place.css, place.serial_nr, place.parent_slot);
    return tracked ? tracked->slot : MEMSPIKE_NO_SLOT;
  }

  void add_children(const Place& place, std::uint32_t slot, std::deque<Place>& places) {
    const auto parent = run(MEMSPIKE_WALK_READ, place.css, place.serial_nr);
    for (std::uint64_t css = parent ? parent->first_child : 0; css != 0;) {
      const auto child = run(MEMSPIKE_WALK_READ, css, 0);
      if (!child) return;
      places.push_back({child->css, child->serial_nr, slot});
      css = child->next_sibling;
    }
  }

  memspike_bpf& skeleton_;
  int fd_;
};

}  // namespace

Result<std::uint64_t> track_subtree(memspike_bpf& skeleton, std::span<const std::uint64_t> cgroup_ids) {
  Walker walker(skeleton);
  auto node = walker.run(MEMSPIKE_WALK_ROOT, 0, 0);
  if (!node) return fail(ErrorKind::failed, "cannot read the kernel's tree of memory cgroups");
  if (cgroup_ids.empty() || node->cgroup_id != cgroup_ids.front()) {
    return fail(ErrorKind::not_found, "the memory cgroup mount is not the root of its hierarchy",
                "give --cgroup-root the host's mount");
  }
  for (const std::uint64_t id : cgroup_ids.subspan(1)) {
    node = walker.find_child(*node, id);
    if (!node) return fail(ErrorKind::not_found, "the memory controller does not know this cgroup");
  }
  return walker.track(*node);
}

std::uint64_t memory_subsys(memspike_bpf& skeleton) {
  return Walker(skeleton).run(MEMSPIKE_WALK_ROOT, 0, 0) ? skeleton.bss->walked.subsys : 0;
}

}  // namespace memspike::probe
