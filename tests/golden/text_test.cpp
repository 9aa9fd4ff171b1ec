#include "views/text/text.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <regex>
#include <sstream>

#include "base/utf8.h"
#include "golden.h"
#include "stories.h"
#include "views/profile/folded.h"
#include "views/text/status.h"

using namespace memspike;
using namespace memspike::report;
using namespace memspike::views;
using golden::check_golden;

namespace {

constexpr TextStyle kUtf8{false, true, 100};
constexpr TextStyle kAscii{false, false, 100};
constexpr TextStyle kColor{true, true, 100};
constexpr TextStyle kNarrow{false, true, 60};

std::string without_color(const std::string& text) {
  return std::regex_replace(text, std::regex("\x1b\\[[0-9;]*m"), "");
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

const std::vector<Report>& all_stories() {
  static const std::vector<Report> stories{golden::oom_story(), golden::silent(),  golden::absent(),
                                           golden::quiet(),     golden::hostile(), golden::losses(),
                                           golden::crowd(),     golden::stacks()};
  return stories;
}

}  // namespace

TEST_CASE("the OOM story as text") {
  check_golden("oom_story.utf8.txt", render_text(golden::oom_story(), kUtf8));
  check_golden("oom_story.ascii.txt", render_text(golden::oom_story(), kAscii));
  check_golden("oom_story.color.txt", render_text(golden::oom_story(), kColor));
  check_golden("oom_story.narrow.txt", render_text(golden::oom_story(), kNarrow));
}

TEST_CASE("the OOM story as the short text that people get first") {
  check_golden("oom_story.short.txt", render_short(golden::oom_story(), kUtf8));
  check_golden("oom_story.short.ascii.txt", render_short(golden::oom_story(), kAscii));
  check_golden("crowd.short.txt", render_short(golden::crowd(), kUtf8));
  check_golden("quiet.short.txt", render_short(golden::quiet(), kUtf8));
}

TEST_CASE("the short text of one container is a screen and a half") {
  for (const unsigned columns : {80U, 100U, 120U}) {
    CHECK(lines_of(render_short(golden::oom_story(), {false, true, columns})).size() <= 60);
  }
}

TEST_CASE("a part of the text is what the whole text says there") {
  const std::vector<std::string> whole = lines_of(render_text(golden::oom_story(), kUtf8));
  for (const auto& [name, part] : kTextParts) {
    TextParts wanted;
    wanted.add(part);
    const std::vector<std::string> lines = lines_of(render_text(golden::oom_story(), kUtf8, wanted));
    INFO(name);
    CHECK(lines.size() < whole.size());
    CHECK(std::all_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return std::find(whole.begin(), whole.end(), line) != whole.end();
    }));
  }
}

TEST_CASE("recordings in which nothing happened, as text") {
  check_golden("silent.txt", render_text(golden::silent(), kUtf8));
  check_golden("absent.txt", render_text(golden::absent(), kUtf8));
  check_golden("quiet.txt", render_text(golden::quiet(), kUtf8));
}

TEST_CASE("hostile names as text") {
  check_golden("hostile.utf8.txt", render_text(golden::hostile(), kUtf8));
  check_golden("hostile.ascii.txt", render_text(golden::hostile(), kAscii));
}

TEST_CASE("stacks as text, and folded") {
  check_golden("stacks.utf8.txt", render_text(golden::stacks(), kUtf8));
  check_golden("stacks.narrow.txt", render_text(golden::stacks(), kNarrow));
  check_golden("stacks.folded", render_folded(golden::stacks()));
}

TEST_CASE("losses and notes as text") { check_golden("losses.txt", render_text(golden::losses(), kUtf8)); }

TEST_CASE("many spikes, kills and cgroups as text") {
  check_golden("crowd.utf8.txt", render_text(golden::crowd(), kUtf8));
  check_golden("crowd.narrow.txt", render_text(golden::crowd(), kNarrow));
}

TEST_CASE("no line is wider than asked, none ends in a space, no ellipsis eats a number") {
  const std::regex eaten_number("\xe2\x80\xa6[0-9.]* ?%");
  for (const Report& story : all_stories()) {
    for (unsigned columns = 40; columns <= 300; columns += columns < 120 ? 1 : 20) {
      for (const std::string& line : lines_of(without_color(render_text(story, {true, true, columns}) +
                                                            render_short(story, {true, true, columns})))) {
        INFO(columns << " columns: " << line);
        CHECK(display_width(line) <= columns);
        CHECK((line.empty() || line.back() != ' '));
        CHECK_FALSE(std::regex_search(line, eaten_number));
      }
    }
  }
}

TEST_CASE("colour only adds escape sequences, ASCII is ASCII, and no control gets through") {
  for (const Report& story : all_stories()) {
    const std::string plain = render_text(story, kUtf8);
    CHECK(without_color(render_text(story, kColor)) == plain);
    CHECK(std::none_of(plain.begin(), plain.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\n') || byte == 0x7f;
    }));
    const std::string ascii = render_text(story, kAscii);
    CHECK(
        std::all_of(ascii.begin(), ascii.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  }
}

TEST_CASE("a timeline does not change the text") {
  Report with = golden::oom_story_with_timeline();
  const std::string text = render_text(with, kUtf8);
  with.with_timeline = false;
  for (Memcg& memcg : with.memcgs) memcg.timeline.clear();
  CHECK(text == render_text(with, kUtf8));
}

TEST_CASE("the status line at several widths") {
  Status status{83'400'000'000, 39'976'960, 52'428'800, 52'428'800, 12, 3, 12'345, 0, 0, {}, 0};
  const Status pod{83'400'000'000, 39'976'960, 52'428'800, 52'428'800, 12, 3, 12'345, 0, 2, "app", 3'355'443};
  const Status busy{4'523'000'000'000, 1'610'612'736, 3'221'225'472, {}, 12'345, 0, 999, 2'048, 0, {}, 0};
  std::string all;
  for (const unsigned columns : {100u, 80u, 60u, 40u, 20u}) {
    for (const Status& shown : {status, busy, pod}) {
      const std::string line = render_status(shown, {false, true, columns});
      CHECK(display_width(line) <= columns);
      CHECK(without_color(render_status(shown, {true, true, columns})) == line);
      all += line + '\n';
    }
  }
  all += render_status(status, kAscii) + '\n' + render_status(busy, kColor) + '\n';
  check_golden("status.txt", all);
}
