// LLVM must never end the process that uses the compiler as a library.
#include <csignal>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/Process.h>

#include "backends/llvm/guard.h"

namespace inlay {
namespace {

std::string text_of(const std::function<void()>& body) {
  try {
    guard_llvm("testing", Loc(), body);
  } catch (const CompileError& error) {
    EXPECT_TRUE(is_llvm_fatal(error));
    return error.what();
  }
  return "";
}

TEST(Guard, FatalErrorExitAndCrashBecomeErrors) {
  EXPECT_THAT(text_of([] { llvm::report_fatal_error("the words"); }),
              testing::AllOf(testing::HasSubstr("testing failed inside LLVM"),
                             testing::HasSubstr("the words")));
  EXPECT_THAT(text_of([] { llvm::sys::Process::Exit(3); }), testing::HasSubstr("exit code 3"));
  EXPECT_THAT(text_of([] { llvm::report_bad_alloc_error("no memory", true); }),
              testing::HasSubstr("no memory"));
  EXPECT_THAT(text_of([] { std::abort(); }), testing::HasSubstr("crashed"));
}

TEST(Guard, ExceptionsPass) {
  EXPECT_THROW(guard_llvm("x", Loc(), [] { throw std::out_of_range("mine"); }), std::out_of_range);
  EXPECT_THROW(guard_llvm("x", Loc(), [] { throw CompileError("rule", Loc(), "mine"); }),
               CompileError);
  EXPECT_THAT(text_of([] { throw std::bad_alloc(); }), testing::HasSubstr("not enough memory"));
}

TEST(Guard, NestedGuardsTellTheInnerOne) {
  std::string inner;
  std::string outer = text_of([&] {
    try {
      guard_llvm("the inner", Loc(), [] { llvm::report_fatal_error("deep"); });
    } catch (const CompileError& error) {
      inner = error.what();
    }
    llvm::report_fatal_error("later");
  });
  EXPECT_THAT(inner, testing::HasSubstr("the inner failed"));
  EXPECT_THAT(outer, testing::HasSubstr("later"));
}

TEST(Guard, ManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int round = 0; round < 20; ++round) {
        std::string words = "thread " + std::to_string(i);
        EXPECT_THAT(text_of([&] { llvm::report_fatal_error(llvm::StringRef(words)); }),
                    testing::HasSubstr(words));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Guard, DeepRecursionHasRoom) {
  std::function<int(int)> down = [&](int n) {
    volatile char frame[200] = {};
    return n == 0 ? frame[0] : down(n - 1) + frame[1];
  };
  int result = -1;
  guard_llvm("x", Loc(), [&] { result = down(100000); });
  EXPECT_EQ(result, 0);
}

TEST(Guard, SignalHandlersAreGivenBack) {
  struct sigaction before = {}, after = {};
  sigaction(SIGSEGV, nullptr, &before);
  guard_llvm("x", Loc(), [] {});
  sigaction(SIGSEGV, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(Messages, ErrorsOfAContextAreCollected) {
  llvm::LLVMContext context;
  LlvmMessages messages(context);
  context.emitError("wrong");
  context.diagnose(llvm::DiagnosticInfoInlineAsm("careful", llvm::DS_Warning));
  ASSERT_EQ(messages.all().size(), 2u);
  EXPECT_TRUE(messages.has_errors());
  try {
    messages.throw_if_errors("some-rule", Loc(), "compiling");
    FAIL();
  } catch (const CompileError& error) {
    EXPECT_EQ(error.diagnostics().size(), 1u);
    EXPECT_THAT(error.what(), testing::HasSubstr("compiling failed: wrong"));
  }
}

}  // namespace
}  // namespace inlay
