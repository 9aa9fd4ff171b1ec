#include "cgroup/listing.h"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <tuple>
#include <utility>

namespace memspike::cgroup {
namespace {

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// A name that became another kind of entry is another entry.
std::vector<DirectoryEntry> without(const std::vector<DirectoryEntry>& all,
                                    const std::vector<DirectoryEntry>& others) {
  const auto is_before = [](const DirectoryEntry& a, const DirectoryEntry& b) {
    return std::tie(a.name, a.is_directory, a.is_symlink) < std::tie(b.name, b.is_directory, b.is_symlink);
  };
  std::vector<DirectoryEntry> rest;
  std::set_difference(all.begin(), all.end(), others.begin(), others.end(), std::back_inserter(rest),
                      is_before);
  return rest;
}

}  // namespace

// A directory may change twice within one tick of the clock that its time is of: one that has just changed
// is read again. Of a clock that was set nothing is known.
bool Listing::is_settled() const {
  constexpr std::time_t kSettledS = 3;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec - seen_.st_mtim.tv_sec >= kSettledS || seen_.st_mtim.tv_sec - now.tv_sec >= kSettledS;
}

bool Listing::look(const std::filesystem::path& directory, std::size_t max_entries) {
  struct stat now {};
  if (stat(directory.c_str(), &now) != 0) now = {};
  if (is_read_ && is_same(now, seen_)) return false;
  seen_ = now;
  is_read_ = is_settled();
  std::vector<DirectoryEntry> entries = list_directory(directory, max_entries);
  gone_ = without(entries_, entries);
  added_ = without(entries, entries_);
  entries_ = std::move(entries);
  return true;
}

}  // namespace memspike::cgroup
