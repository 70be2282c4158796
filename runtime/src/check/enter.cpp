// enter(): the only place where arguments are checked. It runs before each call, and small matrices
// are timed, so the way of a call that is right is short and straight; the sentences are in
// report.cpp.
#include "check/check.h"

#include <stdint.h>
#include <string.h>

#include "check/float_bits.h"
#include "check/internal.h"
#include "hip/entry.h"

namespace inlay {
namespace {

// The bytes that a tensor may touch: [begin, end); empty if begin == end.
struct Extent {
  uintptr_t begin;
  uintptr_t end;
};

bool same_type(DLDataType a, DLDataType b) {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

bool accepts_type(const InlayParam& param, DLDataType type) {
  return same_type(param.dtype, type) ||
         (param.dtype.code == INLAY_DTYPE_BOOL && same_type(type, DLDataType{kDLUInt, 8, 1}));
}

// Counts the tensors on a GPU: where the call runs is settled when all were seen.
int32_t check_device(Call& call, uint32_t index) {
  const DLTensor* tensor = tensor_of(call, index);
  int32_t wanted = call.function->params[index].device;
  int32_t device = device_of(tensor);
  if (__builtin_expect(device == wanted, 1)) return INLAY_OK;
  if (wanted != kDLCPU) return fail_device(call, index);
  if (device == kDLCUDAHost || device == kDLROCMHost) return INLAY_OK;
  if (device != kDLROCM || call.object->n_gpu_entries == 0) return fail_device(call, index);
  if (call.gpu_tensors++ == 0) {
    call.gpu_param = index;
  } else if (tensor->device.device_id != tensor_of(call, call.gpu_param)->device.device_id) {
    return fail_place(call, index);
  }
  return INLAY_OK;
}

// A tensor of the host in a call that has one on a GPU.
int32_t fail_mixture(const Call& call) {
  uint32_t i = 0;
  while (call.function->params[i].kind != INLAY_PARAM_TENSOR ||
         device_of(tensor_of(call, i)) == kDLROCM) {
    ++i;
  }
  return fail_place(call, i);
}

uint64_t element_size(const InlayParam& param) {
  return static_cast<uint64_t>(param.dtype.bits) * param.dtype.lanes / 8;
}

// Binds a symbol, or holds `value` against what it was bound to. False: they differ.
bool unify(Call& call, int64_t symbol, int64_t value, uint16_t binder) {
  uint64_t bit = uint64_t{1} << symbol;
  if ((call.bound & bit) != 0) return call.symbols[symbol] == value;
  call.bound |= bit;
  call.symbols[symbol] = value;
  call.binder[symbol] = binder;
  return true;
}

int32_t check_extents(Call& call, uint32_t index, bool* deferred) {
  const InlayParam& param = call.function->params[index];
  const int64_t* shape = tensor_of(call, index)->shape;
  for (uint32_t d = 0; d < param.rank; ++d) {
    const InlayDim& dim = param.dims[d];
    int64_t extent = shape[d];
    if (__builtin_expect(extent < 0, 0)) return fail_shape(call, index, d);
    bool right = true;
    if (dim.kind == INLAY_DIM_SYMBOL) {
      right = unify(call, dim.value, extent, binder_of(index, d, false));
    } else if (dim.kind == INLAY_DIM_CONST) {
      right = extent == dim.value;
    } else {
      *deferred = true;
    }
    if (__builtin_expect(!right, 0)) return fail_shape(call, index, d);
  }
  return INLAY_OK;
}

// Compact strides, or none given: sets `count` to the elements.
int32_t check_compact(Call& call, uint32_t index, bool empty, int64_t* count) {
  const InlayParam& param = call.function->params[index];
  const DLTensor* tensor = tensor_of(call, index);
  *count = 0;
  if (empty) return INLAY_OK;
  int64_t run = 1;
  for (uint32_t d = param.rank; d-- > 0;) {
    int64_t extent = tensor->shape[d];
    if (tensor->strides != nullptr && extent > 1 && tensor->strides[d] != run) {
      return fail_stride(call, index, d, nullptr);
    }
    if (__builtin_mul_overflow(run, extent, &run)) return fail_too_big(call, index);
  }
  *count = run;
  return INLAY_OK;
}

// Whether strides keep the elements apart: visits the dimensions from the smallest stride up.
bool keeps_apart(const DLTensor* tensor, uint32_t rank) {
  int64_t reach = 0;  // largest offset of the dimensions visited
  uint32_t visited = 0;
  for (uint32_t n = 0; n < rank; ++n) {
    uint32_t least = rank;
    for (uint32_t d = rank; d-- > 0;) {
      if ((visited >> d & 1) != 0) continue;
      if (least == rank || tensor->strides[d] < tensor->strides[least]) least = d;
    }
    visited |= 1u << least;
    int64_t extent = tensor->shape[least];
    if (extent <= 1) continue;
    int64_t stride = tensor->strides[least];
    if (stride <= reach) return false;
    // No overflow: check_strided found the whole reach in range.
    reach += (extent - 1) * stride;
  }
  return true;
}

// Explicit strides: sets `count` to the elements from the first to the last one, gaps included.
int32_t check_strided(Call& call, uint32_t index, bool empty, bool* deferred, int64_t* count) {
  const InlayParam& param = call.function->params[index];
  const DLTensor* tensor = tensor_of(call, index);
  *count = 0;
  if (empty) {
    *deferred = true;  // symbols of the strides are bound later
    return INLAY_OK;
  }
  int64_t run = 1;
  int64_t reach = 0;
  for (uint32_t d = param.rank; d-- > 0;) {
    const InlayDim& dim = param.strides[d];
    int64_t extent = tensor->shape[d];
    int64_t stride = tensor->strides != nullptr ? tensor->strides[d] : run;
    if (extent > 1) {
      bool right = true;
      if (stride < 0) return fail_stride(call, index, d, "must not be negative");
      if (dim.kind == INLAY_DIM_SYMBOL) {
        right = unify(call, dim.value, stride, binder_of(index, d, true));
      } else if (dim.kind == INLAY_DIM_CONST) {
        right = stride == dim.value;
      } else {
        *deferred = true;
      }
      if (!right) return fail_stride(call, index, d, nullptr);
    } else if (dim.kind == INLAY_DIM_SYMBOL) {
      *deferred = true;
    }
    int64_t step = 0;
    if (extent > 1 && (__builtin_mul_overflow(extent - 1, stride, &step) ||
                       __builtin_add_overflow(reach, step, &reach))) {
      return fail_too_big(call, index);
    }
    if (__builtin_mul_overflow(run, extent, &run)) return fail_too_big(call, index);
  }
  if (__builtin_add_overflow(reach, int64_t{1}, count)) return fail_too_big(call, index);
  if ((param.flags & INLAY_PARAM_WRITTEN) != 0 && tensor->strides != nullptr &&
      !keeps_apart(tensor, param.rank)) {
    return fail_stride(call, index, param.rank, "must keep the elements of an output apart");
  }
  return INLAY_OK;
}

// What had to wait until all symbols are bound.
int32_t check_deferred(Call& call) {
  const InlayFunction* function = call.function;
  for (uint32_t i = 0; i < function->n_params; ++i) {
    const InlayParam& param = function->params[i];
    if (param.kind != INLAY_PARAM_TENSOR || param.strides == nullptr) continue;
    const DLTensor* tensor = tensor_of(call, i);
    int64_t run = 1;
    for (uint32_t d = param.rank; d-- > 0;) {
      const InlayDim& dim = param.strides[d];
      if (dim.kind == INLAY_DIM_SYMBOL && !is_bound(call, dim.value)) {
        unify(call, dim.value, run, binder_of(i, d, true));
      }
      int64_t extent = tensor->shape[d] > 0 ? tensor->shape[d] : 1;
      if (__builtin_mul_overflow(run, extent, &run)) return fail_too_big(call, i);
    }
  }
  call.complete = true;
  for (uint32_t i = 0; i < function->n_params; ++i) {
    const InlayParam& param = function->params[i];
    if (param.kind != INLAY_PARAM_TENSOR) continue;
    const DLTensor* tensor = tensor_of(call, i);
    bool empty = false;
    for (uint32_t d = 0; d < param.rank; ++d) {
      empty |= tensor->shape[d] == 0;
      int64_t value = 0;
      if (param.dims[d].kind == INLAY_DIM_EXPR &&
          (!evaluate(call, param.dims[d], &value) || value != tensor->shape[d])) {
        return fail_shape(call, i, d);
      }
    }
    if (param.strides == nullptr || empty) continue;
    int64_t run = 1;
    for (uint32_t d = param.rank; d-- > 0;) {
      int64_t stride = tensor->strides != nullptr ? tensor->strides[d] : run;
      run *= tensor->shape[d];
      int64_t value = 0;
      if (param.strides[d].kind == INLAY_DIM_EXPR && tensor->shape[d] > 1 &&
          (!evaluate(call, param.strides[d], &value) || value != stride)) {
        return fail_stride(call, i, d, nullptr);
      }
    }
  }
  return INLAY_OK;
}

int32_t check_tensor(Call& call, uint32_t index, bool* deferred, void** data, Extent* extent) {
  const InlayParam& param = call.function->params[index];
  const DLTensor* tensor = tensor_of(call, index);
  if (tensor == nullptr) return fail_param(call, index, "the tensor is NULL");
  if (tensor->ndim < 0 || static_cast<uint32_t>(tensor->ndim) != param.rank) {
    return fail_rank(call, index);
  }
  if (!accepts_type(param, tensor->dtype)) return fail_dtype(call, index);
  if (int32_t status = check_device(call, index)) return status;
  if (param.rank != 0 && tensor->shape == nullptr) {
    return fail_param(call, index, "the pointer to the shape is NULL");
  }
  if (int32_t status = check_extents(call, index, deferred)) return status;
  bool empty = false;
  for (uint32_t d = 0; d < param.rank; ++d) empty |= tensor->shape[d] == 0;
  int64_t count = 0;
  if (int32_t status = param.strides == nullptr
                           ? check_compact(call, index, empty, &count)
                           : check_strided(call, index, empty, deferred, &count)) {
    return status;
  }
  int64_t bytes = 0;
  uint64_t size = element_size(param);
  if (__builtin_mul_overflow(count, static_cast<int64_t>(size), &bytes)) {
    return fail_too_big(call, index);
  }
  uintptr_t address = reinterpret_cast<uintptr_t>(tensor->data);
  if (address == 0) {
    if (bytes != 0) return fail_param(call, index, "the data pointer is NULL");
    *data = nullptr;
    *extent = Extent{0, 0};
    return INLAY_OK;
  }
  uintptr_t end = 0;
  if (__builtin_add_overflow(address, tensor->byte_offset, &address) ||
      __builtin_add_overflow(address, static_cast<uintptr_t>(bytes), &end)) {
    return fail_param(call, index, "data, byte_offset and size exceed the address space");
  }
  uint64_t alignment = param.alignment != 0 ? param.alignment : size;
  bool power_of_two = (alignment & (alignment - 1)) == 0;  // not so: the size of a vector of three
  bool aligned = power_of_two ? (address & (alignment - 1)) == 0 : address % alignment == 0;
  if (!aligned && bytes != 0) {
    return fail_alignment(call, index, alignment);
  }
  *data = reinterpret_cast<void*>(address);
  *extent = Extent{address, end};
  return INLAY_OK;
}

bool holds_integer(DLDataType type, int64_t value) {
  if (type.bits >= 64) return true;
  int64_t limit = int64_t{1} << (type.bits - 1);
  return value >= -limit && value < limit;
}

// Converts an argument to the parameter's own representation; false if it does not fit.
bool convert_scalar(const InlayParam& param, const InlayValue& value, InlayScalar* scalar) {
  DLDataType type = param.dtype;
  scalar->u64 = 0;
  bool negative = value.kind == INLAY_VALUE_INT && value.as.i64 < 0;
  switch (value.kind) {
    case INLAY_VALUE_BITS: {
      int unused = 64 - type.bits;
      if (type.code == kDLInt) {
        scalar->i64 = static_cast<int64_t>(value.as.bits << unused) >> unused;
      } else {
        scalar->u64 = value.as.bits << unused >> unused;
      }
      return type.code != INLAY_DTYPE_BOOL || scalar->u64 <= 1;
    }
    case INLAY_VALUE_INT:
    case INLAY_VALUE_UINT:
      if (type.code == kDLInt) {
        scalar->i64 = value.as.i64;
        bool in_range = value.kind == INLAY_VALUE_INT || value.as.u64 <= INT64_MAX;
        return in_range && holds_integer(type, value.as.i64);
      }
      if (type.code == kDLUInt || type.code == INLAY_DTYPE_BOOL) {
        scalar->u64 = value.as.u64;
        uint64_t most = type.code == INLAY_DTYPE_BOOL ? 1
                        : type.bits >= 64             ? UINT64_MAX
                                                      : (uint64_t{1} << type.bits) - 1;
        return !negative && value.as.u64 <= most;
      }
      return integer_to_float(type, negative ? -value.as.u64 : value.as.u64, negative, scalar);
    case INLAY_VALUE_FLOAT:
      if (type.code != kDLFloat && type.code != kDLBfloat) return false;
      return round_to_float(type, value.as.f64, scalar);
    default:
      return false;
  }
}

uint64_t greatest_divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// Splits a tensor into rows of `row` contiguous bytes; all steps between rows are multiples of
// `step` (0: one row).
void split_rows(const InlayParam& param, const DLTensor* tensor, uint64_t* row, uint64_t* step) {
  uint64_t size = element_size(param);
  *row = size;
  *step = 0;
  int64_t run = 1;
  for (uint32_t d = param.rank; d-- > 0;) {
    int64_t extent = tensor->shape[d];
    int64_t stride = tensor->strides != nullptr ? tensor->strides[d] : run;
    run *= extent;
    if (extent <= 1) continue;
    uint64_t bytes = static_cast<uint64_t>(stride) * size;
    if (*step == 0 && bytes == *row) {
      *row *= static_cast<uint64_t>(extent);
    } else {
      *step = greatest_divisor(*step, bytes);
    }
  }
}

// Whether two tensors whose extents intersect share no byte all the same, as two column blocks of
// one matrix do: their rows keep to different places modulo the common divisor of all steps.
bool interleave(const Call& call, uint32_t a, const Extent& a_extent, uint32_t b,
                const Extent& b_extent) {
  uint64_t a_row, a_step, b_row, b_step;
  split_rows(call.function->params[a], tensor_of(call, a), &a_row, &a_step);
  split_rows(call.function->params[b], tensor_of(call, b), &b_row, &b_step);
  uint64_t step = greatest_divisor(a_step, b_step);
  if (step == 0 || a_row > step || b_row > step) return false;
  bool a_first = a_extent.begin <= b_extent.begin;
  uint64_t place =
      (a_first ? b_extent.begin - a_extent.begin : a_extent.begin - b_extent.begin) % step;
  uint64_t first_row = a_first ? a_row : b_row;
  uint64_t second_row = a_first ? b_row : a_row;
  return place >= first_row && place + second_row <= step;
}

int32_t check_overlap(const Call& call, const Extent* extents) {
  const InlayFunction* function = call.function;
  for (uint32_t i = 0; i < function->n_params; ++i) {
    const InlayParam& written = function->params[i];
    if (written.kind != INLAY_PARAM_TENSOR || (written.flags & INLAY_PARAM_WRITTEN) == 0) continue;
    const Extent& a = extents[i];
    for (uint32_t j = 0; j < function->n_params; ++j) {
      const InlayParam& other = function->params[j];
      if (j == i || other.kind != INLAY_PARAM_TENSOR) continue;
      const Extent& b = extents[j];
      if (a.end <= b.begin || b.end <= a.begin || a.begin == a.end || b.begin == b.end) continue;
      if ((written.flags & other.flags & INLAY_PARAM_MAY_ALIAS) != 0) continue;
      if (interleave(call, i, a, j, b)) continue;
      return fail_overlap(call, i, j);
    }
  }
  return INLAY_OK;
}

}  // namespace

bool evaluate(const Call& call, const InlayDim& dim, int64_t* result) {
  // The loader has checked opcodes, operands and the depth of the stack.
  int64_t stack[INLAY_MAX_EXPR_STACK];
  uint32_t depth = 0;
  for (uint32_t at = 0; at < dim.n_code;) {
    int64_t op = dim.code[at++];
    if (op <= INLAY_EXPR_SCALAR) {
      int64_t operand = dim.code[at++];
      stack[depth++] = op == INLAY_EXPR_CONST    ? operand
                       : op == INLAY_EXPR_SYMBOL ? call.symbols[operand]
                                                 : call.integers[operand];
      continue;
    }
    int64_t b = stack[--depth];
    int64_t a = stack[--depth];
    int64_t value = 0;
    switch (op) {
      case INLAY_EXPR_ADD:
        if (__builtin_add_overflow(a, b, &value)) return false;
        break;
      case INLAY_EXPR_SUB:
        if (__builtin_sub_overflow(a, b, &value)) return false;
        break;
      case INLAY_EXPR_MUL:
        if (__builtin_mul_overflow(a, b, &value)) return false;
        break;
      case INLAY_EXPR_FLOOR_DIV:
      case INLAY_EXPR_FLOOR_MOD: {
        if (b == 0 || (a == INT64_MIN && b == -1)) return false;
        int64_t rest = a % b;
        bool below = rest != 0 && (rest < 0) != (b < 0);
        value = op == INLAY_EXPR_FLOOR_DIV ? a / b - below : rest + (below ? b : 0);
        break;
      }
      case INLAY_EXPR_MIN:
        value = a < b ? a : b;
        break;
      default:
        value = a > b ? a : b;
        break;
    }
    stack[depth++] = value;
  }
  *result = stack[0];
  return true;
}

int32_t enter(const InlayCodeObject* object, uint32_t index, const InlayValue* args,
              uint32_t n_args) {
  const InlayVariant* variant = object->state->variant;
  if (variant == nullptr) {
    return fail_format(INLAY_ERROR_NOT_LOADED,
                       "%s: the code object is not loaded; load it with inlay_module_load or "
                       "inlay_module_load_static first",
                       object->program);
  }
  if (index >= object->n_functions) {
    return fail_format(INLAY_ERROR_INVALID_ARGUMENT, "%s: there is no function %u; there are %u",
                       object->program, index, object->n_functions);
  }
  const InlayFunction* function = &object->functions[index];
  if (n_args != function->n_params) return fail_count(function, n_args);
  if (args == nullptr && n_args != 0) {
    return fail_format(INLAY_ERROR_INVALID_ARGUMENT, "%s: the pointer to the arguments is NULL",
                       function->name);
  }
  Call call;
  call.object = object;
  call.function = function;
  call.args = args;
  void* data[INLAY_MAX_PARAMS];
  InlayScalar scalars[INLAY_MAX_PARAMS];
  Extent extents[INLAY_MAX_PARAMS];
  uint32_t n_tensors = 0;
  uint32_t n_scalars = 0;
  bool deferred = false;
  for (uint32_t i = 0; i < n_args; ++i) {
    const InlayParam& param = function->params[i];
    if ((param.kind == INLAY_PARAM_TENSOR) != (args[i].kind == INLAY_VALUE_TENSOR)) {
      return fail_kind(call, i);
    }
    if (param.kind == INLAY_PARAM_TENSOR) {
      if (int32_t status = check_tensor(call, i, &deferred, &data[n_tensors++], &extents[i])) {
        return status;
      }
    } else {
      InlayScalar* scalar = &scalars[n_scalars++];
      if (!convert_scalar(param, args[i], scalar)) return fail_scalar(call, i);
      call.integers[i] = scalar->i64;
    }
  }
  if (deferred) {
    if (int32_t status = check_deferred(call)) return status;
  }
  if (int32_t status = check_overlap(call, extents)) return status;
  if (__builtin_expect(call.gpu_tensors != 0, 0)) {
    if (call.gpu_tensors != n_tensors) return fail_mixture(call);
    return hip::invoke(object, index, tensor_of(call, call.gpu_param)->device.device_id, data,
                       call.symbols, scalars);
  }
  if (__builtin_expect(variant->invoke == nullptr, 0)) return fail_no_variant(call);
  return variant->invoke[index](data, call.symbols, scalars);
}

}  // namespace inlay
