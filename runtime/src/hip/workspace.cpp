// Scratch memory of calls on a GPU, kept for the next ones: an allocation costs more than most
// kernels, and a release waits for the device. A block is handed out again to its own queue only,
// where what runs next runs after what used it before.
#include <stdlib.h>

#include "hip/device.h"

namespace inlay::hip {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMaxCached = uint64_t{1} << 30;  // bytes of free blocks, per GPU

}  // namespace

struct Block {
  Block* next;
  void* base;    // as allocated
  void* memory;  // aligned to a page
  uint64_t size;
  Stream stream;
  bool used;
};

namespace {

// With the mutex held, and the GPU the current one.
void free_block(Device* device, Block** at) {
  Block* block = *at;
  *at = block->next;
  device->free_bytes -= block->size;
  device->library->hipFree(block->base);
  free(block);
}

// Frees unused blocks, the longest unused ones first, until `most` bytes of them are left.
void trim(Device* device, uint64_t most) {
  while (device->free_bytes > most) {
    Block** last = nullptr;
    for (Block** at = &device->blocks; *at != nullptr; at = &(*at)->next) {
      if (!(*at)->used) last = at;
    }
    if (last == nullptr) return;
    free_block(device, last);
  }
}

Block* reuse(Device* device, Stream stream, uint64_t size) {
  Block** best = nullptr;
  for (Block** at = &device->blocks; *at != nullptr; at = &(*at)->next) {
    Block* block = *at;
    if (block->used || block->stream != stream || block->size < size || block->size / 4 > size) {
      continue;
    }
    if (best == nullptr || block->size < (*best)->size) best = at;
  }
  if (best == nullptr) return nullptr;
  Block* block = *best;
  *best = block->next;
  device->free_bytes -= block->size;
  return block;
}

int allocate(Device* device, Block* block) {
  int error = device->library->hipMalloc(&block->base, block->size);
  // HIP promises no alignment; in practice it is a page.
  if (error == kSuccess && reinterpret_cast<uintptr_t>(block->base) % kPage != 0) {
    device->library->hipFree(block->base);
    error = device->library->hipMalloc(&block->base, block->size + kPage);
  }
  return error;
}

}  // namespace

void* workspace_acquire(Device* device, Stream stream, uint64_t bytes, uint64_t align) {
  if ((align & (align - 1)) != 0 || align > kPage) {
    fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                "workspace of rocm:%d: alignment %llu is not a power of two of at most 4096",
                device->index, static_cast<unsigned long long>(align));
    return nullptr;
  }
  // What exceeds the memory is refused by the device; the sums below must not wrap.
  if (bytes > UINT64_MAX / 4) bytes = UINT64_MAX / 4;
  uint64_t size = (bytes == 0 ? kPage : (bytes + kPage - 1) / kPage * kPage);
  Scope scope(device);
  if (scope.status() != INLAY_OK) return nullptr;
  pthread_mutex_lock(&device->mutex);
  Block* block = reuse(device, stream, size);
  int error = kSuccess;
  if (block == nullptr) {
    block = static_cast<Block*>(malloc(sizeof(Block)));
    error = kErrorOutOfMemory;
    if (block != nullptr) {
      *block = Block{nullptr, nullptr, nullptr, size, stream, false};
      error = allocate(device, block);
      if (error != kSuccess && device->free_bytes > 0) {
        trim(device, 0);
        error = allocate(device, block);
      }
    }
    if (error == kSuccess) {
      uintptr_t base = reinterpret_cast<uintptr_t>(block->base);
      block->memory = reinterpret_cast<void*>((base + kPage - 1) / kPage * kPage);
    }
  }
  if (error == kSuccess) {
    block->used = true;
    block->next = device->blocks;
    device->blocks = block;
  }
  pthread_mutex_unlock(&device->mutex);
  if (error == kSuccess) return block->memory;
  free(block);
  fail_hip(device->library, error, "workspace of %llu bytes on rocm:%d",
           static_cast<unsigned long long>(bytes), device->index);
  return nullptr;
}

void workspace_release(Device* device, void* memory) {
  if (memory == nullptr) return;
  Scope scope(device);
  pthread_mutex_lock(&device->mutex);
  for (Block* block = device->blocks; block != nullptr; block = block->next) {
    if (block->memory != memory || !block->used) continue;
    block->used = false;
    device->free_bytes += block->size;
    if (device->free_bytes > kMaxCached) trim(device, kMaxCached);
    break;
  }
  pthread_mutex_unlock(&device->mutex);
}

void workspace_forget(Device* device, Stream stream) {
  Scope scope(device);
  pthread_mutex_lock(&device->mutex);
  for (Block** at = &device->blocks; *at != nullptr;) {
    if ((*at)->stream == stream && !(*at)->used) {
      free_block(device, at);
    } else {
      at = &(*at)->next;
    }
  }
  pthread_mutex_unlock(&device->mutex);
}

}  // namespace inlay::hip
