#include "backends/llvm/guard.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/CrashRecoveryContext.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Support/thread.h>

#include <csignal>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>

namespace inlay {

namespace {

constexpr unsigned kStackBytes = 256u << 20;  // mapped, not touched: deep recursion stays safe
constexpr const char* kFatalRule = "llvm-fatal";

// What LLVM said before it gave up; of the guard that runs on this thread.
struct Active {
  std::string words;
};
thread_local Active* active = nullptr;

[[noreturn]] void give_up(const char* reason) {
  if (active) active->words = reason ? reason : "";
  if (llvm::CrashRecoveryContext* context = llvm::CrashRecoveryContext::GetCurrent()) {
    context->HandleExit(70);
  }
  // Not our thread: LLVM is used by somebody else too, and gets what it does by default.
  llvm::errs() << "LLVM ERROR: " << (reason ? reason : "") << "\n";
  std::abort();
}

void on_fatal(void*, const char* reason, bool) {
  give_up(reason);
}

// LLVM has one handler of each sort for the whole process; ours are in place while a guard runs.
class Handlers {
 public:
  void enter() {
    std::lock_guard lock(mutex_);
    if (guards_++ != 0) return;
    llvm::remove_fatal_error_handler();
    llvm::install_fatal_error_handler(on_fatal, nullptr);
    llvm::remove_bad_alloc_error_handler();
    llvm::install_bad_alloc_error_handler(on_fatal, nullptr);
    llvm::CrashRecoveryContext::Enable();
  }
  void leave() {
    std::lock_guard lock(mutex_);
    if (--guards_ != 0) return;
    llvm::remove_fatal_error_handler();
    llvm::remove_bad_alloc_error_handler();
    llvm::CrashRecoveryContext::Disable();
  }

 private:
  std::mutex mutex_;
  int guards_ = 0;
};
Handlers handlers;

std::string describe(int code, const std::string& words) {
  if (!words.empty()) return words;
  if (code > 128) {
    const char* name = strsignal(code - 128);
    return std::string("it crashed: ") + (name ? name : "unknown signal");
  }
  return "it asked to end the process with exit code " + std::to_string(code);
}

}  // namespace

void guard_llvm(std::string_view what, const Loc& loc, const std::function<void()>& body) {
  std::exception_ptr thrown;
  Active here;
  auto run = [&] {
    Active* outer = active;
    active = &here;
    try {
      body();
    } catch (const std::bad_alloc&) {
      thrown = std::make_exception_ptr(
          CompileError(kFatalRule, loc, std::string(what) + " failed: not enough memory",
                       "give the process more memory, or compile fewer programs at once"));
    } catch (...) {
      thrown = std::current_exception();
    }
    active = outer;
  };

  Active* outer = active;
  handlers.enter();
  llvm::CrashRecoveryContext context;
  bool finished = false;
  if (outer) {
    finished = context.RunSafely(run);
  } else {
    llvm::thread thread(std::optional<unsigned>(kStackBytes), [&] {
      // LLVM puts its own signal stack in the place of what a sanitizer gave the thread.
      stack_t signal_stack = {};
      sigaltstack(nullptr, &signal_stack);
      finished = context.RunSafely(run);
      sigaltstack(&signal_stack, nullptr);
    });
    thread.join();
  }
  active = outer;
  handlers.leave();
  if (thrown) std::rethrow_exception(thrown);
  if (finished) return;
  Diagnostic diagnostic;
  diagnostic.rule = kFatalRule;
  diagnostic.message = std::string(what) + " failed inside LLVM";
  diagnostic.loc = loc;
  diagnostic.detail = describe(context.RetCode, here.words);
  diagnostic.help =
      "an instruction or an inline assembly that the target lacks is the usual cause; "
      "--dump-stages shows the LLVM IR of each stage";
  throw CompileError({diagnostic});
}

bool is_llvm_fatal(const CompileError& error) {
  for (const Diagnostic& diagnostic : error.diagnostics()) {
    if (diagnostic.rule == kFatalRule) return true;
  }
  return false;
}

// ---- messages of a context ----

struct LlvmMessages::State {
  // What the context owns refers to us; what we collect outlives it.
  struct Handler : llvm::DiagnosticHandler {
    explicit Handler(std::vector<LlvmMessage>* sink) : messages(sink) {}
    bool handleDiagnostics(const llvm::DiagnosticInfo& info) override {
      LlvmMessage message;
      switch (info.getSeverity()) {
        case llvm::DS_Error:
          message.severity = Severity::Error;
          break;
        case llvm::DS_Warning:
          message.severity = Severity::Warning;
          break;
        case llvm::DS_Note:
          message.severity = Severity::Note;
          break;
        case llvm::DS_Remark:
          return true;
      }
      if (auto* from_asm = llvm::dyn_cast<llvm::DiagnosticInfoInlineAsm>(&info)) {
        message.asm_cookie = from_asm->getLocCookie();
      } else if (auto* from_source = llvm::dyn_cast<llvm::DiagnosticInfoSrcMgr>(&info)) {
        message.asm_cookie = from_source->getLocCookie();
      }
      llvm::raw_string_ostream stream(message.text);
      llvm::DiagnosticPrinterRawOStream printer(stream);
      info.print(printer);
      messages->push_back(std::move(message));
      return true;
    }
    std::vector<LlvmMessage>* messages;
  };

  explicit State(llvm::LLVMContext& context) : context(context) {
    before = context.getDiagnosticHandler();
    context.setDiagnosticHandler(std::make_unique<Handler>(&messages));
  }
  ~State() { context.setDiagnosticHandler(std::move(before)); }

  llvm::LLVMContext& context;
  std::unique_ptr<llvm::DiagnosticHandler> before;
  std::vector<LlvmMessage> messages;
};

LlvmMessages::LlvmMessages(llvm::LLVMContext& context) : state_(std::make_unique<State>(context)) {}
LlvmMessages::~LlvmMessages() = default;

bool LlvmMessages::has_errors() const {
  for (const LlvmMessage& message : state_->messages) {
    if (message.severity == Severity::Error) return true;
  }
  return false;
}

const std::vector<LlvmMessage>& LlvmMessages::all() const {
  return state_->messages;
}

void LlvmMessages::throw_if_errors(const std::string& rule, const Loc& loc,
                                   const std::string& what) const {
  Diagnostics found;
  for (const LlvmMessage& message : state_->messages) {
    if (message.severity == Severity::Error) {
      found.error(rule, loc, what + " failed: " + message.text);
    }
  }
  found.throw_if_errors();
}

}  // namespace inlay
