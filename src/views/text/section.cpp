#include "views/text/section.h"

#include "views/sentences/blind_spot.h"
#include "views/sentences/labels.h"
#include "views/sentences/limit_advice.h"
#include "views/sentences/section_facts.h"
#include "views/text/histograms.h"
#include "views/text/pictures.h"
#include "views/text/tables.h"

namespace memspike::views {

void write_section(Page& page, const report::Subject& subject, const report::Report& report,
                   const TextParts& wanted) {
  page.rule(label_of(subject, report, page), subject.killed() ? Tone::alarm : Tone::strong);
  if (wanted.has(TextPart::usage)) page.facts(section_facts(subject, report, page));
  if (wanted.has(TextPart::picture)) write_timeline(page, subject);
  if (wanted.has(TextPart::kills)) write_kills(page, subject, report);
  if (wanted.has(TextPart::advice)) write_advice(page, subject, report);
  if (wanted.has(TextPart::blind_spot)) write_blind_spot(page, subject);
  if (wanted.has(TextPart::spikes)) write_bursts(page, subject.memcg, report);
  if (wanted.has(TextPart::who)) write_culprits(page, subject.memcg, report);
  if (wanted.has(TextPart::histograms)) write_histograms(page, subject.memcg);
  if (wanted.has(TextPart::who)) write_allocations(page, subject.memcg.allocations);
  page.line();
}

}  // namespace memspike::views
