// Files as a process in a container sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace memspike::symbols {

// A regular file below the directory `root`, for reading. Links lead nowhere else, and nobody who holds a
// lease on the file keeps us waiting. Invalid: it is not there, is of more than 2 GiB, or claims to be much
// larger than what it takes on its disk. errno says why.
UniqueFd open_in_root(int root, std::string_view path);

// The same without a root: a path of this process's own view. Regular files only.
UniqueFd open_regular(const std::string& path);

// The content of an open file, at most `max_bytes` of it.
std::string read_all(int fd, std::size_t max_bytes);

// The CRC-32 that .gnu_debuglink holds, of the file as long as it is now; nullopt: it changes meanwhile.
std::optional<std::uint32_t> crc_of(int fd);

}  // namespace memspike::symbols
