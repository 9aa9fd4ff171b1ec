// Questions of other threads to the one that records: it answers between two turns, and waits for nobody.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace memspike::serve {

class Mailbox {
 public:
  // Called by who asks, once the question waits: tells the recording thread. Before anybody asks.
  void set_bell(std::function<void()> ring) { ring_ = std::move(ring); }

  // Has the recording thread call it, and waits until it has. False: there was no turn in time, or the
  // service ends. Then it is not called any more.
  bool ask(const std::function<void()>& question, std::chrono::milliseconds most);

  // Of the recording thread: answers what was asked.
  void answer();
  // No more answers.
  void close();

 private:
  struct Letter {
    const std::function<void()>* question = nullptr;
    bool is_answered = false;
  };

  std::function<void()> ring_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::deque<std::shared_ptr<Letter>> letters_;
  bool is_closed_ = false;
};

}  // namespace memspike::serve
