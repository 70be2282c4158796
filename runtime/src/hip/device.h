// The GPUs, each with what it is and the scratch memory that calls on it reuse.
#pragma once

#include <dlpack/dlpack.h>
#include <pthread.h>

#include "hip/library.h"
#include "hip/target.h"

namespace inlay::hip {

constexpr int kMaxDevices = 32;

struct Block;  // of scratch memory

struct Device {
  const Library* library;
  int index;
  Target target;
  char name[kNameSize];
  char arch[kNameSize];  // as HIP says it
  uint64_t memory;
  int lds_bytes;
  int max_workgroup;
  int max_dimensions[3];
  int clock_khz;
  int compute_units;

  pthread_mutex_t mutex;  // of what follows
  Block* blocks;
  uint64_t free_bytes;  // of blocks that nobody uses
};

// The GPU of this number. Errors: NO_DEVICE, DEVICE.
int32_t device(int64_t index, Device** out);

// Makes a GPU the thread's current one in HIP's eyes, and puts back what was.
class Scope {
 public:
  explicit Scope(const Device* device);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // OK, or the failure, already the thread's last error.
  int32_t status() const { return status_; }

 private:
  const Device* device_;
  int before_ = -1;  // to be put back, if not negative
  int32_t status_ = INLAY_OK;
};

// The queue of the thread's calls on a GPU; NULL is HIP's null stream.
Stream current_stream(const Device* device);
void set_current_stream(const Device* device, Stream stream);

// Scratch memory in order of a queue: see InlayRuntimeTable::gpu_workspace_acquire.
void* workspace_acquire(Device* device, Stream stream, uint64_t bytes, uint64_t align);
void workspace_release(Device* device, void* memory);
// Frees what is cached for a queue that ends; nothing of it may still run.
void workspace_forget(Device* device, Stream stream);

}  // namespace inlay::hip
