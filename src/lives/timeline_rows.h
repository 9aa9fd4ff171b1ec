// The rows of the timelines that are reported on, as they become known: for who writes them down at once.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "facts/sink.h"
#include "timeline/track.h"

namespace memspike::lives {

// Whether this is of one of these containers (names, or beginnings of ids; none: all), and of the target.
bool is_wanted(const facts::Description& description, const std::vector<std::string>& containers);

class TimelineRows final : public facts::FactSink {
 public:
  using Take = std::function<void(const std::string& path, const timeline::Row& row)>;

  // `containers`: to report on; empty: as recorded.
  TimelineRows(std::vector<std::string> containers, Take take)
      : containers_(std::move(containers)), take_(std::move(take)) {}

  void apply(const facts::Fact& fact) override;

 private:
  struct Shown {
    std::string path;
    bool wanted = false;
  };

  void see(const facts::MemcgFound& fact);
  bool is_wanted(const facts::Description& description) const;

  std::vector<std::string> containers_;
  std::vector<std::string> recorded_;  // those that the recording is of
  Take take_;
  std::unordered_map<facts::MemcgIndex, Shown> shown_;
};

}  // namespace memspike::lives
