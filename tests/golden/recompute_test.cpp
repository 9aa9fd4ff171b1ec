// Every sentence of the text, its numbers computed again from the JSON of the same report, by a program that
// shares no code with the one that wrote them.
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "run.h"
#include "stories.h"
#include "views/json/json.h"
#include "views/text/text.h"

using namespace memspike;
using golden::TempDir;
using golden::write;

namespace {

namespace fs = std::filesystem;

// As wide as needed: a sentence is a line.
constexpr views::TextStyle kWide{false, true, 4000};

// The exit code of the program, and what it printed.
std::pair<int, std::string> recompute(const fs::path& json, const fs::path& text) {
  const std::string command = std::string(MEMSPIKE_PYTHON) + " " + MEMSPIKE_PROTO_DIR +
                              "/recompute_sentences.py " + json.string() + " " + text.string() + " 2>&1";
  return golden::run(command);
}

std::vector<std::pair<const char*, report::Report>> stories() {
  std::vector<std::pair<const char*, report::Report>> all;
  all.emplace_back("oom_story", golden::oom_story());
  all.emplace_back("silent", golden::silent());
  all.emplace_back("absent", golden::absent());
  all.emplace_back("quiet", golden::quiet());
  all.emplace_back("hostile", golden::hostile());
  all.emplace_back("losses", golden::losses());
  all.emplace_back("crowd", golden::crowd());
  all.emplace_back("stacks", golden::stacks());
  return all;
}

}  // namespace

TEST_CASE("every number in a sentence of the text follows from the JSON, in every story") {
  const TempDir dir;
  const fs::path json = dir.path() / "report.json";
  const fs::path text = dir.path() / "report.txt";
  for (const auto& [name, story] : stories()) {
    write(json, views::render_json(story));
    for (const bool is_short : {false, true}) {
      INFO(name << (is_short ? ", short" : ", full"));
      write(text, is_short ? views::render_short(story, kWide) : views::render_text(story, kWide));
      const auto [code, said] = recompute(json, text);
      INFO(said);
      CHECK(code == 0);
      if (const char* kept = std::getenv("MEMSPIKE_KEEP_TEXTS"); kept != nullptr) {
        const std::string stem = std::string(name) + (is_short ? ".short" : ".full");
        fs::copy_file(json, fs::path(kept) / (stem + ".json"), fs::copy_options::overwrite_existing);
        fs::copy_file(text, fs::path(kept) / (stem + ".txt"), fs::copy_options::overwrite_existing);
      }
    }
  }
}

TEST_CASE("a number that is not the JSON's is found out") {
  const TempDir dir;
  const report::Report story = golden::oom_story();
  write(dir.path() / "report.json", views::render_json(story));
  std::string text = views::render_text(story, kWide);
  const std::size_t at = text.find("lives at 38.1");
  REQUIRE(at != std::string::npos);
  text.replace(at, 13, "lives at 38.2");
  write(dir.path() / "report.txt", text);
  const auto [code, said] = recompute(dir.path() / "report.json", dir.path() / "report.txt");
  CHECK(code != 0);
  CHECK(said.find("lives at 38.2 MiB") != std::string::npos);
}
