// The checks of a code object's tables, once at load. They guard the runtime against a compiler's
// mistake and a struct filled by hand; a file's bytes are guarded by its checksum before.
#include "check/check.h"
#include "check/internal.h"
#include "hip/entry.h"

namespace inlay {
namespace {

constexpr int32_t kStatus = INLAY_ERROR_BAD_CODE_OBJECT;

struct Place {
  const char* where;
  const InlayFunction* function;
  const InlayParam* param;
};

int32_t fail_at(const Place& place, const char* what) {
  return fail_format(kStatus, "%s: function %s, parameter %s: %s", place.where,
                     place.function->name, place.param->name, what);
}

bool is_integer(DLDataType type) {
  return type.code == kDLInt || type.code == kDLUInt;
}

bool is_known_scalar(DLDataType type) {
  if (type.lanes != 1) return false;
  switch (type.code) {
    case kDLInt:
    case kDLUInt:
      return type.bits == 8 || type.bits == 16 || type.bits == 32 || type.bits == 64;
    case kDLFloat:
      return type.bits == 16 || type.bits == 32 || type.bits == 64;
    case kDLBfloat:
      return type.bits == 16;
    case INLAY_DTYPE_BOOL:
      return type.bits == 8;
    default:
      return false;
  }
}

int32_t check_expr(const Place& place, const InlayDim& dim) {
  if (dim.code == nullptr || dim.n_code == 0 || dim.n_code > INLAY_MAX_EXPR_WORDS) {
    return fail_at(place, "an expression has no code, or too much");
  }
  uint32_t depth = 0;
  for (uint32_t at = 0; at < dim.n_code;) {
    int64_t op = dim.code[at++];
    if (op >= INLAY_EXPR_CONST && op <= INLAY_EXPR_SCALAR) {
      if (at == dim.n_code) return fail_at(place, "an expression ends within an operation");
      int64_t operand = dim.code[at++];
      if (op == INLAY_EXPR_SYMBOL && (operand < 0 || operand >= place.function->n_symbols)) {
        return fail_at(place, "an expression names a symbol that does not exist");
      }
      if (op == INLAY_EXPR_SCALAR && (operand < 0 || operand >= place.function->n_params ||
                                      place.function->params[operand].kind != INLAY_PARAM_SCALAR ||
                                      !is_integer(place.function->params[operand].dtype))) {
        return fail_at(place, "an expression names a parameter that is no integer scalar");
      }
      if (++depth > INLAY_MAX_EXPR_STACK) return fail_at(place, "an expression is too deep");
    } else if (op >= INLAY_EXPR_ADD && op <= INLAY_EXPR_MAX) {
      if (depth < 2) return fail_at(place, "an expression lacks an operand");
      --depth;
    } else {
      return fail_at(place, "an expression has an unknown operation");
    }
  }
  if (depth != 1) return fail_at(place, "an expression leaves no single value");
  return INLAY_OK;
}

int32_t check_dims(const Place& place, const InlayDim* dims, uint64_t* bound) {
  for (uint32_t d = 0; d < place.param->rank; ++d) {
    const InlayDim& dim = dims[d];
    switch (dim.kind) {
      case INLAY_DIM_CONST:
        if (dim.value < 0) return fail_at(place, "a constant extent or stride is negative");
        break;
      case INLAY_DIM_SYMBOL:
        if (dim.value < 0 || dim.value >= place.function->n_symbols) {
          return fail_at(place, "an extent or stride names a symbol that does not exist");
        }
        *bound |= uint64_t{1} << dim.value;
        break;
      case INLAY_DIM_EXPR:
        if (int32_t status = check_expr(place, dim)) return status;
        break;
      default:
        return fail_at(place, "an extent or stride is of unknown kind");
    }
  }
  return INLAY_OK;
}

int32_t check_param(const Place& place, uint64_t* bound) {
  const InlayParam& param = *place.param;
  if (param.kind == INLAY_PARAM_SCALAR) {
    if (!is_known_scalar(param.dtype)) return fail_at(place, "a scalar has an unknown dtype");
    return INLAY_OK;
  }
  if (param.kind != INLAY_PARAM_TENSOR) return fail_at(place, "unknown kind of parameter");
  uint32_t bits = static_cast<uint32_t>(param.dtype.bits) * param.dtype.lanes;
  if (bits == 0 || bits % 8 != 0) return fail_at(place, "the dtype has no whole number of bytes");
  if (param.rank > INLAY_MAX_RANK) return fail_at(place, "the rank is too high");
  if ((param.alignment & (param.alignment - 1)) != 0) {
    return fail_at(place, "the alignment is not a power of two");
  }
  uint32_t known = INLAY_PARAM_READ | INLAY_PARAM_WRITTEN | INLAY_PARAM_MAY_ALIAS;
  if ((param.flags & ~known) != 0) return fail_at(place, "unknown flags");
  if (param.rank != 0 && param.dims == nullptr) return fail_at(place, "there are no dims");
  if (int32_t status = check_dims(place, param.dims, bound)) return status;
  return param.strides != nullptr ? check_dims(place, param.strides, bound) : INLAY_OK;
}

int32_t check_function(const InlayFunction& function, const char* where) {
  if (function.name == nullptr) {
    return fail_format(kStatus, "%s: a function has no name", where);
  }
  if (function.n_params > INLAY_MAX_PARAMS || function.n_symbols > INLAY_MAX_SYMBOLS) {
    return fail_format(
        kStatus, "%s: function %s has %u parameters and %u symbols, at most %u and %u", where,
        function.name, function.n_params, function.n_symbols, INLAY_MAX_PARAMS, INLAY_MAX_SYMBOLS);
  }
  if ((function.n_params != 0 && function.params == nullptr) ||
      (function.n_symbols != 0 && function.symbols == nullptr)) {
    return fail_format(kStatus, "%s: function %s lacks its table of parameters or symbols", where,
                       function.name);
  }
  for (uint32_t i = 0; i < function.n_params; ++i) {
    if (function.params[i].name == nullptr) {
      return fail_format(kStatus, "%s: function %s, parameter %u has no name", where, function.name,
                         i);
    }
  }
  uint64_t bound = 0;
  for (uint32_t i = 0; i < function.n_params; ++i) {
    Place place{where, &function, &function.params[i]};
    if (int32_t status = check_param(place, &bound)) return status;
  }
  for (uint32_t i = 0; i < function.n_symbols; ++i) {
    if (function.symbols[i] == nullptr) {
      return fail_format(kStatus, "%s: function %s, symbol %u has no name", where, function.name,
                         i);
    }
    if ((bound >> i & 1) == 0) {
      return fail_format(kStatus, "%s: function %s: no extent or stride is the symbol %s alone",
                         where, function.name, function.symbols[i]);
    }
  }
  return INLAY_OK;
}

}  // namespace

int32_t check_tables(const InlayCodeObject* object, const char* where) {
  if (object->magic != INLAY_OBJECT_MAGIC) {
    return fail_format(kStatus, "%s: %s is no Inlay code object (wrong magic)", where,
                       INLAY_OBJECT_SYMBOL);
  }
  if (object->abi_version != INLAY_ABI_VERSION || object->size != sizeof(InlayCodeObject)) {
    return fail_format(
        INLAY_ERROR_VERSION,
        "%s: has ABI version %u (size %u), this runtime needs %u (size %zu); build it "
        "again, or use the runtime that came with its compiler",
        where, object->abi_version, object->size, INLAY_ABI_VERSION, sizeof(InlayCodeObject));
  }
  if (object->runtime_table_size > sizeof(InlayRuntimeTable) ||
      object->libc_table_size > sizeof(InlayLibcTable)) {
    return fail_format(
        INLAY_ERROR_VERSION,
        "%s: needs a newer runtime than this one (%s): it uses %u and %u bytes of the "
        "runtime and libc tables, there are %zu and %zu",
        where, inlay_version(), object->runtime_table_size, object->libc_table_size,
        sizeof(InlayRuntimeTable), sizeof(InlayLibcTable));
  }
  if (object->program == nullptr || object->compiler == nullptr || object->state == nullptr ||
      (object->n_functions != 0 && object->functions == nullptr) ||
      (object->n_variants == 0 && object->n_gpu_entries == 0) ||
      (object->n_variants != 0 && object->variants == nullptr) ||
      (object->n_gpu_entries != 0 && object->gpu_entries == nullptr)) {
    return fail_format(kStatus, "%s: the code object lacks a table, a variant or a name", where);
  }
  for (uint32_t i = 0; i < object->n_functions; ++i) {
    if (int32_t status = check_function(object->functions[i], where)) return status;
  }
  for (uint32_t v = 0; v < object->n_variants; ++v) {
    const InlayVariant& variant = object->variants[v];
    if (variant.name == nullptr || (variant.n_features != 0 && variant.features == nullptr) ||
        (object->n_functions != 0 && variant.invoke == nullptr)) {
      return fail_format(kStatus, "%s: variant %u lacks its name, features or functions", where, v);
    }
    for (uint32_t i = 0; i < variant.n_features; ++i) {
      if (variant.features[i] == nullptr) {
        return fail_format(kStatus, "%s: variant %s, feature %u has no name", where, variant.name,
                           i);
      }
    }
    for (uint32_t i = 0; i < object->n_functions; ++i) {
      if (variant.invoke[i] == nullptr) {
        return fail_format(kStatus, "%s: variant %s lacks function %s", where, variant.name,
                           object->functions[i].name);
      }
    }
  }
  return hip::check_entries(object, where);
}

}  // namespace inlay
