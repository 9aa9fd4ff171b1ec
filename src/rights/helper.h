// A process beside memspike that does what memspike itself must neither wait for nor die of: it looks at what
// belongs to strangers. It may hang, run out of memory or be taken over, and costs what it was to tell.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace memspike::rights {

inline constexpr std::size_t kMaxMessageBytes = 32 * 1024;

struct Confinement {
  const char* name = "memspike";  // as ps shows it
  std::uint64_t memory_bytes = 0;
  std::vector<int> capabilities;  // that it keeps
};

// The helper's side of the connection.
class HelperSide {
 public:
  // What needs a right that it is not to keep is done before.
  void confine() const;

  // The next message; waits for it, but no longer than timeout_ms (-1: for ever). "": none came in time.
  // nullopt: memspike is gone.
  // Also ends when there is something to be read from the file `beside`.
  std::optional<std::string_view> receive(int timeout_ms, int beside = -1);
  // The file that came with the last message, if one did.
  UniqueFd take_file() { return std::move(file_); }
  // Any thread may. False: memspike is gone, or it is too long.
  static bool send(std::string_view message);

 private:
  friend class Helper;
  explicit HelperSide(const Confinement& confinement);

  const Confinement& confinement_;
  std::string buffer_;
  UniqueFd file_;
};

class Helper {
 public:
  // Forks it: before there is anything that it must not have. It ends when serve() returns. Where it cannot
  // be forked, it is as if it had died.
  Helper(const Confinement& confinement, const std::function<void(HelperSide& side)>& serve);
  ~Helper();
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  // Never waits. False: there is no room for the message now, or never will be.
  bool send(std::string_view message);
  // The same, with a file that it may use from then on.
  bool send(std::string_view message, int file);
  // Never waits. nullopt: there is none.
  std::optional<std::string_view> receive();
  // False: it died, and has said all.
  bool is_connected() const { return socket_.get() >= 0 && !is_dead_; }
  int fd() const { return socket_.get(); }
  pid_t pid() const { return pid_; }

 private:
  UniqueFd socket_;
  pid_t pid_ = -1;
  bool is_dead_ = false;
  std::string buffer_;
};

}  // namespace memspike::rights
