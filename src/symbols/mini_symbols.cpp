#include "symbols/mini_symbols.h"

#include <lzma.h>

#include <array>
#include <cstdint>

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxImageBytes = std::size_t{96} << 20;
constexpr std::uint64_t kMaxMemoryBytes = std::uint64_t{128} << 20;

// "": it is not sound, or too large.
std::string unpack(std::string_view packed) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kMaxMemoryBytes, 0) != LZMA_OK) return {};
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::string image;
  std::array<std::uint8_t, 65'536> piece{};
  lzma_ret result = LZMA_OK;
  while (result == LZMA_OK && image.size() < kMaxImageBytes) {
    stream.next_out = piece.data();
    stream.avail_out = piece.size();
    result = lzma_code(&stream, LZMA_FINISH);
    image.append(reinterpret_cast<const char*>(piece.data()), piece.size() - stream.avail_out);
  }
  lzma_end(&stream);
  return result == LZMA_STREAM_END ? image : std::string();
}

}  // namespace

std::unique_ptr<MiniSymbols> MiniSymbols::find(const ElfFile& file) {
  auto symbols = std::make_unique<MiniSymbols>();
  const std::string_view packed = file.section(".gnu_debugdata");
  if (packed.empty()) return symbols;
  symbols->image = unpack(packed);
  if (symbols->image.empty()) return symbols;
  symbols->elf = ElfFile::of_memory(symbols->image.data(), symbols->image.size());
  return symbols;
}

}  // namespace memspike::symbols
