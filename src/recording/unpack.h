// Recordings as people send them: gzip'd or zstd'd, or as they were made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace memspike::recording {

// Plain bytes out of packed ones. What kind they are is told by their first four.
class Unpacker {
 public:
  using Take = std::function<Result<void>(std::string_view bytes)>;

  explicit Unpacker(Take take);
  ~Unpacker();
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  // The next bytes, in pieces of any size. Fails with what `take` fails with, and where so much comes out of
  // so little that it is no recording; packed bytes that are damaged end the stream, see damage().
  Result<void> feed(std::string_view bytes);

  // No more bytes.
  Result<void> finish();

  // Why what came out is not all of it: "" when it is.
  const std::string& damage() const { return damage_; }

  // One way of packing.
  class Stream {
   public:
    virtual ~Stream() = default;
    // Unpacks all of it. False: damaged from here on.
    virtual Result<bool> feed(std::string_view bytes, const Take& take) = 0;
    // Whether what it was fed is whole.
    virtual bool is_complete() const = 0;
  };

 private:
  Result<void> pass_on(std::string_view bytes);
  Result<void> pass_unpacked(std::string_view bytes);

  Take take_;
  std::uint64_t packed_bytes_ = 0;
  std::uint64_t unpacked_bytes_ = 0;
  std::string head_;  // until its kind is known
  bool is_known_ = false;
  std::unique_ptr<Stream> stream_;  // none: not packed
  std::string damage_;
};

}  // namespace memspike::recording
