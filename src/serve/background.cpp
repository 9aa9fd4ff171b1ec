#include "serve/background.h"

#include <utility>

namespace memspike::serve {

void Background::start() {
  thread_ = std::thread([this] { run(); });
}

void Background::finish() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Background::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (is_over_ || jobs_.size() >= most_) return false;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

std::size_t Background::waiting() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void Background::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return is_over_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
    }
    job();
    const std::lock_guard lock(mutex_);
    jobs_.pop_front();
  }
}

}  // namespace memspike::serve
