// The answers about containers across their restarts, and about other memcgs, as JSON.
#pragma once

#include "report/json_writer.h"
#include "report/report.h"

namespace memspike::report {

void write_container(JsonWriter& json, const std::optional<Container>& container);

// The member "subjects".
void write_subjects(JsonWriter& json, const Report& report);

}  // namespace memspike::report
