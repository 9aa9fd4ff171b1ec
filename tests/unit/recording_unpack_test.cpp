// Recordings that were packed on their way: whatever the pieces, the same bytes come out.
#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "recording/unpack.h"

using namespace memspike;
using recording::Unpacker;

namespace {

std::string some_bytes(std::size_t size) {
  std::string bytes;
  std::uint32_t x = 1;
  while (bytes.size() < size)
    bytes += static_cast<char>((x = x * 1'664'525 + 1'013'904'223) >> (x % 3 == 0 ? 24 : 30));
  return bytes;
}

std::string gzipped(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), 0);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstded(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), 0);
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

struct Unpacked {
  std::string bytes;
  std::string damage;
};

Unpacked unpack(const std::string& packed, std::size_t piece) {
  Unpacked result;
  Unpacker unpacker([&](std::string_view bytes) -> Result<void> {
    result.bytes += bytes;
    return {};
  });
  for (std::size_t at = 0; at < packed.size(); at += piece)
    REQUIRE(unpacker.feed(std::string_view(packed).substr(at, piece)));
  REQUIRE(unpacker.finish());
  result.damage = unpacker.damage();
  return result;
}

}  // namespace

TEST_CASE("gzip'd, zstd'd and plain bytes come out the same, in pieces of any size") {
  const std::string bytes = some_bytes(200'000);
  for (const std::string& packed : {bytes, gzipped(bytes), zstded(bytes)}) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, packed.size()}) {
      const Unpacked out = unpack(packed, piece);
      CHECK(out.bytes == bytes);
      CHECK(out.damage.empty());
    }
  }
  for (const std::string& tiny : {std::string(), std::string("a"), std::string("abc")}) {
    CHECK(unpack(tiny, 1).bytes == tiny);
  }
  CHECK(unpack(gzipped(bytes) + gzipped(bytes), 1000).bytes == bytes + bytes);
  CHECK(unpack(zstded(bytes) + zstded(bytes), 1000).bytes == bytes + bytes);
}

TEST_CASE("what is cut or damaged gives what there is, and says so") {
  const std::string bytes = some_bytes(200'000);
  for (const std::string& packed : {gzipped(bytes), zstded(bytes)}) {
    const Unpacked cut = unpack(packed.substr(0, packed.size() / 2), 4096);
    CHECK(cut.damage == "the compressed file ends early");
    CHECK(bytes.starts_with(cut.bytes));
    std::string damaged = packed;
    for (std::size_t i = packed.size() / 2; i < packed.size() / 2 + 64; ++i)
      damaged[i] = static_cast<char>(~damaged[i]);
    const Unpacked broken = unpack(damaged, 4096);
    CHECK_FALSE(broken.damage.empty());
  }
}

TEST_CASE("who takes the bytes may refuse them") {
  Unpacker unpacker([](std::string_view) { return Result<void>(fail(ErrorKind::failed, "full")); });
  const std::string packed = gzipped(some_bytes(1000));
  CHECK_FALSE(unpacker.feed(packed));
}

TEST_CASE("what unpacks out of all proportion is refused before it is unpacked") {
  const std::string zeros(256U << 20, '\0');
  for (const std::string& packed : {gzipped(zeros), zstded(zeros)}) {
    std::size_t taken = 0;
    Unpacker unpacker([&taken](std::string_view bytes) {
      taken += bytes.size();
      return Result<void>{};
    });
    const auto fed = unpacker.feed(packed);
    REQUIRE_FALSE(fed);
    CHECK(fed.error().message.find("unpacks to more than 32 times its size") != std::string::npos);
    CHECK(taken <= (16U << 20) + 32 * packed.size());
  }
}
