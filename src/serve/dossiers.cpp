#include "serve/dossiers.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <map>

#include "serve/files.h"

namespace memspike::serve {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = ".unfinished-";
constexpr std::size_t kLongestPart = 63;
constexpr std::size_t kTimeLength = sizeof("20261130T034012.123Z") - 1;

std::string safe_part(std::string_view text) {
  std::string part;
  for (const char c : text.substr(0, kLongestPart)) {
    const bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         c == '-' || c == '_' || (c == '.' && !part.empty() && part.back() != '.');
    part += is_safe ? c : '_';
  }
  return part;
}

std::string utc_of(std::uint64_t realtime_ns) {
  const auto seconds = static_cast<std::time_t>(realtime_ns / 1'000'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, realtime_ns / 1'000'000 % 1000);
}

std::uint64_t size_of(const fs::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(directory, ignored)) {
    struct stat status {};
    if (lstat(file.path().c_str(), &status) == 0) bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  return bytes;
}

bool is_dossier(const std::string& name) {
  return name.size() > kTimeLength && name[8] == 'T' && name[kTimeLength - 1] == 'Z' &&
         name[kTimeLength] == '-';
}

}  // namespace

std::string dossier_name(std::uint64_t realtime_ns, const SubjectId& subject) {
  std::string name = utc_of(realtime_ns);
  for (const std::string* part : {&subject.namespace_name, &subject.pod, &subject.container}) {
    if (!part->empty()) name += "-" + safe_part(*part);
  }
  return name;
}

std::string_view DossierEntry::group() const {
  std::string_view group = name;
  group.remove_prefix(std::min(group.size(), kTimeLength));
  return group.substr(0, group.find('~'));
}

std::size_t choose_to_forget(const std::vector<DossierEntry>& entries) {
  std::map<std::string_view, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < entries.size(); ++i) groups[entries[i].group()].push_back(i);
  const std::vector<std::size_t>* most = nullptr;
  for (const auto& [group, members] : groups) {
    const bool is_more = most == nullptr || members.size() > most->size() ||
                         (members.size() == most->size() && members.front() < most->front());
    if (is_more) most = &members;
  }
  if (most == nullptr) return 0;
  // Of two the older one: the latest kill is what is asked for.
  return most->size() > 2 ? (*most)[1] : most->front();
}

Result<void> Dossiers::open() {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) {
    return fail(ErrorKind::failed, fmt::format("cannot make {}: {}", directory_.string(), error.message()));
  }
  chmod(directory_.c_str(), 0700);
  entries_.clear();
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kUnfinished)) {
      std::error_code ignored;
      fs::remove_all(entry.path(), ignored);
    } else if (is_dossier(name)) {
      entries_.push_back({name, size_of(entry.path())});
    }
  }
  if (error)
    return fail(ErrorKind::failed, fmt::format("cannot read {}: {}", directory_.string(), error.message()));
  std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const fs::path trial = directory_ / fmt::format("{}trial", kUnfinished);
  if (mkdir(trial.c_str(), 0700) != 0 || rmdir(trial.c_str()) != 0)
    return disk_failed("write to " + directory_.string());
  return {};
}

std::uint64_t Dossiers::bytes() const {
  std::uint64_t bytes = 0;
  for (const DossierEntry& entry : entries_) bytes += entry.bytes;
  return bytes;
}

Result<std::string> Dossiers::add(const std::string& wanted, const Fill& fill) {
  std::string name = wanted;
  struct stat status {};
  for (int i = 2; lstat(path_of(name).c_str(), &status) == 0; ++i) name = fmt::format("{}~{}", wanted, i);
  const fs::path unfinished = directory_ / (kUnfinished + name);
  std::error_code ignored;
  fs::remove_all(unfinished, ignored);
  mkdir(directory_.c_str(), 0700);  // it is there, but for somebody who removed it
  if (mkdir(unfinished.c_str(), 0700) != 0) return disk_failed("make a dossier");
  const auto put_in_place = [&]() -> Result<void> {
    if (auto filled = fill(unfinished); !filled) return filled;
    for (const char* file : {kRecordingFile, kTextFile, kJsonFile}) {
      if (auto synced = sync_path(unfinished / file, O_RDONLY); !synced) return synced;
    }
    if (auto synced = sync_path(unfinished, O_RDONLY | O_DIRECTORY); !synced) return synced;
    if (rename(unfinished.c_str(), path_of(name).c_str()) != 0) return disk_failed("put a dossier in place");
    return sync_path(directory_, O_RDONLY | O_DIRECTORY);
  };
  if (auto done = put_in_place(); !done) {
    fs::remove_all(unfinished, ignored);
    return tl::unexpected(done.error());
  }
  entries_.push_back({name, size_of(path_of(name))});
  std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  forget_surplus();
  return name;
}

// What goes is no dossier any more before the first of its files is.
void Dossiers::forget_surplus() {
  while (entries_.size() > 1 && (entries_.size() > limits_.count || bytes() > limits_.bytes)) {
    const auto going = entries_.begin() + static_cast<std::ptrdiff_t>(choose_to_forget(entries_));
    const fs::path away = directory_ / (kUnfinished + going->name);
    std::error_code ignored;
    if (rename(path_of(going->name).c_str(), away.c_str()) == 0) fs::remove_all(away, ignored);
    entries_.erase(going);
    ++forgotten_;
  }
}

}  // namespace memspike::serve
