#include "backends/llvm/imports/clang_features.h"

#include <clang/AST/ASTConsumer.h>
#include <clang/AST/ASTContext.h>
#include <clang/AST/RecursiveASTVisitor.h>
#include <clang/Basic/Builtins.h>
#include <clang/Basic/SourceManager.h>

namespace inlay {

namespace {

class Visitor : public clang::RecursiveASTVisitor<Visitor> {
 public:
  Visitor(clang::ASTContext& context, std::set<std::string>& features)
      : context_(context), features_(features) {}

  bool shouldVisitTemplateInstantiations() const { return true; }

  bool TraverseFunctionDecl(clang::FunctionDecl* function) {
    if (context_.getSourceManager().isInSystemHeader(function->getLocation())) return true;
    return RecursiveASTVisitor::TraverseFunctionDecl(function);
  }

  bool VisitFunctionDecl(clang::FunctionDecl* function) {
    if (function->doesThisDeclarationHaveABody()) add_attribute(*function);
    return true;
  }

  bool VisitCallExpr(clang::CallExpr* call) {
    const clang::FunctionDecl* callee = call->getDirectCallee();
    if (!callee) return true;
    add_attribute(*callee);
    // "avx512f,avx512vl|avx10.1-256": all of the commas' parts, one of the bars'.
    if (unsigned id = callee->getBuiltinID()) {
      add(context_.BuiltinInfo.getRequiredFeatures(id));
    }
    return true;
  }

 private:
  void add_attribute(const clang::FunctionDecl& function) {
    if (auto* target = function.getAttr<clang::TargetAttr>()) add(target->getFeaturesStr());
  }

  void add(llvm::StringRef list) {
    llvm::SmallVector<llvm::StringRef, 4> parts;
    list.split(parts, ',', -1, false);
    for (llvm::StringRef part : parts) {
      llvm::StringRef name = part.split('|').first.trim("() ");
      // `arch=`, `tune=` and switched-off features are no features.
      if (name.empty() || name.contains('=') || name.starts_with("no-")) continue;
      features_.insert(name.str());
    }
  }

  clang::ASTContext& context_;
  std::set<std::string>& features_;
};

class Collector : public clang::ASTConsumer {
 public:
  explicit Collector(std::set<std::string>& features) : features_(features) {}
  void HandleTranslationUnit(clang::ASTContext& context) override {
    Visitor visitor(context, features_);
    for (clang::Decl* declaration : context.getTranslationUnitDecl()->decls()) {
      // Most declarations are those of immintrin.h.
      if (!context.getSourceManager().isInSystemHeader(declaration->getLocation())) {
        visitor.TraverseDecl(declaration);
      }
    }
  }

 private:
  std::set<std::string>& features_;
};

}  // namespace

std::unique_ptr<clang::ASTConsumer> make_feature_collector(std::set<std::string>& features) {
  return std::make_unique<Collector>(features);
}

}  // namespace inlay
