#include "cli/distinct.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

#include "cgroup/text.h"

namespace memspike::cli {
namespace {

namespace fs = std::filesystem;

struct Identity {
  bool swallows = false;  // /dev/null, /dev/full: nothing can be lost there
  bool is_file = false;   // what is written stays there, to be read
  dev_t device = 0;
  ino_t inode = 0;
  std::string missing;  // the name in that directory of a file that is not there yet

  bool is(const Identity& other) const {
    return device == other.device && inode == other.inode && missing == other.missing;
  }
};

Identity identity_of(const struct stat& status) {
  constexpr unsigned kMemoryDevices = 1;
  Identity identity;
  identity.swallows = S_ISCHR(status.st_mode) && major(status.st_rdev) == kMemoryDevices;
  identity.is_file = S_ISREG(status.st_mode);
  identity.device = status.st_dev;
  identity.inode = status.st_ino;
  return identity;
}

// The file that would be made under this name, which may be a link to nowhere.
fs::path end_of_links(fs::path path) {
  constexpr int kMostLinks = 40;  // as many as the kernel follows
  std::error_code error;
  for (int i = 0; i < kMostLinks && fs::is_symlink(fs::symlink_status(path, error)); ++i) {
    const fs::path target = fs::read_symlink(path, error);
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  return path;
}

std::optional<Identity> identify(const Place& place) {
  struct stat status {};
  if (!place.file || *place.file == "-") {
    if (fstat(place.fd, &status) != 0) return std::nullopt;
    return identity_of(status);
  }
  if (stat(place.file->c_str(), &status) == 0) return identity_of(status);
  const fs::path path = end_of_links(*place.file);
  const fs::path directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (stat(directory.c_str(), &status) != 0) return std::nullopt;  // opening it will say why
  Identity identity = identity_of(status);
  identity.is_file = true;
  identity.missing = path.filename().string();
  return identity;
}

std::string name_of(const Place& place) {
  if (place.file && *place.file != "-") return cgroup::printable(*place.file, 512);
  return place.fd == STDERR_FILENO ? "stderr" : place.fd == STDIN_FILENO ? "stdin" : "stdout";
}

}  // namespace

Result<void> check_distinct(const std::vector<Place>& written, const std::optional<Place>& read) {
  std::vector<std::optional<Identity>> known;
  for (const Place& place : written) {
    const auto identity = identify(place);
    if (read && identity) {
      const auto source = identify(*read);
      if (source && source->is(*identity) && source->is_file) {
        return fail(
            ErrorKind::usage,
            fmt::format("{} is the recording that is read: writing there would destroy it", name_of(place)),
            "give another file");
      }
    }
    for (std::size_t i = 0; identity && !identity->swallows && i < known.size(); ++i) {
      if (!known[i] || !known[i]->is(*identity)) continue;
      return fail(ErrorKind::usage,
                  fmt::format("{} and {} are the same: {} would hold neither of them", written[i].option,
                              place.option, name_of(place)),
                  "give each a file of its own");
    }
    known.push_back(identity);
  }
  return {};
}

std::vector<Place> places_of(const OutputOptions& output, int text_fd) {
  const bool is_text = output.format == Format::text;
  std::vector<Place> places;
  places.push_back({output.file ? "--output" : "the result", output.file, is_text ? text_fd : STDOUT_FILENO});
  if (output.csv_file) places.push_back({"--csv", output.csv_file, STDOUT_FILENO});
  if (output.record_file) places.push_back({"--record", output.record_file, STDOUT_FILENO});
  return places;
}

}  // namespace memspike::cli
