#include "views/node/inventory.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>

#include "base/units.h"
#include "base/utf8.h"
#include "views/kit/table.h"

namespace memspike::views {
namespace {

using cgroup::ContainerEntry;
using cgroup::PodEntry;
using nlohmann::ordered_json;

constexpr std::size_t kShortId = 12;  // as docker, crictl and kubectl show ids
constexpr std::size_t kShortUid = 8;
constexpr unsigned kRoomForUids = 160;  // columns from which whole UIDs fit beside the rest

// What a row says about one memcg, whether it is a pod's or a container's.
struct Numbers {
  std::optional<std::uint64_t> limit_bytes;
  std::optional<std::uint64_t> usage_bytes;
  std::optional<std::uint64_t> peak_bytes;
};

template <class Entry>
Numbers numbers_of(const Entry& entry) {
  Numbers numbers{entry.limit_bytes, entry.usage_bytes, std::nullopt};
  if (entry.kernel_peak) numbers.peak_bytes = entry.kernel_peak->bytes;
  return numbers;
}

// The shortest beginning that tells all pods apart, which is what `record --pod-uid` takes.
std::size_t unique_uid_length(const std::vector<PodEntry>& pods) {
  std::size_t longest = kShortUid;
  for (const PodEntry& pod : pods) longest = std::max(longest, pod.uid.size());
  for (std::size_t length = kShortUid; length < longest; ++length) {
    std::set<std::string> beginnings;
    for (const PodEntry& pod : pods) beginnings.insert(pod.uid.substr(0, length));
    if (beginnings.size() == pods.size()) return length;
  }
  return longest;
}

Tone peak_tone(const Numbers& numbers) {
  if (!numbers.limit_bytes || !numbers.peak_bytes) return Tone::plain;
  if (*numbers.peak_bytes >= *numbers.limit_bytes) return Tone::alarm;
  return *numbers.peak_bytes >= *numbers.limit_bytes / 10 * 9 ? Tone::warn : Tone::plain;
}

class Rows {
 public:
  Rows(Table& table, const TextStyle& style, std::size_t uid_length, const WatchedByPath& watched)
      : table_(table), none_(glyphs(style).none), uid_length_(uid_length), watched_(watched) {}

  void add(const PodEntry& pod) {
    if (pod.path || pod.containers.empty()) {
      add_row(pod, Tone::plain, {"(pod)", Tone::faint}, "", numbers_of(pod), pod.path.value_or(""));
    }
    std::vector<const ContainerEntry*> sorted;
    for (const ContainerEntry& entry : pod.containers) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
      const bool a_sandbox = a->info.role == cgroup::Role::sandbox;
      const bool b_sandbox = b->info.role == cgroup::Role::sandbox;
      return std::tie(a_sandbox, a->info.name, a->path) < std::tie(b_sandbox, b->info.name, b->path);
    });
    // Below its pod's row, a container repeats the pod for grep, not for the eye.
    const Tone repeated = pod.path ? Tone::faint : Tone::plain;
    for (const ContainerEntry* entry : sorted) {
      add_row(pod, repeated, name_cell(*entry), entry->info.id.substr(0, kShortId), numbers_of(*entry),
              entry->path);
    }
  }

  // In no pod.
  void add(const ContainerEntry& entry) {
    add_row({}, Tone::faint, name_cell(entry), entry.info.id.substr(0, kShortId), numbers_of(entry),
            entry.path);
  }

 private:
  Cell name_cell(const ContainerEntry& entry) const {
    if (entry.info.role == cgroup::Role::sandbox) return {"(sandbox)", Tone::faint};
    return {entry.info.name.value_or(none_), Tone::strong};
  }

  std::string bytes(const std::optional<std::uint64_t>& value) const {
    return value ? format_bytes(*value) : none_;
  }

  void add_row(const PodEntry& pod, Tone tone, Cell container, std::string id, const Numbers& numbers,
               const std::string& path) {
    std::vector<Cell> row{{pod.namespace_name.value_or(none_), tone},
                          {pod.pod.value_or(none_), tone},
                          {pod.uid.empty() ? none_ : pod.uid.substr(0, uid_length_), tone},
                          {pod.qos.value_or(none_), tone},
                          std::move(container),
                          {std::move(id)},
                          {bytes(numbers.limit_bytes)},
                          {bytes(numbers.usage_bytes)},
                          {bytes(numbers.peak_bytes), peak_tone(numbers)}};
    if (!watched_.empty()) add_watched(row, path);
    row.emplace_back(path, Tone::faint);
    table_.add_row(std::move(row));
  }

  void add_watched(std::vector<Cell>& row, const std::string& path) const {
    const auto known = watched_.find(path);
    const bool is_known = known != watched_.end();
    row.emplace_back(is_known ? grouped(known->second.bursts_per_hour) : none_);
    const Tone tone = is_known && known->second.kills > 0 ? Tone::alarm : Tone::plain;
    row.emplace_back(is_known ? grouped(known->second.kills) : none_, tone);
  }

  Table& table_;
  std::string none_;
  std::size_t uid_length_;
  const WatchedByPath& watched_;
};

ordered_json to_json(const std::optional<std::string>& text) {
  return text ? ordered_json(*text) : ordered_json();
}

template <class Entry>
void add_numbers(ordered_json& json, const Entry& entry) {
  const auto number = [](const std::optional<std::uint64_t>& value) {
    return value ? ordered_json(*value) : ordered_json();
  };
  const Numbers numbers = numbers_of(entry);
  json["limit_bytes"] = number(numbers.limit_bytes);
  json["usage_bytes"] = number(numbers.usage_bytes);
  json["kernel_peak_bytes"] = number(numbers.peak_bytes);
  json["kernel_peak_source"] = entry.kernel_peak ? ordered_json(entry.kernel_peak->source) : ordered_json();
}

ordered_json to_json(const ContainerEntry& entry, const WatchedByPath& watched) {
  ordered_json json;
  json["name"] = to_json(entry.info.name);
  json["id"] = entry.info.id;
  json["role"] = std::string(to_text(entry.info.role));
  json["cgroup"] = entry.path;
  add_numbers(json, entry);
  if (const auto known = watched.find(entry.path); known != watched.end()) {
    json["watched"] = {{"peak_bytes", known->second.peak_bytes},
                       {"bursts_per_hour", known->second.bursts_per_hour},
                       {"kills", known->second.kills}};
  }
  return json;
}

ordered_json to_json(const PodEntry& pod, const WatchedByPath& watched) {
  ordered_json json;
  json["namespace"] = to_json(pod.namespace_name);
  json["name"] = to_json(pod.pod);
  json["uid"] = pod.uid;
  json["qos"] = to_json(pod.qos);
  json["cgroup"] = to_json(pod.path);
  add_numbers(json, pod);
  json["containers"] = ordered_json::array();
  for (const ContainerEntry& entry : pod.containers) json["containers"].push_back(to_json(entry, watched));
  return json;
}

Table table_of(const std::vector<PodEntry>& pods, const std::vector<ContainerEntry>& lone,
               const TextStyle& style, const WatchedByPath& watched, bool may_cut) {
  // Long paths go first; what a person looks for, and targets a pod by, stays to the last.
  const bool all_named =
      std::all_of(pods.begin(), pods.end(), [](const PodEntry& pod) { return pod.pod.has_value(); });
  const auto least = [&](std::size_t width) { return may_cut ? width : 0; };
  std::vector<Column> columns{{"NAMESPACE", Align::left, 0, least(12)},
                              {"POD", Align::left, 0, least(20)},
                              {"UID", Align::left, all_named ? 1 : 0},
                              {"QOS", Align::left, 3},
                              {"CONTAINER", Align::left, 0, least(12)},
                              {"ID", Align::left, 4},
                              {"LIMIT", Align::right},
                              {"USAGE", Align::right, 2},
                              {"PEAK", Align::right}};
  if (!watched.empty()) {
    columns.push_back({"BURSTS/H", Align::right, 2});
    columns.push_back({"KILLS", Align::right});
  }
  columns.push_back({"CGROUP", Align::left, 5});
  Table table(std::move(columns));
  const std::size_t uid_length = style.columns >= kRoomForUids ? std::string::npos : unique_uid_length(pods);
  Rows rows(table, style, uid_length, watched);
  for (const PodEntry& pod : pods) rows.add(pod);
  for (const ContainerEntry& entry : lone) rows.add(entry);
  return table;
}

}  // namespace

std::string render_inventory_text(const std::vector<PodEntry>& pods, const TextStyle& style,
                                  const WatchedByPath& watched, const std::vector<ContainerEntry>& lone) {
  if (pods.empty() && lone.empty()) return {};
  // A name that is cut cannot be pasted: rather leave columns out, if that suffices.
  const Table whole = table_of(pods, lone, style, watched, false);
  return (whole.fits(style) ? whole : table_of(pods, lone, style, watched, true)).render(style);
}

std::string render_inventory_json(cgroup::Mode mode, const std::vector<PodEntry>& pods,
                                  const WatchedByPath& watched, const std::vector<ContainerEntry>& lone) {
  ordered_json json;
  json["schema_version"] = 1;
  json["cgroup_mode"] = std::string(cgroup::to_string(mode));
  json["pods"] = ordered_json::array();
  for (const PodEntry& pod : pods) json["pods"].push_back(to_json(pod, watched));
  json["containers"] = ordered_json::array();
  for (const ContainerEntry& entry : lone) json["containers"].push_back(to_json(entry, watched));
  // A cgroup's name may be any bytes; the document stays valid UTF-8.
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace memspike::views
