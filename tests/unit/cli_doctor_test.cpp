// What `memspike doctor` prints.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "base/utf8.h"
#include "views/node/checkup.h"

namespace memspike::views {
namespace {

Checkup healthy() {
  Checkup checkup;
  checkup.kernel_release = "6.1.0";
  checkup.cgroup_mode = "v2";
  checkup.tier = "tracepoint";
  checkup.hooks = {{"mm_page_alloc", "tp_btf"}, {"sweep", "bpf_timer"}};
  checkup.checks = {{"btf", CheckState::good, "types are there"}, {"timer", CheckState::good, "sweeps"}};
  return checkup;
}

Checkup blocked() {
  Checkup checkup = healthy();
  checkup.tier.reset();
  checkup.hooks.clear();
  checkup.checks[0] = {"btf", CheckState::blocking, "no types", "run another kernel"};
  checkup.checks[1] = {"timer", CheckState::unknown, "could not be tried"};
  checkup.reason = "no BTF";
  checkup.advice = "run another kernel";
  return checkup;
}

const TextStyle kPlain{false, true, 100};
const TextStyle kAscii{false, false, 100};

}  // namespace

TEST_CASE("doctor: all is well") {
  CHECK(render_checkup_text(healthy(), kPlain) ==
        "memspike doctor · kernel 6.1.0\n"
        "\n"
        " ✓ btf    types are there\n"
        " ✓ timer  sweeps\n"
        "\n"
        " ✓ memspike can run here: tracepoint tier, 2 hooks\n");
}

TEST_CASE("doctor: a blocking check, its advice, and the verdict at the end") {
  CHECK(render_checkup_text(blocked(), kPlain) ==
        "memspike doctor · kernel 6.1.0\n"
        "\n"
        " ✗ btf    no types\n"
        "          → run another kernel\n"
        " ? timer  could not be tried\n"
        "\n"
        " ✗ memspike cannot run here: no BTF\n"
        "   → run another kernel\n");
}

TEST_CASE("doctor: a loss, in ASCII") {
  Checkup checkup = healthy();
  checkup.checks[1] = {"timer", CheckState::degraded, "swept from user space", "a newer kernel"};
  checkup.disabled = {"timer", "btf"};
  CHECK(render_checkup_text(checkup, kAscii) ==
        "memspike doctor | kernel 6.1.0\n"
        "as if this kernel had no timer, btf\n"
        "\n"
        " ok btf    types are there\n"
        " -- timer  swept from user space\n"
        "           -> a newer kernel\n"
        "\n"
        " -- memspike can run here: tracepoint tier, 2 hooks; 1 remark above\n");
  CHECK(render_checkup_text(blocked(), kAscii).find(" NO btf") != std::string::npos);
}

TEST_CASE("doctor: long texts stay within the terminal, hostile ones are escaped") {
  Checkup checkup = healthy();
  checkup.kernel_release = "6.1\x1b[2J";
  checkup.checks[0].detail =
      "a mount at /mnt/\n\x1b]0;pwned\x07 and a text that goes on for more than one line";
  checkup.checks[0].advice = "do this and that and then something else that is as long as the text above it";
  std::string text = render_checkup_text(checkup, {false, true, 48});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\x07') == std::string::npos);
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    CHECK(display_width(text.substr(0, end)) <= 48);
    text.erase(0, end + 1);
  }
}

TEST_CASE("doctor: the JSON contract") {
  const auto good = nlohmann::ordered_json::parse(render_checkup_json(healthy()));
  CHECK(
      good.dump() ==
      R"({"schema_version":1,"kernel_release":"6.1.0","cgroup_mode":"v2","tier":"tracepoint","can_run":true,)"
      R"("reason":null,"advice":null,)"
      R"("hooks":[{"event":"mm_page_alloc","attach":"tp_btf"},{"event":"sweep","attach":"bpf_timer"}],)"
      R"("missing":[],"checks":[)"
      R"({"name":"btf","ok":true,"detail":"types are there","advice":null,"state":"good"},)"
      R"({"name":"timer","ok":true,"detail":"sweeps","advice":null,"state":"good"}]})");

  Checkup checkup = blocked();
  checkup.cgroup_mode.reset();
  checkup.missing = {"mark_victim: \xff"};
  const auto bad = nlohmann::json::parse(render_checkup_json(checkup));
  CHECK(bad["can_run"] == false);
  CHECK(bad["cgroup_mode"].is_null());
  CHECK(bad["tier"].is_null());
  CHECK(bad["reason"] == "no BTF");
  CHECK(bad["advice"] == "run another kernel");
  CHECK(bad["missing"][0] == "mark_victim: \xef\xbf\xbd");
  CHECK(bad["checks"][0]["ok"] == false);
  CHECK(bad["checks"][0]["advice"] == "run another kernel");
  CHECK(bad["checks"][1]["ok"] == false);
  CHECK(bad["checks"][1]["state"] == "unknown");
}

}  // namespace memspike::views
