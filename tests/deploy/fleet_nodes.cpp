// What the services of many nodes would answer to a scraper, made of spikes by memspike's own detector,
// counters and renderer: fleet_test.py says which spikes, and adds them up by itself.
//
// stdin, a line each:  node
//                      container NAMESPACE POD NAME LIMIT_BYTES FLOOR_BYTES
//                      spike TIME_NS RISE_NS HOLD_NS PEAK_BYTES HEADROOM_BYTES
// stdout: the metrics of each node in turn, a form feed after each.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "serve/exposition.h"
#include "serve/meter.h"

using namespace memspike;

namespace {

constexpr std::uint64_t kQuietNs = 1'000'000'000;

class Node {
 public:
  void start_container(std::istream& words) {
    serve::SubjectId subject;
    words >> subject.namespace_name >> subject.pod >> subject.container >> limit_bytes_ >> floor_bytes_;
    ++memcg_;
    meters_.begin(memcg_, subject, "/kubepods/pod/" + std::to_string(memcg_), 1);
    stand(2, floor_bytes_, limit_bytes_ - floor_bytes_);
  }

  // It leaves its floor in a straight line, stands at its peak and comes back as straight.
  void spike(std::istream& words) {
    std::uint64_t time_ns = 0;
    std::uint64_t rise_ns = 0;
    std::uint64_t hold_ns = 0;
    std::uint64_t peak_bytes = 0;
    std::uint64_t headroom_bytes = 0;
    words >> time_ns >> rise_ns >> hold_ns >> peak_bytes >> headroom_bytes;
    stand(time_ns, floor_bytes_, limit_bytes_ - floor_bytes_);
    stand(time_ns + rise_ns, peak_bytes, headroom_bytes);
    stand(time_ns + rise_ns + hold_ns, peak_bytes, headroom_bytes);
    stand(time_ns + rise_ns + hold_ns + rise_ns, floor_bytes_, limit_bytes_ - floor_bytes_);
    now_ns_ = std::max(now_ns_, time_ns + 2 * rise_ns + hold_ns);
  }

  void print() {
    serve::Health health;
    health.version = "fleet";
    health.lost = {{"ring_buffer_full", 0}};
    const auto series = meters_.take(now_ns_ + kQuietNs, 0);
    std::cout << serve::render_metrics(series, health, 0, views::MetricText::prometheus) << '\f';
  }

 private:
  void stand(std::uint64_t time_ns, std::uint64_t usage_bytes, std::uint64_t headroom_bytes) {
    timeline::Row row;
    row.time_ns = time_ns;
    row.usage_bytes = usage_bytes;
    row.watermark_bytes = usage_bytes;
    row.limit_bytes = limit_bytes_;
    row.headroom_bytes = headroom_bytes;
    meters_.row(memcg_, row, {});
  }

  serve::Meters meters_;
  facts::MemcgIndex memcg_ = 0;
  std::uint64_t limit_bytes_ = 0;
  std::uint64_t floor_bytes_ = 0;
  std::uint64_t now_ns_ = 0;
};

}  // namespace

int main() {
  std::unique_ptr<Node> node;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    if (what == "node") {
      if (node) node->print();
      node = std::make_unique<Node>();
    } else if (node && what == "container") {
      node->start_container(words);
    } else if (node && what == "spike") {
      node->spike(words);
    } else {
      std::fprintf(stderr, "not understood: %s\n", line.c_str());
      return 2;
    }
    if (words.fail()) {
      std::fprintf(stderr, "a number is missing: %s\n", line.c_str());
      return 2;
    }
  }
  if (node) node->print();
  return 0;
}
