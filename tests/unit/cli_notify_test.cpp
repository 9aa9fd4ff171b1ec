// What a service manager hears: one datagram a state, and nothing that could hold memspike up.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <filesystem>

#include "base/unique_fd.h"
#include "cli/notify.h"

using namespace memspike;
using cli::notify_manager;

namespace {

// Listens as systemd does; a leading @ is a name in no file system.
class Manager {
 public:
  explicit Manager(std::string name) : name_(std::move(name)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (name_[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
    setenv("NOTIFY_SOCKET", name_.c_str(), 1);
  }
  ~Manager() {
    unsetenv("NOTIFY_SOCKET");
    if (name_[0] == '/') std::filesystem::remove(name_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  std::string hear() const {
    std::array<char, 64> text{};
    const ssize_t length = recv(socket_.get(), text.data(), text.size(), MSG_DONTWAIT);
    return length < 0 ? "nothing" : std::string(text.data(), static_cast<std::size_t>(length));
  }

 private:
  std::string name_;
  UniqueFd socket_{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

std::string own_name(const std::string& before) {
  return fmt::format("{}memspike-notify-{}", before, getpid());
}

}  // namespace

TEST_CASE("a service manager hears each state as one datagram") {
  for (const std::string& name : {own_name("/tmp/"), own_name("@")}) {
    INFO(name);
    const Manager manager(name);
    notify_manager("READY=1");
    notify_manager("WATCHDOG=1");
    CHECK(manager.hear() == "READY=1");
    CHECK(manager.hear() == "WATCHDOG=1");
    CHECK(manager.hear() == "nothing");
  }
}

TEST_CASE("a service manager that is not there, or does not read, holds nobody up") {
  notify_manager("READY=1");
  for (const std::string& name :
       {std::string(), std::string("@"), std::string("relative"), std::string("vsock:2:1234"),
        std::string("/does/not/exist"), std::string(200, '/')}) {
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    notify_manager("READY=1");
  }
  const Manager manager(own_name("@"));
  for (int i = 0; i < 2000; ++i) notify_manager("WATCHDOG=1");  // more than its queue takes
  CHECK(manager.hear() == "WATCHDOG=1");
}
