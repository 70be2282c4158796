// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime of Inlay: loads code objects that the compiler made, and calls their functions.
//
//     InlayModule* module;
//     const InlayCallable* sgemm;
//     if (inlay_module_load("sgemm.so", &module) != INLAY_OK ||
//         inlay_module_function(module, "sgemm", &sgemm) != INLAY_OK) {
//       fprintf(stderr, "%s\n", inlay_last_error());
//     }
//     InlayValue args[] = {inlay_tensor(&a), inlay_tensor(&b), inlay_tensor(&c)};
//     if (inlay_call(sgemm, args, 3) != INLAY_OK) ...
//
// - A function that can fail returns an InlayStatus as int32_t: INLAY_OK (0), or an error; then
//   inlay_last_error() gives a sentence, and nothing was changed: no output tensor was written
//   (unless the compiled code itself failed on its way), no out-parameter was set.
// - Nothing here prints, aborts, throws, or changes signal handlers.
// - All functions may be called from several threads at once. The one duty of the caller: a module
// is
//   unloaded, and tensors are freed, only when no call that uses them runs.
// - After fork() the child has the modules of its parent, and starts worker threads of its own when
// it
//   needs them; a child forked from inside a compiled function may only exec or _exit.
// - The library stays in the process once it is loaded (it is linked with -z nodelete).
//
// Environment, read by the first call that needs it:
//   INLAY_NUM_THREADS           threads of one parallel loop, 1 to 1024 (default: the CPUs of the
//                               affinity mask)
//   INLAY_VARIANT               the variant, by its name, that each module loaded from now on must run
//   INLAY_VECTOR_MATH_LIBRARY   where vectorized loops find exp and the like, under the names of the
//                               vector function ABI, or none (default: libmvec.so.1, then
//                               libsleefgnuabi.so.3; without one they call libm for each element)
#ifndef INLAY_RUNTIME_H
#define INLAY_RUNTIME_H

#include "inlay_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define INLAY_API __attribute__((visibility("default")))
#else
#define INLAY_API
#endif

// ---- library ----

// Version of the library, "major.minor.patch".
INLAY_API const char* inlay_version(void);

// A few words for a status ("invalid argument"); "unknown status" for a number that is none.
INLAY_API const char* inlay_status_name(int32_t status);

// Why the last call on this thread that failed did so: a sentence in UTF-8, without a final
// newline; "" if none failed yet. Valid until the next failure on this thread.
INLAY_API const char* inlay_last_error(void);

// Whether this CPU (and the operating system, which must save the registers) has a feature, named
// as LLVM does: "avx2", "neon". 0 for a name that is unknown.
INLAY_API int32_t inlay_cpu_has_feature(const char* name);

// ---- modules ----

typedef struct InlayModule InlayModule;      // a loaded code object
typedef struct InlayCallable InlayCallable;  // one function of it; lives as long as the module

// Loads the code object at `path`. The file is checked before anything of it runs: format, machine,
// ABI version, checksum (see inlay_abi.h); then the best variant that this CPU can run is chosen.
// Loading a file again gives another handle to the same code. Do not change a file while it is
// loaded: write a new one and rename it. Errors: IO, BAD_CODE_OBJECT (not an Inlay code object,
// damaged, or changed since it was loaded), VERSION, UNSUPPORTED_CPU (names the missing features),
// NOT_FOUND (INLAY_VARIANT names no variant), INVALID_ARGUMENT (a NULL pointer, or a bad
// INLAY_NUM_THREADS), OUT_OF_MEMORY.
INLAY_API int32_t inlay_module_load(const char* path, InlayModule** out);

// The same for a code object that is linked into the program, which must outlive the module.
INLAY_API int32_t inlay_module_load_static(const InlayCodeObject* object, InlayModule** out);

// Gives the handle back; the code is unmapped with the last handle. NULL is ignored.
INLAY_API void inlay_module_unload(InlayModule* module);

// All that the code object says about itself: functions, parameters, variants. `module` must not be
// NULL, the result never is; so with the next one.
INLAY_API const InlayCodeObject* inlay_module_object(const InlayModule* module);

// The variant that was chosen.
INLAY_API const InlayVariant* inlay_module_variant(const InlayModule* module);

// Finds a function by its name. Errors: NOT_FOUND (names those that exist), INVALID_ARGUMENT.
INLAY_API int32_t inlay_module_function(const InlayModule* module, const char* name,
                                        const InlayCallable** out);

// Finds the typed entry of a function, to be cast to its prototype (see inlay_abi.h, "THE CALL").
// Only for modules loaded from a file; a linked-in one has `inlay_<name>` to call. Errors: as
// above.
INLAY_API int32_t inlay_module_entry(const InlayModule* module, const char* name, void** out);

// Name, parameters and symbols of a function, which must not be NULL.
INLAY_API const InlayFunction* inlay_callable_describe(const InlayCallable* function);

// Checks `args` against the function's parameters and runs it. Returns what the compiled code
// returns, or INVALID_ARGUMENT with a sentence that names the parameter, what it is and what was
// expected, e.g. "sgemm: C has shape [64, 63], expected [M=64, N=64] (N bound by B, dimension 1)";
// then no tensor was touched. Checked: count, kinds, NULLs, device, rank, dtype, shape, strides,
// alignment, sizes that overflow, scalars out of range, and outputs that overlap other tensors.
INLAY_API int32_t inlay_call(const InlayCallable* function, const InlayValue* args,
                             uint32_t n_args);

// Checks the bytes of a code object file as inlay_module_load does, without loading it; any machine
// will do. `checksum`, if not NULL, receives the file's checksum. Errors: BAD_CODE_OBJECT, VERSION,
// INVALID_ARGUMENT.
INLAY_API int32_t inlay_object_verify(const void* bytes, uint64_t size, uint64_t* checksum);

// ---- threads ----

// Threads that one parallel loop uses, the calling one included. The pool is one for the process:
// while a loop of one thread uses it, loops of other threads run on their own thread alone.
INLAY_API int32_t inlay_num_threads(void);

// Sets it, 1 to 1024, for loops that start from now on. Errors: INVALID_ARGUMENT.
INLAY_API int32_t inlay_set_num_threads(int32_t n);

// ---- values ----

static inline InlayValue inlay_tensor(const DLTensor* tensor) {
  InlayValue value = {INLAY_VALUE_TENSOR, 0, {0}};
  value.as.tensor = tensor;
  return value;
}

static inline InlayValue inlay_int(int64_t number) {
  InlayValue value = {INLAY_VALUE_INT, 0, {0}};
  value.as.i64 = number;
  return value;
}

static inline InlayValue inlay_float(double number) {
  InlayValue value = {INLAY_VALUE_FLOAT, 0, {0}};
  value.as.f64 = number;
  return value;
}

#ifdef __cplusplus
}
#endif

#endif  // INLAY_RUNTIME_H
