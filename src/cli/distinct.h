// One file given twice: the second writer would destroy what the first one wrote, or what is still read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"

namespace memspike::cli {

// A place that the command line names.
struct Place {
  std::string option;               // as people gave it: "--csv"
  std::optional<std::string> file;  // unset, or "-": fd
  int fd = 1;
};

// Files are the same by device and inode, whatever they are called; those not there yet by their directory
// and name. What swallows anything (/dev/null) may be given as often as one likes. ErrorKind::usage.
Result<void> check_distinct(const std::vector<Place>& written, const std::optional<Place>& read = {});

// Where `record` and `run` write to; text_fd: where a text report goes without a file.
std::vector<Place> places_of(const OutputOptions& output, int text_fd);

}  // namespace memspike::cli
