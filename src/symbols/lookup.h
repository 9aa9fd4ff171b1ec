// From addresses to places in files, and to names. While recording it looks where code lies; what the files
// say is read at the end, each file by a process of its own (trial.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "symbols/modules.h"
#include "symbols/places.h"
#include "symbols/processes.h"
#include "symbols/told.h"
#include "symbols/unwinder.h"

namespace memspike::symbols {

// How long the reading of strangers' files may take, and how much they may say. What is beyond it stays
// without names.
struct Budget {
  std::uint64_t file_ns = 3'000'000'000;
  std::uint64_t all_ns = 10'000'000'000;
  std::size_t answer_bytes = std::size_t{64} << 20;  // what memspike takes of all that they say
};

class Lookup {
 public:
  // Opens the kernel's own symbols at once: later there may be no right to.
  explicit Lookup(const std::filesystem::path& host_root, Budget budget = {});

  // A user stack was seen just now; an empty one: the process is there, and may have its spike as its last.
  void see(std::uint32_t tgid, std::span<const std::uint64_t> user, std::uint64_t now_ns) {
    seen_->processes.see(tgid, user, now_ns);
  }

  // To be called now and then: reads again what a stack came too early for.
  void read_due(std::uint64_t now_ns) { seen_->processes.read_due(now_ns); }
  bool has_due() const { return seen_->processes.has_due(); }

  Unwinder& unwinder() { return seen_->unwinder; }

  // Modules and offsets, from memory alone: without names.
  Code locate(std::span<const Place> places) const;

  // Told as the files are read, and what their reading ended in. `place`: an index.
  struct Hearer {
    std::function<void(std::uint32_t module, std::string_view build_id)> build_id;
    std::function<void(std::size_t place, std::uint64_t address, std::string_view function)> place;
    std::function<void(std::size_t place, std::string_view function)> jit;  // by its process's perf map
    std::function<void(std::size_t place, const std::vector<CodeLine>& lines)> lines;  // names demangled
  };
  // What was said of a place before is said again: no file is read for it a second time.
  Troubles name(std::span<const Place> places, const Hearer& hearer);

  // All that was seen and read.
  void forget();

 private:
  struct Group;
  struct Seen {
    explicit Seen(const std::filesystem::path& host_root)
        : modules(host_root), processes(host_root, modules), unwinder(modules, processes) {}
    Modules modules;
    Processes processes;
    Unwinder unwinder;
  };
  std::vector<Group> groups_of(std::span<const Place> places) const;
  bool read_kernel(const Group& group, std::span<const Place> places, const Hearer& hearer,
                   std::uint64_t budget_ns);
  bool read_module(const Group& group, std::span<const Place> places, const Hearer& hearer,
                   std::uint64_t budget_ns);
  bool read_perf_map(const Group& group, std::span<const Place> places, const Hearer& hearer,
                     std::uint64_t budget_ns);

  Told::Key key_of(const Group& group, const Place& place) const;
  void tell_again(Group& group, std::span<const Place> places, const Hearer& hearer) const;
  bool read(const Group& group, std::span<const Place> places, const Hearer& hearer, std::uint64_t budget_ns);

  std::filesystem::path host_root_;
  Budget budget_;
  std::unique_ptr<Seen> seen_;
  Told told_;
  UniqueFd kallsyms_;
  Troubles troubles_;
};

}  // namespace memspike::symbols
