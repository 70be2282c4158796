// GPU entries of code objects: which one fits a GPU, its codes loaded there, its kernels launched.
#pragma once

#include "hip/device.h"

namespace inlay::hip {

// Checks once, at load, that the tables of the GPU entries keep the promises of inlay_abi.h.
int32_t check_entries(const InlayCodeObject* object, const char* where);

// The entry that fits the GPU, loaded into it. Errors: UNSUPPORTED_GPU (says what the GPU is and
// what there is code for), BAD_CODE_OBJECT, VERSION, DEVICE, OUT_OF_MEMORY.
struct LoadedEntry;
int32_t load_entry(const InlayCodeObject* object, Device* device, const LoadedEntry** out);
const InlayGpuEntry* entry_of(const LoadedEntry* loaded);

// Waits for the GPUs that have entries of the code object, and unloads those.
void unload_entries(const InlayCodeObject* object);

// Runs function `index` of the code object on a GPU, its arguments checked.
int32_t invoke(const InlayCodeObject* object, uint32_t index, int32_t device, void* const* data,
               const int64_t* symbols, const InlayScalar* scalars);

// For InlayRuntimeTable.
int32_t kernel_launch(InlayGpuContext* context, uint32_t kernel, const int64_t grid[3],
                      const void* arguments, uint64_t size);
void* gpu_workspace_acquire(InlayGpuContext* context, uint64_t bytes, uint64_t align);
void gpu_workspace_release(InlayGpuContext* context, void* memory);
int32_t gpu_assert_begin(InlayGpuContext* context, void** word);
int32_t gpu_assert_end(InlayGpuContext* context, void* word, int32_t launched,
                       const char* const* messages, uint32_t n_messages);

}  // namespace inlay::hip
