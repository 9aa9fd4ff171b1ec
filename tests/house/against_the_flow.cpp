// A fact that looked into the report would be an include against the flow: see CMakeLists.txt.
#include "facts/fact.h"
#include "report/report.h"
