// Emission: a lowered program as one LLVM module for a CPU.
//
// Each function f of the program becomes
//   i32 @"inlay.fn.f"(ptr noalias A, ..., i64 M, ..., float alpha, ...)   internal, never inlined
//   i32 @"inlay.invoke.f"(ptr data, ptr symbols, ptr scalars)             an InlayInvoke, hidden
// and each parallel loop a pair like it, @"inlay.fn.f.parallel0" and its InlayParallelBody. No
// import can define a name with a dot after `inlay`, so a micro-kernel may be named like a
// function. The buffers are separate `noalias` arguments, so that LLVM knows them apart without
// alias scopes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/llvm/emit/extern_call.h"
#include "core/passes/passes.h"
#include "core/target.h"

namespace llvm {
class AllocaInst;
class LLVMContext;
class Module;
class TargetMachine;
}  // namespace llvm

namespace inlay {

struct EmittedFunction {
  std::string name;         ///< of the Inlay function
  std::string body_name;    ///< LLVM function with one argument a parameter
  std::string invoke_name;  ///< LLVM function of type InlayInvoke
};

struct EmittedModule {
  std::unique_ptr<llvm::Module> module;
  std::vector<ExternCall> calls;           ///< by number
  std::vector<EmittedFunction> functions;  ///< in the order of the program
  std::vector<Loc> asm_locs;               ///< inline assembly: `!srcloc` is kAsmCookie + position
};

/// Where the cookies of our own inline assembly begin: no front end's reach so far.
inline constexpr uint64_t kAsmCookie = uint64_t{1} << 62;

/// Attributes by which the optimized module is read again: the Inlay function on its body, the
/// position of the parameter on each `noalias` argument that is a buffer parameter of it (also on
/// those of its parallel loops).
inline constexpr const char* kFunctionAttribute = "inlay-function";
inline constexpr const char* kParamAttribute = "inlay-param";
/// Name of the stack slot by which a parallel loop's body gets its arguments.
inline constexpr const char* kClosureName = "inlay.closure";

struct EmitOptions {
  std::string symbol_prefix;  ///< put before "inlay.invoke": keeps variants of one object apart
  bool debug_info = false;
};

/// Names of what the module expects from the code object's table: the runtime's state
/// (InlayObjectState), and libm functions, called through "inlay.libc." + name.
inline constexpr const char* kStateSymbol = "inlay.state";
inline constexpr const char* kLibcPrefix = "inlay.libc.";
/// Functions of libm on vectors, defined in the module: this + name + ".x" + lanes.
inline constexpr const char* kVectorMathPrefix = "inlay.vector.";

/// Bytes of private and shared buffers that one function may keep on the stack.
inline constexpr int64_t kMaxStackBytes = 256 * 1024;
/// The same for a work-item of a GPU.
inline constexpr int64_t kMaxScratchBytes = 64 * 1024;

/// Emits `lowered` for `target`. Throws CompileError: "unsupported" (a barrier), "stack-limit",
/// "private-shape", "inline-asm".
EmittedModule emit_module(llvm::LLVMContext& context, const LoweredProgram& lowered,
                          const Target& target, const llvm::TargetMachine& machine,
                          const EmitOptions& options);

}  // namespace inlay
