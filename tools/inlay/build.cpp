// inlay build: from a .inlay file to a code object, or whatever --emit asks for.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "tools/inlay/command.h"

namespace inlay::cli {

namespace {

struct Emit {
  const char* name;
  const char* extension;
  std::optional<Artifact> artifact;  ///< none: the header, which the driver makes
};
const Emit kEmits[] = {
    {"so", ".so", Artifact::SharedObject}, {"obj", ".o", Artifact::Object},
    {"asm", ".s", Artifact::Assembly},     {"ll", ".ll", Artifact::LlvmIr},
    {"bc", ".bc", Artifact::Bitcode},      {"ir", ".lowered.inlay", Artifact::LoweredIr},
    {"hsaco", ".hsaco", Artifact::Hsaco},  {"header", ".h", std::nullopt},
};

struct BuildFlags : CompileFlags {
  std::string input, output, report, dump_stages;
  std::vector<std::string> emits;
};

int run_build(const BuildFlags& flags, const std::string& command_line) {
  BuildRequest request = flags.request(flags.input);
  request.dump_stages = flags.dump_stages;
  if (!flags.dump_stages.empty()) request.reproduce_command = command_line;
  request.artifacts.clear();
  std::vector<const Emit*> wanted;
  for (const Emit& emit : kEmits) {
    bool asked = flags.emits.empty() ? emit.name == std::string("so") : false;
    for (const std::string& name : flags.emits) asked |= name == emit.name;
    if (!asked) continue;
    wanted.push_back(&emit);
    if (emit.artifact) request.artifacts.push_back(*emit.artifact);
  }
  if (wanted.size() > 1 && !flags.output.empty()) {
    throw CompileError("option", {}, "-o names one file, but --emit asks for several",
                       "leave -o away, or build them one by one");
  }
  // A header alone needs no code, but a program that does not compile gets no header either.
  if (request.artifacts.empty()) request.artifacts.push_back(Artifact::SharedObject);

  Session session(flags.no_cache);
  BuildOutput output = session.driver().build(request);
  std::fputs(output.warnings.c_str(), stderr);
  for (const Emit* emit : wanted) {
    std::string path = flags.output;
    if (path.empty()) path = std::filesystem::path(flags.input).stem().string() + emit->extension;
    const std::string& bytes = emit->artifact ? output.artifacts[*emit->artifact] : output.header;
    if (path == "-") {
      // What stays in the buffer is main's to flush and to ask for.
      if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) {
        throw CompileError(
            "output", {},
            std::string("can't write to the standard output: ") + std::strerror(errno));
      }
    } else {
      write_file(path, bytes, emit->artifact == Artifact::SharedObject);
    }
  }
  if (flags.report == "json") {
    std::fputs((output.report_json + "\n").c_str(), stdout);
  } else if (flags.report == "text") {
    std::fputs(output.report_text.c_str(), stdout);
  }
  return kOk;
}

}  // namespace

void add_build(CLI::App& app, Action& run, std::string command_line) {
  auto flags = std::make_shared<BuildFlags>();
  CLI::App* build = app.add_subcommand("build", "Compile a program into a code object");
  build->add_option("file", flags->input, "The .inlay file")->required()->type_name("FILE");
  build
      ->add_option("-o,--output", flags->output,
                   "Where to write (default: the file's name, in the current folder; - is stdout)")
      ->type_name("PATH");
  flags->add_to(*build, true);
  std::vector<std::string> names;
  for (const Emit& emit : kEmits) names.push_back(emit.name);
  build
      ->add_option(
          "--emit", flags->emits,
          "What to write: so (default), obj, asm, ll, bc, ir (the lowered program), hsaco (a GPU's "
          "code object alone), header; "
          "several with commas")
      ->type_name("KIND")
      ->delimiter(',')
      ->check(CLI::IsMember(names))
      ->take_all()
      ->allow_extra_args(false);
  build
      ->add_option("--report", flags->report,
                   "Print what was imported, linked, inlined, and why not: text or json")
      ->type_name("FORMAT")
      ->expected(0, 1)
      ->default_str("text")
      ->check(CLI::IsMember({"text", "json"}));
  build
      ->add_option("--dump-stages", flags->dump_stages,
                   "Write each stage of the pipeline into this folder, headed by the command that "
                   "makes the next")
      ->type_name("DIR");
  build->callback([flags, build, &run, command_line = std::move(command_line)] {
    if (build->count("--report") && flags->report.empty()) flags->report = "text";
    if (build->count("-o") && flags->output.empty()) {
      throw CLI::ValidationError("-o", "the path is empty");
    }
    run = [flags, command_line] { return run_build(*flags, command_line); };
  });
}

}  // namespace inlay::cli
