// Records that do not fit are errors: never events, never undefined behaviour.
#include <catch2/catch.hpp>

#include "decode/decoder.h"
#include "decode_records.h"

using namespace memspike;

namespace {

constexpr std::uint64_t kPage = 4096;

struct Named {
  const char* what;
  wire::Bytes record;
};

std::vector<Named> valid_records() {
  const auto l = [](std::uint32_t slot) { return wire::level(slot, 1, 2); };
  return {{"sample of one level", wire::sample(1, {l(0)})},
          {"sample of eight levels", wire::sample(1, {l(0), l(1), l(2), l(3), l(4), l(5), l(6), l(7)})},
          {"birth", wire::born(1, 2, 3, 4, "name")},
          // Any other watermark but 2: taken for a stack, it would have as many frames as fit.
          {"removal", wire::gone(1, 2, wire::level(3, 1, 9))},
          {"OOM kill", wire::oom_kill(1, {l(0), l(1)})},
          {"stack", wire::stack(1, 2, 3, {4}, {5, 6})},
          {"stall", wire::stall(1'000, 2, 3, 4)},
          {"limit hits", wire::limit_hits(1, 2, 3, 4)}};
}

void set_header(wire::Bytes& record, std::size_t size_bytes) {
  const auto size = static_cast<__u16>(size_bytes);
  std::memcpy(record.data() + offsetof(memspike_header, size), &size, sizeof(size));
}

void set_type(wire::Bytes& record, __u16 type) {
  std::memcpy(record.data() + offsetof(memspike_header, type), &type, sizeof(type));
}

void check_refused(const wire::Bytes& record) {
  // A copy of exactly this size, so that a sanitizer sees a read past its end.
  const wire::Bytes exact(record.begin(), record.end());
  const auto event = decode::decode(exact, kPage);
  REQUIRE_FALSE(event);
  CHECK(event.error().kind == ErrorKind::failed);
  CHECK(event.error().message.find("malformed record of " + std::to_string(record.size()) + " bytes") == 0);
}

}  // namespace

TEST_CASE("every truncation is refused, whatever size the header names") {
  for (const auto& [what, record] : valid_records()) {
    INFO(what);
    REQUIRE(decode::decode(record, kPage));
    for (std::size_t size = 0; size < record.size(); ++size) {
      INFO(size << " bytes");
      wire::Bytes cut(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(size));
      check_refused(cut);
      if (size < sizeof(memspike_header)) continue;
      set_header(cut, size);
      check_refused(cut);
    }
  }
}

TEST_CASE("a record longer than it should be is refused, whatever size the header names") {
  for (const auto& [what, record] : valid_records()) {
    for (const std::size_t extra : {1u, 7u, 8u, 40u, 4000u}) {
      INFO(what << " and " << extra << " bytes");
      wire::Bytes longer = record;
      longer.resize(record.size() + extra);
      check_refused(longer);
      set_header(longer, longer.size());
      check_refused(longer);
    }
  }
}

TEST_CASE("a header that names another size is refused") {
  for (const auto& [what, record] : valid_records()) {
    for (const std::size_t size :
         {std::size_t{0}, record.size() - 1, record.size() + 1, std::size_t{65'535}}) {
      INFO(what << " that claims " << size << " bytes");
      wire::Bytes lying = record;
      set_header(lying, size);
      check_refused(lying);
    }
  }
}

TEST_CASE("an unknown type is refused, as is the body of another type") {
  for (const auto& [what, record] : valid_records()) {
    memspike_header header{};
    std::memcpy(&header, record.data(), sizeof(header));
    for (const int type : {0, 1, 2, 3, 4, 5, 6, 7, 8, 255, 256, 65'535}) {
      if (type == header.type) continue;
      INFO(what << " as type " << type);
      wire::Bytes other = record;
      set_type(other, static_cast<__u16>(type));
      check_refused(other);
    }
  }
}

TEST_CASE("a time that no monotonic clock shows is refused") {
  for (const Named& valid : valid_records()) {
    const auto at = [&](std::uint64_t time_ns) {
      wire::Bytes moved = valid.record;
      std::memcpy(moved.data() + offsetof(memspike_header, time_ns), &time_ns, sizeof(time_ns));
      return moved;
    };
    INFO(valid.what);
    CHECK(decode::decode(at(INT64_MAX), kPage));
    check_refused(at(std::uint64_t{INT64_MAX} + 1));
    check_refused(at(UINT64_MAX));
  }
}

TEST_CASE("an impossible number of levels is refused, as is one that the size contradicts") {
  const std::size_t sample_at = offsetof(memspike_sample, level_count);
  const std::size_t kill_at = offsetof(memspike_oom_kill, level_count);
  const auto with_count = [](wire::Bytes record, std::size_t at, __u32 count) {
    std::memcpy(record.data() + at, &count, sizeof(count));
    return record;
  };
  const wire::Bytes sample = wire::sample(1, {wire::level(0, 1, 1), wire::level(1, 1, 1)});
  for (const __u32 count : {0u, 1u, 3u, 32u, 33u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    INFO(count << " levels");
    check_refused(with_count(sample, sample_at, count));
  }
  const wire::Bytes kill = wire::oom_kill(1, {wire::level(0, 1, 1)});
  for (const __u32 count : {0u, MEMSPIKE_MAX_LEVELS + 1u, 0x80000000u, 0xffffffffu}) {
    INFO(count << " levels");
    check_refused(with_count(kill, kill_at, count));
  }
  // A kill always carries room for all levels: any possible number of them is valid.
  for (__u32 count = 1; count <= MEMSPIKE_MAX_LEVELS; ++count) {
    CHECK(decode::decode(with_count(kill, kill_at, count), kPage));
  }
}

TEST_CASE("a stack whose counts contradict its size, or the format, is malformed") {
  memspike_stack raw = wire::raw_stack(9, 3, 64, {1, 2}, {3});
  const std::size_t size = raw.header.size;
  CHECK(decode::decode(wire::bytes_of(raw, size), 4096));
  raw.user_count = 2;
  CHECK_FALSE(decode::decode(wire::bytes_of(raw, size), 4096));
  raw.user_count = 0xffffffff;  // with the kernel's two: one frame, if it overflowed
  CHECK_FALSE(decode::decode(wire::bytes_of(raw, size), 4096));
  raw = wire::raw_stack(9, 3, 64, {}, {});
  raw.kernel_count = MEMSPIKE_MAX_FRAMES + 1;
  raw.header.size = static_cast<__u16>(64 + 8 * raw.kernel_count);
  CHECK_FALSE(decode::decode(wire::bytes_of(raw, raw.header.size), 4096));
  raw.header.size = 63;
  CHECK_FALSE(decode::decode(wire::bytes_of(raw, 63), 4096));
}
