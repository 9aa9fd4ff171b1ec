// The dossiers on the disk: one directory for what is kept of a kill. Each is there whole, or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "serve/subject.h"

namespace memspike::serve {

// The files of each.
inline constexpr const char* kRecordingFile = "recording.pftrace";
inline constexpr const char* kTextFile = "report.txt";
inline constexpr const char* kJsonFile = "report.json";

// "20261130T034012.123Z-shop-checkout-7d9f-app": of names only what is safe in a file's name, and no more of
// it than fits.
std::string dossier_name(std::uint64_t realtime_ns, const SubjectId& subject);

struct DossierEntry {
  std::string name;
  std::uint64_t bytes = 0;
  // Whose it is: the name without its time. Those of a crash-looping pod are one group.
  std::string_view group() const;
};

// Which one goes first where there are too many, by index; `entries` by name, so by time. Of the group that
// has the most, the second: its first one, which shows how it began, stays, and so do the latest.
std::size_t choose_to_forget(const std::vector<DossierEntry>& entries);

// Not for more than one thread.
class Dossiers {
 public:
  struct Limits {
    std::size_t count = 200;
    std::uint64_t bytes = std::uint64_t{512} << 20;
  };

  Dossiers(std::filesystem::path directory, Limits limits)
      : directory_(std::move(directory)), limits_(limits) {}

  // Makes the directory where there is none, finds the dossiers of before, and removes what a crash left
  // unfinished.
  Result<void> open();

  // `fill(directory)` writes the files; then all of it is on the disk, and in its place. The name is made
  // unique. Forgets others to make room.
  using Fill = std::function<Result<void>(const std::filesystem::path& directory)>;
  Result<std::string> add(const std::string& name, const Fill& fill);

  const std::vector<DossierEntry>& entries() const { return entries_; }
  std::uint64_t bytes() const;
  std::uint64_t forgotten() const { return forgotten_; }
  std::filesystem::path path_of(const std::string& name) const { return directory_ / name; }

 private:
  void forget_surplus();

  std::filesystem::path directory_;
  Limits limits_;
  std::vector<DossierEntry> entries_;  // by name
  std::uint64_t forgotten_ = 0;
};

}  // namespace memspike::serve
