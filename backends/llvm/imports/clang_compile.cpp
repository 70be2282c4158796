#include "backends/llvm/imports/clang_compile.h"

#include <clang/Basic/Diagnostic.h>
#include <clang/Basic/SourceManager.h>
#include <clang/CodeGen/CodeGenAction.h>
#include <clang/Driver/Compilation.h>
#include <clang/Driver/Driver.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/MultiplexConsumer.h>
#include <clang/Frontend/TextDiagnosticPrinter.h>
#include <clang/Frontend/Utils.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/StringSaver.h>
#include <llvm/Support/VirtualFileSystem.h>

#include <filesystem>
#include <map>

#include "backends/llvm/guard.h"
#include "backends/llvm/imports/clang_features.h"

namespace inlay {

namespace {

constexpr const char* kRule = "import-does-not-compile";

bool starts_with(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// ---- diagnostics ----

// Keeps each diagnostic with its place, and Clang's own text of it.
class Collector : public clang::DiagnosticConsumer {
 public:
  struct Found {
    clang::DiagnosticsEngine::Level level;
    std::string message;
    std::string file;  // as presumed; empty: no place
    unsigned line = 0, column = 0;
    std::string text;  // as Clang prints it, notes included
    const std::string* buffer = nullptr;
  };

  Collector(std::string& sink, clang::DiagnosticOptions* options)
      : stream_(sink), sink_(sink), options_(options), printer_(stream_, options) {}

  void BeginSourceFile(const clang::LangOptions& lang, const clang::Preprocessor* pp) override {
    printer_.BeginSourceFile(lang, pp);
  }
  void EndSourceFile() override { printer_.EndSourceFile(); }

  void HandleDiagnostic(clang::DiagnosticsEngine::Level level,
                        const clang::Diagnostic& info) override {
    clang::DiagnosticConsumer::HandleDiagnostic(level, info);
    size_t before = sink_.size();
    // The place's line is shown by our own diagnostic; notes have no other.
    options_->ShowCarets = level < clang::DiagnosticsEngine::Warning;
    printer_.HandleDiagnostic(level, info);
    stream_.flush();
    std::string text = sink_.substr(before);
    if (level < clang::DiagnosticsEngine::Warning) {
      if (!found.empty()) found.back().text += text;
      return;
    }
    Found one;
    one.level = level;
    llvm::SmallString<128> message;
    info.FormatDiagnostic(message);
    one.message = message.str().str();
    one.text = text;
    if (info.hasSourceManager() && info.getLocation().isValid()) {
      const clang::SourceManager& sources = info.getSourceManager();
      clang::SourceLocation at = sources.getExpansionLoc(info.getLocation());
      clang::PresumedLoc presumed = sources.getPresumedLoc(at);
      if (presumed.isValid()) {
        one.file = presumed.getFilename();
        one.line = presumed.getLine();
        one.column = presumed.getColumn();
        if (!texts.count(one.file)) {
          texts[one.file] = sources.getBufferData(sources.getFileID(at)).str();
        }
      }
    }
    found.push_back(std::move(one));
  }

  std::vector<Found> found;
  std::map<std::string, std::string> texts;  // of the files that diagnostics point into

 private:
  llvm::raw_string_ostream stream_;
  std::string& sink_;
  clang::DiagnosticOptions* options_;
  clang::TextDiagnosticPrinter printer_;
};

class Dependencies : public clang::DependencyCollector {
 public:
  bool needSystemDependencies() override { return true; }
};

std::string help_for(const std::string& message) {
  if (message.find("file not found") != std::string::npos) {
    return "imports are compiled freestanding: Clang's own headers (immintrin.h, arm_neon.h, "
           "stdint.h, stddef.h, float.h ...) are there, those of the C library are not; declare "
           "what you call (`float expf(float);`), or name a folder with -I";
  }
  if (message.find("requires target feature") != std::string::npos ||
      message.find("needs target feature") != std::string::npos) {
    return "build for a target that has the feature (--target), or choose this import only there: "
           "an `implement ... for` row with that feature";
  }
  if (message.find("nested too deeply") != std::string::npos) {
    return "a file includes itself; guard it with `#pragma once`";
  }
  return "";
}

void hand_over(const ImportSource& source, const Collector& collected, Diagnostics& found,
               Diagnostics& warnings) {
  std::map<std::string, Ref<const SourceFile>> files;
  for (const Collector::Found& one : collected.found) {
    Diagnostic diagnostic;
    bool error = one.level >= clang::DiagnosticsEngine::Error;
    diagnostic.severity = error ? Severity::Error : Severity::Warning;
    diagnostic.rule = error ? kRule : "import-warning";
    diagnostic.message = source.title() + (error ? " does not compile: " : ": ") + one.message;
    diagnostic.detail = one.text;
    while (!diagnostic.detail.empty() && diagnostic.detail.back() == '\n') {
      diagnostic.detail.pop_back();
    }
    diagnostic.help = help_for(one.message);
    const Loc& start = source.import->payload_loc;
    if (one.file.empty()) {
      diagnostic.loc = source.import->loc;
    } else if (source.path.empty() && start && one.file == start.file->path()) {
      diagnostic.loc = {start.file, one.line, one.column};
    } else if (one.file == source.path ||
               (source.path.empty() && source.text && one.file == source.text->path())) {
      diagnostic.loc = {source.text, one.line, one.column};
    } else {
      Ref<const SourceFile>& file = files[one.file];
      if (!file) file = new SourceFile(one.file, collected.texts.at(one.file));
      diagnostic.loc = {file, one.line, one.column};
    }
    if (source.import->loc && !(diagnostic.loc.file == source.import->loc.file)) {
      diagnostic.notes.push_back(
          {Severity::Note, "", "imported here", source.import->loc, "", "", "", {}});
    }
    (error ? found : warnings).add(std::move(diagnostic));
  }
}

// ---- the compilation ----

// The payload as Clang reads it. Line and column of an inline payload are those in the .inlay file.
std::string payload_text(const ImportSource& source) {
  const Loc& start = source.import->payload_loc;
  if (!source.path.empty()) return source.bytes;
  std::string name = start ? start.file->path() : source.text->path();
  std::string quoted;
  for (char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  uint32_t line = start && start.line ? start.line : 1;
  uint32_t pad = start && start.column ? start.column - 1 : 0;
  return "#line " + std::to_string(line) + " \"" + quoted + "\"\n" + std::string(pad, ' ') +
         source.bytes;
}

std::string main_file_path(const ImportSource& source) {
  if (!source.path.empty()) return source.path;
  const char* suffix = source.import->kind == ImportKind::C     ? ".c"
                       : source.import->kind == ImportKind::Cxx ? ".cpp"
                                                                : ".S";
  return (std::filesystem::path(source.directory) / (std::string("inlay-inline") + suffix))
      .string();
}

std::vector<std::string> driver_arguments(const ClangRequest& request,
                                          const std::vector<std::string>& flags,
                                          const std::string& main_file) {
  ImportKind kind = request.source->import->kind;
  std::vector<std::string> args{"clang",
                                "--target=" + request.triple,
                                "-nostdlibinc",
                                "-resource-dir",
                                INLAY_CLANG_RESOURCE_DIR,
                                "-Qunused-arguments",
                                "-fno-color-diagnostics"};
  auto add = [&](std::initializer_list<const char*> more) {
    args.insert(args.end(), more.begin(), more.end());
  };
  if (kind == ImportKind::Asm) {
    add({"-E", "-x", "assembler-with-cpp"});
  } else {
    add({"-c", "-emit-llvm", "-O2", "-ffreestanding", "-fno-math-errno", "-fPIC",
         "-fvisibility=hidden", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
         "-fno-ident", "-fno-discard-value-names", "-Xclang", "-disable-llvm-passes"});
    if (request.debug_info) add({"-g"});
    if (kind == ImportKind::C) {
      add({"-x", "c", "-std=gnu17"});
    } else {
      add({"-x", "c++", "-std=gnu++20", "-nostdinc++", "-fno-exceptions", "-fno-rtti",
           "-fno-threadsafe-statics"});
    }
  }
  // Outlined atomics are calls of a library that no code object has.
  if (request.triple.compare(0, 7, "aarch64") == 0) add({"-mno-outline-atomics", "-mno-fmv"});
  if (request.code_object_version) {
    // The device libraries are linked later, with all imports.
    add({"-nogpulib", "-Wno-unsupported-code-object-version"});
    args.push_back("-mcpu=" + request.cpu);
    args.push_back("-mcode-object-version=" + std::to_string(request.code_object_version));
  }
  for (const std::string& folder : request.include_directories) args.push_back("-I" + folder);
  args.insert(args.end(), flags.begin(), flags.end());
  args.push_back("--");
  args.push_back(main_file);
  return args;
}

// Clang places a line of assembly right after the `\n` of the line before: in "a\n\t" "b", before
// the \t. A reader looks for the instruction.
void skip_to_instruction(const std::string& text, AsmPlace& place) {
  size_t at = 0;
  for (uint32_t line = 1; line < place.line && at != std::string::npos; ++line) {
    at = text.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  if (at == std::string::npos) return;
  AsmPlace moved = place;
  for (at += place.column - 1; at < text.size(); ++at) {
    bool escape =
        text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == 't' || text[at + 1] == 'n');
    if (text[at] == '\n') {
      ++moved.line;
      moved.column = 1;
    } else if (escape) {
      ++at;
      moved.column += 2;
    } else if (text[at] == '"' || text[at] == ' ' || text[at] == '\t') {
      ++moved.column;
    } else {
      break;
    }
  }
  if (at < text.size() && text[at] != ':' && text[at] != ')') place = moved;
}

// Gives the assembly statements of `module` the places that decode_asm_place() reads.
void encode_asm_places(llvm::Module& module, const clang::SourceManager& sources,
                       const ImportSource& source) {
  llvm::Type* i64 = llvm::Type::getInt64Ty(module.getContext());
  for (llvm::Function& function : module) {
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      llvm::MDNode* node = instruction.getMetadata("srcloc");
      if (!node) continue;
      llvm::SmallVector<llvm::Metadata*, 8> places;
      for (const llvm::MDOperand& operand : node->operands()) {
        AsmPlace place;
        if (auto* number = llvm::mdconst::dyn_extract<llvm::ConstantInt>(operand)) {
          auto at = clang::SourceLocation::getFromRawEncoding(unsigned(number->getZExtValue()));
          at = sources.getExpansionLoc(at);
          if (at.isValid() && sources.isWrittenInMainFile(at)) {
            place.line = sources.getSpellingLineNumber(at);
            place.column = sources.getSpellingColumnNumber(at);
            if (source.path.empty()) {  // undo what payload_text() put before
              const Loc& start = source.import->payload_loc;
              place.line -= 1;
              if (place.line == 1 && start && start.column) place.column -= start.column - 1;
            }
          }
        }
        if (place.line && place.column) skip_to_instruction(source.bytes, place);
        places.push_back(
            llvm::ConstantAsMetadata::get(llvm::ConstantInt::get(i64, encode_asm_place(place))));
      }
      instruction.setMetadata("srcloc", llvm::MDNode::get(module.getContext(), places));
    }
  }
}

class CompileAction : public clang::EmitLLVMOnlyAction {
 public:
  CompileAction(llvm::LLVMContext* context, std::set<std::string>& features)
      : EmitLLVMOnlyAction(context), features_(features) {}

 protected:
  std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance& compiler,
                                                        llvm::StringRef file) override {
    std::unique_ptr<clang::ASTConsumer> emitter =
        EmitLLVMOnlyAction::CreateASTConsumer(compiler, file);
    if (!emitter) return nullptr;
    std::vector<std::unique_ptr<clang::ASTConsumer>> both;
    // First: the emitter clears the syntax tree before it hands over.
    both.push_back(make_feature_collector(features_));
    both.push_back(std::move(emitter));
    return std::make_unique<clang::MultiplexConsumer>(std::move(both));
  }

 private:
  std::set<std::string>& features_;
};

class PreprocessAction : public clang::PreprocessorFrontendAction {
 public:
  explicit PreprocessAction(std::string& sink) : stream_(sink) {}

 protected:
  void ExecuteAction() override {
    clang::CompilerInstance& compiler = getCompilerInstance();
    clang::DoPrintPreprocessedInput(compiler.getPreprocessor(), &stream_,
                                    compiler.getPreprocessorOutputOpts());
    stream_.flush();
  }

 private:
  llvm::raw_string_ostream stream_;
};

bool run_clang(const ClangRequest& request, const std::vector<std::string>& flags,
               ClangOutput& output, Collector& collector,
               llvm::IntrusiveRefCntPtr<clang::DiagnosticOptions> options) {
  const ImportSource& source = *request.source;
  std::string main_file = main_file_path(source);
  auto memory = llvm::makeIntrusiveRefCnt<llvm::vfs::InMemoryFileSystem>();
  auto files = llvm::makeIntrusiveRefCnt<llvm::vfs::OverlayFileSystem>(
      llvm::vfs::createPhysicalFileSystem());
  if (auto folder = files->getCurrentWorkingDirectory()) {
    memory->setCurrentWorkingDirectory(*folder);
  }
  memory->addFile(main_file, 0, llvm::MemoryBuffer::getMemBufferCopy(payload_text(source)));
  files->pushOverlay(memory);

  llvm::IntrusiveRefCntPtr<clang::DiagnosticsEngine> diagnostics =
      llvm::makeIntrusiveRefCnt<clang::DiagnosticsEngine>(
          llvm::makeIntrusiveRefCnt<clang::DiagnosticIDs>(), options, &collector, false);
  clang::driver::Driver driver("clang", request.triple, *diagnostics, "inlay", files);
  driver.setCheckInputsExist(false);
  std::vector<std::string> arguments = driver_arguments(request, flags, main_file);
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  std::unique_ptr<clang::driver::Compilation> jobs(driver.BuildCompilation(pointers));
  if (!jobs || diagnostics->hasErrorOccurred()) return false;
  if (jobs->getJobs().size() != 1) {
    diagnostics->Report(diagnostics->getCustomDiagID(
        clang::DiagnosticsEngine::Error, "the flags ask for more than one compilation"));
    return false;
  }
  auto invocation = std::make_shared<clang::CompilerInvocation>();
  if (!clang::CompilerInvocation::CreateFromArgs(
          *invocation, jobs->getJobs().begin()->getArguments(), *diagnostics, "clang")) {
    return false;
  }
  // Just the target's: the driver's own choice for the triple may hold more (v8a, fmv).
  invocation->getTargetOpts().CPU = request.cpu;
  invocation->getTargetOpts().TuneCPU.clear();
  invocation->getTargetOpts().FeaturesAsWritten = request.features;
  invocation->getFrontendOpts().DisableFree = false;
  invocation->getCodeGenOpts().DisableFree = false;
  invocation->getFrontendOpts().OutputFile = "-";
  invocation->getDependencyOutputOpts() = clang::DependencyOutputOptions();
  invocation->getPreprocessorOutputOpts().ShowCPP = true;
  invocation->getPreprocessorOutputOpts().ShowLineMarkers = true;

  clang::CompilerInstance compiler;
  compiler.setInvocation(invocation);
  compiler.setDiagnostics(diagnostics.get());
  compiler.setFileManager(new clang::FileManager(clang::FileSystemOptions(), files));
  compiler.setVerboseOutputStream(llvm::nulls());
  auto dependencies = std::make_shared<Dependencies>();
  compiler.addDependencyCollector(dependencies);

  bool good;
  if (source.import->kind == ImportKind::Asm) {
    PreprocessAction action(output.bytes);
    good = compiler.ExecuteAction(action);
  } else {
    llvm::LLVMContext context;
    LlvmMessages messages(context);
    CompileAction action(&context, output.features);
    good = compiler.ExecuteAction(action);
    std::unique_ptr<llvm::Module> module = action.takeModule();
    if (good && module) {
      encode_asm_places(*module, compiler.getSourceManager(), source);
      llvm::raw_string_ostream stream(output.bytes);
      llvm::WriteBitcodeToFile(*module, stream);
    }
    good = good && module;
  }
  if (!good || diagnostics->hasErrorOccurred()) return false;
  for (const std::string& name : dependencies->getDependencies()) {
    std::error_code error;
    std::string path = std::filesystem::absolute(name, error).lexically_normal().string();
    if (name == main_file || starts_with(path, INLAY_CLANG_RESOURCE_DIR)) continue;
    if (auto bytes = read_file(path)) output.dependencies.push_back({path, content_hash({*bytes})});
  }
  return true;
}

}  // namespace

std::vector<std::string> split_flags(const Import& import, Diagnostics& found) {
  static constexpr std::string_view kRefused[] = {"-o",
                                                  "-c",
                                                  "-S",
                                                  "-E",
                                                  "-M",

                                                  "-load",
                                                  "-fplugin",
                                                  "-fpass-plugin",
                                                  "-target",
                                                  "--target",

                                                  "-m",

                                                  "-x",
                                                  "-###",
                                                  "-emit",
                                                  "-fsyntax-only",
                                                  "-save-temps",
                                                  "--save-temps",
                                                  "-flto",
                                                  "-resource-dir",
                                                  "-Xclang",
                                                  "-Xassembler",
                                                  "-Wa,",
                                                  "-Wl,",
                                                  "@"};
  std::vector<std::string> flags;
  for (const std::string& written : import->flags) {
    llvm::BumpPtrAllocator allocator;
    llvm::StringSaver saver(allocator);
    llvm::SmallVector<const char*, 8> parts;
    llvm::cl::TokenizeGNUCommandLine(written, saver, parts);
    for (const char* part : parts) {
      std::string flag = part;
      bool after_option =
          !flags.empty() && (flags.back() == "-I" || flags.back() == "-D" || flags.back() == "-U" ||
                             flags.back() == "-include" || flags.back() == "-isystem");
      std::string why;
      bool allowed = after_option || starts_with(flag, "-mprefer-vector-width=");
      for (std::string_view refused : kRefused) {
        if (!allowed && starts_with(flag, refused)) why = "is Inlay's to decide";
      }
      if (!after_option && flag[0] != '-') why = "is no flag";
      if (!why.empty()) {
        found.error(
            kRule, import->loc,
            std::string("import ") + to_string(import->kind) + ": the flag `" + flag + "` " + why,
            "flags may define macros (-D), add folders (-I), change the language (-std=), "
            "floating point (-ffp-contract=off) and warnings; the target is that of "
            "`inlay build --target`");
      } else {
        flags.push_back(flag);
      }
    }
  }
  return flags;
}

bool clang_compile(const ClangRequest& request, ClangOutput& output, Diagnostics& found,
                   Diagnostics& warnings) {
  const ImportSource& source = *request.source;
  size_t errors = found.error_count();
  std::vector<std::string> flags = split_flags(source.import, found);
  if (found.error_count() != errors) return false;
  bool good = false;
  std::string text;
  llvm::IntrusiveRefCntPtr<clang::DiagnosticOptions> options =
      llvm::makeIntrusiveRefCnt<clang::DiagnosticOptions>();
  options->ShowPresumedLoc = true;  // of an inline payload: the .inlay file's lines
  Collector collector(text, options.get());
  guard_llvm("compiling " + source.title(), source.import->loc,
             [&] { good = run_clang(request, flags, output, collector, options); });
  hand_over(source, collector, found, warnings);
  if (!good && found.error_count() == errors) {
    found.error(kRule, source.import->loc, source.title() + " does not compile");
  }
  return good;
}

// Bits: 0 to 15 the column, 16 to 47 the line, 48 to 60 the import, 61 set.
constexpr uint32_t kMaxColumn = 0xffff, kMaxImport = 0x1fff;

uint64_t encode_asm_place(AsmPlace place) {
  uint64_t import = std::min(place.import, kMaxImport);
  uint64_t column = std::min(place.column, kMaxColumn);
  return (1ull << 61) | (import << 48) | (uint64_t(place.line) << 16) | column;
}

AsmPlace decode_asm_place(uint64_t cookie) {
  if (cookie >> 61 != 1) return {};
  return {uint32_t(cookie >> 16), uint32_t(cookie & kMaxColumn),
          uint32_t(cookie >> 48 & kMaxImport), true};
}

}  // namespace inlay
