// inlay completion: shell completion, derived from the options that CLI11 knows, so that it can't
// fall behind them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "tools/inlay/command.h"

namespace inlay::cli {

namespace {

struct OptionInfo {
  std::vector<std::string> names;  ///< with their dashes
  std::string description;
  bool takes_value = false;
};

std::vector<OptionInfo> options_of(const CLI::App& app) {
  std::vector<OptionInfo> options;
  for (const CLI::Option* option : app.get_options()) {
    OptionInfo info;
    for (const std::string& name : option->get_snames()) info.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) info.names.push_back("--" + name);
    if (info.names.empty()) continue;
    info.description = option->get_description();
    info.takes_value = option->get_items_expected_min() > 0;
    options.push_back(std::move(info));
  }
  return options;
}

std::string quoted(std::string text) {
  for (size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) {
    text.replace(at, 1, "'\\''");
  }
  return "'" + text + "'";
}

void print_bash(const CLI::App& app) {
  std::string commands, cases;
  for (const CLI::App* sub : app.get_subcommands({})) {
    commands += " " + sub->get_name();
    std::string words;
    for (const OptionInfo& option : options_of(*sub))
      words += fmt::format(" {}", fmt::join(option.names, " "));
    cases += fmt::format("    {}) options=\"{}\" ;;\n", sub->get_name(), words.substr(1));
  }
  fmt::print(
      "# bash completion of inlay: source <(inlay completion bash)\n"
      "_inlay() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} options=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W \"{} --help --version\" -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  case $word in\n"
      "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
      "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
      "  esac\n"
      "}}\n"
      "complete -o filenames -F _inlay inlay\n",
      commands.substr(1), cases);
}

void print_zsh(const CLI::App& app) {
  fmt::print(
      "#compdef inlay\n# zsh completion of inlay: source <(inlay completion zsh)\n"
      "_inlay() {{\n  local -a commands\n  commands=(\n");
  for (const CLI::App* sub : app.get_subcommands({})) {
    fmt::print("    {}\n", quoted(sub->get_name() + ":" + sub->get_description()));
  }
  fmt::print(
      "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
      "  case $words[2] in\n");
  for (const CLI::App* sub : app.get_subcommands({})) {
    fmt::print("    {})\n      _arguments -S", sub->get_name());
    for (const OptionInfo& option : options_of(*sub)) {
      for (const std::string& name : option.names) {
        std::string description = option.description;
        for (char& c : description) {
          if (c == '[' || c == ']' || c == ':') c = ' ';
        }
        fmt::print(" \\\n        {}",
                   quoted(fmt::format("*{}[{}]{}", name, description,
                                      option.takes_value ? ":value:_files" : "")));
      }
    }
    fmt::print(" \\\n        '*:file:_files' ;;\n");
  }
  fmt::print("  esac\n}}\ncompdef _inlay inlay\n");
}

void print_fish(const CLI::App& app) {
  fmt::print("# fish completion of inlay: inlay completion fish | source\n");
  for (const CLI::App* sub : app.get_subcommands({})) {
    fmt::print("complete -c inlay -n __fish_use_subcommand -f -a {} -d {}\n", sub->get_name(),
               quoted(sub->get_description()));
    for (const OptionInfo& option : options_of(*sub)) {
      std::string flags;
      for (const std::string& name : option.names) {
        flags += name.rfind("--", 0) == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      fmt::print("complete -c inlay -n '__fish_seen_subcommand_from {}'{}{} -d {}\n",
                 sub->get_name(), flags, option.takes_value ? " -r" : "",
                 quoted(option.description));
    }
  }
}

}  // namespace

void add_completion(CLI::App& app, Action& run) {
  auto shell = std::make_shared<std::string>();
  CLI::App* sub = app.add_subcommand("completion", "Print a completion script for a shell");
  sub->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->type_name("SHELL")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  sub->callback([shell, &app, &run] {
    run = [shell, &app] {
      if (*shell == "bash") print_bash(app);
      if (*shell == "zsh") print_zsh(app);
      if (*shell == "fish") print_fish(app);
      return kOk;
    };
  });
}

}  // namespace inlay::cli
