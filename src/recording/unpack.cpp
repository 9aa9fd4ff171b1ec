#include "recording/unpack.h"

#include <fmt/core.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <utility>

namespace memspike::recording {
namespace {

constexpr std::size_t kHeadBytes = 4;
constexpr std::string_view kGzip("\x1f\x8b", 2);
constexpr std::string_view kZstd("\x28\xb5\x2f\xfd", 4);
using Room = std::array<char, 1U << 16>;

class Gzip : public Unpacker::Stream {
 public:
  Gzip() { inflateInit2(&stream_, kWindowBits); }
  ~Gzip() override { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  Result<bool> feed(std::string_view bytes, const Unpacker::Take& take) override {
    // zlib takes its input as not const, and does not write to it.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    Room room;
    do {
      // Several that were concatenated are one, as gunzip has it.
      if (ended_) {
        inflateReset(&stream_);
        ended_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return false;
      ended_ = code == Z_STREAM_END;
      if (auto taken = take({room.data(), room.size() - stream_.avail_out}); !taken) {
        return tl::unexpected(taken.error());
      }
    } while (stream_.avail_in > 0 || (stream_.avail_out == 0 && !ended_));
    return true;
  }

  bool is_complete() const override { return ended_; }

 private:
  static constexpr int kWindowBits = 15 + 16;  // the largest, with a gzip header

  z_stream stream_{};
  bool ended_ = false;
};

class Zstd : public Unpacker::Stream {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    // A window of 128 MiB at most, as zstd -d takes without being asked.
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, 27);
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  Result<bool> feed(std::string_view bytes, const Unpacker::Take& take) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    Room room;
    bool is_full = false;
    while (in.pos < in.size || is_full) {
      ZSTD_outBuffer out{room.data(), room.size(), 0};
      const std::size_t left = ZSTD_decompressStream(stream_, &out, &in);
      if (ZSTD_isError(left) != 0) return false;
      ended_ = left == 0;
      is_full = out.pos == out.size && !ended_;
      if (auto taken = take({room.data(), out.pos}); !taken) return tl::unexpected(taken.error());
    }
    return true;
  }

  bool is_complete() const override { return ended_; }

 private:
  ZSTD_DStream* stream_;
  bool ended_ = false;
};

std::unique_ptr<Unpacker::Stream> stream_for(std::string_view head) {
  if (head.starts_with(kGzip)) return std::make_unique<Gzip>();
  if (head.starts_with(kZstd)) return std::make_unique<Zstd>();
  return nullptr;
}

}  // namespace

Unpacker::Unpacker(Take take) : take_(std::move(take)) {}
Unpacker::~Unpacker() = default;

Result<void> Unpacker::feed(std::string_view bytes) {
  if (is_known_) return pass_on(bytes);
  head_ += bytes;
  if (head_.size() < kHeadBytes) return {};
  return pass_on({});
}

Result<void> Unpacker::finish() {
  if (!is_known_) {
    if (auto passed = pass_on({}); !passed) return passed;
  }
  if (stream_ && damage_.empty() && !stream_->is_complete()) damage_ = "the compressed file ends early";
  return {};
}

// A recording's blocks are compressed already: packed again, they are hardly smaller.
Result<void> Unpacker::pass_unpacked(std::string_view bytes) {
  constexpr std::uint64_t kMaxGrowth = 32;
  constexpr std::uint64_t kUnpackedAnyway = 16U << 20;
  unpacked_bytes_ += bytes.size();
  if (unpacked_bytes_ <= kUnpackedAnyway + kMaxGrowth * packed_bytes_) return take_(bytes);
  return fail(
      ErrorKind::failed,
      fmt::format("this file will not be read: it unpacks to more than {} times its size", kMaxGrowth));
}

Result<void> Unpacker::pass_on(std::string_view bytes) {
  if (!is_known_) {
    is_known_ = true;
    stream_ = stream_for(head_);
    bytes = head_;
  }
  if (!damage_.empty() || bytes.empty()) return {};
  if (!stream_) return take_(bytes);
  packed_bytes_ += bytes.size();
  auto fed = stream_->feed(bytes, [this](std::string_view unpacked) { return pass_unpacked(unpacked); });
  if (!fed) return tl::unexpected(fed.error());
  if (!*fed) damage_ = "the compressed file is damaged";
  return {};
}

}  // namespace memspike::recording
