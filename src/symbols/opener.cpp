#include "symbols/opener.h"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "symbols/files_of_root.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxWaiting = 1024;
// Longer than any file of a healthy file system takes; once over, nobody waits until the thread is free
// again.
constexpr std::chrono::milliseconds kPatience{50};

}  // namespace

struct Opener::Queue {
  struct Entry {
    Job job;
    std::shared_ptr<OpenedFile> file;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Entry> entries;
  std::atomic<std::uint64_t> refused = 0;
  bool is_stuck = false;
  bool is_over = false;
};

OpenedFile::~OpenedFile() { UniqueFd(fd_.load()).reset(); }

void OpenedFile::settle(UniqueFd file) {
  fd_ = file.release();
  is_settled_ = true;
}

Opener::Opener() : queue_(std::make_shared<Queue>()) {}

Opener::~Opener() {
  if (!thread_.joinable()) return;
  bool is_stuck = false;
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->is_over = true;
    is_stuck = queue_->is_stuck;
  }
  queue_->changed.notify_all();
  is_stuck ? thread_.detach() : thread_.join();
}

std::uint64_t Opener::refused() const { return queue_->refused; }

void Opener::work(const std::shared_ptr<Queue>& queue) {
  std::unique_lock lock(queue->mutex);
  for (;;) {
    queue->changed.wait(lock, [&] { return queue->is_over || !queue->entries.empty(); });
    if (queue->is_over) return;
    const Queue::Entry entry = std::move(queue->entries.front());
    queue->entries.pop_front();
    lock.unlock();
    UniqueFd file = entry.job.mapped.empty() ? UniqueFd() : open_regular(entry.job.mapped);
    if (!file && entry.job.root != nullptr) file = open_in_root(entry.job.root->get(), entry.job.path);
    if (!file && (errno == EACCES || errno == EPERM)) ++queue->refused;
    entry.file->settle(std::move(file));
    lock.lock();
    queue->is_stuck = false;
    queue->changed.notify_all();
  }
}

std::shared_ptr<OpenedFile> Opener::open(Job job) {
  auto file = std::make_shared<OpenedFile>();
  std::unique_lock lock(queue_->mutex);
  if (queue_->entries.size() >= kMaxWaiting) {
    file->settle({});
    return file;
  }
  if (!thread_.joinable()) thread_ = std::thread(work, queue_);
  queue_->entries.push_back({std::move(job), file});
  queue_->changed.notify_all();
  if (queue_->is_stuck) return file;
  queue_->is_stuck = !queue_->changed.wait_for(lock, kPatience, [&] { return file->is_settled(); });
  return file;
}

}  // namespace memspike::symbols
