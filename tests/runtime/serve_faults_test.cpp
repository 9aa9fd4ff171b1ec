// What goes wrong around a service is one clear line, and the rest goes on.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "service.h"

using namespace memspike::test;

namespace {

// As systemd listens.
class Notified {
 public:
  Notified() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path().c_str(), sizeof(address.sun_path) - 1);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~Notified() { close(fd_); }
  Notified(const Notified&) = delete;
  Notified& operator=(const Notified&) = delete;

  std::string path() const { return (dir_ / "notify").string(); }
  bool has_heard(const std::string& text) {
    return within(std::chrono::seconds(20), [&] {
      std::array<char, 256> bytes{};
      for (ssize_t size = 0; (size = recv(fd_, bytes.data(), bytes.size(), 0)) > 0;)
        heard_.append(bytes.data(), static_cast<std::size_t>(size)).append("\n");
      return heard_.find(text) != std::string::npos;
    });
  }
  const std::string& heard() const { return heard_; }

 private:
  TempDir dir_;
  int fd_;
  std::string heard_;
};

// A port that somebody else has.
class TakenPort {
 public:
  TakenPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(listen(fd_, 1) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~TakenPort() { close(fd_); }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;
  const std::string& address() const { return address_; }

 private:
  int fd_;
  std::string address_;
};

// A file system that is soon full.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path path) : path_(std::move(path)) {
    fs::create_directories(path_);
    REQUIRE(mount("memspike-test", path_.c_str(), "tmpfs", 0, "size=2m") == 0);
  }
  ~SmallDisk() { umount2(path_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  void fill() const {
    std::ofstream file(path_ / "filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (file.write(page.data(), 4096).flush()) continue;
  }
  void free() const { fs::remove(path_ / "filler"); }
  void make_read_only() const {
    REQUIRE(mount("memspike-test", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=2m") == 0);
  }

 private:
  fs::path path_;
};

// What became of the last kill's dossier: its name, or why there is none.
Json newest_kill(const Service& service) {
  const Json kills = service.ask_json({"kills"}).at("kills");
  return kills.empty() ? Json() : kills.back();
}

// One more, once it is known and what became of its dossier.
Json next_kill(const Service& service, const Cgroup& container) {
  const Json before = newest_kill(service);
  kill_one_in(container);
  Json kill;
  static_cast<void>(within(std::chrono::seconds(20), [&] {
    kill = newest_kill(service);
    if (kill.is_null() || (!before.is_null() && kill.at("pid") == before.at("pid"))) return false;
    return kill.at("dossier") != "" || kill.at("no_dossier") != "";
  }));
  return kill;
}

bool holds(const Json& kill, const std::string& text) {
  INFO(kill.dump());
  return kill.at("no_dossier").get<std::string>().find(text) != std::string::npos;
}

std::size_t lines_with(const std::string& text, const std::string& part) {
  std::istringstream lines(text);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find(part) != std::string::npos ? 1 : 0;
  return count;
}

// A container of a pod, whom the node calls "app" of "checkout-0".
struct Victim {
  explicit Victim(const Node& node) : uid(unique_uid()), pod("/kubepods/burstable/pod" + uid) {
    node.name_container(uid, "checkout-0", "app", id_of(1));
  }
  std::string uid;
  Cgroup pod;
  Cgroup container{pod.path() + "/" + id_of(1), 8U << 20};
};

}  // namespace

TEST_CASE("what stands in the service's way is one clear line", "[serve][host]") {
  const Node node;
  const TakenPort port;
  Notified systemd;
  Service service(node, {"--metrics", port.address()}, {{"NOTIFY_SOCKET", systemd.path()}});
  CHECK(systemd.has_heard("READY=1"));
  CHECK(systemd.has_heard("WATCHDOG=1"));
  CHECK(lines_with(service.process().err(), port.address() + ": Address already in use; metrics are on the "
                                                             "socket only") == 1);
  CHECK(scrape(service.socket()).find("memspike_build_info") != std::string::npos);
  const TempDir dir;
  Process second(
      {{memspike_path(), "serve", "--data-dir", (dir / "data").string(), "--socket", service.socket()},
       nullptr,
       {}});
  CHECK(second.wait() == 1);
  CHECK(second.err().find("a service answers on " + service.socket() + " already") != std::string::npos);
  Process same_data({{memspike_path(), "serve", "--data-dir", service.data_dir().string(), "--socket",
                      (dir / "socket").string()},
                     nullptr,
                     {}});
  CHECK(same_data.wait() == 1);
  CHECK(same_data.err().find("another service keeps its dossiers in") != std::string::npos);
  CHECK_FALSE(fs::exists(dir / "socket"));
  CHECK((fs::status(service.socket()).permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  service.kill_hard();
  Process nobody({{memspike_path(), "why", "--socket", service.socket()}, nullptr, {}});
  CHECK(nobody.wait() == 1);
  CHECK(nobody.err().find("no service answers") != std::string::npos);
  service.start();  // over the socket that it left
  CHECK(service.ask({"status"}).find("watches") != std::string::npos);
  CHECK(systemd.heard().find("STOPPING=1") == std::string::npos);
  CHECK(service.stop() == 0);
  CHECK(systemd.has_heard("STOPPING=1"));
  CHECK_FALSE(fs::exists(service.socket()));
}

TEST_CASE("a disk that takes nothing costs what was to be written, which is counted", "[serve][host]") {
  const Node node;
  Service service(node);
  const Victim victim(node);
  SECTION("its directory is removed while it runs") {
    fs::remove_all(service.data_dir());
    CHECK(holds(next_kill(service, victim.container), "cannot make a dossier: No such file or directory"));
    CHECK(counter(service.ask_json({"status"}), "log_lines_not_kept") >= 1);
    CHECK(service.stop() == 0);
  }
  SECTION("it is full, then there is room again, then it is read-only") {
    REQUIRE(service.stop() == 0);
    const SmallDisk disk(service.data_dir());
    service.start();
    disk.fill();
    CHECK(holds(next_kill(service, victim.container), "No space left on device"));
    CHECK(holds(next_kill(service, victim.container), "No space left on device"));
    const Json status = service.ask_json({"status"});
    CHECK(counter(status, "dossiers_not_kept") >= 1);
    CHECK(counter(status, "kills") == 2);
    const std::string metrics = scrape(service.socket());
    CHECK(sum_of(metrics, "memspike_not_kept_total{what=\"dossier\"}") >= 1);
    CHECK(sum_of(metrics, "memspike_container_oom_kills_total") == 2);
    CHECK(service.ask({"status"}).find("No space left on device); not kept: ") != std::string::npos);
    // Each is told once, however often.
    CHECK(lines_with(service.process().err(), "cannot make a dossier: No space") <= 1);
    CHECK(lines_with(service.process().err(), "No space left on device") <= 4);
    disk.free();
    CHECK_FALSE(next_kill(service, victim.container).at("dossier") == "");
    CHECK(count_entries(service.dossiers(), true) == 0);
    CHECK(service.stop() == 0);
    disk.make_read_only();
    service.start();
    CHECK(lines_with(service.process().err(),
                     "Read-only file system; kills are counted, and no dossiers "
                     "are kept") == 1);
    CHECK(holds(next_kill(service, victim.container), "the data directory cannot be used"));
    CHECK(service.stop() == 0);
  }
}
