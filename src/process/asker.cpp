#include "process/asker.h"

#include <linux/capability.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/message.h"
#include "process/reader.h"

namespace memspike::process {
namespace {

using Clock = std::chrono::steady_clock;

// Nobody's capabilities are needed for stat, comm and cmdline; a process's environment, of which a heap's
// setting is kept (process/runtime.h), takes one.
const rights::Confinement kConfinement{"memspike-procs", std::uint64_t{256} << 20, {CAP_SYS_PTRACE}};

// A reading takes some 30 µs. One that takes this long is left alone: its thread hangs for as long as its
// process wants, another one goes on with the rest.
constexpr std::chrono::milliseconds kPatience{200};
constexpr std::size_t kMaxHanging = 16;  // threads left alone; the next one stays where it is
constexpr std::size_t kMaxTextBytes = 4096;

struct Question {
  ThreadFacts thread;  // as it was known, or only its numbers
  bool is_known = false;
  bool settled = false;
};

void write(MessageWriter& message, const ThreadFacts& facts) {
  message.number(facts.tgid).number(facts.tid).number(facts.start_ticks);
  message.text(std::string_view(facts.comm).substr(0, kMaxTextBytes));
  message.text(std::string_view(facts.cmdline).substr(0, kMaxTextBytes));
  message.number(facts.runtime ? 1 : 0);
  if (!facts.runtime) return;
  message.text(facts.runtime->name).text(facts.runtime->setting);
  message.number(facts.runtime->told_bytes.value_or(0)).number(facts.runtime->follows_limit ? 1 : 0);
}

ThreadFacts read_facts(MessageReader& message) {
  ThreadFacts facts;
  facts.tgid = static_cast<std::uint32_t>(message.number());
  facts.tid = static_cast<std::uint32_t>(message.number());
  facts.start_ticks = message.number();
  facts.comm = message.text();
  facts.cmdline = message.text();
  if (message.number() == 0) return facts;
  Runtime& runtime = facts.runtime.emplace();
  runtime.name = message.text();
  runtime.setting = message.text();
  if (const std::uint64_t told = message.number(); told > 0) runtime.told_bytes = told;
  runtime.follows_limit = message.number() != 0;
  return facts;
}

// Reads one after the other, in a thread that can be given up.
class Worker {
 public:
  explicit Worker(std::shared_ptr<const Reader> reader) : shared_(std::make_shared<Shared>()) {
    shared_->reader = std::move(reader);
    std::thread([shared = shared_] { run(*shared); }).detach();
  }

  void add(Question question) {
    const std::lock_guard lock(shared_->mutex);
    shared_->questions.push_back(std::move(question));
    shared_->changed.notify_all();
  }

  // The process whose reading takes too long; 0: none.
  std::uint32_t hangs_at() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->at != 0 && Clock::now() - shared_->since > kPatience ? shared_->at : 0;
  }

  // Gives it up: what it has not begun with.
  std::deque<Question> abandon() {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_abandoned = true;
    return std::exchange(shared_->questions, {});
  }

 private:
  struct Shared {
    std::shared_ptr<const Reader> reader;
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::deque<Question> questions;
    std::uint32_t at = 0;  // the process that is read now
    Clock::time_point since;
    bool is_abandoned = false;
  };

  static void run(Shared& shared) {
    std::unique_lock lock(shared.mutex);
    while (!shared.is_abandoned) {
      shared.changed.wait(lock, [&] { return !shared.questions.empty() || shared.is_abandoned; });
      if (shared.questions.empty()) continue;
      const Question question = std::move(shared.questions.front());
      shared.questions.pop_front();
      shared.at = question.thread.tgid;
      shared.since = Clock::now();
      lock.unlock();
      const auto facts =
          shared.reader->read(question.thread.tgid, question.thread.tid,
                              question.is_known ? &question.thread : nullptr, question.settled);
      lock.lock();
      shared.at = 0;
      if (shared.is_abandoned) return;  // it was answered for
      MessageWriter answer;
      answer.number(facts ? 1 : 0);
      if (facts) write(answer, *facts);
      rights::HelperSide::send(answer.bytes());
    }
  }

  std::shared_ptr<Shared> shared_;
};

class Server {
 public:
  explicit Server(const std::filesystem::path& host_root)
      : reader_(std::make_shared<const Reader>(host_root)), worker_(std::make_unique<Worker>(reader_)) {}

  void take(std::string_view message) {
    MessageReader reader(message);
    Question question;
    question.is_known = reader.number() != 0;
    question.settled = reader.number() != 0;
    question.thread = read_facts(reader);
    if (left_alone_.count(question.thread.tgid) != 0) return answer_nothing();
    worker_->add(std::move(question));
  }

  void look_after() {
    const std::uint32_t tgid = worker_->hangs_at();
    if (tgid == 0 || left_alone_.size() >= kMaxHanging) return;
    left_alone_.insert(tgid);
    std::deque<Question> rest = worker_->abandon();
    answer_nothing();
    worker_ = std::make_unique<Worker>(reader_);
    for (Question& question : rest) {
      if (left_alone_.count(question.thread.tgid) != 0) {
        answer_nothing();
      } else {
        worker_->add(std::move(question));
      }
    }
  }

 private:
  static void answer_nothing() { rights::HelperSide::send(MessageWriter().number(0).bytes()); }

  std::shared_ptr<const Reader> reader_;
  std::unique_ptr<Worker> worker_;
  std::set<std::uint32_t> left_alone_;
};

void serve(rights::HelperSide& side, const std::filesystem::path& host_root) {
  side.confine();
  Server server(host_root);
  constexpr int kLookAfterMs = 50;
  while (const auto message = side.receive(kLookAfterMs)) {
    if (!message->empty()) server.take(*message);
    server.look_after();
  }
}

}  // namespace

Asker::Asker(const std::filesystem::path& host_root)
    : helper_(kConfinement, [&](rights::HelperSide& side) { serve(side, host_root); }) {}

void Asker::ask(std::uint32_t tgid, std::uint32_t tid, const ThreadFacts* known, bool settled) {
  MessageWriter message;
  message.number(known != nullptr ? 1 : 0).number(settled ? 1 : 0);
  write(message, known != nullptr ? *known : ThreadFacts{tgid, tid, 0, {}, {}});
  if (helper_.send(message.bytes())) ++asked_;
}

void Asker::wait_a_moment() {
  constexpr int kMomentMs = 2;
  if (waiting() == 0) is_late_ = false;
  if (waiting() == 0 || is_late_) return;
  pollfd wait{helper_.fd(), POLLIN, 0};
  is_late_ = poll(&wait, 1, kMomentMs) == 0;
}

void Asker::take(const std::function<void(ThreadFacts facts)>& sink) {
  wait_a_moment();
  while (const auto message = helper_.receive()) {
    MessageReader reader(*message);
    if (answered_ < asked_) ++answered_;
    if (reader.number() == 0) continue;
    ThreadFacts facts = read_facts(reader);
    if (reader.is_whole()) sink(std::move(facts));
  }
}

}  // namespace memspike::process
