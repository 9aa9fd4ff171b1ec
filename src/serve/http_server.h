// Answers HTTP on a socket, in threads of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace memspike::serve {

struct Request {
  std::string path;
  std::map<std::string, std::string> query;
  std::string accept;
  std::string peer;  // its address; "": a socket of this machine
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class HttpServer {
 public:
  using Handle = std::function<Response(const Request& request)>;

  // Nobody but the owner may connect. A socket that nobody serves any more is replaced; ErrorKind::failed
  // where somebody does. Its directory is made where there is none.
  static Result<std::unique_ptr<HttpServer>> on_socket(const std::string& path);
  // "127.0.0.1:9779", "[::]:9779".
  static Result<std::unique_ptr<HttpServer>> on_address(const std::string& address);

  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Answers from here on, as many requests at a time as there are threads. Any of them calls `handle`.
  void start(Handle handle, int threads);
  void stop();

 private:
  HttpServer(UniqueFd listening, std::string path);
  void serve();

  UniqueFd listening_;
  UniqueFd stopping_;  // an eventfd: readable once it is to stop
  std::string path_;   // of the socket, to be removed; "": none
  Handle handle_;
  std::vector<std::thread> threads_;
};

// "127.0.0.1:9779" in its parts. ErrorKind::usage.
struct Address {
  std::string host;
  std::string port;
};
Result<Address> parse_address(const std::string& text);

}  // namespace memspike::serve
