// Runtimes that fit their heap to a setting, or to the memory limit that they find: what they were told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memspike::process {

struct Runtime {
  std::string name;     // "JVM", "Node.js", "Go", ".NET"
  std::string setting;  // as it was given: "-Xmx80m", "GOMEMLIMIT=100MiB"; "": none
  // What the setting lets it take, of its heap or of all; unset: none, or a share of the limit.
  std::optional<std::uint64_t> told_bytes;
  bool follows_limit = false;  // under another limit it would take more or less

  friend bool operator==(const Runtime&, const Runtime&) = default;
};

// Arguments and environment as /proc has them: strings that end with a NUL each; untrusted bytes. The
// environment may be missing (it is for the process's owner to read). `maps_jvm`: the JVM's library is
// mapped, whatever the program is called. Nothing: no runtime that is known.
std::optional<Runtime> runtime_of(std::string_view cmdline, std::string_view environ, bool maps_jvm = false);

// Whether a process's mappings, as /proc/PID/maps has them, hold the JVM's library.
bool maps_jvm(std::string_view maps);

// Whether a thread is called as a JVM calls its own: worth a look at the mappings.
bool is_called_as_jvms(std::string_view comm);

}  // namespace memspike::process
