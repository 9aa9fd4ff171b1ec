#include "symbols/lookup.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/message.h"
#include "symbols/clock.h"
#include "symbols/code_lines.h"
#include "symbols/demangle.h"
#include "symbols/files_of_root.h"
#include "symbols/proc_text.h"
#include "symbols/symbol_table.h"
#include "symbols/trial.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxKallsymsBytes = std::size_t{128} << 20;
constexpr std::size_t kMaxPerfMapBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxAnswerBytes = std::size_t{16} << 20;  // about one file

// What a trial says.
constexpr std::uint64_t kBuildId = 0;
constexpr std::uint64_t kPlace = 1;
constexpr std::uint64_t kHidden = 2;
constexpr std::uint64_t kLines = 3;

void tell(const TrialWrite& write, std::size_t place, std::uint64_t address, std::string_view function) {
  write(MessageWriter().number(kPlace).number(place).number(address).text(function).bytes());
}

}  // namespace

// Places that one file tells about.
struct Lookup::Group {
  enum class Kind { kernel, module, perf_map };
  Kind kind = Kind::kernel;
  std::uint32_t id = 0;  // of the module, of the process
  std::vector<std::size_t> places;
};

Lookup::Lookup(const std::filesystem::path& host_root, Budget budget)
    : host_root_(host_root),
      budget_(budget),
      seen_(std::make_unique<Seen>(host_root)),
      kallsyms_(open_regular((host_root / "proc/kallsyms").string())) {}

// Of files that no place is in nothing is told: a container may map as many as it likes.
Code Lookup::locate(std::span<const Place> places) const {
  Code code;
  for (const char* what : {"[kernel]", "[unknown]", "[anon]", "[jit]"}) code.modules.push_back({what, ""});
  const Modules& modules = seen_->modules;
  code.modules.resize(code.modules.size() + modules.size());
  for (const Place& place : places) {
    facts::Frame& frame = code.frames.emplace_back(facts::Frame{"", Code::kKernel, place.address});
    if (place.tgid == 0) continue;
    const Processes::Place found = seen_->processes.locate(place.tgid, place.address);
    frame.module = found.module      ? Code::kFiles + *found.module
                   : found.is_mapped ? Code::kAnonymous
                                     : Code::kUnknown;
    if (!found.module) continue;
    frame.address = found.file_offset;
    code.modules[frame.module].path = modules.path(*found.module);
  }
  return code;
}

// Kernel and files by the weight of their heaviest stack; perf maps after them, for what is left.
std::vector<Lookup::Group> Lookup::groups_of(std::span<const Place> places) const {
  std::vector<Group> groups;
  std::map<std::pair<Group::Kind, std::uint32_t>, std::size_t> numbers;
  const auto add = [&](Group::Kind kind, std::uint32_t id, std::size_t place) {
    const auto [known, is_new] = numbers.try_emplace({kind, id}, groups.size());
    if (is_new) groups.push_back({kind, id, {}});
    groups[known->second].places.push_back(place);
  };
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].tgid == 0) {
      add(Group::Kind::kernel, 0, i);
    } else if (const auto found = seen_->processes.locate(places[i].tgid, places[i].address); found.module) {
      add(Group::Kind::module, *found.module, i);
    }
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool has_perf_map = places[i].tgid != 0 && seen_->processes.perf_map(places[i].tgid) >= 0;
    if (has_perf_map) add(Group::Kind::perf_map, places[i].tgid, i);
  }
  return groups;
}

bool Lookup::read_kernel(const Group& group, std::span<const Place> places, const Hearer& hearer,
                         std::uint64_t budget_ns) {
  if (!kallsyms_) return false;
  const Trial trial = run_trial(budget_ns, kMaxAnswerBytes, [&](const TrialWrite& write) {
    SymbolTable table;
    lseek(kallsyms_.get(), 0, SEEK_SET);
    if (!parse_kallsyms(read_all(kallsyms_.get(), kMaxKallsymsBytes), table)) {
      write(MessageWriter().number(kHidden).bytes());
    }
    table.seal();
    for (const std::size_t i : group.places) {
      const auto name = table.find(places[i].address - (places[i].is_return ? 1 : 0));
      if (name) tell(write, i, places[i].address, *name);
    }
  });
  for (MessageReader reader(trial.bytes); !reader.at_end();) {
    if (reader.number() == kHidden) {
      troubles_.kernel_hidden = 1;
      continue;
    }
    const std::uint64_t place = reader.number();
    const std::uint64_t address = reader.number();
    const std::string_view function = reader.text();
    if (reader.is_whole()) hearer.place(place, address, function);
  }
  return trial.is_whole;
}

bool Lookup::read_module(const Group& group, std::span<const Place> places, const Hearer& hearer,
                         std::uint64_t budget_ns) {
  std::vector<FilePlace> in_file;
  for (const std::size_t i : group.places) {
    in_file.push_back(
        {seen_->processes.locate(places[i].tgid, places[i].address).file_offset, places[i].is_return});
  }
  const Trial trial = run_trial(budget_ns, kMaxAnswerBytes, [&](const TrialWrite& write) {
    seen_->modules.read(
        group.id, in_file,
        {[&](const std::string& id) { write(MessageWriter().number(kBuildId).text(id).bytes()); },
         [&](std::size_t place, std::uint64_t address, std::string_view function) {
           tell(write, place, address, demangle(function));
         },
         [&](std::size_t place, const std::vector<CodeLine>& lines) {
           MessageWriter message;
           message.number(kLines).number(place);
           std::vector<CodeLine> readable = lines;
           for (CodeLine& line : readable) line.function = demangle(line.function);
           write_lines(message, readable);
           write(message.bytes());
         }});
  });
  for (MessageReader reader(trial.bytes); !reader.at_end();) {
    const std::uint64_t kind = reader.number();
    if (kind == kBuildId) {
      const std::string_view id = reader.text();
      if (reader.is_whole()) hearer.build_id(Code::kFiles + group.id, id);
      continue;
    }
    if (kind == kLines) {
      const std::uint64_t place = reader.number();
      const std::vector<CodeLine> lines = read_lines(reader);
      if (reader.is_whole() && place < group.places.size()) hearer.lines(group.places[place], lines);
      continue;
    }
    const std::uint64_t place = reader.number();
    const std::uint64_t address = reader.number();
    const std::string_view function = reader.text();
    if (reader.is_whole() && place < group.places.size())
      hearer.place(group.places[place], address, function);
  }
  return trial.is_whole;
}

bool Lookup::read_perf_map(const Group& group, std::span<const Place> places, const Hearer& hearer,
                           std::uint64_t budget_ns) {
  const int fd = seen_->processes.perf_map(group.id);
  const Trial trial = run_trial(budget_ns, kMaxAnswerBytes, [&](const TrialWrite& write) {
    SymbolTable table;
    parse_perf_map(read_all(fd, kMaxPerfMapBytes), table);
    table.seal();
    for (const std::size_t i : group.places) {
      const auto name = table.find(places[i].address - (places[i].is_return ? 1 : 0));
      if (name) tell(write, i, places[i].address, *name);
    }
  });
  for (MessageReader reader(trial.bytes); !reader.at_end();) {
    reader.number();
    const std::uint64_t place = reader.number();
    reader.number();
    const std::string_view function = reader.text();
    if (reader.is_whole() && place < places.size()) hearer.jit(place, function);
  }
  return trial.is_whole;
}

Told::Key Lookup::key_of(const Group& group, const Place& place) const {
  if (group.kind == Group::Kind::kernel) return {Told::kKernel, place.address, place.is_return};
  return {group.id, seen_->processes.locate(place.tgid, place.address).file_offset, place.is_return};
}

bool Lookup::read(const Group& group, std::span<const Place> places, const Hearer& hearer,
                  std::uint64_t budget_ns) {
  if (group.kind == Group::Kind::perf_map) return read_perf_map(group, places, hearer, budget_ns);
  const bool is_kernel = group.kind == Group::Kind::kernel;
  // A file that could be opened and says nothing of a place has answered, too.
  const auto note_all = [&] {
    for (const std::size_t place : group.places) told_.add(key_of(group, places[place]));
  };
  if (is_kernel) note_all();
  Hearer noting = hearer;
  noting.build_id = [&](std::uint32_t module, std::string_view id) {
    told_.set_build_id(group.id, std::string(id));
    note_all();
    hearer.build_id(module, id);
  };
  noting.place = [&](std::size_t place, std::uint64_t address, std::string_view function) {
    if (place >= places.size()) return;
    if (Told::Answer* answer = told_.add(key_of(group, places[place]))) {
      answer->address = address;
      answer->function = function;
    }
    hearer.place(place, address, function);
  };
  noting.lines = [&](std::size_t place, const std::vector<CodeLine>& lines) {
    if (Told::Answer* answer = told_.add(key_of(group, places[place]))) answer->lines = lines;
    hearer.lines(place, lines);
  };
  const bool is_read = is_kernel ? read_kernel(group, places, noting, budget_ns)
                                 : read_module(group, places, noting, budget_ns);
  if (!is_read) told_.set_bad(is_kernel ? Told::kKernel : group.id);
  return is_read;
}

// Tells what is known already, and takes it out of the group.
void Lookup::tell_again(Group& group, std::span<const Place> places, const Hearer& hearer) const {
  if (group.kind == Group::Kind::perf_map) return;
  if (const std::string* id = told_.build_id(group.id); id != nullptr && group.kind == Group::Kind::module)
    hearer.build_id(Code::kFiles + group.id, *id);
  std::erase_if(group.places, [&](std::size_t place) {
    const Told::Answer* answer = told_.find(key_of(group, places[place]));
    if (answer == nullptr) return false;
    if (answer->address) hearer.place(place, *answer->address, answer->function);
    if (!answer->lines.empty()) hearer.lines(place, answer->lines);
    return true;
  });
}

Troubles Lookup::name(std::span<const Place> places, const Hearer& hearer) {
  troubles_ = {};
  const std::uint64_t deadline_ns = now_ns() + budget_.all_ns;
  std::vector<bool> is_named(places.size());
  Hearer counting = hearer;
  counting.place = [&](std::size_t place, std::uint64_t address, std::string_view function) {
    if (place >= is_named.size()) return;
    is_named[place] = is_named[place] || !function.empty();
    hearer.place(place, address, function);
  };
  for (Group& group : groups_of(places)) {
    std::erase_if(group.places, [&](std::size_t place) { return is_named[place]; });
    tell_again(group, places, counting);
    if (group.places.empty()) continue;
    const bool is_bad = group.kind != Group::Kind::perf_map &&
                        told_.is_bad(group.kind == Group::Kind::kernel ? Told::kKernel : group.id);
    const std::uint64_t now = now_ns();
    const std::uint64_t budget_ns = now >= deadline_ns ? 0 : std::min(budget_.file_ns, deadline_ns - now);
    if (is_bad || budget_ns == 0 || !read(group, places, counting, budget_ns)) ++troubles_.failed_files;
  }
  troubles_.refused_processes = seen_->processes.refused();
  troubles_.refused_files = seen_->processes.refused_files();
  return troubles_;
}

void Lookup::forget() {
  seen_ = std::make_unique<Seen>(host_root_);
  told_ = {};
}

}  // namespace memspike::symbols
