// Options that several commands have.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/options.h"

namespace memspike::cli {

// A CLI11 validator that turns the option's text into a number by `parse`.
template <class Number>
CLI::Option* add_quantity(CLI::App* app, const std::string& name, std::optional<Number>& target,
                          Result<std::uint64_t> (*parse)(std::string_view), const std::string& type,
                          const std::string& description) {
  return app
      ->add_option_function<std::string>(
          name,
          [&target, parse, name](const std::string& text) {
            const auto value = parse(text);
            if (!value) throw CLI::ValidationError(name, value.error().message + "; " + value.error().advice);
            target = static_cast<Number>(*value);
          },
          description)
      ->type_name(type);
}

void add_format(CLI::App* app, Format& format, const std::vector<std::string>& names);
void add_roots(CLI::App* app, CommonOptions& common);
void add_talk(CLI::App* app, CommonOptions& common);

// Which text report: the short one, parts, or all.
void add_text(CLI::App* app, OutputOptions& output);

}  // namespace memspike::cli
