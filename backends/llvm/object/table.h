// The code object's own tables: what runtime/abi/inlay_abi.h says that the runtime finds there.
#pragma once

#include <dlpack/dlpack.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backends/llvm/optimize/optimize.h"
#include "core/target.h"

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay {

/// One extent or stride as InlayDim states it.
struct DimDescription {
  uint32_t kind = 0;  ///< InlayDimKind
  int64_t value = 0;
  std::vector<int64_t> code;  ///< InlayExprOp words
  friend bool operator==(const DimDescription&, const DimDescription&) = default;
};

struct ParamDescription {
  std::string name;
  bool is_tensor = false;
  DType dtype;
  uint32_t flags = 0;  ///< InlayParamFlags; left out of comparisons
  uint32_t alignment = 0;
  std::vector<DimDescription> dims;
  std::vector<DimDescription> strides;  ///< empty: compact
  friend bool operator==(const ParamDescription& a, const ParamDescription& b) {
    return a.name == b.name && a.is_tensor == b.is_tensor && a.dtype == b.dtype &&
           a.alignment == b.alignment && a.dims == b.dims && a.strides == b.strides;
  }
};

struct FunctionDescription {
  std::string name;
  std::vector<ParamDescription> params;
  std::vector<std::string> symbols;
  friend bool operator==(const FunctionDescription&, const FunctionDescription&) = default;
};

struct VariantDescription {
  std::string name;
  std::vector<std::string> features;  ///< what the CPU must have
  std::vector<std::string> invoke;    ///< symbols, in the order of the functions
};

/// What becomes an InlayGpuEntry.
struct GpuDescription {
  std::string target_id;
  std::vector<std::string> codes;
  std::vector<DeviceKernel> kernels;
  std::vector<std::string> invoke;  ///< symbols, in the order of the functions
};

struct ObjectDescription {
  std::string program;
  uint32_t machine = 0;      ///< ELF's e_machine
  bool relocatable = false;  ///< names the table after the program, and leaves the note away
  std::vector<FunctionDescription> functions;
  std::vector<VariantDescription> variants;  ///< best first
  std::vector<GpuDescription> gpus;          ///< best first
};

/// Describes `function`; `accesses` by position of the parameter. Throws CompileError, rule
/// "shape-expression" or "abi-limit", if the runtime could not check a call of it.
FunctionDescription describe_function(const Function& function,
                                      const std::map<size_t, ParamAccess>& accesses);

/// As DLPack states a type.
DLDataType dl_type(DType type);

/// Names that the finished object exports.
std::vector<std::string> exported_symbols(const ObjectDescription& object);

/// The module that holds the tables, the state, the typed entries and the shims `libc_symbols`.
/// `target` is the oldest CPU of the architecture: this code runs before a variant is chosen.
std::unique_ptr<llvm::Module> make_table_module(llvm::LLVMContext& context,
                                                const ObjectDescription& object,
                                                const std::set<std::string>& libc_symbols,
                                                const Target& target,
                                                const llvm::TargetMachine& machine);

}  // namespace inlay
