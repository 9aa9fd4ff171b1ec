#include "serve/mailbox.h"

#include <algorithm>

namespace memspike::serve {

bool Mailbox::ask(const std::function<void()>& question, std::chrono::milliseconds most) {
  constexpr std::size_t kMostLetters = 32;
  const auto letter = std::make_shared<Letter>();
  letter->question = &question;
  std::unique_lock lock(mutex_);
  if (is_closed_ || letters_.size() >= kMostLetters) return false;
  letters_.push_back(letter);
  if (ring_) ring_();
  answered_.wait_for(lock, most, [&] { return letter->is_answered || is_closed_; });
  if (letter->is_answered) return true;
  letters_.erase(std::remove(letters_.begin(), letters_.end(), letter), letters_.end());
  return false;
}

// The lock is held meanwhile: a question that is given up is not asked.
void Mailbox::answer() {
  const std::lock_guard lock(mutex_);
  if (letters_.empty()) return;
  for (const auto& letter : letters_) {
    (*letter->question)();
    letter->is_answered = true;
  }
  letters_.clear();
  answered_.notify_all();
}

void Mailbox::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  answered_.notify_all();
}

}  // namespace memspike::serve
