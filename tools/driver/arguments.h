// Arguments of one call, made from words of a command line: arrays from .npy files, random ones for
// what is missing, scalars and sizes from numbers.
#pragma once

#include <inlay/runtime.h>

#include <map>
#include <random>

#include "core/interp/interp.h"
#include "core/passes/passes.h"

namespace inlay {

/// A tensor argument with memory of its own, 64-byte aligned.
struct TensorArgument {
  std::string name;
  DType type;
  std::vector<int64_t> shape, strides;  ///< strides in elements
  std::vector<uint8_t> storage;         ///< more than is used, so that `data` can be aligned
  size_t offset = 0;                    ///< of element 0 in storage
  size_t bytes = 0;                     ///< from element 0
  std::string origin;                   ///< "A.npy", "random", "zeros", "ones"
  DLTensor dl{};

  uint8_t* data() { return storage.data() + offset; }
  const uint8_t* data() const { return storage.data() + offset; }
};

class Arguments {
 public:
  /// `assignments`: parameter -> path of a .npy file, "random", "zeros", "ones" or a number (of a
  /// scalar); symbol -> number. Sizes come from the arrays first. Throws CompileError (rule
  /// "argument") naming the parameter, what was found and what would do. Program parameters in
  /// shapes must be bound.
  Arguments(const Function& function, const std::map<std::string, std::string>& assignments,
            uint64_t seed);

  std::vector<InlayValue> values() const;
  /// The same call for the interpreter; `tensors` may be copies of this object's.
  std::vector<ArgValue> interpreter_values(std::vector<TensorArgument>& tensors) const;

  std::vector<TensorArgument>& tensors() { return tensors_; }
  const std::vector<TensorArgument>& tensors() const { return tensors_; }
  /// True if `condition`, over symbols and scalar parameters, holds for these arguments.
  bool holds(const Expr& condition) const;
  /// Value of each symbol, by name.
  const std::map<std::string, int64_t>& symbols() const { return symbols_; }

 private:
  struct Scalar {
    DType type;
    ScalarValue value;
  };
  void read_scalars(const std::map<std::string, std::string>& assignments);
  void read_arrays(const std::map<std::string, std::string>& assignments);
  void bind_symbols(const std::map<std::string, std::string>& assignments);
  void make_missing();
  Substitution known_values() const;
  int64_t evaluate(const Expr& expr, const std::string& what) const;

  const Function& function_;
  std::mt19937_64 random_;
  std::vector<TensorArgument> tensors_;  ///< tensor parameters in order
  std::map<std::string, Scalar> scalars_;
  std::map<std::string, int64_t> symbols_;
};

/// Copies of `tensors`, with memory of their own.
std::vector<TensorArgument> clone(const std::vector<TensorArgument>& tensors);

/// Writes the array compactly; throws CompileError (rule "output").
void write_npy(const std::string& path, const TensorArgument& tensor);

/// How two arrays of one shape differ: max |a - b| / max |b| for floats (0 if both are 0; NaN
/// against NaN is equal), number of different elements for the others.
struct Difference {
  double relative = 0;
  int64_t different = 0;
  std::string first;  ///< "[3, 5]: 1.5, expected 1.25" of the worst element; empty if equal
};
Difference compare(const TensorArgument& got, const TensorArgument& expected);
/// What compare() may find between compiled code and the interpreter: reductions may be ordered
/// otherwise, so floats agree within a multiple of their epsilon; the rest exactly.
double default_tolerance(DType type);

}  // namespace inlay
