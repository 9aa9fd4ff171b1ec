// What a service writes: dossiers, the log of kills, and their counts, in a thread of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "serve/background.h"
#include "serve/dossiers.h"
#include "serve/excerpt.h"
#include "serve/subject.h"

namespace memspike::serve {

// How it is with what is written.
struct Written {
  std::size_t dossiers = 0;
  std::uint64_t dossier_bytes = 0;
  std::uint64_t made = 0;
  std::uint64_t forgotten = 0;
  std::uint64_t failed = 0;  // times that the disk did not take something, and what that was:
  std::uint64_t unkept_dossiers = 0;
  std::uint64_t unkept_lines = 0;  // of the log of kills
  std::string last_failure;
};

class Store {
 public:
  // A dossier to be made.
  struct Wanted {
    SubjectId subject;
    std::uint64_t realtime_ns = 0;
    std::vector<std::uint64_t> numbers;  // of all its kills
  };
  struct Done {
    std::vector<std::uint64_t> numbers;
    std::string name;  // "": there is none
    std::string why_not;
  };

  // `warn`: any thread may call it.
  Store(std::filesystem::path data_dir, Dossiers::Limits limits,
        std::function<void(const std::string& text)> warn);

  // Where nothing can be written, that is told and counted; `problem`: it is known before.
  void open(const std::optional<Error>& problem);
  // The thread that writes, with the rights that there are now.
  void start() { background_.start(); }
  // Waits for all of it. What comes later is written at once.
  void finish();

  void keep(std::shared_ptr<const Excerpt> excerpt, Wanted wanted);
  void append(std::string lines, std::uint64_t count);
  void save_counts(std::string text);
  // What became of dossiers.
  std::vector<Done> take_done();

  // Any thread may.
  Written written() const;
  std::filesystem::path path_of(const std::string& dossier) const { return dossiers_.path_of(dossier); }

 private:
  void post(Background::Job job, const std::function<void()>& otherwise);
  void settle(Done done);
  void note_failure(const Error& error);
  // In the background's thread.
  void write_dossier(const Excerpt& excerpt, const Wanted& wanted);
  void write_lines(const std::string& lines, std::uint64_t count);
  void count_dossiers();

  std::filesystem::path data_dir_;
  std::function<void(const std::string& text)> warn_;
  bool is_usable_ = false;
  bool is_finished_ = false;

  mutable std::mutex mutex_;  // of what follows
  std::vector<Done> done_;
  Written written_;
  std::map<std::string, std::uint64_t> told_;  // when each failure was told last

  Dossiers dossiers_;      // of the background's thread
  Background background_;  // last: it ends before what it works on
};

}  // namespace memspike::serve
