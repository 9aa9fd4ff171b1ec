// Files that claim to be recordings: whatever they hold, they are read to an end in bounded
// memory, and what is read can be reported.
#include <cstdint>
#include <map>
#include <string_view>

#include "lives/life_table.h"
#include "recording/reader.h"
#include "recording/window.h"
#include "require.h"
#include "views/json/json.h"
#include "views/text/text.h"

using namespace memspike;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] * std::size_t{16};  // how the bytes arrive
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  std::map<std::size_t, lives::LifeTable> tables;
  std::map<std::size_t, std::uint64_t> ends;
  recording::Reader reader([&](std::size_t number, const facts::Fact& fact) {
    FUZZ_REQUIRE(ends[number] == 0);  // nothing follows the end
    ends[number] += std::holds_alternative<facts::RecordingEnded>(fact) ? 1 : 0;
    lives::LifeOptions options;
    options.keep_all_spikes = false;
    tables.try_emplace(number, options).first->second.apply(fact);
  });
  bool failed = false;
  for (std::size_t at = 0; at < bytes.size() && !failed; at += piece) {
    failed = !reader.feed(bytes.substr(at, piece));
  }
  if (!failed) failed = !reader.finish();
  FUZZ_REQUIRE(failed || !tables.empty());
  for (auto& [number, table] : tables) {
    FUZZ_REQUIRE(failed || ends[number] == 1);
    const report::Report report = table.take();
    FUZZ_REQUIRE(!views::render_json(report).empty());
    FUZZ_REQUIRE(!views::render_text(report, {}).empty());
  }
  return 0;
}
