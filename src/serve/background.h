// A thread for what takes time: who records never waits for a disk.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace memspike::serve {

class Background {
 public:
  using Job = std::function<void()>;

  explicit Background(std::size_t most) : most_(most) {}
  // Waits for what was posted.
  ~Background() { finish(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // With the rights that there are now.
  void start();
  void finish();

  // False: too much waits already. Before start() it waits, too.
  bool post(Job job);
  std::size_t waiting() const;

 private:
  void run();

  std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace memspike::serve
