// Short ways to build IR in tests, where the factories' full names would hide what is meant.
#pragma once

#include <gmock/gmock.h>

#include <functional>

#include "core/passes/passes.h"

namespace inlay::testing {

inline Stmt block(std::vector<Stmt> stmts) {
  return Block::make(std::move(stmts));
}
inline Stmt serial(const Var& var, Expr min, Expr end, std::vector<Stmt> body) {
  return For::make(ForKind::Serial, var, min, end - min, block(std::move(body)));
}
inline Stmt loop(ForKind kind, const Var& var, Expr extent, std::vector<Stmt> body) {
  return For::make(kind, var, 0, extent, block(std::move(body)));
}
inline Expr load(const Buffer& buffer, std::vector<Expr> at) {
  return Load::make(buffer, at);
}
inline Stmt store(const Buffer& buffer, std::vector<Expr> at, Expr value) {
  return Store::make(buffer, std::move(at), std::move(value));
}
inline Stmt call(const std::string& intrinsic, std::vector<Expr> constants,
                 std::vector<Expr> args) {
  return Evaluate::make(CallIntrin::make(intrinsic, std::move(constants), std::move(args)));
}
inline Expr f32(double value) {
  return FloatImm::make(kF32, value);
}

/// A place in a made-up file, so that messages can name a line.
inline Loc at_line(uint32_t line) {
  static Ref<const SourceFile> file(new SourceFile("test.inlay", std::string(100, '\n')));
  return {file, line, 1};
}

/// Runs `action`, which must throw a CompileError; returns its one diagnostic.
inline Diagnostic error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const CompileError& error) {
    EXPECT_EQ(error.diagnostics().size(), 1u) << error.what();
    if (!error.diagnostics().empty()) return error.diagnostics()[0];
    return {};
  }
  ADD_FAILURE() << "no CompileError";
  return {};
}

}  // namespace inlay::testing
