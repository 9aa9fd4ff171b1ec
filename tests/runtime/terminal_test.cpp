// The status line at a terminal: it follows the window, and leaves nothing behind.
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"

using namespace memspike::test;
using namespace std::chrono_literals;

namespace {

// A job in the foreground of a terminal, as a shell with job control starts it. The shell's part says
// "STOPPED" when the job stops, and has it go on.
class Terminal {
 public:
  Terminal(std::vector<std::string> arguments, unsigned short columns) {
    winsize size{24, columns, 0, 0};
    pid_ = forkpty(&fd_, nullptr, nullptr, &size);
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) be_shell(arguments);
    fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~Terminal() {
    close(fd_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  void type(const std::string& keys) const { REQUIRE(write(fd_, keys.data(), keys.size()) > 0); }
  void resize(unsigned short columns) const {
    winsize size{24, columns, 0, 0};
    REQUIRE(ioctl(fd_, TIOCSWINSZ, &size) == 0);
  }

  // What was written since the last time, until it holds the text.
  std::string read_until(const std::string& text, std::chrono::milliseconds within = 20s) {
    std::string out;
    const auto end = std::chrono::steady_clock::now() + within;
    while (out.find(text) == std::string::npos && std::chrono::steady_clock::now() < end) {
      char bytes[4096];
      const ssize_t size = read(fd_, bytes, sizeof bytes);
      if (size > 0) out.append(bytes, static_cast<std::size_t>(size));
      if (size <= 0) std::this_thread::sleep_for(10ms);
    }
    INFO(out);
    CHECK(out.find(text) != std::string::npos);
    return out;
  }

 private:
  [[noreturn]] static void be_shell(const std::vector<std::string>& arguments) {
    signal(SIGTTOU, SIG_IGN);
    const pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      tcsetpgrp(STDIN_FILENO, getpid());
      signal(SIGTTOU, SIG_DFL);
      std::vector<char*> words;
      for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
      words.push_back(nullptr);
      setenv("TERM", "xterm", 1);
      execv(words[0], words.data());
      _exit(127);
    }
    int status = 0;
    while (waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
      [[maybe_unused]] const ssize_t told = write(STDOUT_FILENO, "STOPPED", 7);
      usleep(300'000);
      kill(-job, SIGCONT);
    }
    const std::string code = "ENDED " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    [[maybe_unused]] const ssize_t told = write(STDOUT_FILENO, code.data(), code.size());
    usleep(500'000);
    _exit(0);
  }

  pid_t pid_ = -1;
  int fd_ = -1;
};

std::size_t painted_width(const std::string& line) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {
      while (i < line.size() && !isalpha(static_cast<unsigned char>(line[i]))) ++i;
    } else {
      width += (static_cast<unsigned char>(line[i]) & 0xC0) != 0x80 ? 1 : 0;
    }
  }
  return width;
}

}  // namespace

TEST_CASE("the status line follows the window, stops clean on Ctrl-Z, and ends clean", "[cli][terminal]") {
  const Cgroup cgroup("/" + unique_name("terminal"), 64U << 20);
  Terminal terminal({memspike_path(), "record", "--cgroup", cgroup.path()}, 100);
  terminal.read_until("samples/s");

  terminal.type("\x1a");
  const std::string stopped = terminal.read_until("STOPPED");
  const std::size_t end = stopped.rfind("STOPPED");
  INFO(stopped);
  CHECK(stopped.substr(0, end).ends_with("\r\x1b[K"));
  terminal.read_until("samples/s");  // painted again

  terminal.resize(40);
  std::this_thread::sleep_for(400ms);
  terminal.read_until("now ");
  std::string painted = terminal.read_until("now ") + terminal.read_until("now ");
  std::size_t lines = 0;
  for (std::size_t at = painted.find('\r'); at != std::string::npos;) {
    const std::size_t next = painted.find('\r', at + 1);
    if (next == std::string::npos) break;
    CHECK(painted_width(painted.substr(at + 1, next - at - 1)) <= 40);
    ++lines;
    at = next;
  }
  CHECK(lines >= 1);

  terminal.type("\x03");
  const std::string ended = terminal.read_until("ENDED");
  INFO(ended);
  const std::size_t report = ended.find("\x1b[1mmemspike  ");
  REQUIRE(report != std::string::npos);
  CHECK(ended.substr(0, report).ends_with("\r\x1b[K"));
  CHECK(ended.find("ENDED 0") != std::string::npos);
}

TEST_CASE("run stops and goes on with its command", "[cli][terminal]") {
  Terminal terminal({memspike_path(), "run", "-q", "-o", "/dev/null", "--", "/bin/sh", "-c",
                     "echo up; sleep 1; echo on; exit 6"},
                    80);
  terminal.read_until("up");
  terminal.type("\x1a");
  terminal.read_until("STOPPED");
  const std::string rest = terminal.read_until("ENDED 6");
  CHECK(rest.find("on") != std::string::npos);
  CHECK(rest.find("STOPPED") == std::string::npos);
}
