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
//   is unloaded, and tensors, streams and events are freed, only when no call that uses them runs.
// - After fork() the child has the modules of its parent, and starts worker threads of its own when
//   it needs them; a child forked from inside a compiled function may only exec or _exit. A GPU
//   that the parent has used is closed to the child: that is HIP's rule.
// - The library stays in the process once it is loaded (it is linked with -z nodelete).
//
// Environment, read by the first call that needs it:
// - INLAY_NUM_THREADS: threads of one parallel loop, 1 to 1024 (default: the CPUs of the affinity
//   mask).
// - INLAY_VARIANT: the variant, by its name, that each module loaded from now on must run.
// - INLAY_HIP_LIBRARY: AMD's HIP library, or the folder that has it, instead of the usual names;
//   `emulator`: Inlay's own, in lib/inlay/emulator beside this library, which runs GPU code without
//   a GPU.
// - INLAY_VECTOR_MATH_LIBRARY: where vectorized loops find exp and the like, under the names of the
//   vector function ABI, or none (default: libmvec.so.1, then libsleefgnuabi.so.3; without one they
//   call libm for each element).
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

// The variant that was chosen; NULL if the code object has GPU entries only.
INLAY_API const InlayVariant* inlay_module_variant(const InlayModule* module);

// The GPU entry that fits a device of type kDLROCM; loads it there, which else the first call does.
// Errors: NOT_FOUND (there is no GPU entry), UNSUPPORTED_GPU (none fits: says what the GPU is and
// what there is code for), NO_DEVICE, BAD_CODE_OBJECT, VERSION, DEVICE, OUT_OF_MEMORY,
// INVALID_ARGUMENT.
INLAY_API int32_t inlay_module_gpu_entry(const InlayModule* module, DLDevice device,
                                         const InlayGpuEntry** out);

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
//
// Tensors of kDLCPU, kDLROCMHost and kDLCUDAHost: the call runs on the CPU, and has finished when
// it returns. Tensors of kDLROCM, all on one device: it runs on that GPU, and returns when its
// kernels are in the thread's stream (inlay_stream_use); what goes wrong there later is reported by
// the next call that waits for it. The first call on a GPU loads the code there. Further errors
// then: those of inlay_module_gpu_entry, and INVALID_ARGUMENT for launches beyond the limits of the
// GPU or of a kernel.
INLAY_API int32_t inlay_call(const InlayCallable* function, const InlayValue* args,
                             uint32_t n_args);

// Checks the bytes of a code object file as inlay_module_load does, without loading it; any machine
// will do. `checksum`, if not NULL, receives the file's checksum. Errors: BAD_CODE_OBJECT, VERSION,
// INVALID_ARGUMENT.
INLAY_API int32_t inlay_object_verify(const void* bytes, uint64_t size, uint64_t* checksum);

// The same for the bytes of an AMDGPU code object (.hsaco, .co), as a GPU entry's are checked
// before HIP gets them: format, code object version, truncation, undefined symbols, metadata, and
// each kernel's descriptor. `target`: the target ID of a GPU that must be able to run it, such as
// "gfx906:sramecc+:xnack-"; NULL: any. Errors: BAD_CODE_OBJECT, VERSION, UNSUPPORTED_GPU,
// INVALID_ARGUMENT.
INLAY_API int32_t inlay_gpu_code_verify(const void* bytes, uint64_t size, const char* target);

// ---- devices ----
//
// A device is a DLDevice: {kDLCPU, 0}, or {kDLROCM, n} for AMD's GPU number n, as HIP counts.
// {kDLROCMHost, n} is host memory that GPU n copies from and to without help of the CPU.

typedef struct InlayDeviceInfo {
  char name[256];         // "Radeon RX Vega", "x86-64"
  char target[256];       // target ID of a GPU: "gfx900:xnack-"; of the CPU the same as the name
  uint64_t memory;        // bytes
  int32_t compute_units;  // of a GPU; CPUs of the affinity mask
  int32_t max_workgroup;  // work-items; 0 for the CPU, as what follows
  int32_t lds_bytes;      // of a workgroup
  int32_t clock_khz;
  char library[1024];  // of HIP, as it was opened; "" for the CPU
} InlayDeviceInfo;

// How many devices of a type (kDLCPU, kDLROCM) there are. Errors: NO_DEVICE if there is none (says
// which HIP libraries were tried, why each will not do, and how to get the emulator),
// INVALID_ARGUMENT.
INLAY_API int32_t inlay_device_count(int32_t device_type, int32_t* out);

// Errors: NO_DEVICE, DEVICE, UNSUPPORTED_GPU, INVALID_ARGUMENT; so with the others below.
INLAY_API int32_t inlay_device_info(DLDevice device, InlayDeviceInfo* out);

// Waits for all that was put into the streams of a GPU. Errors besides: whatever went wrong there.
INLAY_API int32_t inlay_device_synchronize(DLDevice device);

// ---- tensors ----

// Makes a compact tensor of undefined contents, aligned to 256 bytes, on kDLCPU, kDLROCM or
// kDLROCMHost. It is DLPack's: others may take it over. Errors besides: OUT_OF_MEMORY.
INLAY_API int32_t inlay_tensor_new(DLDevice device, DLDataType dtype, int32_t ndim,
                                   const int64_t* shape, DLManagedTensor** out);

// Frees any DLManagedTensor, by its deleter; NULL is ignored. On a GPU it waits until the memory is
// no longer used.
INLAY_API void inlay_tensor_free(DLManagedTensor* tensor);

// Copies a compact tensor to another of the same shape and width of elements, between host and GPU
// either way, or within either. In the order of the thread's stream on that GPU: what was put there
// before has happened; and has finished when it returns. Errors besides: whatever went wrong there.
INLAY_API int32_t inlay_tensor_copy(const DLTensor* source, const DLTensor* target);

typedef struct InlayStream InlayStream;

// The same, put into a stream of the GPU that one of the tensors is on (of the source's, if it is
// two). Both must live, and the host's stay unchanged, until the copy has happened. Host memory
// other than kDLROCMHost may make it wait.
INLAY_API int32_t inlay_tensor_copy_async(const DLTensor* source, const DLTensor* target,
                                          InlayStream* stream);

// ---- streams and events ----
//
// A stream is a queue of work: its calls and copies run one after the other, those of different
// streams in any order. On the CPU (kDLCPU) all work has finished when its call returns, and a
// stream is there so that a program need not know the difference.

// Errors besides: OUT_OF_MEMORY.
INLAY_API int32_t inlay_stream_new(DLDevice device, InlayStream** out);

// Takes a hipStream_t of somebody else's (NULL: the null stream), who goes on to own it.
INLAY_API int32_t inlay_stream_wrap(DLDevice device, void* hip_stream, InlayStream** out);

// Waits for the stream, and frees it; NULL is ignored. It must be no thread's stream but this
// one's.
INLAY_API void inlay_stream_free(InlayStream* stream);

// Makes it the stream of this thread's calls and copies on its device; until then, and with a NULL
// stream again, that is HIP's null stream.
INLAY_API int32_t inlay_stream_use(DLDevice device, InlayStream* stream);

// Waits for all that is in the stream. Errors besides: whatever went wrong there.
INLAY_API int32_t inlay_stream_synchronize(InlayStream* stream);

typedef struct InlayEvent InlayEvent;  // a mark in a stream

INLAY_API int32_t inlay_event_new(DLDevice device, InlayEvent** out);
INLAY_API void inlay_event_free(InlayEvent* event);  // NULL is ignored

// Puts the mark at the end of a stream of its device (NULL: the thread's one), anew each time.
INLAY_API int32_t inlay_event_record(InlayEvent* event, InlayStream* stream);

// Waits until the mark is reached.
INLAY_API int32_t inlay_event_synchronize(InlayEvent* event);

// What is put into the stream from now on waits for the mark.
INLAY_API int32_t inlay_stream_wait(InlayStream* stream, InlayEvent* event);

// Seconds between two marks of one device, once both are reached: waits for `stop`.
INLAY_API int32_t inlay_event_elapsed(InlayEvent* start, InlayEvent* stop, double* seconds);

// ---- threads ----

// Threads that one parallel loop uses, the calling one included. The pool is one for the process:
// while a loop of one thread uses it, loops of other threads run on their own thread alone. Workers
// keep off the CPU of the thread that calls, as long as there is a CPU for each of them: the pool
// sets their affinity; where the program sets it to something else, that holds.
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
