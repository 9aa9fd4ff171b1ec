#include "views/profile/pprof.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <string_view>
#include <vector>

#include "views/kit/escape.h"

namespace memspike::views {
namespace {

// Field numbers of https://github.com/google/pprof/blob/main/proto/profile.proto.
namespace profile {
enum : protozero::pbf_tag_type {
  kSampleType = 1,
  kSample = 2,
  kMapping = 3,
  kLocation = 4,
  kFunction = 5,
  kStringTable = 6,
  kDropFrames = 7,
  kTimeNanos = 9,
  kDurationNanos = 10,
  kPeriodType = 11,
  kPeriod = 12,
  kComment = 13,
  kDefaultSampleType = 14
};
}
namespace value_type {
enum : protozero::pbf_tag_type { kType = 1, kUnit = 2 };
}
namespace sample {
enum : protozero::pbf_tag_type { kLocationId = 1, kValue = 2, kLabel = 3 };
}
namespace label {
enum : protozero::pbf_tag_type { kKey = 1, kStr = 2, kNum = 3 };
}
namespace mapping {
enum : protozero::pbf_tag_type {
  kId = 1,
  kMemoryStart = 2,
  kMemoryLimit = 3,
  kFilename = 5,
  kBuildId = 6,
  kHasFunctions = 7
};
}
namespace location {
enum : protozero::pbf_tag_type { kId = 1, kMappingId = 2, kAddress = 3, kLine = 4 };
}
namespace line {
enum : protozero::pbf_tag_type { kFunctionId = 1, kLine = 2 };
}
namespace function {
enum : protozero::pbf_tag_type { kId = 1, kName = 2, kSystemName = 3, kFilename = 4 };
}

constexpr std::uint64_t kBatchPages = 64;  // MEMCG_CHARGE_BATCH: a stack for each, in a storm

class Encoder {
 public:
  Encoder(const report::Report& report, KernelFrames kernel)
      : report_(report), stacks_(*report.stacks), kernel_(kernel) {
    string("");
  }

  std::string encode() {
    add_value_type(profile::kSampleType, "alloc_space", "bytes");
    add_value_type(profile::kSampleType, "pages", "count");
    for (const facts::Stack& stack : stacks_.stacks) add_sample(stack);
    if (stacks_.overflow_pages > 0) add_overflow();
    add_mappings();
    add_locations();
    writer_.add_int64(profile::kTimeNanos, static_cast<std::int64_t>(report_.session.start_realtime_ns));
    writer_.add_int64(profile::kDurationNanos, static_cast<std::int64_t>(report_.session.duration_ns));
    add_value_type(profile::kPeriodType, "space", "bytes");
    writer_.add_int64(profile::kPeriod, static_cast<std::int64_t>(kBatchPages * stacks_.page_size_bytes));
    if (kernel_ == KernelFrames::way_in) writer_.add_int64(profile::kDropFrames, string("kernel: .*"));
    writer_.add_int64(profile::kDefaultSampleType, string("alloc_space"));
    // Last, when all strings are known; the order of fields is free.
    for (const std::string* text : strings_) writer_.add_string(profile::kStringTable, *text);
    return std::move(out_);
  }

 private:
  std::int64_t string(std::string_view text) {
    const auto [known, is_new] =
        numbers_.try_emplace(escape_terminal(text), static_cast<std::int64_t>(strings_.size()));
    if (is_new) strings_.push_back(&known->first);
    return known->second;
  }

  void add_value_type(protozero::pbf_tag_type tag, std::string_view type, std::string_view unit) {
    protozero::pbf_writer message(writer_, tag);
    message.add_int64(value_type::kType, string(type));
    message.add_int64(value_type::kUnit, string(unit));
  }

  void add_label(protozero::pbf_writer& sample, std::string_view key, std::string_view text) {
    if (text.empty()) return;
    const std::int64_t key_number = string(key);
    const std::int64_t text_number = string(text);
    protozero::pbf_writer message(sample, sample::kLabel);
    message.add_int64(label::kKey, key_number);
    message.add_int64(label::kStr, text_number);
  }

  void add_values(protozero::pbf_writer& sample, std::uint64_t pages) const {
    const auto count = static_cast<std::int64_t>(
        std::min<std::uint64_t>(pages, std::numeric_limits<std::int64_t>::max() / stacks_.page_size_bytes));
    const std::int64_t values[] = {count * static_cast<std::int64_t>(stacks_.page_size_bytes), count};
    sample.add_packed_int64(sample::kValue, std::begin(values), std::end(values));
  }

  // A place that is no code: the kernel's part in a word, or where a stack is cut short.
  std::uint64_t sign(const std::string& name) {
    return signs_.try_emplace(name, stacks_.frames.size() + signs_.size() + 1).first->second;
  }

  // Innermost first, as the stacks are: the kernel's part, then the user's.
  void add_sample(const facts::Stack& stack) {
    const std::string way = way_in(stack, stacks_);
    std::vector<std::uint64_t> locations;
    if (kernel_ == KernelFrames::way_in && !way.empty()) locations.push_back(sign("kernel: " + way));
    for (const auto* part : {&stack.kernel, &stack.user}) {
      if (part == &stack.kernel && kernel_ == KernelFrames::way_in) continue;
      for (const std::uint32_t frame : *part) locations.push_back(frame + 1);
    }
    if (stack.cut_short) locations.push_back(sign(kCutShort));
    if (locations.empty() || (stack.user.empty() && !stack.cut_short))
      locations.push_back(sign("[no user stack]"));
    const std::int64_t process_key = string("process");
    protozero::pbf_writer message(writer_, profile::kSample);
    message.add_packed_uint64(sample::kLocationId, locations.begin(), locations.end());
    add_values(message, stack.pages);
    add_label(message, "thread", stack.comm);
    add_label(message, "container", stack.container.value_or(""));
    add_label(message, "pod", stack.pod.value_or(""));
    add_label(message, "cgroup", stack.cgroup);
    add_label(message, "kernel", way);
    protozero::pbf_writer process(message, sample::kLabel);
    process.add_int64(label::kKey, process_key);
    process.add_int64(label::kNum, stack.pid);
  }

  void add_overflow() {
    protozero::pbf_writer message(writer_, profile::kSample);
    add_values(message, stacks_.overflow_pages);
    add_label(message, "thread", "[more different stacks]");
  }

  void add_mappings() {
    struct Range {
      std::uint64_t low = std::numeric_limits<std::uint64_t>::max();
      std::uint64_t high = 0;
    };
    std::vector<Range> ranges(stacks_.modules.size());
    for (const facts::Frame& frame : stacks_.frames) {
      Range& range = ranges[frame.module];
      range.low = std::min(range.low, frame.address);
      range.high = std::max(range.high, frame.address);
    }
    // pprof takes the first mapping for the program itself: then come other files, the kernel and the rest.
    const std::size_t program = program_module();
    if (program < ranges.size()) add_mapping(program, ranges[program].low, ranges[program].high);
    for (const bool files : {true, false}) {
      for (std::size_t i = 0; i < ranges.size(); ++i) {
        if (i == program || is_file(stacks_.modules[i]) != files) continue;
        add_mapping(i, ranges[i].low, ranges[i].high);
      }
    }
  }

  // Where the heaviest stack begins that begins in a program: its _start, or main.
  std::size_t program_module() const {
    for (const facts::Stack& stack : stacks_.stacks) {
      for (auto frame = stack.user.rbegin(); frame != stack.user.rend(); ++frame) {
        const facts::Frame& place = stacks_.frames[*frame];
        const bool is_begin = place.function == "_start" || place.function == "main" ||
                              place.function == "main.main" || place.function == "runtime.main";
        if (is_begin && is_file(stacks_.modules[place.module])) return place.module;
      }
    }
    for (std::size_t i = 0; i < stacks_.modules.size(); ++i) {
      const std::string& path = stacks_.modules[i].path;
      if (is_file(stacks_.modules[i]) && path.find(".so") == std::string::npos) return i;
    }
    return stacks_.modules.size();
  }

  static bool is_file(const facts::Module& module) { return module.path.rfind('[', 0) != 0; }

  void add_mapping(std::size_t number, std::uint64_t low, std::uint64_t high) {
    const facts::Module& module = stacks_.modules[number];
    const std::int64_t path = string(module.path);
    const std::int64_t build_id = string(module.build_id);
    protozero::pbf_writer message(writer_, profile::kMapping);
    message.add_uint64(mapping::kId, number + 1);
    message.add_uint64(mapping::kMemoryStart, is_file(module) ? 0 : low);
    message.add_uint64(mapping::kMemoryLimit,
                       high == std::numeric_limits<std::uint64_t>::max() ? high : high + 1);
    message.add_int64(mapping::kFilename, path);
    message.add_int64(mapping::kBuildId, build_id);
    message.add_bool(mapping::kHasFunctions, true);
  }

  // One function for each name in a module; a place without a name keeps its address only.
  void add_locations() {
    std::map<std::pair<std::uint32_t, std::string>, std::uint64_t> functions;
    for (std::size_t i = 0; i < stacks_.frames.size(); ++i) {
      const facts::Frame& frame = stacks_.frames[i];
      const std::string name = label_of(frame, stacks_);
      const auto [function, is_new] = functions.try_emplace({frame.module, name}, functions.size() + 1);
      const std::string& source = frame.file.empty() ? stacks_.modules[frame.module].path : frame.file;
      if (is_new) add_function(function->second, name, source);
      protozero::pbf_writer message(writer_, profile::kLocation);
      message.add_uint64(location::kId, i + 1);
      message.add_uint64(location::kMappingId, std::uint64_t{frame.module} + 1);
      message.add_uint64(location::kAddress, frame.address);
      protozero::pbf_writer line(message, location::kLine);
      line.add_uint64(line::kFunctionId, function->second);
      if (frame.line != 0) line.add_int64(line::kLine, frame.line);
    }
    std::uint64_t next_function = functions.size();
    for (const auto& [name, location] : signs_) {
      add_function(++next_function, name, "");
      protozero::pbf_writer message(writer_, profile::kLocation);
      message.add_uint64(location::kId, location);
      protozero::pbf_writer line(message, location::kLine);
      line.add_uint64(line::kFunctionId, next_function);
    }
  }

  void add_function(std::uint64_t id, const std::string& name, const std::string& path) {
    const std::int64_t name_number = string(name);
    const std::int64_t path_number = string(path);
    protozero::pbf_writer message(writer_, profile::kFunction);
    message.add_uint64(function::kId, id);
    message.add_int64(function::kName, name_number);
    message.add_int64(function::kSystemName, name_number);
    message.add_int64(function::kFilename, path_number);
  }

  const report::Report& report_;
  const report::Stacks& stacks_;
  KernelFrames kernel_;
  std::map<std::string, std::uint64_t> signs_;  // their locations
  std::string out_;
  protozero::pbf_writer writer_{out_};
  std::map<std::string, std::int64_t> numbers_;
  std::vector<const std::string*> strings_;
};

Result<std::string> gzip(const std::string& text) {
  constexpr int kGzip = 15 + 16;  // the largest window, and gzip's own header: without a time in it
  constexpr int kMemory = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
    return fail(ErrorKind::failed, "cannot compress the profile");
  }
  std::string packed(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  std::string input = text;  // zlib's interface is not const
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int ended = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) return fail(ErrorKind::failed, "cannot compress the profile");
  return packed;
}

}  // namespace

std::string encode_pprof(const report::Report& report, KernelFrames kernel) {
  if (report.stacks) return Encoder(report, kernel).encode();
  report::Report empty;
  empty.session = report.session;
  empty.stacks.emplace();
  return Encoder(empty, kernel).encode();
}

Result<std::string> render_pprof(const report::Report& report, KernelFrames kernel) {
  return gzip(encode_pprof(report, kernel));
}

}  // namespace memspike::views
