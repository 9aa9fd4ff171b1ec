#include "service.h"

#include <signal.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <sstream>

namespace memspike::test {

void check_known_kills(const Service& service, std::uint64_t expected) {
  static_cast<void>(within(std::chrono::seconds(4), [&] { return service.known_kills() == expected; }));
  INFO(service.ask({"kills"}));
  CHECK(service.known_kills() == expected);
}

std::size_t count_entries(const fs::path& directory, bool hidden) {
  std::size_t count = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    count += (entry.path().filename().string().front() == '.') == hidden ? 1 : 0;
  }
  return count;
}

std::string id_of(int life) {
  std::string digits = std::to_string(life);
  return std::string(64 - digits.size(), '0') + digits;
}

void kill_one_in(const Cgroup& container) {
  Process process({{workload_path(), "oom", "--max", "64M"}, &container, {}});
  REQUIRE(process.wait() == 128 + SIGKILL);
}

std::uint64_t die(const std::string& pod_path, const std::string& id, std::uint64_t limit_bytes) {
  Cgroup container(pod_path + "/" + id, limit_bytes);
  kill_one_in(container);
  const std::uint64_t kills = container.oom_kills();
  container.remove();
  return kills;
}

std::string scrape(const std::string& socket, const std::string& more) {
  const bool is_query = more.starts_with('?');
  Process curl({{"/usr/bin/python3", "-c", R"(
import http.client, socket, sys
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect(sys.argv[1])
c = Unix("memspike"); c.request("GET", sys.argv[2], headers={"Accept": sys.argv[3]})
r = c.getresponse(); print(r.status, r.getheader("Content-Type"), file=sys.stderr)
sys.stdout.write(r.read().decode())
)",
                 socket, more.starts_with('/') ? more : "/metrics" + (is_query ? more : ""),
                 is_query || more.starts_with('/') ? "" : more},
                nullptr,
                {}});
  INFO(curl.err());
  REQUIRE(curl.wait() == 0);
  return curl.out();
}

std::uint64_t sum_of(const std::string& metrics, const std::string& series) {
  std::uint64_t sum = 0;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(series, 0) == 0) sum += std::stoull(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

}  // namespace memspike::test
