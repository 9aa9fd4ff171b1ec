#include "cli/option_kit.h"

#include <algorithm>

namespace memspike::cli {

void add_format(CLI::App* app, Format& format, const std::vector<std::string>& names) {
  app->add_option_function<std::string>(
         "-f,--format", [&format](const std::string& name) { format = find_format(name)->format; },
         "Output format (default: text)")
      ->type_name(CLI::detail::join(names, "|"))
      ->check(CLI::IsMember(names).description(""));
}

void add_roots(CLI::App* app, CommonOptions& common) {
  app->add_option_function<std::string>(
         "--cgroup-root", [&common](const std::string& dir) { common.roots.cgroup_root = dir; },
         "Where the memory controller is mounted (default: from the mount table)")
      ->type_name("DIR");
  app->add_option_function<std::string>(
         "--host-root", [&common](const std::string& dir) { common.roots.host_root = dir; },
         "Where the host's /proc, /var and /run are (default: /)")
      ->type_name("DIR")
      ->envname("MEMSPIKE_HOST_ROOT");
}

void add_talk(CLI::App* app, CommonOptions& common) {
  app->add_flag("-q,--quiet", common.quiet, "Only errors on stderr, no live status line");
  app->add_flag("-v,--verbose", common.verbose, "Say what is done and why");
}

void add_text(CLI::App* app, OutputOptions& output) {
  app->add_flag("--kernel-frames", output.kernel_frames,
                "Of stacks show every function of the kernel, not only the way in (page fault, fork)");
  std::vector<std::string> names;
  for (const auto& [name, part] : views::kTextParts) names.emplace_back(name);
  app->add_flag("--full", output.full, "Every part of the text report, not a screen and a half of it");
  app->add_option_function<std::vector<std::string>>(
         "--section",
         [&output](const std::vector<std::string>& asked) {
           for (const auto& [name, part] : views::kTextParts) {
             if (std::find(asked.begin(), asked.end(), name) != asked.end()) output.text_parts.add(part);
           }
         },
         "Only that part of the text report; can be repeated")
      ->delimiter(',')
      ->type_name(CLI::detail::join(names, "|"))
      ->check(CLI::IsMember(names).description(""));
}

}  // namespace memspike::cli
