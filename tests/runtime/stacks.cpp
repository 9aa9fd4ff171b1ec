#include "stacks.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>

namespace memspike::test {

bool kernel_takes_stacks() {
  Process doctor({{memspike_path(), "doctor", "-f", "json"}, nullptr, {}});
  REQUIRE(doctor.wait() == 0);
  const Json checkup = Json::parse(doctor.out());
  for (const Json& check : checkup.at("checks")) {
    if (check.at("name") == "task_stack") return check.at("state") == "good";
  }
  FAIL("the doctor says nothing of stacks");
  return false;
}

std::vector<std::string> frames_of(const Json& stack, const char* part) {
  return stack.at(part).get<std::vector<std::string>>();
}

std::uint64_t pages_of(const Json& report, const std::vector<std::string>& chain) {
  std::uint64_t pages = 0;
  for (const Json& stack : report.at("stacks")) {
    const auto user = frames_of(stack, "user");
    for (std::size_t at = 0; at + chain.size() <= user.size(); ++at) {
      bool same = true;
      for (std::size_t i = 0; i < chain.size(); ++i) same = same && user[at + i].rfind(chain[i], 0) == 0;
      if (!same) continue;
      pages += counter(stack, "pages");
      break;
    }
  }
  return pages;
}

std::uint64_t pages_below(const Json& report, const std::string& part) {
  std::uint64_t pages = 0;
  for (const Json& stack : report.at("stacks")) {
    const auto user = frames_of(stack, "user");
    const bool is_there = std::any_of(user.begin(), user.end(), [&](const std::string& name) {
      return name.find(part) != std::string::npos;
    });
    if (is_there) pages += counter(stack, "pages");
  }
  return pages;
}

std::uint64_t whole_pages(const Json& report) {
  const Json& pages = report.at("stack_pages");
  return counter(pages, "with_user_stack") - counter(pages, "cut_short");
}

void check_whole(const Json& report) {
  const std::uint64_t total = counter(report.at("stack_pages"), "total");
  INFO(report.at("stack_pages").dump() << report.at("stacks").dump().substr(0, 4000));
  CHECK(total > 0);
  // A stack stands for a batch of 64 pages, whatever their size: of 24 MiB in pages of 16 KiB there are 26,
  // and those of its start weigh more.
  const std::uint64_t of_start = page_bytes() > 4096 ? 3 * 64 : 0;
  CHECK(whole_pages(report) + of_start >= total * 95 / 100);
}

void check_counted(const Json& report, const std::string& out) {
  const auto at = out.find("counted ");
  REQUIRE(at != std::string::npos);
  std::istringstream words(out.substr(at, out.find('\n', at) - at));
  std::map<std::string, double> bytes;
  std::map<std::string, double> pages;
  double all_bytes = 0;
  double all_pages = 0;
  for (std::string word; words >> word;) {
    const auto equals = word.rfind('=');
    if (equals == std::string::npos || word.rfind("t_ns=", 0) == 0) continue;
    const std::string name = word.substr(0, equals);
    all_bytes += bytes[name] = std::stod(word.substr(equals + 1));
    all_pages += pages[name] = static_cast<double>(pages_below(report, name));
  }
  REQUIRE(bytes.size() >= 2);
  REQUIRE(all_pages > 0);
  for (const auto& [name, counted] : bytes) {
    INFO(name << ": " << pages[name] << " of " << all_pages << " pages, " << counted << " of " << all_bytes
              << " bytes");
    CHECK(std::abs(pages[name] / all_pages - counted / all_bytes) < 0.05);
  }
  CHECK(all_pages >= 0.95 * static_cast<double>(counter(report.at("stack_pages"), "total")));
}

}  // namespace memspike::test
