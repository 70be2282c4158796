// Buffers passed on: views given to intrinsics and externs, and how a list of formal buffers
// (of an intrinsic, or of the function itself) takes its actuals and checks that they fit.
#pragma once

#include "core/interp/machine.h"

namespace inlay::interp {

/// Where a buffer's state lies in a Frame.
struct BufferSlot {
  uint32_t buffer = 0;  ///< BufferRef
  uint32_t dims = 0;    ///< register of extent 0; then stride 0, extent 1, ...
  int param = -1;       ///< of which parameter of the function it is a part; -1: of none
};

/// A compiled View.
struct ViewSpec {
  struct Dim {
    const Op* min;
    const Op* extent;  ///< null: dropped
  };
  BufferSlot from;
  uint32_t site = 0;
  bool whole = false;
  std::vector<Dim> dims;  ///< of the viewed buffer
};

/// A part of a storage with its shape: what a view is at run time.
struct Region {
  Storage* storage = nullptr;
  int64_t origin = 0;
  std::vector<int64_t> shape, strides;
};

/// Evaluates a view; throws if it leaves its buffer.
Region resolve(Machine& machine, const ViewSpec& view);

/// The formals of a callee, with what their declarations demand.
struct Formals {
  struct Number {
    const Op* expected;     ///< the declared extent or stride
    std::string label;      ///< "M=" for a variable, else empty
    int64_t bind_reg = -1;  ///< the symbol that takes its value here; -1: none
  };
  struct Tensor {
    std::string name;
    BufferSlot slot;
    DType type;
    int alignment = 0;
    bool compact = false;  ///< no strides were declared
    std::vector<Number> shape, strides;
  };
  std::string callee;
  std::vector<Tensor> tensors;

  /// Puts regions into the tensors' slots. Returns what does not fit, as a sentence, or "".
  std::string bind(Machine& machine, const std::vector<Region>& regions) const;
};

/// "[64, 63]"
std::string shape_text(const std::vector<int64_t>& numbers);

/// Checks `args` and binds them to the function's parameters; throws CompileError "argument".
void bind_arguments(Machine& machine, const Function& function, const Formals& formals,
                    const std::vector<uint32_t>& scalar_regs, const std::vector<bool>& written,
                    const std::vector<ArgValue>& args);

/// A scalar argument as a register holds it. Returns false if it does not suit `type`.
bool to_value(const ScalarValue& scalar, DType type, Value* value);
/// The inverse, with the alternative that suits `type`.
ScalarValue to_scalar(Value value, DType type);

}  // namespace inlay::interp
