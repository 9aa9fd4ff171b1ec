#include "serve/http_server.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace memspike::serve {
namespace {

constexpr int kBacklog = 64;
constexpr int kTimeoutS = 10;
constexpr ev_ssize_t kMostHeaderBytes = 8192;
constexpr ev_ssize_t kMostBodyBytes = 1024;  // nothing here takes one

struct FreeBase {
  void operator()(event_base* base) const { event_base_free(base); }
};
struct FreeHttp {
  void operator()(evhttp* http) const { evhttp_free(http); }
};
struct FreeEvent {
  void operator()(event* each) const { event_free(each); }
};

tl::unexpected<Error> not_possible(const std::string& what, std::string advice = {}) {
  return fail(ErrorKind::failed, fmt::format("{}: {}", what, std::strerror(errno)), std::move(advice));
}

bool set_nonblocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

Request to_request(evhttp_request* asked) {
  Request request;
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(asked);
  if (const char* path = evhttp_uri_get_path(uri)) request.path = path;
  evkeyvalq parameters{};
  if (const char* query = evhttp_uri_get_query(uri);
      query != nullptr && evhttp_parse_query_str(query, &parameters) == 0) {
    for (const evkeyval* each = parameters.tqh_first; each != nullptr; each = each->next.tqe_next)
      request.query[each->key] = each->value;
    evhttp_clear_headers(&parameters);
  }
  if (const char* accept = evhttp_find_header(evhttp_request_get_input_headers(asked), "Accept"))
    request.accept = accept;
  char* address = nullptr;
  ev_uint16_t port = 0;
  if (evhttp_connection* connection = evhttp_request_get_connection(asked))
    evhttp_connection_get_peer(connection, &address, &port);
  if (address != nullptr && port != 0) request.peer = address;
  return request;
}

// A scrape of a busy node is some MB: they are handed over, not copied.
void hand_over(std::string text, evbuffer* to) {
  auto owned = std::make_unique<std::string>(std::move(text));
  const auto release = [](const void*, std::size_t, void* held) { delete static_cast<std::string*>(held); };
  if (evbuffer_add_reference(to, owned->data(), owned->size(), release, owned.get()) == 0)
    static_cast<void>(owned.release());  // it is the connection's
}

void answer(evhttp_request* asked, void* argument) {
  const auto& handle = *static_cast<const HttpServer::Handle*>(argument);
  Response response = handle(to_request(asked));
  evkeyvalq* headers = evhttp_request_get_output_headers(asked);
  evhttp_add_header(headers, "Content-Type", response.content_type.c_str());
  evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
  hand_over(std::move(response.body), evhttp_request_get_output_buffer(asked));
  evhttp_send_reply(asked, response.status, nullptr, nullptr);
}

void leave(evutil_socket_t, short, void* base) { event_base_loopbreak(static_cast<event_base*>(base)); }

bool is_served(const sockaddr_un& address) {
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return false;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return connect(probe.get(), generic, sizeof(address)) == 0 || errno == EAGAIN;
}

}  // namespace

HttpServer::HttpServer(UniqueFd listening, std::string path)
    : listening_(std::move(listening)),
      stopping_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      path_(std::move(path)) {}

HttpServer::~HttpServer() { stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::on_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return fail(ErrorKind::usage, fmt::format("the socket's path is too long: {}", path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode))
      return fail(ErrorKind::failed, fmt::format("{} is there, and is no socket", path),
                  "name another --socket");
    if (is_served(address)) {
      return fail(ErrorKind::failed, fmt::format("a service answers on {} already", path),
                  "one is enough for a node; else name another --socket and another --data-dir");
    }
    unlink(path.c_str());
  }
  UniqueFd listening(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = umask(0177);
  const bool is_bound =
      listening && bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int error = errno;
  umask(before);
  errno = error;
  if (!is_bound || listen(listening.get(), kBacklog) != 0) return not_possible("cannot listen on " + path);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listening), path));
}

Result<Address> parse_address(const std::string& text) {
  const auto bad = [&] {
    return fail(ErrorKind::usage, fmt::format("not an address and a port: {}", text),
                "write it like 127.0.0.1:9779 or [::]:9779");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return bad();
  Address address{text.substr(0, colon), text.substr(colon + 1)};
  unsigned port = 0;
  const char* end = address.port.data() + address.port.size();
  const auto [rest, error] = std::from_chars(address.port.data(), end, port);
  if (error != std::errc{} || rest != end || port == 0 || port > 65'535) return bad();
  const bool is_bracketed =
      address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']';
  if (is_bracketed) address.host = address.host.substr(1, address.host.size() - 2);
  if (!is_bracketed && address.host.find(':') != std::string::npos) return bad();
  return address;
}

Result<std::unique_ptr<HttpServer>> HttpServer::on_address(const std::string& text) {
  auto parsed = parse_address(text);
  if (!parsed) return tl::unexpected(parsed.error());
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const char* host = parsed->host.empty() ? nullptr : parsed->host.c_str();
  if (getaddrinfo(host, parsed->port.c_str(), &hints, &found) != 0)
    return fail(ErrorKind::usage, fmt::format("not an address: {}", text), "give a number, not a name");
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  UniqueFd listening(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int yes = 1;
  if (listening) setsockopt(listening.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (!listening || bind(listening.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      listen(listening.get(), kBacklog) != 0) {
    return not_possible("cannot listen on " + text, "name another --metrics ADDRESS:PORT");
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(listening), ""));
}

void HttpServer::start(Handle handle, int threads) {
  handle_ = std::move(handle);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

void HttpServer::serve() {
  const std::unique_ptr<event_base, FreeBase> base(event_base_new());
  if (!base) return;
  const std::unique_ptr<evhttp, FreeHttp> http(evhttp_new(base.get()));
  // evhttp closes what it listens on, and each thread has one.
  const int own = fcntl(listening_.get(), F_DUPFD_CLOEXEC, 3);
  if (!http || own < 0 || !set_nonblocking(own)) return;
  evhttp_set_allowed_methods(http.get(), EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
  evhttp_set_timeout(http.get(), kTimeoutS);
  evhttp_set_max_headers_size(http.get(), kMostHeaderBytes);
  evhttp_set_max_body_size(http.get(), kMostBodyBytes);
  evhttp_set_gencb(http.get(), answer, &handle_);
  if (evhttp_accept_socket(http.get(), own) != 0) return;
  const std::unique_ptr<event, FreeEvent> stop(
      event_new(base.get(), stopping_.get(), EV_READ | EV_PERSIST, leave, base.get()));
  event_add(stop.get(), nullptr);
  event_base_dispatch(base.get());
}

void HttpServer::stop() {
  const std::uint64_t one = 1;
  if (stopping_) static_cast<void>(!write(stopping_.get(), &one, sizeof(one)));
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  listening_ = UniqueFd();
  if (!path_.empty()) unlink(path_.c_str());
  path_.clear();
}

}  // namespace memspike::serve
