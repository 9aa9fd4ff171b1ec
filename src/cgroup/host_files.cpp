#include "cgroup/host_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>

#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

constexpr int kMaxLinks = 40;            // as the kernel's MAXSYMLINKS
constexpr std::size_t kMaxSteps = 4096;  // components walked, links included

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};

std::optional<std::string> read_link(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t length = readlink(path.c_str(), buffer.data(), buffer.size());
  if (length < 0 || static_cast<std::size_t>(length) == buffer.size()) return std::nullopt;
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

// Puts a path's components on a stack of names still to walk, first one on top.
void push_components(std::string_view path, std::vector<std::string>& todo) {
  const auto parts = split(path, '/');
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) todo.emplace_back(*part);
}

std::string join_below(const std::filesystem::path& root, const std::vector<std::string>& names) {
  std::filesystem::path result = root;
  for (const std::string& name : names) result /= name;
  return result.string();
}

}  // namespace

SmallFile::SmallFile(const std::filesystem::path& path)
    : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
  struct stat status {};
  if (!fd_ || fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode)) fd_.reset();
}

namespace {

bool is_last(std::size_t got, std::size_t asked, Pieces pieces) {
  constexpr std::size_t kPageBytes = 4096;  // at least
  constexpr std::size_t kShortBytes = 64;
  return pieces == Pieces::one ? got < asked
                               : pieces == Pieces::short_lines && got + kShortBytes < kPageBytes;
}

}  // namespace

std::optional<std::string> SmallFile::read(std::size_t max_bytes, Pieces pieces) const {
  if (!fd_) return std::nullopt;
  // kernfs and procfs report size 0, so the size is learnt by reading.
  std::string content;
  std::array<char, 16384> buffer;  // to clear it takes as long as to read a number
  for (;;) {
    const ssize_t got = pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(content.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
    if (content.size() > max_bytes) return std::nullopt;
    if (is_last(static_cast<std::size_t>(got), buffer.size(), pieces)) return content;
  }
}

std::optional<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes,
                                           Pieces pieces) {
  return SmallFile(path).read(max_bytes, pieces);
}

bool path_exists(const std::filesystem::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0;
}

bool directory_exists(const std::filesystem::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<DirectoryEntry> list_directory(const std::filesystem::path& path, std::size_t max_entries) {
  std::vector<DirectoryEntry> entries;
  const std::unique_ptr<DIR, DirCloser> dir(opendir(path.c_str()));
  if (!dir) return entries;
  while (entries.size() < max_entries) {
    const dirent* item = readdir(dir.get());
    if (item == nullptr) break;
    const std::string_view name = item->d_name;
    if (name == "." || name == "..") continue;
    DirectoryEntry entry{std::string(name), item->d_type == DT_DIR, item->d_type == DT_LNK};
    struct stat status {};
    if (item->d_type == DT_UNKNOWN &&
        fstatat(dirfd(dir.get()), item->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
      entry.is_directory = S_ISDIR(status.st_mode);
      entry.is_symlink = S_ISLNK(status.st_mode);
    }
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

std::optional<std::filesystem::path> resolve_in_root(const std::filesystem::path& host_root,
                                                     std::string_view absolute) {
  std::vector<std::string> todo;
  std::vector<std::string> done;
  push_components(absolute, todo);
  int links = 0;
  for (std::size_t steps = 0; !todo.empty(); ++steps) {
    if (steps == kMaxSteps) return std::nullopt;
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (name == ".") continue;
    if (name == "..") {
      if (!done.empty()) done.pop_back();
      continue;
    }
    done.push_back(name);
    const std::string here = join_below(host_root, done);
    struct stat status {};
    if (lstat(here.c_str(), &status) != 0) return std::nullopt;
    if (!S_ISLNK(status.st_mode)) continue;
    const auto target = read_link(here);
    if (!target || ++links > kMaxLinks) return std::nullopt;
    done.pop_back();
    if (!target->empty() && target->front() == '/') done.clear();
    push_components(*target, todo);
  }
  return join_below(host_root, done);
}

}  // namespace memspike::cgroup
