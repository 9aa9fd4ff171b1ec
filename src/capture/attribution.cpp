#include "capture/attribution.h"

namespace memspike::capture {

// A charge's own hook fires in the task that charges; any other record says what the task that was running
// had allocated.
bool may_attribute(const decode::Sample& event) {
  if (event.tid == 0) return false;
  return event.trigger == MEMSPIKE_TRIGGER_CHARGE || event.trigger == MEMSPIKE_TRIGGER_PAGE_ALLOC ||
         allocated_by(event).any();
}

composition::Allocated allocated_by(const decode::Sample& event) {
  return {event.allocated_bytes[MEMSPIKE_PURPOSE_USER], event.allocated_bytes[MEMSPIKE_PURPOSE_KERNEL],
          event.allocated_bytes[MEMSPIKE_PURPOSE_NONE]};
}

// A charge moves the counter itself: as far as it rose, it was this task. A page is allocated before it is
// charged, and the move may be seen first by a neighbour's page event: there, what the task allocated counts.
std::uint64_t charged_by(const decode::Sample& event, std::uint64_t risen_bytes) {
  if (event.trigger == MEMSPIKE_TRIGGER_CHARGE) return risen_bytes;
  return event.allocated_bytes[MEMSPIKE_PURPOSE_USER] + event.allocated_bytes[MEMSPIKE_PURPOSE_KERNEL];
}

}  // namespace memspike::capture
