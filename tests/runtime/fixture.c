// A code object made by hand from the ABI header alone, as a compiler would emit it: the runtime's
// tests load it. Compiled freestanding and linked with nothing; FIXTURE_STATIC makes the form that
// is linked into a program, FIXTURE_UNREACHABLE one that no CPU can run.
#include "inlay_abi.h"

#if defined(__x86_64__)
#define MACHINE 62
#define BASIC_FEATURE "sse2"
#elif defined(__aarch64__)
#define MACHINE 183
#define BASIC_FEATURE "neon"
#endif

#ifdef FIXTURE_STATIC
#define OBJECT inlay_code_object_fixture
#else
#define OBJECT inlay_code_object
#endif
#define EXPORT __attribute__((visibility("default")))

static InlayObjectState state;
extern const InlayCodeObject OBJECT EXPORT;

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

// ---- descriptor shorthands ----

#define DIM(n) {(n), 0, INLAY_DIM_CONST, 0}
#define SYM(i) {(i), 0, INLAY_DIM_SYMBOL, 0}
#define EXPR(words) {0, words, INLAY_DIM_EXPR, COUNT(words)}
#define F32 {kDLFloat, 32, 1}
#define I64 {kDLInt, 64, 1}
#define TENSOR(name, flags, dtype, rank, align, dims, strides) \
  {name, INLAY_PARAM_TENSOR, flags, dtype, rank, align, kDLCPU, dims, strides}
#define SCALAR(name, code, bits) {name, INLAY_PARAM_SCALAR, 0, {code, bits, 1}, 0, 0, 0, 0, 0}
#define IN INLAY_PARAM_READ
#define OUT INLAY_PARAM_WRITTEN
#define INOUT (INLAY_PARAM_READ | INLAY_PARAM_WRITTEN)

// ---- sgemm(A: f32[M, K], B: f32[K, N], C: f32[M, N]): C = A * B ----

static const char* const kGemmSymbols[] = {"M", "K", "N"};
static const InlayDim kDimsA[] = {SYM(0), SYM(1)};
static const InlayDim kDimsB[] = {SYM(1), SYM(2)};
static const InlayDim kDimsC[] = {SYM(0), SYM(2)};
static const InlayParam kGemmParams[] = {
    TENSOR("A", IN, F32, 2, 0, kDimsA, 0),
    TENSOR("B", IN, F32, 2, 0, kDimsB, 0),
    TENSOR("C", OUT, F32, 2, 0, kDimsC, 0),
};

static int32_t sgemm(void* const* data, const int64_t* symbols, const InlayScalar* scalars) {
  (void)scalars;
  const float* a = data[0];
  const float* b = data[1];
  float* c = data[2];
  for (int64_t i = 0; i < symbols[0]; ++i) {
    for (int64_t j = 0; j < symbols[2]; ++j) {
      float sum = 0;
      for (int64_t k = 0; k < symbols[1]; ++k) {
        sum += a[i * symbols[1] + k] * b[k * symbols[2] + j];
      }
      c[i * symbols[2] + j] = sum;
    }
  }
  return INLAY_OK;
}

EXPORT int32_t inlay_sgemm(const DLTensor* A, const DLTensor* B, const DLTensor* C) {
  const InlayRuntimeTable* rt = state.runtime;
  if (!rt) return INLAY_ERROR_NOT_LOADED;
  InlayValue args[3] = {{INLAY_VALUE_TENSOR, 0, {.tensor = A}},
                        {INLAY_VALUE_TENSOR, 0, {.tensor = B}},
                        {INLAY_VALUE_TENSOR, 0, {.tensor = C}}};
  return rt->enter(&OBJECT, 0, args, 3);
}

// ---- copy(X: f32[M, N] strided, Y: f32[M, N] strided): Y = X ----

static const char* const kCopySymbols[] = {"M", "N", "X.stride0", "Y.stride0"};
static const InlayDim kDimsMN[] = {SYM(0), SYM(1)};
static const InlayDim kStridesX[] = {SYM(2), DIM(1)};
static const InlayDim kStridesY[] = {SYM(3), DIM(1)};
static const InlayParam kCopyParams[] = {
    TENSOR("X", IN, F32, 2, 0, kDimsMN, kStridesX),
    TENSOR("Y", OUT, F32, 2, 0, kDimsMN, kStridesY),
};

static int32_t copy(void* const* data, const int64_t* s, const InlayScalar* scalars) {
  (void)scalars;
  const float* x = data[0];
  float* y = data[1];
  for (int64_t i = 0; i < s[0]; ++i) {
    for (int64_t j = 0; j < s[1]; ++j) y[i * s[3] + j] = x[i * s[2] + j];
  }
  return INLAY_OK;
}

// ---- shapes(k: i64, A: f32[2 * M, floordiv(k, 4) + 1], B: f32[M], C: i64[3]) ----
// C = [M, k, how often it was called]. A comes before the parameter that binds M.

static const char* const kShapesSymbols[] = {"M"};
static const int64_t kTwiceM[] = {INLAY_EXPR_CONST, 2, INLAY_EXPR_SYMBOL, 0, INLAY_EXPR_MUL};
static const int64_t kQuarterK[] = {INLAY_EXPR_SCALAR, 0, INLAY_EXPR_CONST, 4, INLAY_EXPR_FLOOR_DIV,
                                    INLAY_EXPR_CONST,  1, INLAY_EXPR_ADD};
static const InlayDim kShapesA[] = {EXPR(kTwiceM), EXPR(kQuarterK)};
static const InlayDim kShapesB[] = {SYM(0)};
static const InlayDim kShapesC[] = {DIM(3)};
static const InlayParam kShapesParams[] = {
    SCALAR("k", kDLInt, 64),
    TENSOR("A", IN, F32, 2, 0, kShapesA, 0),
    TENSOR("B", IN, F32, 1, 0, kShapesB, 0),
    TENSOR("C", INOUT, I64, 1, 0, kShapesC, 0),
};

static int32_t shapes(void* const* data, const int64_t* symbols, const InlayScalar* scalars) {
  int64_t* c = data[2];
  c[0] = symbols[0];
  c[1] = scalars[0].i64;
  c[2] += 1;
  return INLAY_OK;
}

// ---- scalars(one of each type, out: i64[8]): out = the bits as they arrive ----

static const InlayDim kDims8[] = {DIM(8)};
static const InlayParam kScalarsParams[] = {
    SCALAR("a", kDLInt, 8),    SCALAR("b", kDLUInt, 16),   SCALAR("c", kDLInt, 64),
    SCALAR("d", kDLFloat, 32), SCALAR("e", kDLFloat, 64),  SCALAR("f", INLAY_DTYPE_BOOL, 8),
    SCALAR("g", kDLFloat, 16), SCALAR("h", kDLBfloat, 16), TENSOR("out", OUT, I64, 1, 0, kDims8, 0),
};

static int32_t scalars_(void* const* data, const int64_t* symbols, const InlayScalar* scalars) {
  (void)symbols;
  for (int i = 0; i < 8; ++i) ((int64_t*)data[0])[i] = scalars[i].i64;
  return INLAY_OK;
}

EXPORT int32_t inlay_scalars(int8_t a, uint16_t b, int64_t c, float d, double e, uint8_t f,
                             uint16_t g, uint16_t h, const DLTensor* out) {
  const InlayRuntimeTable* rt = state.runtime;
  if (!rt) return INLAY_ERROR_NOT_LOADED;
  union {
    float value;
    uint32_t bits;
  } d_bits = {d};
  union {
    double value;
    uint64_t bits;
  } e_bits = {e};
  InlayValue args[9] = {
      {INLAY_VALUE_BITS, 0, {.bits = (uint8_t)a}},  {INLAY_VALUE_BITS, 0, {.bits = b}},
      {INLAY_VALUE_BITS, 0, {.bits = (uint64_t)c}}, {INLAY_VALUE_BITS, 0, {.bits = d_bits.bits}},
      {INLAY_VALUE_BITS, 0, {.bits = e_bits.bits}}, {INLAY_VALUE_BITS, 0, {.bits = f}},
      {INLAY_VALUE_BITS, 0, {.bits = g}},           {INLAY_VALUE_BITS, 0, {.bits = h}},
      {INLAY_VALUE_TENSOR, 0, {.tensor = out}}};
  return rt->enter(&OBJECT, 3, args, 9);
}

// ---- parallel(grain: i64, nested: i64, fail_at: i64, out: i64[N]) ----
// Adds 1 to each element; with nested 1 from an inner loop, with nested 2 when N iterations run at
// once (or none came for long, then it fails). The iteration
// fail_at fails with its own number in the sentence.

typedef struct ParallelClosure {
  int64_t* out;
  int64_t nested;
  int64_t fail_at;
  int64_t n;
  int64_t arrived;
} ParallelClosure;

static int32_t parallel_inner(void* closure, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) *(int64_t*)closure += 1;
  return INLAY_OK;
}

static int32_t parallel_body(void* closure, int64_t begin, int64_t end) {
  ParallelClosure* c = closure;
  for (int64_t i = begin; i < end; ++i) {
    if (i == c->fail_at) {
      char text[] = "parallel: iteration 000000 failed";
      int64_t rest = i;
      for (int d = 25; d >= 20; --d, rest /= 10) text[d] = (char)('0' + rest % 10);
      return state.runtime->fail(INLAY_ERROR_ASSERT, text);
    }
    if (c->nested == 2) {
      __atomic_add_fetch(&c->arrived, 1, __ATOMIC_SEQ_CST);
      for (int64_t spins = 0; __atomic_load_n(&c->arrived, __ATOMIC_SEQ_CST) < c->n; ++spins) {
        if (spins > 10000000000) return state.runtime->fail(INLAY_ERROR_ASSERT, "parallel: alone");
      }
    }
    if (c->nested != 1) {
      c->out[i] += 1;
    } else {
      int32_t status = state.runtime->parallel_for(1, 1, parallel_inner, &c->out[i]);
      if (status != INLAY_OK) return status;
    }
  }
  return INLAY_OK;
}

static const char* const kNSymbols[] = {"N"};
static const InlayDim kDimsN[] = {SYM(0)};
static const InlayParam kParallelParams[] = {
    SCALAR("grain", kDLInt, 64),
    SCALAR("nested", kDLInt, 64),
    SCALAR("fail_at", kDLInt, 64),
    TENSOR("out", INOUT, I64, 1, 0, kDimsN, 0),
};

static int32_t parallel(void* const* data, const int64_t* symbols, const InlayScalar* scalars) {
  ParallelClosure closure = {data[0], scalars[1].i64, scalars[2].i64, symbols[0], 0};
  return state.runtime->parallel_for(symbols[0], scalars[0].i64, parallel_body, &closure);
}

// ---- workspace(bytes: u64, align: u64, out: i64[2]) ----
// Acquires two blocks at once, writes both ends, releases them; out = their addresses.

static const InlayDim kDims2[] = {DIM(2)};
static const InlayParam kWorkspaceParams[] = {
    SCALAR("bytes", kDLUInt, 64),
    SCALAR("align", kDLUInt, 64),
    TENSOR("out", OUT, I64, 1, 0, kDims2, 0),
};

static int32_t workspace(void* const* data, const int64_t* symbols, const InlayScalar* scalars) {
  (void)symbols;
  int64_t* out = data[0];
  char* blocks[2];
  for (int i = 0; i < 2; ++i) {
    blocks[i] = state.runtime->workspace_acquire(scalars[0].u64, scalars[1].u64);
    if (!blocks[i]) {
      if (i == 1) state.runtime->workspace_release(blocks[0]);
      return INLAY_ERROR_OUT_OF_MEMORY;
    }
    if (scalars[0].u64 != 0) blocks[i][0] = blocks[i][scalars[0].u64 - 1] = (char)i;
    out[i] = (int64_t)blocks[i];
  }
  for (int i = 0; i < 2; ++i) state.runtime->workspace_release(blocks[i]);
  return INLAY_OK;
}

// ---- libc(x: f64[6]): calls through the table ----

static const InlayDim kDims6[] = {DIM(6)};
static const InlayParam kLibcParams[] = {
    TENSOR("x", INOUT, ((DLDataType){kDLFloat, 64, 1}), 1, 0, kDims6, 0),
};

static int32_t libc(void* const* data, const int64_t* symbols, const InlayScalar* scalars) {
  (void)symbols;
  (void)scalars;
  double* x = data[0];
  const InlayLibcTable* table = state.runtime->libc;
  x[1] = ((double (*)(double))table->exp)(x[0]);
  x[2] = ((float (*)(float))table->expf)((float)x[0]);
  x[3] = ((double (*)(double, double))table->pow)(x[0], 3.0);
  ((void* (*)(void*, const void*, uint64_t))table->memcpy)(&x[4], &x[0], 8);
  x[5] = (double)((int64_t (*)(float))table->llrintf)(2.5f);
  return INLAY_OK;
}

// ---- special(A: f32[4] aligned 64, P: f32[4], Q: f32[4], B: bool[2]); P and Q may alias ----

static const InlayDim kDims4[] = {DIM(4)};
static const InlayParam kSpecialParams[] = {
    TENSOR("A", IN, F32, 1, 64, kDims4, 0),
    TENSOR("P", IN | INLAY_PARAM_MAY_ALIAS, F32, 1, 0, kDims4, 0),
    TENSOR("Q", OUT | INLAY_PARAM_MAY_ALIAS, F32, 1, 0, kDims4, 0),
    TENSOR("B", IN, ((DLDataType){INLAY_DTYPE_BOOL, 8, 1}), 1, 0, kDims2, 0),
};

static int32_t special(void* const* data, const int64_t* symbols, const InlayScalar* scalars) {
  (void)symbols;
  (void)scalars;
  for (int i = 0; i < 4; ++i) ((float*)data[2])[i] = ((const float*)data[1])[i] + 1;
  return INLAY_OK;
}

// ---- which(out: i64[1]): the place of the variant that runs ----

static const InlayDim kDims1[] = {DIM(1)};
static const InlayParam kWhichParams[] = {TENSOR("out", OUT, I64, 1, 0, kDims1, 0)};

#define WHICH(n)                                                                                   \
  static int32_t which##n(void* const* data, const int64_t* symbols, const InlayScalar* scalars) { \
    (void)symbols;                                                                                 \
    (void)scalars;                                                                                 \
    *(int64_t*)data[0] = n;                                                                        \
    return INLAY_OK;                                                                               \
  }
WHICH(0)
WHICH(1)
WHICH(2)

// ---- layout(A: f32[M, N] column-major): adds 1; explicit strides [1, M] ----

static const int64_t kJustM[] = {INLAY_EXPR_SYMBOL, 0};
static const InlayDim kStridesColumn[] = {DIM(1), EXPR(kJustM)};
static const char* const kLayoutSymbols[] = {"M", "N"};
static const InlayParam kLayoutParams[] = {
    TENSOR("A", INOUT, F32, 2, 0, kDimsMN, kStridesColumn),
};

static int32_t layout(void* const* data, const int64_t* s, const InlayScalar* scalars) {
  (void)scalars;
  for (int64_t i = 0; i < s[0] * s[1]; ++i) ((float*)data[0])[i] += 1;
  return INLAY_OK;
}

// ---- tables ----

#define FUNCTION(name, params, symbols, n_symbols) {name, params, symbols, COUNT(params), n_symbols}
static const InlayFunction kFunctions[] = {
    FUNCTION("sgemm", kGemmParams, kGemmSymbols, 3),
    FUNCTION("copy", kCopyParams, kCopySymbols, 4),
    FUNCTION("shapes", kShapesParams, kShapesSymbols, 1),
    FUNCTION("scalars", kScalarsParams, 0, 0),
    FUNCTION("parallel", kParallelParams, kNSymbols, 1),
    FUNCTION("workspace", kWorkspaceParams, 0, 0),
    FUNCTION("libc", kLibcParams, 0, 0),
    FUNCTION("special", kSpecialParams, 0, 0),
    FUNCTION("which", kWhichParams, 0, 0),
    FUNCTION("layout", kLayoutParams, kLayoutSymbols, 2),
};

#define INVOKE(which) \
  {sgemm, copy, shapes, scalars_, parallel, workspace, libc, special, which, layout}
static const InlayInvoke kInvokes[][COUNT(kFunctions)] = {INVOKE(which0), INVOKE(which1),
                                                          INVOKE(which2)};

static const char* const kFeatures[] = {"vec4096", BASIC_FEATURE};
static const InlayVariant kVariants[] = {
    {"future", kFeatures, kInvokes[0], 2, 0},
#ifndef FIXTURE_UNREACHABLE
    {"fast", kFeatures + 1, kInvokes[1], 1, 0},
    {"plain", 0, kInvokes[2], 0, 0},
#endif
};

const InlayCodeObject OBJECT = {
    INLAY_OBJECT_MAGIC,
    INLAY_ABI_VERSION,
    sizeof(InlayCodeObject),
    sizeof(InlayRuntimeTable),
    sizeof(InlayLibcTable),
    "fixture",
    "by hand",
    kFunctions,
    kVariants,
    0,
    &state,
    COUNT(kFunctions),
    COUNT(kVariants),
    0,
    MACHINE,
};

#ifndef FIXTURE_STATIC
__attribute__((section(".note.inlay"), used, aligned(4))) static const InlayNote kNote = {
    6, 12, INLAY_NOTE_TYPE, "Inlay", INLAY_ABI_VERSION, {0}};
#endif
