// What the checks of a call know when one fails, for the sentences that explain it.
#pragma once

#include <inlay_abi.h>
#include <string.h>

#include "error.h"

namespace inlay {

// A call in the making. The symbols whose bit is set in `bound` have a value.
struct Call {
  const InlayCodeObject* object;
  const InlayFunction* function;
  const InlayValue* args;
  uint32_t gpu_tensors = 0;  // tensors on a GPU, and the first of them
  uint32_t gpu_param = 0;
  bool complete = false;  // all arguments were seen, so all symbols are bound
  uint64_t bound = 0;
  int64_t symbols[INLAY_MAX_SYMBOLS];
  // Where a symbol got its value: parameter * 2 * INLAY_MAX_RANK + dimension (+ INLAY_MAX_RANK: a
  // stride).
  uint16_t binder[INLAY_MAX_SYMBOLS];
  // Integer scalars by parameter, for INLAY_EXPR_SCALAR.
  int64_t integers[INLAY_MAX_PARAMS];
};

constexpr uint16_t binder_of(uint32_t param, uint32_t dim, bool stride) {
  return static_cast<uint16_t>(param * 2 * INLAY_MAX_RANK + (stride ? INLAY_MAX_RANK : 0) + dim);
}

inline bool is_bound(const Call& call, int64_t symbol) {
  return (call.bound >> symbol & 1) != 0;
}

// Evaluates an expression; false if it overflows or divides by zero.
bool evaluate(const Call& call, const InlayDim& dim, int64_t* result);

inline const DLTensor* tensor_of(const Call& call, uint32_t param) {
  return call.args[param].as.tensor;
}

// A caller may put any number there, which a C++ enumeration must not be read as.
inline int32_t device_of(const DLTensor* tensor) {
  int32_t device;
  static_assert(sizeof device == sizeof tensor->device.device_type, "");
  memcpy(&device, &tensor->device.device_type, sizeof device);
  return device;
}

const char* dtype_name(DLDataType type, char (&buffer)[24]);
const char* device_name(int32_t device);

// Sentences. Each sets the last error and returns INLAY_ERROR_INVALID_ARGUMENT.
int32_t fail_count(const InlayFunction* function, uint32_t n_args);
int32_t fail_kind(const Call& call, uint32_t param);
int32_t fail_param(const Call& call, uint32_t param, const char* what);
int32_t fail_dtype(const Call& call, uint32_t param);
int32_t fail_device(const Call& call, uint32_t param);
int32_t fail_place(const Call& call, uint32_t param);  // elsewhere than gpu_param
int32_t fail_no_variant(const Call& call);
int32_t fail_rank(const Call& call, uint32_t param);
int32_t fail_shape(const Call& call, uint32_t param, uint32_t dim);
int32_t fail_stride(const Call& call, uint32_t param, uint32_t dim, const char* why);
int32_t fail_too_big(const Call& call, uint32_t param);
int32_t fail_alignment(const Call& call, uint32_t param, uint64_t alignment);
int32_t fail_overlap(const Call& call, uint32_t written, uint32_t other);
int32_t fail_scalar(const Call& call, uint32_t param);

}  // namespace inlay
