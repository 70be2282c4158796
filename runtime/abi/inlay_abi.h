// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The binary contract between compiled code and the runtime: the only header that both read.
//
// What is peculiar: a CPU code object has no undefined symbols. It finds the runtime through a slot
// in its own writable data (InlayObjectState), which the runtime fills at load, and the runtime
// finds everything in the code object through one exported constant, InlayCodeObject.
//
// 1. THE FILE. An ELF64 little-endian shared object for x86-64 or AArch64.
//
//    It exports the data symbol `inlay_code_object` (an InlayCodeObject) and, for each function,
//    the typed entry `inlay_<function>`; nothing else. It imports nothing: no DT_NEEDED, no
//    undefined symbol. Relative relocations (R_X86_64_RELATIVE, R_AARCH64_RELATIVE) are all that it
//    needs: its references to its own exports bind locally (protected visibility, or -Bsymbolic).
//
//    It carries, in a PT_NOTE segment that lies inside a PT_LOAD one, the note of InlayNote.
//
//    In a relocatable object that is linked into a program, the constant is named
//    `inlay_code_object_<program>` instead, there is no note, and the program hands its address to
//    inlay_module_load_static.
//
// 2. THE CALL. A typed entry has the C prototype
//        int32_t inlay_<function>(<one parameter for each InlayParam, in order>)
//    with `const DLTensor*` for a tensor and, for a scalar, the C type of its width: int8_t ...
//    int64_t, uint8_t ... uint64_t, float, double; uint8_t (0 or 1) for bool; uint16_t (the bits)
//    for f16 and bf16. Its body, in C:
//        const InlayRuntimeTable* rt = state.runtime;
//        if (!rt) return INLAY_ERROR_NOT_LOADED;
//        InlayValue args[n] = {{INLAY_VALUE_TENSOR, 0, {.tensor = A}}, ..,
//                              {INLAY_VALUE_BITS, 0, {.bits = <scalar, zero-extended to 64 bits>}},
//                              ..};
//        return rt->enter(&inlay_code_object, <index of the function>, args, n);
//    `enter` checks the arguments against InlayFunction and, if they hold, calls
//    InlayVariant::invoke, which may rely on everything that its InlayFunction declares. An entry
//    may call state.variant's `invoke` by itself where it sees that `enter` would: small functions
//    take no longer than the general check. Only `enter` refuses, so that there is one place for
//    that.
//
// 3. ON A GPU. A code object may hold GPU entries, one for each target ID that it was built for. A
//    call is either all on the CPU (tensors on kDLCPU: a variant's invoke runs) or all on one GPU
//    (tensors on kDLROCM with one device_id: a GPU entry's invoke runs, on the host, and launches
//    kernels); `enter` decides, and refuses a mixture with a sentence. The device field of
//    InlayParam is kDLCPU in both cases. A code object without variants (n_variants 0,
//    n_gpu_entries not), or with none that the CPU can run, takes tensors on a GPU only; one
//    without GPU entries those on the CPU only.
//
// 4. VERSIONS. INLAY_ABI_VERSION changes when something here changes its meaning or place.
//    The tables of the runtime grow at their end without a new version: a code object states how
//    many bytes of each it uses.
//
// All integers are little-endian; all offsets below are checked by static assertions.
// Plain C11 and C++11; needs DLPack's header (https://dmlc.github.io/dlpack) for DLTensor.
#ifndef INLAY_ABI_H
#define INLAY_ABI_H

#include <dlpack/dlpack.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define INLAY_ABI_ASSERT(cond) static_assert(cond, #cond)
#else
#define INLAY_ABI_ASSERT(cond) _Static_assert(cond, #cond)
#endif

#define INLAY_ABI_VERSION 2u

// "INLAYOBJ", read as a little-endian integer.
#define INLAY_OBJECT_MAGIC 0x4a424f59414c4e49ull

// Limits of one function; the loader refuses what exceeds them.
#define INLAY_MAX_PARAMS 64u
#define INLAY_MAX_RANK 16u
#define INLAY_MAX_SYMBOLS 64u
#define INLAY_MAX_EXPR_WORDS 256u
#define INLAY_MAX_EXPR_STACK 16u

// DLPack's code for bool, which DLPack 0.6 does not name yet.
#define INLAY_DTYPE_BOOL 6

typedef enum InlayStatus {
#define INLAY_STATUS(name, value, text) INLAY_##name = value,
#include "status.def"
#undef INLAY_STATUS
} InlayStatus;

typedef struct InlayCodeObject InlayCodeObject;

// ---- values ----

// How an InlayValue states its value. INT and UINT go to an integer, bool or floating-point
// parameter that can hold the value exactly; FLOAT goes to a floating-point one, rounded to nearest
// even; what does not fit is an error. BITS is taken as it stands: the low bits are the parameter's
// representation, the others are ignored.
typedef enum InlayValueKind {
  INLAY_VALUE_TENSOR = 1,
  INLAY_VALUE_INT = 2,
  INLAY_VALUE_UINT = 3,
  INLAY_VALUE_FLOAT = 4,
  INLAY_VALUE_BITS = 5,
} InlayValueKind;

// One argument of a call. The tensor must stay unchanged during the call; the runtime does not keep
// it.
typedef struct InlayValue {
  uint32_t kind;  // InlayValueKind
  uint32_t reserved;
  union {
    const DLTensor* tensor;
    int64_t i64;
    uint64_t u64;
    double f64;
    uint64_t bits;
  } as;
} InlayValue;

// A scalar argument as compiled code reads it: 8 bytes, the value in the parameter's own type at
// the first byte. Integers and bool (0 or 1) are also extended to the 64 bits, by their signedness;
// the bytes after a floating-point value are zero.
typedef union InlayScalar {
  int64_t i64;
  uint64_t u64;
  double f64;
  float f32;
  uint16_t bits16;  // f16, bf16
  int32_t i32;
  uint32_t u32;
  int16_t i16;
  uint16_t u16;
  int8_t i8;
  uint8_t u8;  // also bool
} InlayScalar;

// ---- what the runtime gives to compiled code ----

// One piece of a parallel loop: iterations [begin, end), never empty. A status other than INLAY_OK
// stops the loop: pieces that run go on to their end, no new one starts.
typedef int32_t (*InlayParallelBody)(void* closure, int64_t begin, int64_t end);

typedef struct InlayLibcTable {
  uint64_t size;  // sizeof(InlayLibcTable) of the runtime
#define INLAY_LIBC(name, result, parameters) void (*name)(void);
#include "libc.def"
#undef INLAY_LIBC
} InlayLibcTable;

// What one call on a GPU runs on: a device, a queue in which its launches run in order, and the GPU
// entry that was matched to the device, loaded. Made by `enter` for the call; compiled code hands
// it back and looks at nothing in it.
typedef struct InlayGpuContext InlayGpuContext;

typedef struct InlayRuntimeTable {
  uint32_t abi_version;  // INLAY_ABI_VERSION of the runtime
  uint32_t size;         // sizeof(InlayRuntimeTable) of the runtime

  // Checks `args` against function `index` of `object` and runs it. Typed entries call this.
  int32_t (*enter)(const InlayCodeObject* object, uint32_t index, const InlayValue* args,
                   uint32_t n_args);

  // Runs body over [0, n) in pieces, on the calling thread and on the pool's; returns after all of
  // them, with the first failure (whose message becomes the caller's last error) or INLAY_OK. Every
  // iteration runs once if none fails. n <= 0 runs nothing. A piece has at least `grain`
  // iterations, but the last one; grain <= 0 lets the runtime choose. From inside another
  // parallel_for that runs on several threads, or while the pool is another thread's, it runs on
  // the calling thread alone, in one piece. What the body wrote is visible to the caller
  // afterwards.
  int32_t (*parallel_for)(int64_t n, int64_t grain, InlayParallelBody body, void* closure);

  // Scratch memory for the current thread: `bytes` bytes, undefined contents, aligned to `align` (a
  // power of two, at most 2 MiB; the alignment is never below 64). NULL if there is none, or if
  // `align` is unfit: the last error is set then, and the function returns
  // INLAY_ERROR_OUT_OF_MEMORY. 0 bytes give a pointer too. Released memory is kept for the thread's
  // next calls.
  void* (*workspace_acquire)(uint64_t bytes, uint64_t align);
  // Gives it back, on the thread that acquired it. NULL is ignored.
  void (*workspace_release)(void* memory);

  // Sets the thread's last error to a copy of `message` (NUL-terminated UTF-8) and returns
  // `status`.
  int32_t (*fail)(int32_t status, const char* message);

  const InlayLibcTable* libc;

  // The function that the vector function ABI of x86-64 or AArch64 calls `name` (_ZGVdN8v_expf:
  // expf of 8 floats in a YMM register): of the C library's libmvec, or else SLEEF's
  // libsleefgnuabi; NULL if neither is there or has it. Relative error at most 4 units of the last
  // place (glibc's manual, "Errors in Math Functions"; SLEEF: 1). Thread-safe; the answer stays the
  // same.
  const void* (*vector_function)(const char* name);

  // The rest is for GPU entries: NULL in a runtime that has no GPU device.

  // Puts a launch of kernel number `kernel` of the context's InlayGpuEntry at the end of the
  // context's queue, and returns: kernels of one context run one after the other, each sees what
  // those before it wrote. `grid`: the number of workgroups in x, y and z; if one is <= 0 there is
  // nothing to run and the result is INLAY_OK. `arguments` points to `size` bytes laid out as
  // InlayGpuKernel::args says (size is its kernarg_size), which are copied before this returns; the
  // runtime appends what the kernel's metadata calls hidden arguments. Checked before the launch,
  // with a sentence naming the kernel, the limit and the value: the number of the kernel, `size`,
  // the workgroup against the kernel's own limit in the code object and against the device's,
  // LDS against the device's, grid times workgroup below 2^32 in each dimension. Returns INLAY_OK,
  // or a status with the last error set: INLAY_ERROR_DEVICE with the driver's own name and words.
  int32_t (*kernel_launch)(InlayGpuContext* context, uint32_t kernel, const int64_t grid[3],
                           const void* arguments, uint64_t size);
  // Device memory as workspace_acquire gives host memory: `bytes` bytes, undefined contents,
  // aligned to `align` (a power of two, at most 4096; never below 256). The host does not touch it.
  // NULL with the last error set if there is none, or `align` is unfit.
  void* (*gpu_workspace_acquire)(InlayGpuContext* context, uint64_t bytes, uint64_t align);
  // Gives it back; launches that were made before may still use it, so it is handed out again only
  // to the same queue, or after that queue has come so far. NULL is ignored. Compiled code gives
  // back all that it acquired before it returns.
  void (*gpu_workspace_release)(InlayGpuContext* context, void* memory);

  // Around the launch of a kernel that holds asserts. The first gives `word` the address of a word
  // in device memory, an explicit argument of the kernel, which is all ones; a work-item whose
  // assert fails puts the number of the assert there, if none of a lower number did, and ends.
  // After the launch, whose status is `launched`, the second gives the word back; if the status is
  // INLAY_OK it waits for the queue before, and where an assert failed it returns
  // INLAY_ERROR_ASSERT, the last error being messages[the lowest number]. Both return INLAY_OK or a
  // status with the last error set; with another one of the first there is no word.
  int32_t (*gpu_assert_begin)(InlayGpuContext* context, void** word);
  int32_t (*gpu_assert_end)(InlayGpuContext* context, void* word, int32_t launched,
                            const char* const* messages, uint32_t n_messages);
} InlayRuntimeTable;

// ---- what compiled code tells the runtime ----

// Postfix code over int64: words of an array, an opcode followed by its operand if it has one. Ends
// with exactly one value on the stack. Overflow, and division by zero, make the call fail with a
// sentence.
typedef enum InlayExprOp {
  INLAY_EXPR_CONST = 1,      // operand: the value
  INLAY_EXPR_SYMBOL = 2,     // operand: index into InlayFunction::symbols
  INLAY_EXPR_SCALAR = 3,     // operand: index into InlayFunction::params, of an integer scalar
  INLAY_EXPR_ADD = 4,        // a b -> a + b
  INLAY_EXPR_SUB = 5,        // a b -> a - b
  INLAY_EXPR_MUL = 6,        // a b -> a * b
  INLAY_EXPR_FLOOR_DIV = 7,  // a b -> floor(a / b)
  INLAY_EXPR_FLOOR_MOD = 8,  // a b -> a - b * floor(a / b)
  INLAY_EXPR_MIN = 9,        // a b -> min(a, b)
  INLAY_EXPR_MAX = 10,       // a b -> max(a, b)
} InlayExprOp;

typedef enum InlayDimKind {
  INLAY_DIM_CONST = 0,   // value: the number
  INLAY_DIM_SYMBOL = 1,  // value: index into InlayFunction::symbols
  INLAY_DIM_EXPR = 2,    // code, n_code: see InlayExprOp; value: unused, 0
} InlayDimKind;

// What one extent or stride must be. Symbols are bound by their first appearance as
// INLAY_DIM_SYMBOL (in the order of the parameters, a parameter's extents before its strides) and
// must have the same value at each other one. Expressions are evaluated when all symbols are bound,
// so they may use later ones. Each symbol needs at least one appearance as INLAY_DIM_SYMBOL.
typedef struct InlayDim {
  int64_t value;
  const int64_t* code;
  uint32_t kind;  // InlayDimKind
  uint32_t n_code;
} InlayDim;

typedef enum InlayParamKind { INLAY_PARAM_TENSOR = 0, INLAY_PARAM_SCALAR = 1 } InlayParamKind;

typedef enum InlayParamFlags {
  INLAY_PARAM_READ = 1,
  INLAY_PARAM_WRITTEN = 2,
  // The function is right even if this tensor overlaps others. Without it, a tensor that is WRITTEN
  // may share no element with any other tensor of the call; the runtime checks that (an overlap is
  // excused only if both tensors bear the flag). Compiled code may use `noalias` on all tensors
  // that lack it.
  INLAY_PARAM_MAY_ALIAS = 4,
} InlayParamFlags;

// A parameter. For a scalar: name, kind, dtype (one lane); the rest is zero.
typedef struct InlayParam {
  const char* name;
  uint32_t kind;     // InlayParamKind
  uint32_t flags;    // InlayParamFlags
  DLDataType dtype;  // bool: {INLAY_DTYPE_BOOL, 8, 1} (an argument may say {kDLUInt, 8, 1} too)
  uint32_t rank;
  uint32_t alignment;    // of the first element, bytes, a power of two; 0: the element's size
  int32_t device;        // DLDeviceType; kDLCPU accepts pinned host memory too
  const InlayDim* dims;  // [rank]; NULL if rank is 0
  // [rank], in elements; NULL: compact, row-major. A `strided` tensor has a symbol for each but the
  // last dimension and the constant 1 for the last one. Checks: strides are >= 0, those of a
  // WRITTEN tensor keep its elements apart. The stride of an extent of 0 or 1 addresses nothing, so
  // it is never compared; a symbol with no other appearance gets the compact stride.
  const InlayDim* strides;
} InlayParam;

typedef struct InlayFunction {
  const char* name;
  const InlayParam* params;
  const char* const* symbols;  // [n_symbols] names
  uint32_t n_params;
  uint32_t n_symbols;
} InlayFunction;

// The compiled body of a function. `data`: for each tensor parameter, in order, the address of
// element 0 (the tensor's byte_offset applied; NULL is possible if the tensor has no element).
// `symbols`: the value of each symbol. `scalars`: each scalar parameter, in order. All three are
// read-only, and live during the call. Extents, if not empty, are positive; the number of elements
// times their size fits into int64. Returns INLAY_OK, or the result of InlayRuntimeTable::fail.
typedef int32_t (*InlayInvoke)(void* const* data, const int64_t* symbols,
                               const InlayScalar* scalars);

// The program compiled for one set of CPU features.
typedef struct InlayVariant {
  // E.g. "x86-64-v3"; what INLAY_VARIANT selects.
  const char* name;
  // [n_features] what the CPU must have, by LLVM's names of instruction set features ("avx2",
  // "neon"), no tuning, no architecture version: runtime/src/cpu has the tables of those known.
  const char* const* features;
  const InlayInvoke* invoke;  // [InlayCodeObject::n_functions], in the order of the functions
  uint32_t n_features;
  uint32_t reserved;
} InlayVariant;

// ---- GPU entries ----

typedef enum InlayKernelArgKind {
  INLAY_KERNEL_ARG_VALUE = 0,    // a number by value
  INLAY_KERNEL_ARG_POINTER = 1,  // an address in device memory
} InlayKernelArgKind;

// One explicit argument of a kernel, in its kernarg segment. The code object's metadata (.args of
// the kernel, in its NT_AMDGPU_METADATA note) says the same: .offset, .size, and .value_kind
// `by_value` or `global_buffer`.
typedef struct InlayKernelArg {
  uint32_t offset;  // bytes from the start of the kernarg segment
  uint32_t size;    // bytes: 1, 2, 4 or 8; 8 for an address
  uint32_t kind;    // InlayKernelArgKind
  uint32_t reserved;
} InlayKernelArg;

// A kernel that host code of an entry launches.
typedef struct InlayGpuKernel {
  const char* name;            // as hipModuleGetFunction takes it; its descriptor is `name`.kd
  const char* function;        // the function that launches it, for messages
  const InlayKernelArg* args;  // [n_args], by rising offset
  uint32_t n_args;
  uint32_t kernarg_size;   // bytes of the explicit arguments: what kernel_launch is given
  uint32_t workgroup[3];   // work-items of a workgroup in x, y, z: those it is launched with; >= 1
  uint32_t lds_bytes;      // static LDS of a workgroup
  uint32_t dynamic_lds;    // bytes of LDS to ask for at the launch, in addition; mostly 0
  uint32_t private_bytes;  // scratch of a work-item
  uint32_t code;           // index into InlayGpuEntry::codes: where it lies
  uint32_t reserved;
} InlayGpuKernel;

// A finished AMDGPU code object (ELF64, EM_AMDGPU, ET_DYN), as hipModuleLoadData takes it: no
// undefined symbol, 4096-byte aligned in memory.
typedef struct InlayGpuCode {
  const void* data;
  uint64_t size;
} InlayGpuCode;

// The body of a function on a GPU: host code that computes grids and arguments and launches
// kernels. As InlayInvoke, but `data` holds addresses in device memory, which it hands on and never
// follows. What it returns says whether all was launched; kernels may still run.
typedef int32_t (*InlayGpuInvoke)(InlayGpuContext* context, void* const* data,
                                  const int64_t* symbols, const InlayScalar* scalars);

// The program compiled for one target ID. The codes are loaded into a device when a call first
// needs them there.
//
// An entry fits a device if its processor is the device's, or is `gfx9-generic` and the device's is
// one of gfx900, gfx902, gfx904, gfx906, gfx909, gfx90c; and each of xnack and sramecc that the
// target ID names (`gfx906:sramecc+:xnack-`) is set so on the device. What it does not name fits
// either setting ("any"). Of those that fit the first is taken: the compiler puts a processor
// before gfx9-generic, and of one processor those that name more before those that name less.
typedef struct InlayGpuEntry {
  const char* target;             // "gfx906", "gfx906:sramecc+:xnack-", "gfx9-generic"
  const InlayGpuCode* codes;      // [n_codes]; the first is the program's own, others were imported
  const InlayGpuKernel* kernels;  // [n_kernels]; kernel_launch takes an index into them
  const InlayGpuInvoke* invoke;   // [InlayCodeObject::n_functions], in the order of the functions
  uint32_t n_codes;
  uint32_t n_kernels;
} InlayGpuEntry;

// Lives in the code object's writable data, zero in the file; the runtime fills it before any other
// use.
typedef struct InlayObjectState {
  const InlayRuntimeTable* runtime;
  const InlayVariant* variant;  // NULL while no module uses the code object
  uint64_t modules;             // that use it; the runtime's own count
  void* gpu;                    // the runtime's own: what it loaded of the GPU entries
} InlayObjectState;

struct InlayCodeObject {
  uint64_t magic;        // INLAY_OBJECT_MAGIC
  uint32_t abi_version;  // INLAY_ABI_VERSION
  uint32_t size;         // sizeof(InlayCodeObject)
  // The runtime must have so many bytes of InlayRuntimeTable: up to kernel_launch without GPU
  // entries, its sizeof with them.
  uint32_t runtime_table_size;
  uint32_t
      libc_table_size;  // and of InlayLibcTable: up to the last row that is used, or its sizeof
  const char* program;
  const char* compiler;  // name, version and build id of the compiler
  const InlayFunction* functions;
  const InlayVariant*
      variants;  // best first; the first that the CPU can run is taken; at least one, but see 3.
  const InlayGpuEntry* gpu_entries;
  InlayObjectState* state;
  uint32_t n_functions;
  uint32_t n_variants;
  uint32_t n_gpu_entries;
  uint32_t machine;  // EM_X86_64 (62) or EM_AARCH64 (183)
};

#define INLAY_OBJECT_SYMBOL "inlay_code_object"
#define INLAY_ENTRY_PREFIX "inlay_"

// ---- the note, and the checksum of the file ----

// The note as it lies in the file, 4-byte aligned, no padding. The compiler writes it with checksum
// 0, links, then sets the checksum of the finished file. In LLVM IR: a constant of 32 bytes in
// section ".note.inlay", align 4, kept by llvm.used (or in assembly: .section
// .note.inlay,"a",@note).
typedef struct InlayNote {
  uint32_t name_size;    // 6
  uint32_t desc_size;    // 12
  uint32_t type;         // INLAY_NOTE_TYPE
  char name[8];          // "Inlay", zero-filled
  uint32_t abi_version;  // INLAY_ABI_VERSION
  uint8_t checksum[8];   // little-endian
} InlayNote;

#define INLAY_NOTE_NAME "Inlay"
#define INLAY_NOTE_TYPE 1u

// Reads n <= 8 bytes as a little-endian integer, zero-extended.
static inline uint64_t inlay_abi_load_word(const unsigned char* bytes, size_t n) {
  uint64_t word = 0;
  for (size_t i = 0; i < n; ++i) word |= (uint64_t)bytes[i] << (8 * i);
  return word;
}

static inline uint64_t inlay_abi_mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
  return hash ^ (hash >> 32);
}

// The checksum of a file of `size` bytes, the 8 bytes at `field` (InlayNote::checksum) taken as
// zero: starting from the size, each 8-byte word w (the last one zero-filled) takes h to
//   h = (h ^ w) * 0x9e3779b97f4a7c15;  h = h ^ (h >> 32).
// Each step is a bijection of h and of w, so a change within one word is always found. It guards
// against accidents (truncation, a bad copy), not against forgery. `field` must be at most size
// - 8.
static inline uint64_t inlay_file_checksum(const void* file, size_t size, size_t field) {
  const unsigned char* bytes = (const unsigned char*)file;
  uint64_t hash = inlay_abi_mix(0, (uint64_t)size);
  for (size_t at = 0; at < size; at += 8) {
    uint64_t word = size - at >= 8 ? inlay_abi_load_word(bytes + at, 8)
                                   : inlay_abi_load_word(bytes + at, size - at);
    if (field < at + 8 && at < field + 8) {  // overlaps the field: blank those bytes
      for (size_t i = 0; i < 8; ++i) {
        if (at + i >= field && at + i < field + 8) word &= ~((uint64_t)0xff << (8 * i));
      }
    }
    hash = inlay_abi_mix(hash, word);
  }
  return hash;
}

INLAY_ABI_ASSERT(sizeof(void*) == 8);
INLAY_ABI_ASSERT(sizeof(InlayValue) == 16 && offsetof(InlayValue, as) == 8);
INLAY_ABI_ASSERT(sizeof(InlayScalar) == 8);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, enter) == 8);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, parallel_for) == 16);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, workspace_acquire) == 24);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, workspace_release) == 32);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, fail) == 40);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, libc) == 48);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, vector_function) == 56);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, kernel_launch) == 64);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, gpu_workspace_acquire) == 72);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, gpu_workspace_release) == 80);
INLAY_ABI_ASSERT(offsetof(InlayRuntimeTable, gpu_assert_end) == 96);
INLAY_ABI_ASSERT(offsetof(InlayLibcTable, memcpy) == 8);
INLAY_ABI_ASSERT(sizeof(InlayDim) == 24 && offsetof(InlayDim, kind) == 16);
INLAY_ABI_ASSERT(sizeof(InlayParam) == 48 && offsetof(InlayParam, strides) == 40 &&
                 offsetof(InlayParam, dtype) == 16);
INLAY_ABI_ASSERT(offsetof(InlayParam, device) == 28 && offsetof(InlayParam, dims) == 32);
INLAY_ABI_ASSERT(sizeof(InlayFunction) == 32 && offsetof(InlayFunction, n_params) == 24);
INLAY_ABI_ASSERT(sizeof(InlayVariant) == 32 && offsetof(InlayVariant, n_features) == 24);
INLAY_ABI_ASSERT(sizeof(InlayKernelArg) == 16);
INLAY_ABI_ASSERT(sizeof(InlayGpuKernel) == 64 && offsetof(InlayGpuKernel, workgroup) == 32);
INLAY_ABI_ASSERT(offsetof(InlayGpuKernel, code) == 56);
INLAY_ABI_ASSERT(sizeof(InlayGpuCode) == 16);
INLAY_ABI_ASSERT(sizeof(InlayGpuEntry) == 40 && offsetof(InlayGpuEntry, n_codes) == 32);
INLAY_ABI_ASSERT(sizeof(InlayObjectState) == 32);
INLAY_ABI_ASSERT(sizeof(InlayCodeObject) == 88 && offsetof(InlayCodeObject, program) == 24);
INLAY_ABI_ASSERT(offsetof(InlayCodeObject, n_functions) == 72);
INLAY_ABI_ASSERT(sizeof(InlayNote) == 32 && offsetof(InlayNote, checksum) == 24);

#ifdef __cplusplus
}
#endif

#endif  // INLAY_ABI_H
