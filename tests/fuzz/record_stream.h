// A fuzz input that is a little of everything: options, then records one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "memspike/abi.h"

namespace memspike::fuzz {

// The first bytes of an input.
struct StreamOptions {
  std::uint8_t flags = 0;         // kKeepTimeline | …
  std::uint8_t columns = 100;     // of the terminal
  std::uint8_t hold_ns_log2 = 4;  // how long the orderer holds events back
  std::uint8_t page_size_log2 = 12;
};
inline constexpr std::uint8_t kKeepTimeline = 1;
inline constexpr std::uint8_t kKeepAllSpikes = 2;
inline constexpr std::uint8_t kEverySpike = 4;  // a threshold of 1 byte
inline constexpr std::uint8_t kColor = 8;
inline constexpr std::uint8_t kUtf8 = 16;
inline constexpr std::uint8_t kRedescribe = 32;  // some memcgs are not wanted

struct Stream {
  StreamOptions options;
  std::vector<std::span<const std::byte>> records;
};

// Cuts the input where its headers say that records end; what is left over is a record, too. A
// record of no possible size is as long as a header, so that one bad byte does not hide the rest.
inline Stream split(std::span<const std::byte> input) {
  Stream stream;
  if (input.size() < sizeof(StreamOptions)) return stream;
  std::memcpy(&stream.options, input.data(), sizeof(StreamOptions));
  input = input.subspan(sizeof(StreamOptions));
  while (!input.empty()) {
    std::size_t size = input.size();
    if (input.size() >= sizeof(memspike_header)) {
      memspike_header header{};
      std::memcpy(&header, input.data(), sizeof(header));
      size = header.size < sizeof(header) ? sizeof(header) : header.size;
      if (size > input.size()) size = input.size();
    }
    stream.records.push_back(input.first(size));
    input = input.subspan(size);
  }
  return stream;
}

}  // namespace memspike::fuzz
