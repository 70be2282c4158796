#include "backends/llvm/link/signature.h"

#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/Function.h>
#include <llvm/Support/raw_ostream.h>

#include <optional>

#include "backends/llvm/emit/gpu/gpu.h"

namespace inlay {

namespace {

constexpr const char* kRule = "import-signature";

// What a symbol's parameter is in our words; nullopt if no value of ours can be passed to it.
std::optional<DType> dtype_of(const llvm::Type* type) {
  if (type->isVoidTy()) return kVoid;
  if (type->isPointerTy()) return kPointer;
  if (type->isFloatTy()) return kF32;
  if (type->isDoubleTy()) return kF64;
  if (type->isHalfTy()) return kF16;
  if (type->isBFloatTy()) return kBF16;
  if (type->isIntegerTy()) {
    switch (type->getIntegerBitWidth()) {
      case 1:
        return kBool;
      case 8:
        return kI8;
      case 16:
        return kI16;
      case 32:
        return kI32;
      case 64:
        return kI64;
      default:
        return std::nullopt;
    }
  }
  if (auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type)) {
    std::optional<DType> element = dtype_of(vector->getElementType());
    if (element && vector->getNumElements() <= DType::kMaxLanes) {
      return element->with_lanes(int(vector->getNumElements()));
    }
  }
  return std::nullopt;
}

// As a C programmer reads it, with LLVM's name where C's says less.
std::string c_name(const llvm::Type* type) {
  if (type->isVoidTy()) return "void";
  if (type->isPointerTy()) {
    unsigned space = type->getPointerAddressSpace();
    return space ? "pointer to address space " + std::to_string(space) : "pointer";
  }
  if (type->isFloatTy()) return "float";
  if (type->isDoubleTy()) return "double";
  if (type->isIntegerTy(1)) return "bool";
  if (type->isIntegerTy(8)) return "char (i8)";
  if (type->isIntegerTy(16)) return "short (i16)";
  if (type->isIntegerTy(32)) return "int (i32)";
  if (type->isIntegerTy(64)) return "int64_t (i64)";
  std::string text;
  llvm::raw_string_ostream stream(text);
  type->print(stream);
  return stream.str();
}

// One LLVM type stands for both signs.
bool fits(DType passed, DType taken) {
  if (passed.is_integer() && taken.is_integer()) {
    return passed.bits == taken.bits && passed.lanes == taken.lanes;
  }
  if (passed.is_pointer() && taken.is_pointer()) return true;
  return passed == taken;
}

std::string types_of(const ExternCall& call) {
  std::string text = "(";
  for (size_t i = 0; i < call.args.size(); ++i) text += (i ? ", " : "") + to_string(call.args[i]);
  return text + ")" + (call.result.is_void() ? "" : " -> " + to_string(call.result));
}

std::string types_of(const llvm::Function& function) {
  std::string text = c_name(function.getReturnType()) + " " + function.getName().str() + "(";
  for (const llvm::Argument& argument : function.args()) {
    text += (argument.getArgNo() ? ", " : "") + c_name(argument.getType());
    if (argument.hasName()) text += " " + argument.getName().str();
  }
  if (function.isVarArg()) text += function.arg_empty() ? "..." : ", ...";
  return text + ")";
}

bool same(const ExternCall& a, const ExternCall& b) {
  if (a.args.size() != b.args.size() || !fits(a.result, b.result)) return false;
  for (size_t i = 0; i < a.args.size(); ++i) {
    if (!fits(a.args[i], b.args[i])) return false;
  }
  return true;
}

class Checker {
 public:
  Checker(const std::vector<LoadedImport>& imports, const Resolution& resolution,
          const std::vector<ExternCall>& calls, Diagnostics& found)
      : imports_(imports), resolution_(resolution), calls_(calls), found_(found) {}

  void run() {
    for (const ExternCall& call : calls_) {
      auto it = resolution_.winners.find(call.symbol);
      if (it == resolution_.winners.end()) continue;
      if (!it->second.value) {
        check_agreement(call, it->second.import);
      } else if (auto* function = llvm::dyn_cast<llvm::Function>(
                     it->second.value->stripPointerCastsAndAliases())) {
        check(call, *function, it->second.import);
      } else {
        found_.error(kRule, call.loc,
                     "`" + call.symbol + "` of " + imports_[it->second.import].source.title() +
                         " is data, not a function",
                     "an import's data is reached through functions of the import");
      }
    }
  }

 private:
  Diagnostic& fault(const ExternCall& call, size_t import, const std::string& what,
                    const std::string& help) {
    Diagnostic& diagnostic = found_.error(
        kRule, call.loc, "call of `" + call.symbol + "` in " + call.function + ": " + what, help);
    diagnostic.notes.push_back(
        {Severity::Note,
         "",
         "`" + call.symbol + "` comes from " + imports_[import].source.title(),
         imports_[import].source.import->loc,
         "",
         "",
         "",
         {}});
    for (const ExternCall& other : calls_) {
      if (other.symbol != call.symbol || same(call, other)) continue;
      diagnostic.notes.push_back({Severity::Note,
                                  "",
                                  "another call passes " + types_of(other),
                                  other.loc,
                                  "",
                                  "",
                                  "",
                                  {}});
      break;
    }
    return diagnostic;
  }

  void check(const ExternCall& call, const llvm::Function& function, size_t import) {
    auto show = [&](Diagnostic& diagnostic) {
      diagnostic.detail =
          "call:   " + call.symbol + types_of(call) + "\nsymbol: " + types_of(function);
    };
    size_t count = function.arg_size();
    bool variadic = function.isVarArg();
    for (const llvm::Argument& argument : function.args()) {
      if (argument.hasByValAttr() || argument.hasStructRetAttr() || argument.hasInAllocaAttr()) {
        bool result = argument.hasStructRetAttr();
        show(fault(call, import,
                   result ? "`" + call.symbol + "` returns a structure (sret)"
                          : parameter(argument) + " is a structure passed by value (byval)",
                   "pass a pointer: give the kernel parameters that are scalars and pointers"));
        return;
      }
    }
    if (variadic ? call.args.size() < count : call.args.size() != count) {
      size_t passed = call.args.size();
      std::string what = "it passes " + std::to_string(passed) + " argument" +
                         (passed == 1 ? "" : "s") + ", the symbol takes " +
                         (variadic ? "at least " : "") + std::to_string(count);
      show(fault(call, import, what,
                 passed > count ? "remove " + std::to_string(passed - count) + " of them"
                                : "add what is missing"));
      return;
    }
    for (const llvm::Argument& argument : function.args()) {
      DType passed = call.args[argument.getArgNo()];
      std::optional<DType> taken = dtype_of(argument.getType());
      if (taken && fits(passed, *taken) &&
          (!argument.getType()->isPointerTy() || takes_space(call, argument))) {
        continue;
      }
      show(fault(call, import,
                 parameter(argument) + ": the call passes " + to_string(passed) +
                     ", the symbol takes " + c_name(argument.getType()),
                 way_out(passed, taken)));
    }
    for (size_t i = count; i < call.args.size(); ++i) {
      DType passed = call.args[i];
      bool promoted = passed == kF64 || passed.is_pointer() ||
                      (passed.is_integer() && passed.bits >= 32 && passed.is_scalar());
      if (promoted) continue;
      show(fault(call, import,
                 "variadic argument " + std::to_string(i + 1) + " is " + to_string(passed) +
                     ", which C promotes",
                 passed.is_float() ? "cast it: f64(...)" : "cast it: i32(...)"));
    }
    std::optional<DType> result = dtype_of(function.getReturnType());
    if (!result || !fits(call.result, *result)) {
      std::string wants = call.result.is_void() ? "no result" : to_string(call.result);
      std::string help;
      if (result && result->is_void()) {
        help = "write `call " + call.symbol + "(...)` as a statement";
      } else if (result && !result->is_pointer()) {
        help = "write `call " + to_string(*result) + " " + call.symbol + "(...)`" +
               (call.result.is_void() ? " where its value is used" : "");
      } else {
        help = "give the kernel a result that is a scalar, or none";
      }
      show(fault(
          call, import,
          "the call expects " + wants + ", the symbol returns " + c_name(function.getReturnType()),
          help));
    }
  }

  // A pointer parameter is generic, or of the address space that the buffer is in.
  static bool takes_space(const ExternCall& call, const llvm::Argument& argument) {
    unsigned space = argument.getType()->getPointerAddressSpace();
    if (space == kGenericSpace) return true;
    return argument.getArgNo() < call.spaces.size() &&
           space == address_space(call.spaces[argument.getArgNo()]) &&
           call.args[argument.getArgNo()].is_pointer();
  }

  static std::string parameter(const llvm::Argument& argument) {
    std::string text = "parameter " + std::to_string(argument.getArgNo() + 1);
    if (argument.hasName()) text += " (`" + argument.getName().str() + "`)";
    return text;
  }

  static std::string way_out(DType passed, const std::optional<DType>& taken) {
    if (!taken) return "no value of Inlay's has that type; give the kernel scalars and pointers";
    if (taken->is_pointer()) {
      return passed.is_pointer() ? "the kernel must take a generic pointer here, or one to the "
                                   "memory that the buffer is in (global 1, shared 3, private 5)"
                                 : "pass a buffer, or an element's address: `&A[i, j]`";
    }
    if (passed.is_pointer()) return "pass the element: `A[i, j]`, not `&A[i, j]`";
    if (passed.lanes != taken->lanes) return "pass " + to_string(*taken);
    return "cast it: " + to_string(*taken) + "(...)";
  }

  // No signature is known: what two calls disagree about is wrong in one of them.
  void check_agreement(const ExternCall& call, size_t import) {
    for (const ExternCall& first : calls_) {
      if (first.symbol != call.symbol) continue;
      if (&first == &call || same(first, call)) return;
      Diagnostic& diagnostic =
          found_.error(kRule, call.loc,
                       "two calls of `" + call.symbol + "` disagree: this one in " + call.function +
                           " passes " + types_of(call) + ", another passes " + types_of(first),
                       "machine code has no signature to check; make both calls what " +
                           imports_[import].source.title() + " takes");
      diagnostic.notes.push_back(
          {Severity::Note, "", "the other call, in " + first.function, first.loc, "", "", "", {}});
      return;
    }
  }

  const std::vector<LoadedImport>& imports_;
  const Resolution& resolution_;
  const std::vector<ExternCall>& calls_;
  Diagnostics& found_;
};

}  // namespace

void check_signatures(const std::vector<LoadedImport>& imports, const Resolution& resolution,
                      const std::vector<ExternCall>& calls, Diagnostics& found) {
  Checker(imports, resolution, calls, found).run();
}

}  // namespace inlay
