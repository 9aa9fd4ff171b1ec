// The parts of the text report, as --section names them.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace memspike::views {

enum class TextPart : std::uint8_t {
  usage,       // usage, limit, the kernel's own peak, place
  picture,     // usage over time
  kills,       // OOM kills, with the last second and every level up to the root
  advice,      // which limit would have held
  blind_spot,  // what scrapers would have shown
  spikes,
  who,  // made it rise, and allocated
  histograms,
  stacks,
  rest,       // a line for each of what was quiet
  recording,  // how it was recorded, and what was lost
};

inline constexpr std::array<std::pair<std::string_view, TextPart>, 11> kTextParts{{
    {"usage", TextPart::usage},
    {"picture", TextPart::picture},
    {"kills", TextPart::kills},
    {"advice", TextPart::advice},
    {"blind-spot", TextPart::blind_spot},
    {"spikes", TextPart::spikes},
    {"who", TextPart::who},
    {"histograms", TextPart::histograms},
    {"stacks", TextPart::stacks},
    {"rest", TextPart::rest},
    {"recording", TextPart::recording},
}};

// Some of them.
class TextParts {
 public:
  TextParts() = default;
  static TextParts all() {
    TextParts parts;
    for (const auto& [name, part] : kTextParts) parts.add(part);
    return parts;
  }

  void add(TextPart part) { bits_ |= bit(part); }
  bool has(TextPart part) const { return (bits_ & bit(part)) != 0; }
  bool any() const { return bits_ != 0; }

 private:
  static std::uint32_t bit(TextPart part) { return 1U << static_cast<unsigned>(part); }

  std::uint32_t bits_ = 0;
};

}  // namespace memspike::views
