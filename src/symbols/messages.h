// The kinds of messages between memspike and its helper, each a packet of its own. (helper.h, serve.cpp)
#pragma once

#include <cstddef>
#include <cstdint>

namespace memspike::symbols {

inline constexpr std::size_t kPlacesInMessage = 1024;
inline constexpr std::size_t kMaxNameBytes = 16 * 1024;

enum class Ask : std::uint64_t {
  see,     // tgid, addresses…
  places,  // question, (tgid, address, is_return)…
  names,   // question: of all its places, now
  copies,  // bytes: the ring buffer with copies of stacks, the file that comes along
  finish,  // nothing more comes into it: unwind what is left
  forget,  // all that was seen
};

enum class Reply : std::uint64_t {
  answer,    // question: what follows is of it
  module,    // path: the next one
  frames,    // (module, address)…: of the next places
  build_id,  // module, id
  name,      // place, address, function
  jit_name,  // place, function
  lines,     // place, count, (function, file, line)…
  done,      // the troubles
  chains,    // (copy, whether it is whole, count, addresses…)…
  finished,  // all copies are told of
};

}  // namespace memspike::symbols
