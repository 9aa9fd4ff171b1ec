#include "cgroup/listing.h"

#include <algorithm>
#include <chrono>
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

bool is_before_name(const DirectoryEntry& entry, const std::string& name) { return entry.name < name; }

}  // namespace

// A directory may change twice within one tick of the clock that its time is of: one that has just changed
// is read again. Of a clock that was set nothing is known.
bool Listing::is_settled() const {
  constexpr std::time_t kSettledS = 3;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec - seen_.st_mtim.tv_sec >= kSettledS || seen_.st_mtim.tv_sec - now.tv_sec >= kSettledS;
}

void Listing::read_whole(const std::filesystem::path& directory, std::size_t max_entries) {
  if (follows_) watch_.begin(directory);
  is_read_ = watch_ || is_settled();
  std::vector<DirectoryEntry> entries = list_directory(directory, max_entries);
  gone_ = without(entries_, entries);
  for (Leaving& leaving : leaving_) gone_.push_back(std::move(leaving.entry));
  added_ = without(entries, entries_);
  leaving_.clear();
  entries_ = std::move(entries);
}

void Listing::add(const std::filesystem::path& directory, const std::string& name, std::size_t max_entries) {
  std::erase_if(leaving_, [&](const Leaving& leaving) { return leaving.entry.name == name; });
  DirectoryEntry entry{name};
  struct stat status {};
  if (lstat((directory / name).c_str(), &status) == 0) {
    entry.is_directory = S_ISDIR(status.st_mode);
    entry.is_symlink = S_ISLNK(status.st_mode);
  }
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), name, is_before_name);
  if (place != entries_.end() && place->name == name) {
    *place = entry;
  } else if (entries_.size() < max_entries) {
    entries_.insert(place, entry);
  } else {
    return;
  }
  added_.push_back(std::move(entry));
}

bool Listing::is_one_gone() const {
  const auto now = std::chrono::steady_clock::now();
  return !leaving_.empty() && (leaving_.size() > kMostLeaving || leaving_.front().gone_at <= now);
}

// Not at once: who asks for it, for what it was of has just ended, finds it still.
void Listing::remove(const std::string& name) {
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), name, is_before_name);
  if (place == entries_.end() || place->name != name) return;
  leaving_.push_back({std::move(*place), std::chrono::steady_clock::now() + stay_});
  entries_.erase(place);
}

void Listing::apply(const std::vector<DirectoryWatch::Change>& changes,
                    const std::filesystem::path& directory, std::size_t max_entries) {
  gone_.clear();
  for (; is_one_gone(); leaving_.pop_front()) gone_.push_back(std::move(leaving_.front().entry));
  added_.clear();
  for (const DirectoryWatch::Change& change : changes) {
    if (change.is_there) {
      add(directory, change.name, max_entries);
    } else {
      remove(change.name);
    }
  }
}

bool Listing::look(const std::filesystem::path& directory, std::size_t max_entries) {
  struct stat now {};
  if (stat(directory.c_str(), &now) != 0) now = {};
  const bool is_as_seen = is_read_ && is_same(now, seen_);
  const bool is_watched = watch_ && now.st_dev == seen_.st_dev && now.st_ino == seen_.st_ino;
  const auto changes = is_watched ? watch_.take() : std::nullopt;
  const bool is_new = changes && (!changes->empty() || is_one_gone());
  // Of a file system that changes without telling, its time tells.
  if (!is_new && is_as_seen && (changes || !is_watched)) return false;
  seen_ = now;
  if (is_new) {
    apply(*changes, directory, max_entries);
  } else {
    read_whole(directory, max_entries);
  }
  return true;
}

}  // namespace memspike::cgroup
