// The roots of what is captured, and what is found below them.
#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_set>

#include "capture/live/capture.h"
#include "cgroup/files.h"
#include "cgroup/host_files.h"
#include "cgroup/scan.h"
#include "cgroup/text.h"

namespace memspike::capture {
namespace {

// The inode numbers of a memcg's directory and of all above it, from the mount down.
Result<std::vector<std::uint64_t>> inode_chain(const cgroup::Hierarchy& hierarchy, const std::string& path) {
  std::vector<std::uint64_t> chain;
  std::string walked;
  const auto add = [&]() -> Result<void> {
    const auto inode = cgroup::cgroup_inode(cgroup::memcg_dir(hierarchy, walked.empty() ? "/" : walked));
    if (!inode) return fail(ErrorKind::not_found, fmt::format("cgroup {} is gone", path));
    chain.push_back(*inode);
    return {};
  };
  if (auto root = add(); !root) return tl::unexpected(root.error());
  for (const std::string_view part : cgroup::split(path, '/')) {
    walked += fmt::format("/{}", part);
    if (auto next = add(); !next) return tl::unexpected(next.error());
  }
  return chain;
}

using Inodes = std::unordered_set<std::uint64_t>;

Inodes living_inodes(const Memcgs& memcgs) {
  Inodes inodes;
  for (const auto& [index, memcg] : memcgs.known()) {
    if (!memcg.gone) inodes.insert(memcg.cgroup_id);
  }
  return inodes;
}

// Finding a root's memcg in the kernel takes a system call for each of its siblings; its directory is found
// by its name. One without the controller is no memcg.
bool has_other_memcg(const cgroup::Hierarchy& hierarchy, const std::string& root, const Inodes& known) {
  bool has_other = false;
  cgroup::walk_memcgs(hierarchy, root, [&](const std::string& memcg) {
    const auto directory = cgroup::memcg_dir(hierarchy, memcg);
    const auto inode = cgroup::cgroup_inode(directory);
    has_other = inode && !known.contains(*inode) && cgroup::path_exists(directory / "memory.current");
    return !has_other;
  });
  return has_other;
}

}  // namespace

std::string Capture::no_room() const {
  return fmt::format(
      "{} cgroups found no room among those that are tracked (--max-memcgs): their memory is counted in the "
      "cgroup "
      "above them, and not told apart",
      probe_.untracked());
}

Result<void> Capture::track(const std::string& path) {
  auto chain = inode_chain(scope_.hierarchy, path);
  if (!chain) return tl::unexpected(chain.error());
  std::string above = "/";
  interpreter_.name_cgroup(chain->front(), above);
  std::size_t depth = 0;
  for (const std::string_view part : cgroup::split(path, '/')) {
    above += fmt::format("{}{}", above == "/" ? "" : "/", part);
    interpreter_.name_cgroup((*chain)[++depth], above);
  }
  cgroup::walk_memcgs(scope_.hierarchy, path, [this](const std::string& memcg) {
    for (Source* source : sources_) source->before_tracking(memcg);
    return true;
  });
  if (auto tracked = probe_.track(*chain); !tracked) {
    Error error = tracked.error();
    error.message = fmt::format("cannot trace cgroup {}: {}", path, error.message);
    return tl::unexpected(std::move(error));
  }
  if (std::find(root_paths_.begin(), root_paths_.end(), path) == root_paths_.end())
    root_paths_.push_back(path);
  probe_.look_at_all();
  if (probe_.untracked() > 0) spdlog::warn("{}", no_room());
  return {};
}

// A memcg that got its controller while its cgroup was there already is seen at its first charge or page;
// where neither is watched, by looking for its directory. Of very many roots some at a time. (On cgroup v1 a
// memcg is made with its directory.)
void Capture::look_for_memcgs() {
  constexpr std::size_t kRootsPerLook = 16;
  if (probe_.detail() != probe::Detail::sweep || !scope_.hierarchy.memory_is_v2) return;
  const std::size_t most =
      looks_.is_sparing ? std::min(kRootsPerLook, root_paths_.size()) : root_paths_.size();
  const Inodes living = living_inodes(interpreter_.memcgs());
  for (std::size_t i = 0; i < most; ++i) {
    const std::string& path = root_paths_[next_root_++ % root_paths_.size()];
    if (!has_other_memcg(scope_.hierarchy, path, living)) continue;
    if (const auto chain = inode_chain(scope_.hierarchy, path)) (void)probe_.track(*chain);
  }
}

// Of many lives the latest are enough: one that is gone may still be asked for its name.
void Capture::forget_gone_roots() {
  constexpr std::size_t kEnough = 1024;
  if (root_paths_.size() <= kEnough) return;
  std::set<std::string_view> living;
  for (const auto& [index, memcg] : census_.all()) {
    if (!memcg.parent) living.insert(memcg.path);
  }
  std::size_t too_many = root_paths_.size() - kEnough;
  std::erase_if(root_paths_, [&](const std::string& path) {
    if (too_many == 0 || living.contains(path)) return false;
    --too_many;
    return true;
  });
  described_roots_ = root_paths_.size();
}

}  // namespace memspike::capture
