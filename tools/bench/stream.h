// A recording as the kernel would write it, made up: the same bytes on every machine and every run.
// And the way of its records through the core, as a session takes them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "capture/interpreter.h"
#include "decode/decoder.h"
#include "lives/life_table.h"
#include "memspike/abi.h"
#include "timeline/orderer.h"

namespace memspike::bench {

inline constexpr std::uint64_t kPageBytes = 4096;

struct StreamShape {
  std::uint32_t levels = 1;
  std::uint64_t step_ns = 40'000;  // between two samples: a storm's
  // One sample in so many comes after a look, by the sweep, that found the counter as it was: a row of its
  // own.
  std::size_t still_every = 1;
  std::size_t first = 0;  // a later part of a longer recording: a multiple of 8
};

// Records, one behind the other, each with its size in its header.
class Stream {
 public:
  // Samples of a path of memcgs that live at 38 MiB, burst to 60 MiB and fall back, in batches of
  // 64 pages as a CPU charges them; every eighth pair of neighbours is swapped, as two CPUs may.
  explicit Stream(std::size_t samples, const StreamShape& shape = {}) : samples_(samples), shape_(shape) {
    for (std::uint32_t slot = shape.first == 0 ? shape.levels : 0; slot-- > 0;) add_birth(slot);
    for (std::size_t i = shape.first; i < shape.first + samples; ++i) {
      add_sample(i % 8 == 0 ? i + 1 : i % 8 == 1 ? i - 1 : i);
    }
  }

  template <class Sink>
  void each(Sink&& sink) const {
    for (std::size_t at = 0; at < bytes_.size();) {
      memspike_header header{};
      std::memcpy(&header, &bytes_[at], sizeof(header));
      sink(std::span(&bytes_[at], header.size));
      at += header.size;
    }
  }

  std::size_t samples() const { return samples_; }

 private:
  static constexpr std::uint64_t kStartNs = 1'000'000'000;

  template <class Raw>
  void add(const Raw& raw, std::size_t size_bytes) {
    const auto* from = reinterpret_cast<const std::byte*>(&raw);
    bytes_.insert(bytes_.end(), from, from + size_bytes);
  }

  void add_birth(std::uint32_t slot) {
    memspike_memcg_born raw{};
    raw.header = {MEMSPIKE_RECORD_MEMCG_BORN, sizeof(raw), 0, kStartNs - 1000 - slot};
    raw.serial_nr = slot + 1;
    raw.cgroup_id = slot + 100;
    raw.slot = slot;
    raw.parent_slot = slot + 1 < shape_.levels ? slot + 1 : MEMSPIKE_NO_SLOT;
    raw.pattern = MEMSPIKE_NO_SLOT;
    raw.name[0] = static_cast<char>('a' + slot);
    add(raw, sizeof(raw));
  }

  // Usage at a step of the story. 88 batches up, 88 down; each eighth burst is a low one.
  static std::uint64_t usage_pages(std::size_t step) {
    constexpr std::uint64_t kFloorPages = 38 * 256;
    constexpr std::size_t kBatches = 88;
    const std::size_t phase = step % (2 * kBatches);
    const std::uint64_t batch = phase < kBatches ? phase : 2 * kBatches - phase;
    const bool low = step / (2 * kBatches) % 8 == 7;
    return kFloorPages + 64 * (low ? batch / 2 : batch) + step % 3;
  }

  void add_sample(std::size_t step) {
    memspike_sample raw{};
    const std::size_t size = offsetof(memspike_sample, levels) + shape_.levels * sizeof(memspike_level);
    const std::uint64_t time_ns = kStartNs + step * shape_.step_ns;
    raw.header = {MEMSPIKE_RECORD_SAMPLE, static_cast<__u16>(size), static_cast<__u32>(step % 2), time_ns};
    raw.outer_headroom_pages = MEMSPIKE_NO_HEADROOM;
    raw.tgid = 4711;
    raw.tid = 4711 + static_cast<__u32>(step / 1000 % 4);
    raw.trigger = MEMSPIKE_TRIGGER_PAGE_ALLOC;
    raw.level_count = shape_.levels;
    const std::uint64_t before = usage_pages(step == 0 ? 0 : step - 1);
    const std::uint64_t now = usage_pages(step);
    raw.allocated_pages[MEMSPIKE_PURPOSE_USER] = static_cast<__u32>(now - std::min(before, now));
    const bool still = step % shape_.still_every == 0;
    const std::uint64_t look_ns = time_ns - (still ? shape_.step_ns / 4 : shape_.step_ns);
    for (std::uint32_t slot = 0; slot < shape_.levels; ++slot) {
      const std::uint64_t usage = usage_pages(step) + 64 * slot;
      raw.levels[slot] = {slot, 0, usage, 62 * 256 + 64 * slot, 64 * 256, look_ns};
    }
    add(raw, size);
  }

  std::size_t samples_;
  StreamShape shape_;
  std::vector<std::byte> bytes_;
};

// Decode, order, timeline, spikes, histograms, report.
class Pipeline {
 public:
  // `next`: gets each fact, and what is found in them.
  explicit Pipeline(lives::LifeOptions options, facts::FactSink* next = nullptr)
      : lives_(std::move(options)),
        interpreter_([](const std::string&) { return facts::Description{}; },
                     [this](const facts::Fact& fact) { lives_.apply(fact); }) {
    if (next != nullptr) lives_.pass_to(*next);
    for (std::uint64_t id = 100; id < 100 + MEMSPIKE_MAX_LEVELS; ++id) interpreter_.name_cgroup(id, "/bench");
  }

  void run(const Stream& stream) {
    feed(stream);
    finish();
  }

  // One part of a recording after the other; then its end.
  void feed(const Stream& stream) {
    std::size_t waiting = 0;
    stream.each([&](std::span<const std::byte> record) {
      auto event = decode::decode(record, kPageBytes);
      if (!event) return;
      std::visit([this](const auto& e) { now_ns_ = e.time_ns; }, *event);
      orderer_.push(std::move(*event));
      if (++waiting % kDrain == 0) release();
    });
  }

  void finish() {
    orderer_.flush([this](const decode::Event& event) { interpreter_.apply(event); });
    interpreter_.close(now_ns_ + 1);
  }

  report::Report take() { return lives_.take(); }

 private:
  static constexpr std::uint64_t kHoldNs = 20'000'000;
  static constexpr std::size_t kDrain = 256;  // records a drain of the ring buffer finds in a storm

  void release() {
    orderer_.release(now_ns_, [this](const decode::Event& event) { interpreter_.apply(event); });
  }

  lives::LifeTable lives_;
  capture::Interpreter interpreter_;
  timeline::Orderer orderer_{kHoldNs};
  std::uint64_t now_ns_ = 0;
};

}  // namespace memspike::bench
