#include "serve/excerpt.h"

#include <algorithm>
#include <variant>

#include "lives/life_table.h"
#include "recording/window.h"

namespace memspike::serve {
namespace {

class ToWriter : public facts::FactSink {
 public:
  explicit ToWriter(recording::Writer& writer) : writer_(writer) {}
  // What says that this is a part is not a part of it.
  void apply(const facts::Fact& fact) override {
    const auto* note = std::get_if<facts::Noted>(&fact);
    if (note == nullptr || !note->is_of_reading) writer_.write(fact);
  }

 private:
  recording::Writer& writer_;
};

Result<void> play_window(const Excerpt& excerpt, const recording::TakeFact& take) {
  const facts::Session& session = excerpt.flight.session.session;
  const auto since_start = [&](std::uint64_t time_ns) {
    return time_ns - std::min(time_ns, session.start_monotonic_ns);
  };
  recording::Span span;
  span.from = recording::Bound{since_start(excerpt.from_ns)};
  span.to = recording::Bound{since_start(excerpt.to_ns)};
  recording::Window window(span, take);
  return recording::play(excerpt.flight, excerpt.to_ns,
                         [&window](const facts::Fact& fact) { window.apply(fact); });
}

}  // namespace

Result<report::Report> write_recording(const Excerpt& excerpt, const recording::Writer::Sink& sink) {
  recording::Writer writer(sink, excerpt.clocks);
  ToWriter to_writer(writer);
  lives::LifeTable table{lives::LifeOptions{}};
  table.pass_to(to_writer);
  const auto apply = [&](const facts::Fact& fact) { table.apply(fact); };
  if (auto played = play_window(excerpt, apply); !played) return tl::unexpected(played.error());
  if (auto written = writer.flush(); !written) return tl::unexpected(written.error());
  return table.take();
}

Result<report::Report> report_of(const Excerpt& excerpt) {
  lives::LifeTable table{lives::LifeOptions{}};
  const auto apply = [&](const facts::Fact& fact) { table.apply(fact); };
  if (auto played = play_window(excerpt, apply); !played) return tl::unexpected(played.error());
  return table.take();
}

}  // namespace memspike::serve
