#include "tests/backends/imports/imports_fixture.h"

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ThreadSafeModule.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "backends/llvm/guard.h"
#include "backends/llvm/machine.h"
#include "backends/llvm/prove/prove.h"

namespace inlay::test {

namespace {

Target make_target(const std::string& spec) {
  Target target;
  target.spec = spec;
  bool arm = spec == "aarch64";
  target.arch = arm ? "aarch64" : "x86_64";
  target.triple = arm ? "aarch64-unknown-linux-gnu" : "x86_64-pc-linux-gnu";
  target.cpu = arm ? "generic" : spec;
  for (const std::string& feature : expand_features(target.triple, target.cpu, {})) {
    target.features.insert(feature);
  }
  return target;
}

llvm::Type* llvm_type(llvm::LLVMContext& context, DType type) {
  llvm::Type* scalar = nullptr;
  switch (type.code) {
    case TypeCode::Void:
      return llvm::Type::getVoidTy(context);
    case TypeCode::Bool:
      scalar = llvm::Type::getInt1Ty(context);
      break;
    case TypeCode::Int:
    case TypeCode::UInt:
      scalar = llvm::Type::getIntNTy(context, type.bits);
      break;
    case TypeCode::Float:
      scalar = type.bits == 16   ? llvm::Type::getHalfTy(context)
               : type.bits == 32 ? llvm::Type::getFloatTy(context)
                                 : llvm::Type::getDoubleTy(context);
      break;
    case TypeCode::BFloat:
      scalar = llvm::Type::getBFloatTy(context);
      break;
    case TypeCode::Pointer:
      return llvm::PointerType::getUnqual(context);
  }
  return type.lanes == 1 ? scalar : llvm::FixedVectorType::get(scalar, type.lanes);
}

// Each function takes the arguments of its calls, in order, and returns the last call's result.
std::vector<ExternCall> emit(llvm::Module& module, const std::vector<Call>& calls,
                             const Target& target, const Ref<const SourceFile>& file,
                             const std::vector<uint32_t>& lines) {
  llvm::LLVMContext& context = module.getContext();
  std::vector<std::string> names;
  for (const Call& call : calls) {
    if (std::find(names.begin(), names.end(), call.function) == names.end()) {
      names.push_back(call.function);
    }
  }
  std::vector<ExternCall> table(calls.size());
  for (const std::string& name : names) {
    std::vector<llvm::Type*> params;
    DType result = kVoid;
    for (const Call& call : calls) {
      if (call.function != name) continue;
      for (DType arg : call.args) params.push_back(llvm_type(context, arg));
      result = call.result;
    }
    auto* function =
        llvm::Function::Create(llvm::FunctionType::get(llvm_type(context, result), params, false),
                               llvm::Function::ExternalLinkage, "inlay.fn." + name, module);
    set_target_attributes(*function, target);
    llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "", function));
    llvm::Value* last = nullptr;
    unsigned at = 0;
    for (size_t i = 0; i < calls.size(); ++i) {
      const Call& call = calls[i];
      if (call.function != name) continue;
      std::vector<llvm::Value*> args;
      std::vector<llvm::Type*> types;
      for (DType arg : call.args) {
        args.push_back(function->getArg(at++));
        types.push_back(llvm_type(context, arg));
      }
      auto* type = llvm::FunctionType::get(llvm_type(context, call.result), types, false);
      llvm::FunctionCallee callee = module.getOrInsertFunction(call.symbol, type);
      llvm::BasicBlock* after = nullptr;
      if (call.dead) {
        auto* block = llvm::BasicBlock::Create(context, "", function);
        after = llvm::BasicBlock::Create(context, "", function);
        builder.CreateCondBr(builder.getFalse(), block, after);
        builder.SetInsertPoint(block);
      }
      for (int copy = 0; copy < call.copies; ++copy) {
        llvm::CallInst* inst = builder.CreateCall(type, callee.getCallee(), args);
        inst->setMetadata(kExternCallMetadata,
                          llvm::MDNode::get(context, llvm::ConstantAsMetadata::get(
                                                         builder.getInt32(uint32_t(i)))));
        last = inst;
      }
      if (after) {
        builder.CreateBr(after);
        builder.SetInsertPoint(after);
        last = nullptr;
      }
      table[i] = {uint32_t(i), name, call.symbol, call.result, call.args, {file, lines[i], 3}};
    }
    if (result.is_void()) {
      builder.CreateRetVoid();
    } else {
      builder.CreateRet(last ? last : llvm::Constant::getNullValue(function->getReturnType()));
    }
  }
  return table;
}

// Each function gets a place in the program's text; the calls have none of their own.
void add_debug_info(llvm::Module& module) {
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  llvm::DIBuilder builder(module);
  llvm::DIFile* file = builder.createFile("program.inlay", ".");
  builder.createCompileUnit(llvm::dwarf::DW_LANG_C11, file, "inlay", true, "", 0);
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    function.setSubprogram(
        builder.createFunction(file, function.getName(), "", file, 1,
                               builder.createSubroutineType(builder.getOrCreateTypeArray({})), 1,
                               llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition));
  }
  builder.finalize();
}

std::string print(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return stream.str();
}

void optimize_module(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

template <typename T>
T must(llvm::Expected<T> value) {
  if (!value) throw std::runtime_error(llvm::toString(value.takeError()));
  return std::move(*value);
}

void load_code(Outcome& out, std::unique_ptr<llvm::Module> module,
               std::unique_ptr<llvm::LLVMContext> context) {
  auto jit = must(llvm::orc::LLJITBuilder().create());
  jit->getMainJITDylib().addGenerator(
      must(llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess('_')));
  for (const NativeInput& input : out.link.native) {
    if (auto error =
            jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(input.bytes, input.name))) {
      throw std::runtime_error(llvm::toString(std::move(error)));
    }
  }
  if (auto error =
          jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context)))) {
    throw std::runtime_error(llvm::toString(std::move(error)));
  }
  auto found = jit->lookup("inlay.fn.f");
  if (found) {
    out.address = found->toPtr<void*>();
  } else {
    llvm::consumeError(found.takeError());
  }
  out.code = std::shared_ptr<llvm::orc::LLJIT>(std::move(jit));
}

}  // namespace

Bench::Bench(const std::string& target) : spec_(target) {}

Bench& Bench::file(ImportKind kind, const std::string& path, std::vector<std::string> flags,
                   bool may_call, const std::string& folder) {
  pragma_lines_.push_back(1 + std::count(program_.begin(), program_.end(), '\n'));
  program_ += std::string("import ") + to_string(kind) + " \"" + path + "\"\n";
  pending_.push_back({kind, false, path, folder.empty() ? data_folder() : folder, flags, may_call});
  return *this;
}

Bench& Bench::text(ImportKind kind, const std::string& code, std::vector<std::string> flags,
                   bool may_call) {
  pragma_lines_.push_back(1 + std::count(program_.begin(), program_.end(), '\n'));
  program_ += std::string("import ") + to_string(kind) + " inline \"\"\"\n" + code + "\"\"\"\n";
  pending_.push_back({kind, true, code, data_folder(), flags, may_call});
  return *this;
}

Bench& Bench::call(Call call) {
  calls_.push_back(std::move(call));
  return *this;
}

Bench& Bench::cache(ByteCache* cache) {
  options_.cache = cache;
  return *this;
}

Bench& Bench::debug_info() {
  options_.debug_info = true;
  return *this;
}

Bench& Bench::link_only() {
  link_only_ = true;
  return *this;
}

Bench& Bench::include(const std::string& folder) {
  options_.include_directories.push_back(folder);
  return *this;
}

Bench& Bench::module_flag(const std::string& key, uint32_t value) {
  flags_.push_back({key, value});
  return *this;
}

Outcome Bench::run() {
  std::string program = program_;
  std::vector<uint32_t> call_lines;
  for (const Call& call : calls_) {
    call_lines.push_back(1 + std::count(program.begin(), program.end(), '\n'));
    program += "  call " + call.symbol + "(...)\n";
  }
  Ref<const SourceFile> file(new SourceFile("program.inlay", program));
  CompileUnit unit;
  unit.target = make_target(spec_);
  unit.lowered.program.name = "program";
  for (size_t i = 0; i < pending_.size(); ++i) {
    const Pending& p = pending_[i];
    Loc loc{file, pragma_lines_[i], 1};
    unit.lowered.program.items.push_back(
        p.is_inline ? Import::inline_text(p.kind, p.payload, p.flags, p.may_call, loc,
                                          Loc{file, pragma_lines_[i] + 1, 1})
                    : Import::path(p.kind, p.payload, p.folder, p.flags, p.may_call, loc));
  }

  Outcome out;
  auto context = std::make_unique<llvm::LLVMContext>();
  auto messages = std::make_unique<LlvmMessages>(*context);
  auto machine = make_target_machine(unit.target, 3);
  auto module = std::make_unique<llvm::Module>("program", *context);
  module->setTargetTriple(unit.target.triple);
  module->setDataLayout(machine->createDataLayout());
  for (auto& [key, value] : flags_) module->addModuleFlag(llvm::Module::Error, key, value);
  std::vector<ExternCall> table = emit(*module, calls_, unit.target, file, call_lines);
  if (options_.debug_info) add_debug_info(*module);
  Diagnostics warnings;
  out.report.target = unit.target;
  try {
    out.link = link_imports(*module, table, unit, *machine, options_, out.report, warnings);
    out.linked = print(*module);
    std::string broken;
    llvm::raw_string_ostream stream(broken);
    if (llvm::verifyModule(*module, &stream)) {
      throw std::runtime_error("the linked module does not verify: " + stream.str());
    }
    optimize_module(*module, *machine);
    out.optimized = print(*module);
    prove_inlined(*module, out.report);
  } catch (const CompileError& error) {
    out.errors = error.diagnostics();
    out.text = error.what();
  }
  out.warnings = warnings.all();
  messages.reset();
  bool runs = out.ok() && !link_only_;
  for (const NativeInput& input : out.link.native) {
    runs &= input.bytes.compare(0, 2, "!<") != 0;  // an archive is the linker's to search
  }
  if (runs && unit.target.arch == "x86_64" && spec_ != "x86-64-v4") {
    load_code(out, std::move(module), std::move(context));
  }
  module.reset();
  return out;
}

std::string data_folder() {
  return INLAY_SOURCE_DIR "/tests/backends/data/imports";
}

std::string scratch_folder() {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  std::string folder =
      std::string(INLAY_BINARY_DIR "/test-scratch/") + info->test_suite_name() + "." + info->name();
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

void shell(const std::string& command) {
  std::string log = INLAY_BINARY_DIR "/test-scratch/shell." + std::to_string(getpid()) + ".log";
  std::filesystem::create_directories(INLAY_BINARY_DIR "/test-scratch");
  int status = std::system((command + " > '" + log + "' 2>&1").c_str());
  ASSERT_EQ(status, 0) << command << "\n" << read_text(log);
}

void expect_error(const Outcome& outcome, const std::string& rule, uint32_t line,
                  const std::vector<std::string>& parts) {
  ASSERT_EQ(outcome.errors.size(), 1u) << outcome.text;
  const Diagnostic& error = outcome.errors.front();
  EXPECT_EQ(error.rule, rule) << outcome.text;
  if (line) {
    ASSERT_TRUE(bool(error.loc)) << outcome.text;
    EXPECT_EQ(error.loc.file->path(), "program.inlay") << outcome.text;
    EXPECT_EQ(error.loc.line, line) << outcome.text;
  }
  for (const std::string& part : parts) EXPECT_THAT(outcome.text, testing::HasSubstr(part));
}

}  // namespace inlay::test
