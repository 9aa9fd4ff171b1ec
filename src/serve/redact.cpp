#include "serve/redact.h"

#include <algorithm>
#include <variant>

namespace memspike::serve {
namespace {

void cut(std::string& comm) { comm = without_arguments(comm); }

facts::Fact redact(facts::ThreadSeen fact) {
  fact.thread.cmdline.clear();
  cut(fact.thread.comm);
  return fact;
}

facts::Fact redact(facts::ProcessKilled fact) {
  cut(fact.kill.comm);
  if (fact.kill.trigger) cut(fact.kill.trigger->comm);
  for (facts::Kill::Victim& victim : fact.kill.victims) {
    cut(victim.comm);
    cut(victim.parent_comm);
  }
  return fact;
}

facts::Fact redact(facts::ProcessAllocations fact) {
  cut(fact.comm);
  return fact;
}

facts::Fact redact(facts::StackSeen fact) {
  cut(fact.stack.comm);
  return fact;
}

// The line of the log names the victim in brackets, and the task that asked before "invoked oom-killer".
facts::Fact redact(facts::KernelLogged fact) {
  const std::string_view kept = without_arguments(fact.comm);
  if (!fact.comm.empty() && kept.size() < fact.comm.size()) {
    if (const std::size_t at = fact.text.find("(" + fact.comm + ")"); at != std::string::npos)
      fact.text.replace(at + 1, fact.comm.size(), kept);
  }
  fact.comm = std::string(kept);
  if (const std::size_t end = fact.text.find(" invoked oom-killer"); end != std::string::npos)
    fact.text =
        std::string(without_arguments(std::string_view(fact.text).substr(0, end))) + fact.text.substr(end);
  if (const std::size_t at = fact.text.find(",task="); at != std::string::npos) {
    const std::size_t begin = at + 6;
    const std::size_t end = std::min(fact.text.rfind(",pid="), fact.text.size());
    if (end >= begin)
      fact.text.replace(
          begin, end - begin,
          std::string(without_arguments(std::string_view(fact.text).substr(begin, end - begin))));
  }
  return fact;
}

}  // namespace

std::string_view without_arguments(std::string_view comm) {
  return comm.substr(0, comm.find_first_of(" =:\t\n"));
}

std::optional<facts::Fact> redacted(const facts::Fact& fact) {
  return std::visit(
      [](const auto& each) -> std::optional<facts::Fact> {
        if constexpr (requires { redact(each); }) {
          return redact(each);
        } else {
          return std::nullopt;
        }
      },
      fact);
}

}  // namespace memspike::serve
