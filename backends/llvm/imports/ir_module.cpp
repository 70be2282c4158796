#include "backends/llvm/imports/ir_module.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/AutoUpgrade.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Target/TargetMachine.h>

#include "backends/llvm/guard.h"

namespace inlay {

namespace {

constexpr const char* kParseRule = "import-does-not-parse";
constexpr const char* kBitcodeRule = "import-bitcode";

bool is_bitcode(const std::string& bytes) {
  auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  return llvm::isBitcode(data, data + bytes.size());
}

// "LLVM20.1.0" -> 20; 0 if it is no version of LLVM's.
int producer_major(const std::string& producer) {
  size_t digit = producer.find_first_of("0123456789");
  if (producer.compare(0, 4, "LLVM") != 0 || digit != 4) return 0;
  return std::atoi(producer.c_str() + digit);
}

std::string first_bytes(const std::string& bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(bytes.size(), 4); ++i) {
    unsigned char byte = bytes[i];
    text += std::string(i ? " " : "") + kHex[byte >> 4] + kHex[byte & 15];
  }
  return text;
}

void add_notes(Diagnostic& diagnostic, const ImportSource& source) {
  const Loc& pragma = source.import->loc;
  if (pragma && !(diagnostic.loc.file == pragma.file)) {
    diagnostic.notes.push_back({Severity::Note, "", "imported here", pragma, "", "", "", {}});
  }
}

std::string flat(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// ---- layout ----

struct LayoutFact {
  const char* name;
  uint64_t theirs, ours;
};

std::string layout_difference(const llvm::DataLayout& theirs, const llvm::DataLayout& ours,
                              llvm::LLVMContext& context) {
  auto alignment = [&](const llvm::DataLayout& layout, llvm::Type* type) {
    return layout.getABITypeAlign(type).value() * 8;
  };
  llvm::Type* i64 = llvm::Type::getInt64Ty(context);
  llvm::Type* f64 = llvm::Type::getDoubleTy(context);
  llvm::Type* v128 = llvm::FixedVectorType::get(llvm::Type::getFloatTy(context), 4);
  llvm::Type* v256 = llvm::FixedVectorType::get(llvm::Type::getFloatTy(context), 8);
  const LayoutFact facts[] = {
      {"size of a pointer", theirs.getPointerSizeInBits(), ours.getPointerSizeInBits()},
      {"big-endian", theirs.isBigEndian(), ours.isBigEndian()},
      {"address space of the stack", theirs.getAllocaAddrSpace(), ours.getAllocaAddrSpace()},
      {"alignment of a pointer", theirs.getPointerABIAlignment(0).value() * 8,
       ours.getPointerABIAlignment(0).value() * 8},
      {"alignment of i64", alignment(theirs, i64), alignment(ours, i64)},
      {"alignment of double", alignment(theirs, f64), alignment(ours, f64)},
      {"alignment of <4 x float>", alignment(theirs, v128), alignment(ours, v128)},
      {"alignment of <8 x float>", alignment(theirs, v256), alignment(ours, v256)},
  };
  for (const LayoutFact& fact : facts) {
    if (fact.theirs != fact.ours) {
      return std::string(fact.name) + " is " + std::to_string(fact.theirs) + " there, " +
             std::to_string(fact.ours) + " on the target";
    }
  }
  return "";
}

bool check_layout(llvm::Module& module, const ImportSource& source,
                  const llvm::TargetMachine& machine, Diagnostics& found) {
  const llvm::Triple& ours = machine.getTargetTriple();
  llvm::Triple theirs(llvm::Triple::normalize(module.getTargetTriple()));
  auto mismatch = [&](const std::string& what) {
    Diagnostic& diagnostic =
        found.error("import-layout", source.import->loc, source.title() + " is " + what,
                    "compile it for " + ours.str() +
                        ", or import it only where it fits: an `implement ... for` row of its "
                        "own architecture");
    diagnostic.detail =
        "import: " + (module.getTargetTriple().empty() ? "(no triple)" : module.getTargetTriple()) +
        "  " + module.getDataLayoutStr() + "\ntarget: " + ours.str() + "  " +
        machine.createDataLayout().getStringRepresentation();
    return false;
  };
  bool has_triple = !module.getTargetTriple().empty();
  if (has_triple) {
    if (theirs.getArch() != ours.getArch()) {
      return mismatch("for another architecture: " + theirs.getArchName().str() + ", not " +
                      ours.getArchName().str());
    }
    if (theirs.isOSWindows() != ours.isOSWindows() || theirs.isOSDarwin() != ours.isOSDarwin()) {
      return mismatch("for another system: " + theirs.getOSName().str() +
                      ", whose calling convention differs");
    }
    if (theirs.isX32() != ours.isX32()) return mismatch("for another ABI: x32");
  }
  if (!module.getDataLayoutStr().empty()) {
    std::string upgraded = llvm::UpgradeDataLayoutString(module.getDataLayoutStr(),
                                                         has_triple ? theirs.str() : ours.str());
    std::string difference = layout_difference(llvm::DataLayout(upgraded),
                                               machine.createDataLayout(), module.getContext());
    if (!difference.empty()) return mismatch("for another data layout: " + difference);
  }
  module.setTargetTriple(ours.str());
  module.setDataLayout(machine.createDataLayout());
  return true;
}

bool check_supported(llvm::Module& module, const ImportSource& source, Diagnostics& found) {
  for (const char* name : {"llvm.global_ctors", "llvm.global_dtors"}) {
    llvm::GlobalVariable* list = module.getGlobalVariable(name);
    if (!list || !list->hasInitializer()) continue;
    auto* entries = llvm::dyn_cast<llvm::ConstantArray>(list->getInitializer());
    if (!entries || entries->getNumOperands() == 0) {
      list->eraseFromParent();
      continue;
    }
    std::string function;
    if (auto* entry = llvm::dyn_cast<llvm::ConstantStruct>(entries->getOperand(0))) {
      function = entry->getOperand(1)->stripPointerCasts()->getName().str();
    }
    found.error(
        "import-unsupported", source.import->loc,
        source.title() + " runs code when it is loaded (`" + function + "` in " + name + ")",
        "make the data constant (`static const` with constant values, `constexpr`), or "
        "fill it in a function that the program calls");
    return false;
  }
  if (!module.ifuncs().empty()) {
    found.error("import-unsupported", source.import->loc,
                source.title() + " chooses a function at load time (ifunc `" +
                    module.ifunc_begin()->getName().str() + "`)",
                "Inlay chooses by target: one `implement ... for` row for each");
    return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<llvm::Module> parse_ir_text(const ImportSource& source, llvm::LLVMContext& context,
                                            Diagnostics& found) {
  if (is_bitcode(source.bytes)) {
    found.error(kParseRule, source.import->loc, source.title() + " is bitcode, not text",
                "say `import bitcode`");
    return nullptr;
  }
  LlvmMessages messages(context);
  llvm::SMDiagnostic problem;
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(source.bytes, source.name);
  std::unique_ptr<llvm::Module> module =
      llvm::parseAssembly(buffer->getMemBufferRef(), problem, context);
  if (module && !messages.has_errors()) return module;
  std::string words = flat(problem.getMessage().str());
  if (words.compare(0, 7, "error: ") == 0) words = words.substr(7);
  for (const LlvmMessage& message : messages.all()) {
    if (words.empty() && message.severity == Severity::Error) words = message.text;
  }
  int line = problem.getLineNo(), column = problem.getColumnNo();
  Loc place = line > 0 ? source.locate(line, std::max(column, 0) + 1) : source.import->loc;
  Diagnostic& diagnostic =
      found.error(kParseRule, place, source.title() + " does not parse: " + words,
                  std::string("it is read as LLVM ") + LLVM_VERSION_STRING + " reads it");
  if (line > 0) {
    diagnostic.detail = "LLVM: line " + std::to_string(line) + ", column " +
                        std::to_string(column + 1) + ": " + problem.getLineContents().str();
  }
  add_notes(diagnostic, source);
  return nullptr;
}

std::unique_ptr<llvm::Module> parse_bitcode(const ImportSource& source, const std::string& bytes,
                                            llvm::LLVMContext& context, Diagnostics& found) {
  if (!is_bitcode(bytes)) {
    found.error(kBitcodeRule, source.import->loc,
                source.title() + " is not LLVM bitcode: it starts with " + first_bytes(bytes),
                bytes.find("define ") != std::string::npos ? "text is `import llvm`"
                : bytes.compare(1, 3, "ELF") == 0          ? "an ELF object is `import object`"
                                                           : "make it with `clang -c -emit-llvm`");
    return nullptr;
  }
  LlvmMessages messages(context);
  llvm::MemoryBufferRef buffer(bytes, source.name);
  std::string producer;
  if (auto named = llvm::getBitcodeProducerString(buffer)) {
    producer = *named;
  } else {
    llvm::consumeError(named.takeError());
  }
  auto refuse = [&](const std::string& what, const std::string& words, const std::string& help) {
    Diagnostic& diagnostic =
        found.error(kBitcodeRule, source.import->loc, source.title() + " " + what, help);
    diagnostic.detail = words.empty() ? "" : "LLVM: " + words;
    return nullptr;
  };
  bool newer = producer_major(producer) > LLVM_VERSION_MAJOR;
  const std::string way_out = std::string("compile it with LLVM ") +
                              std::to_string(LLVM_VERSION_MAJOR) +
                              " or older, or import its source (`import c`)";
  // A newer producer may use what this LLVM reads without complaint and understands otherwise.
  if (newer) {
    return refuse("was produced by " + producer + ", which is newer than this compiler's LLVM " +
                      LLVM_VERSION_STRING,
                  "", way_out);
  }
  llvm::Expected<std::unique_ptr<llvm::Module>> module = llvm::parseBitcodeFile(buffer, context);
  if (!module) {
    std::string words = flat(llvm::toString(module.takeError()));
    return refuse("can't be read as bitcode: it is truncated or damaged" +
                      (producer.empty() ? "" : " (produced by " + producer + ")"),
                  words, "make it again");
  }
  if (messages.has_errors()) {
    return refuse("can't be read as bitcode", flat(messages.all().front().text), way_out);
  }
  return std::move(*module);
}

bool fit_module(llvm::Module& module, const ImportSource& source,
                const llvm::TargetMachine& machine, bool keep_debug_info, Diagnostics& found) {
  LlvmMessages messages(module.getContext());
  if (!check_layout(module, source, machine, found)) return false;
  bool broken_debug_info = false;
  std::string words;
  llvm::raw_string_ostream stream(words);
  if (llvm::verifyModule(module, &stream, &broken_debug_info)) {
    Diagnostic& diagnostic =
        found.error(kParseRule, source.import->loc, source.title() + " is not valid LLVM IR");
    stream.flush();
    diagnostic.detail = "LLVM: " + flat(words);
    return false;
  }
  if (broken_debug_info || !keep_debug_info) llvm::StripDebugInfo(module);
  if (!check_supported(module, source, found)) return false;
  for (llvm::Function& function : module) {
    // clang -O0 puts both; a noinline of its own is the author's word, and stays.
    if (function.hasFnAttribute(llvm::Attribute::OptimizeNone)) {
      function.removeFnAttr(llvm::Attribute::OptimizeNone);
      function.removeFnAttr(llvm::Attribute::NoInline);
    }
    function.setComdat(nullptr);
  }
  for (llvm::GlobalVariable& global : module.globals()) global.setComdat(nullptr);
  return true;
}

}  // namespace inlay
