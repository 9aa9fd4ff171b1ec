#include "cli/http_client.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"

namespace memspike::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;

Result<UniqueFd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return fail(ErrorKind::usage, fmt::format("the socket's path is too long: {}", path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (fd && connect(fd.get(), generic, sizeof(address)) == 0) return fd;
  const bool is_refused = errno == EACCES || errno == EPERM;
  return fail(ErrorKind::failed, fmt::format("no service answers on {}: {}", path, std::strerror(errno)),
              is_refused ? "ask as root" : "start one with `memspike serve`, or name its --socket");
}

Result<std::string> exchange(int fd, const std::string& path) {
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: memspike\r\nConnection: close\r\n\r\n", path);
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return fail(ErrorKind::failed, fmt::format("the service does not listen: {}", std::strerror(errno)));
  std::string answer;
  std::array<char, 1U << 16> bytes{};
  for (;;) {
    const ssize_t size = read(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(ErrorKind::failed, fmt::format("the service: {}", std::strerror(errno)));
    if (size == 0) return answer;
    answer.append(bytes.data(), static_cast<std::size_t>(size));
    if (answer.size() > kMostBytes) return fail(ErrorKind::failed, "the service's answer has no end");
  }
}

Error refusal(int status, const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  Error error{
      status == 404 ? ErrorKind::not_found : ErrorKind::failed, fmt::format("the service: {}", status), {}};
  const bool is_told = json.is_object() && json.contains("error") && json["error"].is_object();
  if (!is_told) return error;
  error.message = json["error"].value("message", error.message);
  error.advice = json["error"].value("advice", "");
  return error;
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          c == '-' || c == '.' || c == '_' || c == '/';
    result += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

Result<std::string> ask_service(const std::string& socket, const std::string& path) {
  auto fd = connect_to(socket);
  if (!fd) return tl::unexpected(fd.error());
  auto answer = exchange(fd->get(), path);
  if (!answer) return answer;
  const std::size_t head = answer->find("\r\n\r\n");
  const std::size_t space = answer->find(' ');
  int status = 0;
  if (head != std::string::npos && space < head)
    std::from_chars(answer->data() + space + 1, answer->data() + head, status);
  if (status == 0) return fail(ErrorKind::failed, fmt::format("what answers on {} is no service", socket));
  answer->erase(0, head + 4);
  if (status != 200) return tl::unexpected(refusal(status, *answer));
  return answer;
}

}  // namespace memspike::cli
