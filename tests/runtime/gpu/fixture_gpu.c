// A code object with GPU entries, made by hand from the ABI header alone, as a compiler would emit
// it: two entries, FIXTURE_TARGET0 and FIXTURE_TARGET1, with the files FIXTURE_CODE0 (cut short by
// FIXTURE_LIMIT) and FIXTURE_CODE1. FIXTURE_GPU_ONLY leaves the CPU out. With
// FIXTURE_CODE_OF_REVERSE 1 there is one entry with both codes, and the kernel of that name is in
// the second.
#include "inlay_abi.h"

#if defined(__x86_64__)
#define MACHINE 62
#elif defined(__aarch64__)
#define MACHINE 183
#endif
#define CPU __attribute__((unused))  // where the CPU is left out
#define EXPORT __attribute__((visibility("default")))
#define COUNT(array) (sizeof(array) / sizeof(array[0]))
#define IN INLAY_PARAM_READ
#define OUT INLAY_PARAM_WRITTEN
#define INOUT (INLAY_PARAM_READ | INLAY_PARAM_WRITTEN)
#define F32 {kDLFloat, 32, 1}
#define I32 {kDLInt, 32, 1}

static InlayObjectState state;
static const char* const kSymbols[] = {"N"};
static const InlayDim kDimsN[] = {{0, 0, INLAY_DIM_SYMBOL, 0}};
static const InlayDim kDims6[] = {{6, 0, INLAY_DIM_CONST, 0}};
#define TENSOR(name, flags, dtype, dims) \
  {name, INLAY_PARAM_TENSOR, flags, dtype, 1, 0, kDLCPU, dims, 0}
#define SCALAR(name, code, bits) {name, INLAY_PARAM_SCALAR, 0, {code, bits, 1}, 0, 0, 0, 0, 0}

// ---- the kernels of kernels.cl ----

enum { AXPY, COPY, REVERSE, GEOMETRY, EXACT, STRAY, WIDE, HUGE_GROUP, BIG_LDS, INEXACT, N_KERNELS };

#define VALUE(offset, size) {offset, size, INLAY_KERNEL_ARG_VALUE, 0}
#define POINTER(offset) {offset, 8, INLAY_KERNEL_ARG_POINTER, 0}
static const InlayKernelArg kAxpyArgs[] = {VALUE(0, 4), POINTER(8), POINTER(16), VALUE(24, 8)};
#ifdef FIXTURE_WRONG_ARGS
static const InlayKernelArg kCopyArgs[] = {POINTER(0), VALUE(8, 8), VALUE(16, 8)};
#elif defined(FIXTURE_EMPTY_ARG)
static const InlayKernelArg kCopyArgs[] = {POINTER(0), POINTER(8), VALUE(16, 0)};
#else
static const InlayKernelArg kCopyArgs[] = {POINTER(0), POINTER(8), VALUE(16, 8)};
#endif
static const InlayKernelArg kOneArg[] = {POINTER(0)};
#ifndef FIXTURE_CODE_OF_REVERSE
#define FIXTURE_CODE_OF_REVERSE 0
#endif
#ifndef FIXTURE_NAME_OF_COPY
#define FIXTURE_NAME_OF_COPY "copy"
#endif
#define KERNELS                                                                       \
  {                                                                                   \
      {"axpy", "axpy", kAxpyArgs, 4, 32, {64, 1, 1}, 0, 0, 0, 0, 0},                  \
      {FIXTURE_NAME_OF_COPY, "reverse", kCopyArgs, 3, 24, {64, 1, 1}, 0, 0, 0, 0, 0}, \
      {"reverse",                                                                     \
       "reverse",                                                                     \
       kCopyArgs,                                                                     \
       3,                                                                             \
       24,                                                                            \
       {256, 1, 1},                                                                   \
       1024,                                                                          \
       0,                                                                             \
       0,                                                                             \
       FIXTURE_CODE_OF_REVERSE,                                                       \
       0},                                                                            \
      {"geometry", "geometry", kOneArg, 1, 8, {8, 4, 2}, 0, 0, 0, 0, 0},              \
      {"exact", "faulty", kOneArg, 1, 8, {64, 1, 1}, 0, 0, 0, 0, 0},                  \
      {"stray", "faulty", kOneArg, 1, 8, {64, 1, 1}, 0, 0, 0, 0, 0},                  \
      {"axpy", "faulty", kAxpyArgs, 4, 32, {512, 1, 1}, 0, 0, 0, 0, 0},               \
      {"axpy", "faulty", kAxpyArgs, 4, 32, {1, 2000, 1}, 0, 0, 0, 0, 0},              \
      {"reverse", "faulty", kCopyArgs, 3, 24, {256, 1, 1}, 1024, 64 << 10, 0, 0, 0},  \
      {"exact", "faulty", kOneArg, 1, 8, {32, 1, 1}, 0, 0, 0, 0, 0},                  \
  }

static int32_t launch(InlayGpuContext* context, uint32_t kernel, int64_t workgroups,
                      const void* arguments, uint64_t size) {
  int64_t grid[3] = {workgroups, 1, 1};
  return state.runtime->kernel_launch(context, kernel, grid, arguments, size);
}

// ---- axpy(a: f32, x: f32[N], y: f32[N]): y += a * x ----

static const InlayParam kAxpyParams[] = {SCALAR("a", kDLFloat, 32), TENSOR("x", IN, F32, kDimsN),
                                         TENSOR("y", INOUT, F32, kDimsN)};

CPU static int32_t axpy_cpu(void* const* data, const int64_t* symbols, const InlayScalar* scalars) {
  const float* x = data[0];
  float* y = data[1];
  for (int64_t i = 0; i < symbols[0]; ++i) y[i] += scalars[0].f32 * x[i];
  return INLAY_OK;
}

static int32_t axpy_gpu(InlayGpuContext* context, void* const* data, const int64_t* symbols,
                        const InlayScalar* scalars) {
  struct {
    float a;
    void *x, *y;
    int64_t n;
  } arguments = {scalars[0].f32, data[0], data[1], symbols[0]};
  return launch(context, AXPY, (symbols[0] + 63) / 64, &arguments, sizeof arguments);
}

// ---- reverse(x: f32[N], y: f32[N]): y = x backwards, by way of scratch memory ----

static const InlayParam kReverseParams[] = {TENSOR("x", IN, F32, kDimsN),
                                            TENSOR("y", OUT, F32, kDimsN)};

CPU static int32_t reverse_cpu(void* const* data, const int64_t* symbols,
                               const InlayScalar* scalars) {
  (void)scalars;
  for (int64_t i = 0; i < symbols[0]; ++i) {
    ((float*)data[1])[symbols[0] - 1 - i] = ((const float*)data[0])[i];
  }
  return INLAY_OK;
}

static int32_t reverse_gpu(InlayGpuContext* context, void* const* data, const int64_t* symbols,
                           const InlayScalar* scalars) {
  (void)scalars;
  int64_t n = symbols[0];
  void* scratch = state.runtime->gpu_workspace_acquire(context, (uint64_t)n * 4, 4096);
  if (!scratch) return INLAY_ERROR_OUT_OF_MEMORY;
  struct {
    void *x, *y;
    int64_t n;
  } first = {data[0], scratch, n}, second = {scratch, data[1], n};
  int32_t status = launch(context, COPY, (n + 63) / 64, &first, sizeof first);
  if (status == INLAY_OK) {
    status = launch(context, REVERSE, (n + 255) / 256, &second, sizeof second);
  }
  state.runtime->gpu_workspace_release(context, scratch);
  return status;
}

// ---- geometry(out: i32[6]): the sizes of a launch, as a kernel sees them ----

static const InlayParam kGeometryParams[] = {TENSOR("out", INOUT, I32, kDims6)};

CPU static int32_t geometry_cpu(void* const* data, const int64_t* symbols,
                                const InlayScalar* scalars) {
  (void)symbols;
  (void)scalars;
  static const int32_t kSizes[] = {8, 4, 2, 24, 8, 2};
  for (int i = 0; i < 6; ++i) ((int32_t*)data[0])[i] = kSizes[i];
  return INLAY_OK;
}

static int32_t geometry_gpu(InlayGpuContext* context, void* const* data, const int64_t* symbols,
                            const InlayScalar* scalars) {
  (void)symbols;
  (void)scalars;
  int64_t grid[3] = {3, 2, 1};
  return state.runtime->kernel_launch(context, GEOMETRY, grid, &data[0], 8);
}

// ---- faulty(kernel: i64, x: i64, y: i64, z: i64, size: i64, out: f32[N]) ----
// Launches a kernel in a grid of x * y * z workgroups, its first argument `out`.

static const InlayParam kFaultyParams[] = {
    SCALAR("kernel", kDLInt, 64), SCALAR("x", kDLInt, 64),    SCALAR("y", kDLInt, 64),
    SCALAR("z", kDLInt, 64),      SCALAR("size", kDLInt, 64), TENSOR("out", INOUT, F32, kDimsN)};

CPU static int32_t faulty_cpu(void* const* data, const int64_t* symbols,
                              const InlayScalar* scalars) {
  (void)data;
  (void)symbols;
  (void)scalars;
  return state.runtime->fail(INLAY_ERROR_ASSERT, "faulty: runs on a GPU only");
}

static int32_t faulty_gpu(InlayGpuContext* context, void* const* data, const int64_t* symbols,
                          const InlayScalar* scalars) {
  int64_t grid[3] = {scalars[1].i64, scalars[2].i64, scalars[3].i64};
  void* arguments[4] = {data[0], data[0], data[0], 0};
  arguments[3] = (void*)symbols[0];
  return state.runtime->kernel_launch(context, (uint32_t)scalars[0].i64, grid, arguments,
                                      (uint64_t)scalars[4].i64);
}

// ---- scratch(bytes: u64, align: u64, out: f32[N]): acquires two blocks, gives them back ----

static const InlayParam kScratchParams[] = {
    SCALAR("bytes", kDLUInt, 64), SCALAR("align", kDLUInt, 64), TENSOR("out", INOUT, F32, kDimsN)};

CPU static int32_t scratch_cpu(void* const* data, const int64_t* symbols,
                               const InlayScalar* scalars) {
  return faulty_cpu(data, symbols, scalars);
}

static int32_t scratch_gpu(InlayGpuContext* context, void* const* data, const int64_t* symbols,
                           const InlayScalar* scalars) {
  const InlayRuntimeTable* rt = state.runtime;
  (void)data;
  (void)symbols;
  void* a = rt->gpu_workspace_acquire(context, scalars[0].u64, scalars[1].u64);
  if (!a) return INLAY_ERROR_OUT_OF_MEMORY;
  void* b = rt->gpu_workspace_acquire(context, scalars[0].u64, scalars[1].u64);
  int32_t status = INLAY_OK;
  if (!b) status = INLAY_ERROR_OUT_OF_MEMORY;
  if (b == a || ((uint64_t)a | (uint64_t)b) % (scalars[1].u64 ? scalars[1].u64 : 1) != 0) {
    status = rt->fail(INLAY_ERROR_ASSERT, "scratch: the blocks are one, or out of line");
  }
  rt->gpu_workspace_release(context, a);
  rt->gpu_workspace_release(context, b);
  void* c = rt->gpu_workspace_acquire(context, scalars[0].u64, scalars[1].u64);
  if (status == INLAY_OK && c != a && c != b) {
    status = rt->fail(INLAY_ERROR_ASSERT, "scratch: a block was not used again");
  }
  rt->gpu_workspace_release(context, c);
  return status;
}

// ---- tables ----

#define FUNCTION(name, params) {name, params, kSymbols, COUNT(params), 1}
static const InlayFunction kFunctions[] = {
    FUNCTION("axpy", kAxpyParams),
    FUNCTION("reverse", kReverseParams),
    {"geometry", kGeometryParams, 0, COUNT(kGeometryParams), 0},
    FUNCTION("faulty", kFaultyParams),
    FUNCTION("scratch", kScratchParams),
};

static const InlayGpuInvoke kGpu[] = {axpy_gpu, reverse_gpu, geometry_gpu, faulty_gpu, scratch_gpu};
#ifndef FIXTURE_GPU_ONLY
static const InlayInvoke kCpu[] = {axpy_cpu, reverse_cpu, geometry_cpu, faulty_cpu, scratch_cpu};
#ifdef FIXTURE_NEEDS
static const char* const kNeeds[] = {FIXTURE_NEEDS};
static const InlayVariant kVariants[] = {{"plain", kNeeds, kCpu, COUNT(kNeeds), 0}};
#else
static const InlayVariant kVariants[] = {{"plain", 0, kCpu, 0, 0}};
#endif
#endif

#ifndef FIXTURE_LIMIT
#define FIXTURE_LIMIT
#endif
// The codes lie in the file as #embed brings them.
_Alignas(4096) static const unsigned char kCode0[] = {
#embed FIXTURE_CODE0 FIXTURE_LIMIT
};
_Alignas(4096) static const unsigned char kCode1[] = {
#embed FIXTURE_CODE1
};

static const InlayGpuCode kCodes[] = {{kCode0, sizeof kCode0}, {kCode1, sizeof kCode1}};
static const InlayGpuKernel kKernels[] = KERNELS;
#define ENTRY(target, code) \
  {target, &kCodes[code], kKernels, kGpu, 1 + FIXTURE_CODE_OF_REVERSE, N_KERNELS}
static const InlayGpuEntry kEntries[] = {
    ENTRY(FIXTURE_TARGET0, 0),
#if !FIXTURE_CODE_OF_REVERSE
    ENTRY(FIXTURE_TARGET1, 1),
#endif
};

EXPORT const InlayCodeObject inlay_code_object = {
    INLAY_OBJECT_MAGIC,
    INLAY_ABI_VERSION,
    sizeof(InlayCodeObject),
    sizeof(InlayRuntimeTable),
    sizeof(InlayLibcTable),
    "gpu_fixture",
    "by hand",
    kFunctions,
#ifdef FIXTURE_GPU_ONLY
    0,
#else
    kVariants,
#endif
    kEntries,
    &state,
    COUNT(kFunctions),
#ifdef FIXTURE_GPU_ONLY
    0,
#else
    COUNT(kVariants),
#endif
    COUNT(kEntries),
    MACHINE,
};

__attribute__((section(".note.inlay"), used, aligned(4))) static const InlayNote kNote = {
    6, 12, INLAY_NOTE_TYPE, "Inlay", INLAY_ABI_VERSION, {0}};
