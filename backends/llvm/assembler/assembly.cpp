#include "backends/llvm/assembler/assembly.h"

#include <llvm/CodeGen/AsmPrinter.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/MCAsmBackend.h>
#include <llvm/MC/MCAsmInfo.h>
#include <llvm/MC/MCCodeEmitter.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstPrinter.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCObjectFileInfo.h>
#include <llvm/MC/MCObjectWriter.h>
#include <llvm/MC/MCParser/AsmLexer.h>
#include <llvm/MC/MCParser/MCAsmParser.h>
#include <llvm/MC/MCParser/MCTargetAsmParser.h>
#include <llvm/MC/MCRegisterInfo.h>
#include <llvm/MC/MCStreamer.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "backends/llvm/assembler/x86_features.h"
#include "backends/llvm/guard.h"
#include "backends/llvm/imports/clang_compile.h"

namespace inlay {

namespace {

constexpr const char* kRule = "import-does-not-compile";
constexpr const char* kStray = "invalid character in input";
constexpr const char* kStrayHelp = "such characters may stand in comments and quoted strings";
constexpr const char* kFeatureRule = "import-missing-feature";

// The assembler names what is missing after this.
bool is_missing_feature(const std::string& words) {
  return words.find("instruction requires") != std::string::npos;
}

void add_pragma_note(Diagnostic& diagnostic, const Loc& pragma) {
  if (pragma && !(diagnostic.loc.file == pragma.file)) {
    diagnostic.notes.push_back({Severity::Note, "", "imported here", pragma, "", "", "", {}});
  }
}

const char* kFeatureHelp =
    "build for a target that has it (--target), or import this only there: an "
    "`implement ... for` row with that feature";

// ---- what instructions need ----

class X86Classifier {
 public:
  X86Classifier(const llvm::Target& target, const llvm::Triple& triple, const llvm::MCAsmInfo& info,
                const llvm::MCInstrInfo& instructions, const llvm::MCRegisterInfo& registers)
      : registers_(registers),
        instructions_(instructions),
        printer_(target.createMCInstPrinter(triple, 0, info, instructions, registers)) {}

  std::string mnemonic(const llvm::MCInst& inst) const {
    const char* text = printer_->getMnemonic(&inst).first;
    std::string name = text ? text : "";
    return name.substr(0, name.find_first_of(" \t{"));
  }

  std::vector<std::string> needs(const llvm::MCInst& inst) const {
    X86Operands operands;
    for (unsigned i = 0; i < inst.getNumOperands(); ++i) {
      const llvm::MCOperand& operand = inst.getOperand(i);
      if (!operand.isReg() || !operand.getReg()) continue;
      llvm::StringRef name = registers_.getName(operand.getReg());
      unsigned number = 0;
      if (name.size() > 3 &&
          (name.starts_with("XMM") || name.starts_with("YMM") || name.starts_with("ZMM"))) {
        name.drop_front(3).getAsInteger(10, number);
        operands.high_register |= number >= 16;
        (name[0] == 'X' ? operands.xmm : name[0] == 'Y' ? operands.ymm : operands.zmm) = true;
      } else if (name.size() == 2 && name[0] == 'K') {
        operands.mask = true;
      }
    }
    const llvm::MCInstrDesc& description = instructions_.get(inst.getOpcode());
    operands.memory = description.mayLoad() || description.mayStore();
    return x86_features(mnemonic(inst), operands);
  }

 private:
  const llvm::MCRegisterInfo& registers_;
  const llvm::MCInstrInfo& instructions_;
  std::unique_ptr<llvm::MCInstPrinter> printer_;
};

// Sees the instructions of an assembler's or a compiler's output, and writes nothing.
class Recorder : public llvm::MCStreamer {
 public:
  using Sink = std::function<void(const llvm::MCInst&)>;
  Recorder(llvm::MCContext& context, bool only_inline, std::string begin, std::string end,
           Sink sink)
      : MCStreamer(context),
        recording_(!only_inline),
        begin_(std::move(begin)),
        end_(std::move(end)),
        sink_(std::move(sink)) {}

  void emitInstruction(const llvm::MCInst& inst, const llvm::MCSubtargetInfo& info) override {
    if (recording_) sink_(inst);
    MCStreamer::emitInstruction(inst, info);
  }
  // The printer frames inline assembly by comments, in every kind of output.
  void emitRawComment(const llvm::Twine& text, bool) override {
    std::string comment = text.str();
    if (comment == begin_) recording_ = true;
    if (comment == end_) recording_ = false;
  }
  bool emitSymbolAttribute(llvm::MCSymbol*, llvm::MCSymbolAttr) override { return true; }
  void emitCommonSymbol(llvm::MCSymbol*, uint64_t, llvm::Align) override {}
  void emitZerofill(llvm::MCSection*, llvm::MCSymbol*, uint64_t, llvm::Align,
                    llvm::SMLoc) override {}

 private:
  bool recording_;
  std::string begin_, end_;
  Sink sink_;
};

// What the target lacks, by feature, with the first place of each.
class Lacking {
 public:
  /// `title` and `pragma`: of the import; empty for the program's own assembly.
  Lacking(std::string title, Loc pragma, const Target& target)
      : title_(std::move(title)), pragma_(std::move(pragma)), target_(target) {}

  void add(const std::string& mnemonic, const std::vector<std::string>& features,
           const Loc& place) {
    for (const std::string& feature : features) {
      if (!needed_.insert(feature).second || target_.features.count(feature)) continue;
      lacking_.push_back({feature, mnemonic, place});
    }
  }
  void report(std::vector<std::string>& needed, Diagnostics& found) const {
    needed.insert(needed.end(), needed_.begin(), needed_.end());
    for (const Entry& entry : lacking_) {
      Diagnostic& diagnostic =
          found.error(kFeatureRule, entry.place,
                      title_ + "the instruction `" + entry.mnemonic + "` requires " +
                          entry.feature + ", which the target " + target_.spec + " lacks",
                      kFeatureHelp);
      add_pragma_note(diagnostic, pragma_);
    }
  }

 private:
  struct Entry {
    std::string feature, mnemonic;
    Loc place;
  };
  std::string title_;
  Loc pragma_;
  const Target& target_;
  std::set<std::string> needed_;
  std::vector<Entry> lacking_;
};

// A second character in one line that is none of assembly's: LLVM's parser for AMD GPUs never comes
// past it. Null if there is none.
const char* second_stray(llvm::StringRef text, const llvm::MCAsmInfo& info) {
  llvm::AsmLexer lexer(info);
  lexer.setBuffer(text);
  for (int strays = 0;;) {
    switch (lexer.Lex().getKind()) {
      case llvm::AsmToken::Eof:
        return nullptr;
      case llvm::AsmToken::EndOfStatement:
        strays = 0;
        break;
      case llvm::AsmToken::Error:
        if (++strays == 2) return lexer.getErrLoc().getPointer();
        break;
      default:
        break;
    }
  }
}

// ---- asm imports ----

class Assembler {
 public:
  Assembler(const ImportSource& source, const std::string& text, const llvm::TargetMachine& machine,
            Diagnostics& found)
      : source_(source),
        target_(machine.getTarget()),
        triple_(machine.getTargetTriple()),
        options_(machine.Options.MCOptions),
        found_(found) {
    registers_.reset(target_.createMCRegInfo(triple_.str()));
    info_.reset(target_.createMCAsmInfo(*registers_, triple_.str(), options_));
    instructions_.reset(target_.createMCInstrInfo());
    subtarget_.reset(target_.createMCSubtargetInfo(triple_.str(), machine.getTargetCPU(),
                                                   machine.getTargetFeatureString()));
    sources_.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, source.name),
                                llvm::SMLoc());
    sources_.setDiagHandler(on_source_message, this);
  }

  const llvm::MCInstrInfo& instructions() const { return *instructions_; }
  const llvm::MCRegisterInfo& registers() const { return *registers_; }
  const llvm::MCAsmInfo& info() const { return *info_; }

  // Parses into a streamer that `make` creates; false after an error.
  bool run(const std::function<llvm::MCStreamer*(llvm::MCContext&)>& make) {
    llvm::MCContext context(triple_, info_.get(), registers_.get(), subtarget_.get(), &sources_,
                            &options_);
    std::unique_ptr<llvm::MCObjectFileInfo> sections(
        target_.createMCObjectFileInfo(context, /*PIC=*/true));
    context.setObjectFileInfo(sections.get());
    context.setDiagnosticHandler([this](const llvm::SMDiagnostic& message, bool,
                                        const llvm::SourceMgr&,
                                        std::vector<const llvm::MDNode*>&) { add(message); });
    std::unique_ptr<llvm::MCStreamer> streamer(make(context));
    std::unique_ptr<llvm::MCAsmParser> parser(
        llvm::createMCAsmParser(sources_, context, *streamer, *info_));
    std::unique_ptr<llvm::MCTargetAsmParser> target_parser(
        target_.createMCAsmParser(*subtarget_, *parser, *instructions_, options_));
    parser->setTargetParser(*target_parser);
    if (triple_.isAMDGPU()) {
      llvm::StringRef text = sources_.getMemoryBuffer(sources_.getMainFileID())->getBuffer();
      if (const char* stray = second_stray(text, *info_)) {
        add(sources_.GetMessage(llvm::SMLoc::getFromPointer(stray), llvm::SourceMgr::DK_Error,
                                kStray));
        return false;
      }
    }
    bool failed = parser->Run(/*NoInitialTextSection=*/false);
    // The parser took the handler over, and gives it back only when it is destroyed.
    parser.reset();
    return !failed && !context.hadError() && !had_error_;
  }

  llvm::MCStreamer* object_streamer(llvm::MCContext& context, llvm::raw_pwrite_stream& out) {
    std::unique_ptr<llvm::MCAsmBackend> backend(
        target_.createMCAsmBackend(*subtarget_, *registers_, options_));
    std::unique_ptr<llvm::MCObjectWriter> writer = backend->createObjectWriter(out);
    std::unique_ptr<llvm::MCCodeEmitter> emitter(
        target_.createMCCodeEmitter(*instructions_, context));
    return target_.createMCObjectStreamer(triple_, context, std::move(backend), std::move(writer),
                                          std::move(emitter), *subtarget_);
  }

  llvm::MCStreamer* recorder(llvm::MCContext& context, Recorder::Sink sink) {
    auto* streamer = new Recorder(context, false, "", "", std::move(sink));
    target_.createNullTargetStreamer(*streamer);
    return streamer;
  }

  Loc place(llvm::SMLoc at) const {
    if (!at.isValid()) return source_.import->loc;
    auto [line, column] = sources_.getLineAndColumn(at);
    return is_preprocessed(source_) ? source_.import->loc : source_.locate(line, column);
  }

 private:
  static void on_source_message(const llvm::SMDiagnostic& message, void* self) {
    static_cast<Assembler*>(self)->add(message);
  }

  void add(const llvm::SMDiagnostic& message) {
    if (message.getKind() != llvm::SourceMgr::DK_Error) return;
    had_error_ = true;
    std::string words = message.getMessage().str();
    bool feature = is_missing_feature(words);
    std::string file = message.getFilename().str();
    bool ours = file == source_.name || file == source_.path;
    Loc place = ours && message.getLineNo() > 0
                    ? source_.locate(message.getLineNo(), std::max(message.getColumnNo(), 0) + 1)
                    : source_.import->loc;
    Diagnostic& diagnostic = found_.error(
        feature ? kFeatureRule : kRule, place,
        source_.title() + " does not assemble: " + words +
            (ours ? "" : " (" + file + ":" + std::to_string(message.getLineNo()) + ")"),
        feature           ? kFeatureHelp
        : words == kStray ? kStrayHelp
                          : "");
    diagnostic.detail = "assembler: " + message.getLineContents().str();
    add_pragma_note(diagnostic, source_.import->loc);
  }

  const ImportSource& source_;
  const llvm::Target& target_;
  llvm::Triple triple_;
  llvm::MCTargetOptions options_;
  Diagnostics& found_;
  llvm::SourceMgr sources_;
  std::unique_ptr<llvm::MCRegisterInfo> registers_;
  std::unique_ptr<llvm::MCAsmInfo> info_;
  std::unique_ptr<llvm::MCInstrInfo> instructions_;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget_;
  bool had_error_ = false;
};

// ---- inline assembly ----

bool has_inline_assembly(const llvm::Module& module) {
  for (const llvm::Function& function : module) {
    for (const llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      if (!call || !call->isInlineAsm()) continue;
      auto* code = llvm::cast<llvm::InlineAsm>(call->getCalledOperand());
      if (!code->getAsmString().empty()) return true;
    }
  }
  return false;
}

// The cookie of the line of an inline assembly in which `at` stands.
uint64_t cookie_at(llvm::MCContext& context, llvm::SMLoc at) {
  llvm::SourceMgr* sources = context.getInlineSourceManager();
  if (!sources || !at.isValid()) return 0;
  unsigned buffer = sources->FindBufferContainingLoc(at);
  if (buffer == 0 || buffer > context.getLocInfos().size()) return 0;
  const llvm::MDNode* node = context.getLocInfos()[buffer - 1];
  if (!node || node->getNumOperands() == 0) return 0;
  unsigned line = sources->FindLineNumber(at, buffer) - 1;
  if (line >= node->getNumOperands()) line = 0;
  auto* number = llvm::mdconst::dyn_extract<llvm::ConstantInt>(node->getOperand(line));
  return number ? number->getZExtValue() : 0;
}

Loc asm_place(const ImportSource& source, uint64_t cookie) {
  AsmPlace place = decode_asm_place(cookie);
  return place.line ? source.locate(place.line, place.column) : source.import->loc;
}

bool compile_into(llvm::Module& module, llvm::TargetMachine& machine, const Recorder::Sink& sink,
                  llvm::MCContext*& context) {
  auto& target_machine = static_cast<llvm::LLVMTargetMachine&>(machine);
  llvm::legacy::PassManager passes;
  llvm::TargetPassConfig* config = target_machine.createPassConfig(passes);
  passes.add(config);
  auto* info = new llvm::MachineModuleInfoWrapperPass(&target_machine);
  passes.add(info);
  if (config->addISelPasses()) return false;
  config->addMachinePasses();
  config->setInitialized();
  context = &info->getMMI().getContext();
  const llvm::MCAsmInfo* syntax = machine.getMCAsmInfo();
  auto streamer = std::make_unique<Recorder>(*context, true, syntax->getInlineAsmStart(),
                                             syntax->getInlineAsmEnd(), sink);
  machine.getTarget().createNullTargetStreamer(*streamer);
  llvm::FunctionPass* printer = machine.getTarget().createAsmPrinter(machine, std::move(streamer));
  if (!printer) return false;
  passes.add(printer);
  passes.run(module);
  context = nullptr;
  return true;
}

}  // namespace

bool assemble(const ImportSource& source, const std::string& text, const Target& target,
              const llvm::TargetMachine& machine, std::string& object,
              std::vector<std::string>& needed, Diagnostics& found) {
  bool good = false;
  size_t errors = found.error_count();
  guard_llvm("assembling " + source.title(), source.import->loc, [&] {
    llvm::SmallString<0> bytes;
    llvm::raw_svector_ostream out(bytes);
    Assembler assembler(source, text, machine, found);
    good = assembler.run(
        [&](llvm::MCContext& context) { return assembler.object_streamer(context, out); });
    if (!good || !machine.getTargetTriple().isX86()) {
      object = bytes.str().str();
      return;
    }
    Lacking lacking(source.title() + ": ", source.import->loc, target);
    Assembler second(source, text, machine, found);
    X86Classifier classifier(machine.getTarget(), machine.getTargetTriple(), second.info(),
                             second.instructions(), second.registers());
    good = second.run([&](llvm::MCContext& context) {
      return second.recorder(context, [&](const llvm::MCInst& inst) {
        lacking.add(classifier.mnemonic(inst), classifier.needs(inst), second.place(inst.getLoc()));
      });
    });
    lacking.report(needed, found);
    object = bytes.str().str();
  });
  if (!good && found.error_count() == errors) {
    found.error(kRule, source.import->loc, source.title() + " does not assemble");
  }
  return found.error_count() == errors;
}

namespace {

// Whose inline assembly it is, and where a cookie of it stands.
struct AsmOwner {
  std::string title;  // "import ...: ", or empty for the program's own
  Loc pragma;
  const char* rule;
  std::function<Loc(uint64_t)> place;
};

// LLVM's printer for AMD GPUs wants a streamer of its own; other faults show with the code.
bool check_gpu_assembly_of(const AsmOwner& owner, const llvm::Module& module,
                           const llvm::TargetMachine& machine, Diagnostics& found) {
  size_t errors = found.error_count();
  for (const llvm::Function& function : module) {
    for (const llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      if (!call || !call->isInlineAsm()) continue;
      auto* code = llvm::cast<llvm::InlineAsm>(call->getCalledOperand());
      if (!second_stray(code->getAsmString(), *machine.getMCAsmInfo())) continue;
      uint64_t cookie = 0;
      if (const llvm::MDNode* node = call->getMetadata("srcloc"); node && node->getNumOperands()) {
        auto* number = llvm::mdconst::dyn_extract<llvm::ConstantInt>(node->getOperand(0));
        if (number) cookie = number->getZExtValue();
      }
      Diagnostic& diagnostic = found.error(owner.rule, owner.place(cookie),
                                           owner.title + "inline assembly: " + kStray, kStrayHelp);
      add_pragma_note(diagnostic, owner.pragma);
    }
  }
  return found.error_count() == errors;
}

bool check_assembly_of(const AsmOwner& owner, const llvm::Module& module, const Target& target,
                       llvm::TargetMachine& machine, std::vector<std::string>& needed,
                       Diagnostics& found) {
  if (machine.getTargetTriple().isAMDGPU()) {
    return check_gpu_assembly_of(owner, module, machine, found);
  }
  if (!has_inline_assembly(module)) return true;
  size_t errors = found.error_count();
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  // Module-level assembly is checked when the real module is compiled.
  copy->setModuleInlineAsm("");
  for (llvm::Function& function : *copy) {
    // Only what holds assembly has to be compiled; the rest becomes declarations.
    if (function.isDeclaration()) continue;
    bool holds = false;
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      holds |= call && call->isInlineAsm();
    }
    if (!holds) {
      function.deleteBody();
    }
  }
  LlvmMessages messages(copy->getContext());
  bool x86 = machine.getTargetTriple().isX86();
  X86Classifier classifier(machine.getTarget(), machine.getTargetTriple(), *machine.getMCAsmInfo(),
                           *machine.getMCInstrInfo(), *machine.getMCRegisterInfo());
  Lacking lacking(owner.title, owner.pragma, target);
  llvm::MCContext* context = nullptr;
  compile_into(
      *copy, machine,
      [&](const llvm::MCInst& inst) {
        if (!x86) return;
        Loc place = owner.place(cookie_at(*context, inst.getLoc()));
        lacking.add(classifier.mnemonic(inst), classifier.needs(inst), place);
      },
      context);
  lacking.report(needed, found);
  std::set<std::string> said;
  for (const LlvmMessage& message : messages.all()) {
    // Other complaints may come from looking at the function alone (an operand that is constant
    // only where it is inlined); they come again, if true, when the whole module is compiled.
    bool feature = is_missing_feature(message.text);
    bool syntax = message.text.find("<inline asm>") != std::string::npos;
    if (message.severity != Severity::Error || !(feature || syntax)) continue;
    std::string words = message.text.substr(0, message.text.find('\n'));
    size_t colon = words.find("error: ");
    if (colon != std::string::npos) words = words.substr(colon + 7);
    if (!said.insert(words + std::to_string(message.asm_cookie)).second) continue;
    Diagnostic& diagnostic =
        found.error(feature ? kFeatureRule : owner.rule, owner.place(message.asm_cookie),
                    owner.title + "inline assembly: " + words, feature ? kFeatureHelp : "");
    diagnostic.detail = message.text;
    while (!diagnostic.detail.empty() && diagnostic.detail.back() == '\n') {
      diagnostic.detail.pop_back();
    }
    add_pragma_note(diagnostic, owner.pragma);
  }
  return found.error_count() == errors;
}

}  // namespace

bool check_inline_assembly(const llvm::Module& module, const ImportSource& source,
                           const Target& target, llvm::TargetMachine& machine,
                           std::vector<std::string>& needed, Diagnostics& found) {
  AsmOwner owner{source.title() + ": ", source.import->loc, kRule,
                 [&](uint64_t cookie) { return asm_place(source, cookie); }};
  return check_assembly_of(owner, module, target, machine, needed, found);
}

bool check_program_assembly(const llvm::Module& module, const std::function<Loc(uint64_t)>& place,
                            const Target& target, llvm::TargetMachine& machine,
                            Diagnostics& found) {
  std::vector<std::string> needed;
  return check_assembly_of({"", Loc(), "inline-asm", place}, module, target, machine, needed,
                           found);
}

}  // namespace inlay
