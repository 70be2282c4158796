// Running LLVM, Clang and LLD inside somebody else's process: what would end it becomes an error.
//
// LLVM ends the process in several ways: report_fatal_error() aborts, an LLVMContext without a
// diagnostic handler calls exit(1) at the first error, lld's fatal() exits, a bug raises SIGSEGV or
// SIGABRT. Here all of them become CompileError. What LLVM had allocated at that moment leaks, as
// its frames are left by longjmp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/support/diagnostic.h"

namespace llvm {
class LLVMContext;
}

namespace inlay {

/// Runs `body` on a thread of its own with a large stack (or right here, inside another guard) and
/// waits for it. An exception of `body` is thrown again on the calling thread; it must not have
/// passed frames of LLVM. A fatal error, exit, crash or lack of memory inside LLVM throws
/// CompileError: rule "llvm-fatal" at `loc`, saying that `what` failed ("optimizing sgemm") and
/// LLVM's own words. Thread-safe; the process's own signal handlers are in place again when no
/// guard runs. An LLVMContext that `body` used must be leaked, not destroyed, after "llvm-fatal".
void guard_llvm(std::string_view what, const Loc& loc, const std::function<void()>& body);

/// True if `error` is what guard_llvm() made of a fatal error: LLVM's objects are then in an
/// unknown state.
bool is_llvm_fatal(const CompileError& error);

/// One message of LLVM that came through an LLVMContext.
struct LlvmMessage {
  Severity severity = Severity::Error;
  std::string text;
  uint64_t asm_cookie = 0;  ///< !srcloc of the inline assembly that it is about; 0: none
};

/// Collects what LLVM says through a context, for the lifetime of this object, in place of printing
/// and, at an error, exit(1). Remarks are dropped. One at a time for a context.
class LlvmMessages {
 public:
  explicit LlvmMessages(llvm::LLVMContext& context);
  ~LlvmMessages();
  LlvmMessages(const LlvmMessages&) = delete;
  LlvmMessages& operator=(const LlvmMessages&) = delete;

  bool has_errors() const;
  const std::vector<LlvmMessage>& all() const;
  /// Throws CompileError (`rule`, `loc`, "`what` failed: LLVM's words") if there was an error.
  void throw_if_errors(const std::string& rule, const Loc& loc, const std::string& what) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace inlay
