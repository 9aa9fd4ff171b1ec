// Files of the data directory, written whole and with the reason where that fails.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace memspike::serve {

// "cannot WHAT: ERRNO": what is told of a disk names no file of ours, so that the same is told once.
tl::unexpected<Error> disk_failed(std::string_view what);

// A new file, or one in the place of another. Not synced.
Result<void> write_whole(const std::filesystem::path& path, std::string_view text);
// All of it, though the system takes it in pieces. errno says why not.
bool write_all(int fd, std::string_view text);
Result<void> sync_path(const std::filesystem::path& path, int flags);

}  // namespace memspike::serve
