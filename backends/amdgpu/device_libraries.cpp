#include "backends/amdgpu/device_libraries.h"

#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Target/TargetMachine.h>

#include <cstdlib>
#include <filesystem>

#include "backends/amdgpu/targets/targets.h"
#include "backends/llvm/machine.h"

namespace inlay::amdgpu {

namespace {

constexpr const char* kRule = "device-libraries";

// In the order in which they are asked: ocml uses nothing of ockl's names, ockl nothing of ocml's.
constexpr const char* kNames[] = {"ocml", "ockl"};

std::vector<std::string> candidate_folders() {
  std::vector<std::string> folders;
  if (const char* folder = std::getenv("INLAY_DEVICE_LIBRARIES"); folder && *folder) {
    return {folder};
  }
  for (const char* variable : {"ROCM_PATH", "HIP_PATH"}) {
    if (const char* root = std::getenv(variable); root && *root) {
      folders.push_back(std::string(root) + "/amdgcn/bitcode");
    }
  }
  for (const char* folder :
       {INLAY_ROCM_BITCODE, "/opt/rocm/amdgcn/bitcode", "/usr/lib/x86_64-linux-gnu/amdgcn/bitcode",
        "/usr/lib/aarch64-linux-gnu/amdgcn/bitcode", "/usr/lib/amdgcn/bitcode"}) {
    if (*folder) folders.push_back(folder);
  }
  return folders;
}

// ---- the constants ----

struct Constant {
  const char* name;
  unsigned bits;
  uint64_t value;
};

// https://github.com/ROCm/llvm-project, amd/device-libs/README.md, "Controls". Strict numerics:
// nothing is assumed, f32 denormals are kept (as the functions' attributes say), sqrt is correct.
std::vector<Constant> constants_of(const GpuFacts& facts, int code_object_version) {
  return {
      {"__oclc_ISA_version", 32, uint64_t(facts.isa)},
      {"__oclc_ABI_version", 32, uint64_t(code_object_version) * 100},
      {"__oclc_wavefrontsize64", 8, 1},
      {"__oclc_finite_only_opt", 8, 0},
      {"__oclc_unsafe_math_opt", 8, 0},
      {"__oclc_daz_opt", 8, 0},
      {"__oclc_correctly_rounded_sqrt32", 8, 1},
  };
}

}  // namespace

struct DeviceLibraries::State {
  struct Library {
    std::string name, path;
    std::unique_ptr<llvm::MemoryBuffer> bytes;
    std::set<std::string> defines;
  };
  std::vector<Library> libraries;

  void open() {
    if (!libraries.empty()) return;
    std::vector<std::string> folders = candidate_folders();
    for (const std::string& folder : folders) {
      std::error_code error;
      if (!std::filesystem::exists(std::filesystem::path(folder) / "ocml.bc", error)) continue;
      for (const char* name : kNames) open_one(name, folder + "/" + name + ".bc");
      return;
    }
    std::string tried;
    for (const std::string& folder : folders) tried += (tried.empty() ? "" : ", ") + folder;
    throw CompileError(kRule, Loc(),
                       "ROCm's device libraries (ocml.bc, ockl.bc) are not to be found in " + tried,
                       "install them (Debian: rocm-device-libs), or name their folder with the "
                       "environment variable INLAY_DEVICE_LIBRARIES");
  }

  void open_one(const std::string& name, const std::string& path) {
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer) {
      throw CompileError(kRule, Loc(), "can't read " + path + ": " + buffer.getError().message(),
                         "install ROCm's device libraries anew");
    }
    Library library{name, path, std::move(*buffer), {}};
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> module = parse(library, context);
    for (const llvm::GlobalValue& value : module->global_values()) {
      if (!value.isDeclaration() && !value.hasLocalLinkage()) {
        library.defines.insert(value.getName().str());
      }
    }
    libraries.push_back(std::move(library));
  }

  // Bodies are read when they are linked.
  static std::unique_ptr<llvm::Module> parse(const Library& library, llvm::LLVMContext& context) {
    llvm::Expected<std::unique_ptr<llvm::Module>> module = llvm::getLazyBitcodeModule(
        library.bytes->getMemBufferRef(), context, /*ShouldLazyLoadMetadata=*/true);
    if (module) return std::move(*module);
    throw CompileError(
        kRule, Loc(),
        library.path + " can't be read as bitcode: " + llvm::toString(module.takeError()),
        "its compiler may be newer than this one's LLVM; name other libraries with "
        "INLAY_DEVICE_LIBRARIES");
  }
};

DeviceLibraries::DeviceLibraries() : state_(std::make_unique<State>()) {}
DeviceLibraries::~DeviceLibraries() = default;

SymbolProvider DeviceLibraries::provider() {
  return {[this](const std::string& name) {
            // Anything else would open the libraries for a misspelt name.
            if (name.compare(0, 2, "__") != 0) return false;
            state_->open();
            for (const State::Library& library : state_->libraries) {
              if (library.defines.count(name)) return true;
            }
            return false;
          },
          "on a GPU there is no libc, but ROCm's device libraries: __ocml_exp_f32, "
          "__ockl_wfred_add_f32 and their like"};
}

std::vector<std::string> DeviceLibraries::files() const {
  std::vector<std::string> paths;
  for (const State::Library& library : state_->libraries) paths.push_back(library.path);
  return paths;
}

std::vector<std::string> DeviceLibraries::link(llvm::Module& module, const Target& target,
                                               llvm::TargetMachine& machine,
                                               int code_object_version) {
  auto undefined = [&] {
    std::set<std::string> names;
    for (const llvm::GlobalValue& value : module.global_values()) {
      auto* function = llvm::dyn_cast<llvm::Function>(&value);
      if (!value.isDeclaration() || (function && function->isIntrinsic())) continue;
      if (!value.use_empty()) names.insert(value.getName().str());
    }
    return names;
  };
  std::vector<std::string> report;
  std::set<std::string> ours;
  for (const llvm::GlobalValue& value : module.global_values()) {
    if (!value.isDeclaration()) ours.insert(value.getName().str());
  }
  std::map<std::string, int> counts;
  for (bool progress = true; progress;) {
    progress = false;
    std::set<std::string> wanted = undefined();
    if (wanted.empty()) break;
    state_->open();
    for (State::Library& library : state_->libraries) {
      bool has = false;
      for (const std::string& name : wanted) has |= library.defines.count(name) != 0;
      if (!has) continue;
      std::unique_ptr<llvm::Module> source = State::parse(library, module.getContext());
      source->setDataLayout(module.getDataLayout());
      source->setTargetTriple(module.getTargetTriple());
      if (llvm::Linker::linkModules(module, std::move(source),
                                    llvm::Linker::Flags::LinkOnlyNeeded)) {
        throw CompileError(kRule, Loc(), "can't link " + library.path,
                           "name other libraries with INLAY_DEVICE_LIBRARIES");
      }
      progress = true;
      wanted = undefined();
    }
  }
  // The compilers of the libraries' parts, by the hundred.
  if (llvm::NamedMDNode* node = module.getNamedMetadata("llvm.ident"); node && !ours.empty()) {
    node->eraseFromParent();
  }
  for (const Constant& constant : constants_of(facts_of(target), code_object_version)) {
    llvm::GlobalVariable* variable = module.getGlobalVariable(constant.name);
    if (!variable || !variable->isDeclaration()) continue;
    auto* type = llvm::dyn_cast<llvm::IntegerType>(variable->getValueType());
    if (!type) continue;  // left undefined, and said below
    variable->setInitializer(llvm::ConstantInt::get(type, constant.value));
    variable->setConstant(true);
  }
  for (llvm::GlobalValue& value : module.global_values()) {
    std::string name = value.getName().str();
    auto* function = llvm::dyn_cast<llvm::Function>(&value);
    if (value.isDeclaration() || ours.count(name) || name.compare(0, 5, "llvm.") == 0) continue;
    if (auto* object = llvm::dyn_cast<llvm::GlobalObject>(&value)) object->setComdat(nullptr);
    value.setVisibility(llvm::GlobalValue::DefaultVisibility);
    value.setLinkage(llvm::GlobalValue::InternalLinkage);
    value.setDSOLocal(true);
    if (!function) continue;
    for (const State::Library& library : state_->libraries) {
      if (library.defines.count(name)) {
        counts[library.name]++;
        break;
      }
    }
    llvm::Attribute features = function->getFnAttribute("target-features");
    function->addFnAttr("target-cpu", machine.getTargetCPU());
    if (!features.isValid()) {
      function->addFnAttr("target-features", machine.getTargetFeatureString());
    }
  }
  std::string missing;
  for (const std::string& name : undefined())
    missing += (missing.empty() ? "`" : ", `") + name + "`";
  if (!missing.empty()) {
    throw CompileError(
        "undefined-symbol", Loc(),
        "nothing defines " + missing + ": neither the imports nor ROCm's device libraries",
        "if it is a constant of the device libraries, they are of a release that "
        "this compiler does not know; name others with INLAY_DEVICE_LIBRARIES");
  }
  for (const char* name : kNames) {
    if (!counts.count(name)) continue;
    report.push_back(std::string(name) + " (" + std::to_string(counts[name]) +
                     (counts[name] == 1 ? " function)" : " functions)"));
  }
  return report;
}

}  // namespace inlay::amdgpu
