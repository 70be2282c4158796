// The sentences of the checks: what an argument is, what was expected, and where that comes from.
#include <inttypes.h>

#include "check/internal.h"

namespace inlay {
namespace {

constexpr int32_t kStatus = INLAY_ERROR_INVALID_ARGUMENT;

// The first word of the operand that ends before `end`.
uint32_t operand_begin(const int64_t* code, uint32_t end) {
  // Positions of opcodes cannot be told from operands backwards, so walk forwards and remember
  // where each value on the stack begins.
  uint32_t begins[INLAY_MAX_EXPR_STACK];
  uint32_t depth = 0;
  for (uint32_t at = 0; at < end;) {
    int64_t op = code[at];
    if (op <= INLAY_EXPR_SCALAR) {
      begins[depth++] = at;
      at += 2;
    } else {
      --depth;  // the value of the operator begins where its first operand does
      at += 1;
    }
  }
  return begins[depth - 1];
}

// The last operation of code[0, end): its place.
uint32_t last_operation(const int64_t* code, uint32_t end) {
  uint32_t last = 0;
  for (uint32_t at = 0; at < end;) {
    last = at;
    at += code[at] <= INLAY_EXPR_SCALAR ? 2 : 1;
  }
  return last;
}

// Appends e.g. `floordiv((2 * M), 4)`, from postfix code that the loader has checked.
void print_expr(Text& text, const InlayFunction* function, const int64_t* code, uint32_t end) {
  uint32_t at = last_operation(code, end);
  int64_t op = code[at];
  if (op == INLAY_EXPR_CONST) {
    text.add("%" PRId64, code[at + 1]);
  } else if (op == INLAY_EXPR_SYMBOL) {
    text.add("%s", function->symbols[code[at + 1]]);
  } else if (op == INLAY_EXPR_SCALAR) {
    text.add("%s", function->params[code[at + 1]].name);
  } else {
    uint32_t second = operand_begin(code, at);
    const char* infix = op == INLAY_EXPR_ADD   ? " + "
                        : op == INLAY_EXPR_SUB ? " - "
                        : op == INLAY_EXPR_MUL ? " * "
                                               : nullptr;
    const char* name = op == INLAY_EXPR_FLOOR_DIV   ? "floordiv"
                       : op == INLAY_EXPR_FLOOR_MOD ? "floormod"
                       : op == INLAY_EXPR_MIN       ? "min"
                                                    : "max";
    text.add("%s(", infix != nullptr ? "" : name);
    print_expr(text, function, code, second);
    text.add("%s", infix != nullptr ? infix : ", ");
    print_expr(text, function, code + second, at - second);
    text.add(")");
  }
}

// Appends `64`, `M=64`, `M`, `(2 * M)=128`.
void print_dim(Text& text, const Call& call, const InlayDim& dim, bool with_values) {
  if (dim.kind == INLAY_DIM_CONST) {
    text.add("%" PRId64, dim.value);
  } else if (dim.kind == INLAY_DIM_SYMBOL) {
    text.add("%s", call.function->symbols[dim.value]);
    if (with_values && is_bound(call, dim.value)) text.add("=%" PRId64, call.symbols[dim.value]);
  } else {
    print_expr(text, call.function, dim.code, dim.n_code);
    if (!with_values || !call.complete) return;
    int64_t value = 0;
    if (evaluate(call, dim, &value)) {
      text.add("=%" PRId64, value);
    } else {
      text.add("=overflow");
    }
  }
}

void print_dims(Text& text, const Call& call, const InlayDim* dims, uint32_t rank,
                bool with_values) {
  text.add("[");
  for (uint32_t d = 0; d < rank; ++d) {
    if (d != 0) text.add(", ");
    print_dim(text, call, dims[d], with_values);
  }
  text.add("]");
}

void print_numbers(Text& text, const int64_t* numbers, uint32_t rank) {
  text.add("[");
  for (uint32_t d = 0; d < rank; ++d) text.add("%s%" PRId64, d != 0 ? ", " : "", numbers[d]);
  text.add("]");
}

// Appends where a symbol of `dim` got its value, unless that is param itself at `dim`.
void print_binder(Text& text, const Call& call, const InlayDim& dim, uint16_t here) {
  if (dim.kind != INLAY_DIM_SYMBOL || !is_bound(call, dim.value)) return;
  uint16_t binder = call.binder[dim.value];
  if (binder == here) return;
  uint32_t place = binder % (2 * INLAY_MAX_RANK);
  text.add(" (%s bound by %s, %s %u)", call.function->symbols[dim.value],
           call.function->params[binder / (2 * INLAY_MAX_RANK)].name,
           place >= INLAY_MAX_RANK ? "stride" : "dimension", place % INLAY_MAX_RANK);
}

void print_start(Text& text, const Call& call, uint32_t param) {
  text.add("%s: %s", call.function->name, call.function->params[param].name);
}

// Appends what the program has code for.
void print_targets(Text& text, const InlayCodeObject* object) {
  for (uint32_t i = 0; i < object->n_gpu_entries; ++i) {
    text.add("%s%s", i != 0 ? ", " : "", object->gpu_entries[i].target);
  }
}

}  // namespace

const char* dtype_name(DLDataType type, char (&buffer)[24]) {
  Text text;
  switch (type.code) {
    case kDLInt:
      text.add("i%u", type.bits);
      break;
    case kDLUInt:
      text.add("u%u", type.bits);
      break;
    case kDLFloat:
      text.add("f%u", type.bits);
      break;
    case kDLBfloat:
      text.add("bf%u", type.bits);
      break;
    case kDLComplex:
      text.add("complex%u", type.bits);
      break;
    case INLAY_DTYPE_BOOL:
      text.add(type.bits == 8 ? "bool" : "bool%u", type.bits);
      break;
    default:
      text.add("code%u:%u", type.code, type.bits);
      break;
  }
  if (type.lanes != 1) text.add("x%u", type.lanes);
  size_t i = 0;
  for (; i + 1 < sizeof buffer && text.c_str()[i] != '\0'; ++i) buffer[i] = text.c_str()[i];
  buffer[i] = '\0';
  return buffer;
}

const char* device_name(int32_t device) {
  switch (device) {
    case kDLCPU:
      return "cpu";
    case kDLCUDA:
      return "cuda";
    case kDLCUDAHost:
      return "cuda_host";
    case kDLOpenCL:
      return "opencl";
    case kDLVulkan:
      return "vulkan";
    case kDLMetal:
      return "metal";
    case kDLROCM:
      return "rocm";
    case kDLROCMHost:
      return "rocm_host";
    case kDLCUDAManaged:
      return "cuda_managed";
    default:
      return "unknown";
  }
}

int32_t fail_count(const InlayFunction* function, uint32_t n_args) {
  Text text;
  text.add("%s: takes %u argument%s (", function->name, function->n_params,
           function->n_params == 1 ? "" : "s");
  for (uint32_t i = 0; i < function->n_params; ++i) {
    text.add("%s%s", i != 0 ? ", " : "", function->params[i].name);
  }
  text.add("), got %u", n_args);
  return fail(kStatus, text.c_str());
}

int32_t fail_kind(const Call& call, uint32_t param) {
  char type[24];
  const InlayParam& p = call.function->params[param];
  uint32_t kind = call.args[param].kind;
  Text text;
  print_start(text, call, param);
  text.add(" is a %s of %s, got ", p.kind == INLAY_PARAM_TENSOR ? "tensor" : "scalar",
           dtype_name(p.dtype, type));
  if (kind == INLAY_VALUE_TENSOR) {
    text.add("a tensor");
  } else if (kind >= INLAY_VALUE_INT && kind <= INLAY_VALUE_BITS) {
    text.add("a scalar");
  } else {
    text.add("a value of unknown kind %u", kind);
  }
  return fail(kStatus, text.c_str());
}

int32_t fail_param(const Call& call, uint32_t param, const char* what) {
  Text text;
  print_start(text, call, param);
  text.add(": %s", what);
  return fail(kStatus, text.c_str());
}

int32_t fail_dtype(const Call& call, uint32_t param) {
  char is[24], expected[24];
  Text text;
  print_start(text, call, param);
  text.add(" has dtype %s, expected %s", dtype_name(tensor_of(call, param)->dtype, is),
           dtype_name(call.function->params[param].dtype, expected));
  return fail(kStatus, text.c_str());
}

int32_t fail_device(const Call& call, uint32_t param) {
  int32_t is = device_of(tensor_of(call, param));
  int32_t expected = call.function->params[param].device;
  Text text;
  print_start(text, call, param);
  text.add(" is on device %s (%d), expected %s (%d)", device_name(is), is, device_name(expected),
           expected);
  if (is == kDLROCM) {
    text.add("; %s has no code for a GPU: build it with a --target such as gfx900",
             call.object->program);
  } else if (call.object->n_gpu_entries != 0) {
    text.add(" or %s (%d)", device_name(kDLROCM), kDLROCM);
  }
  return fail(kStatus, text.c_str());
}

int32_t fail_place(const Call& call, uint32_t param) {
  const DLTensor* tensor = tensor_of(call, param);
  int32_t device = device_of(tensor);
  Text text;
  print_start(text, call, param);
  text.add(" is on device %s", device_name(device));
  if (device == kDLROCM) text.add(":%d", tensor->device.device_id);
  text.add(
      ", but %s is on rocm:%d; a call runs all on the CPU or all on one GPU: copy %s "
      "(inlay_tensor_copy)",
      call.function->params[call.gpu_param].name, tensor_of(call, call.gpu_param)->device.device_id,
      call.function->params[param].name);
  return fail(kStatus, text.c_str());
}

int32_t fail_no_variant(const Call& call) {
  Text text;
  text.add("%s: its tensors are on the host, but ", call.function->name);
  if (call.object->n_variants != 0) {
    text.add("this CPU can run none of the variants of %s (", call.object->program);
    for (uint32_t i = 0; i < call.object->n_variants; ++i) {
      text.add("%s%s", i != 0 ? ", " : "", call.object->variants[i].name);
    }
    text.add("), which has GPU code too (");
  } else {
    text.add("%s has GPU code only (", call.object->program);
  }
  print_targets(text, call.object);
  text.add("): copy them to a GPU (inlay_tensor_new, inlay_tensor_copy), or build it for %s",
           call.object->n_variants != 0 ? "this CPU" : "a CPU too");
  return fail(kStatus, text.c_str());
}

int32_t fail_rank(const Call& call, uint32_t param) {
  const InlayParam& p = call.function->params[param];
  Text text;
  print_start(text, call, param);
  text.add(" has rank %d, expected %u: ", tensor_of(call, param)->ndim, p.rank);
  print_dims(text, call, p.dims, p.rank, false);
  return fail(kStatus, text.c_str());
}

int32_t fail_shape(const Call& call, uint32_t param, uint32_t dim) {
  const InlayParam& p = call.function->params[param];
  const DLTensor* tensor = tensor_of(call, param);
  Text text;
  print_start(text, call, param);
  text.add(" has shape ");
  print_numbers(text, tensor->shape, p.rank);
  if (tensor->shape[dim] < 0) {
    text.add("; dimension %u is negative", dim);
    return fail(kStatus, text.c_str());
  }
  text.add(", expected ");
  print_dims(text, call, p.dims, p.rank, true);
  print_binder(text, call, p.dims[dim], binder_of(param, dim, false));
  return fail(kStatus, text.c_str());
}

int32_t fail_stride(const Call& call, uint32_t param, uint32_t dim, const char* why) {
  const InlayParam& p = call.function->params[param];
  const DLTensor* tensor = tensor_of(call, param);
  Text text;
  print_start(text, call, param);
  if (tensor->strides != nullptr) {
    text.add(" has strides ");
    print_numbers(text, tensor->strides, p.rank);
  } else {
    text.add(" has compact strides");
  }
  text.add(" for shape ");
  print_numbers(text, tensor->shape, p.rank);
  if (why != nullptr) {
    text.add(", which %s", why);
  } else if (p.strides != nullptr) {
    text.add(", expected ");
    print_dims(text, call, p.strides, p.rank, true);
    print_binder(text, call, p.strides[dim], binder_of(param, dim, true));
  } else {
    text.add(", expected compact, row-major ones");
  }
  return fail(kStatus, text.c_str());
}

int32_t fail_too_big(const Call& call, uint32_t param) {
  Text text;
  print_start(text, call, param);
  text.add(" has shape ");
  print_numbers(text, tensor_of(call, param)->shape, call.function->params[param].rank);
  text.add(", whose size overflows 64 bits");
  return fail(kStatus, text.c_str());
}

int32_t fail_alignment(const Call& call, uint32_t param, uint64_t alignment) {
  const DLTensor* tensor = tensor_of(call, param);
  Text text;
  print_start(text, call, param);
  text.add(" begins at address 0x%" PRIxPTR " (byte_offset %" PRIu64
           "), expected a multiple of %" PRIu64 " bytes",
           reinterpret_cast<uintptr_t>(tensor->data) + static_cast<uintptr_t>(tensor->byte_offset),
           tensor->byte_offset, alignment);
  return fail(kStatus, text.c_str());
}

int32_t fail_overlap(const Call& call, uint32_t written, uint32_t other) {
  Text text;
  print_start(text, call, written);
  text.add(", which is written, overlaps %s in memory", call.function->params[other].name);
  return fail(kStatus, text.c_str());
}

int32_t fail_scalar(const Call& call, uint32_t param) {
  char type[24];
  const InlayValue& value = call.args[param];
  Text text;
  print_start(text, call, param);
  text.add(" is a scalar of %s, which cannot hold ",
           dtype_name(call.function->params[param].dtype, type));
  switch (value.kind) {
    case INLAY_VALUE_INT:
      text.add("%" PRId64, value.as.i64);
      break;
    case INLAY_VALUE_UINT:
      text.add("%" PRIu64, value.as.u64);
      break;
    case INLAY_VALUE_FLOAT:
      text.add("the floating-point number %.17g", value.as.f64);
      break;
    case INLAY_VALUE_BITS:
      text.add("the bits 0x%" PRIx64, value.as.bits);
      break;
    default:
      text.add("a value of unknown kind %u", value.kind);
      break;
  }
  return fail(kStatus, text.c_str());
}

}  // namespace inlay
