// See workspace.h. Each thread owns a short list of blocks, used and free ones; a thread's exit
// frees them. Blocks of 2 MiB and more are mapped on 2 MiB bounds and ask for huge pages: packed
// panels are read with a stride that would else miss the TLB.
#include "workspace.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "error.h"

namespace inlay {
namespace {

constexpr uint64_t kPage = 4096;  // small blocks are aligned so, mapped ones to kHugePage
constexpr uint64_t kHugePage = uint64_t{2} << 20;
constexpr uint64_t kMaxCached = uint64_t{256} << 20;  // of free blocks, per thread

struct Block {
  Block* next;
  void* memory;
  uint64_t size;
  bool used;
};

struct Cache {
  Block* blocks = nullptr;
  uint64_t free_bytes = 0;
};

pthread_once_t key_once = PTHREAD_ONCE_INIT;
pthread_key_t key;
bool key_ok;
thread_local Cache* thread_cache;

bool is_mapped(uint64_t size) {
  return size >= kHugePage;
}

void* allocate(uint64_t size) {
  if (!is_mapped(size)) return aligned_alloc(kPage, size);
  uint64_t reserved = size + kHugePage;
  void* map = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return nullptr;
  uintptr_t begin = reinterpret_cast<uintptr_t>(map);
  uintptr_t aligned = (begin + kHugePage - 1) & ~(kHugePage - 1);
  if (aligned > begin) munmap(map, aligned - begin);
  uintptr_t end = begin + reserved;
  if (end > aligned + size) munmap(reinterpret_cast<void*>(aligned + size), end - aligned - size);
  void* memory = reinterpret_cast<void*>(aligned);
  madvise(memory, size, MADV_HUGEPAGE);
  return memory;
}

void deallocate(Block* block) {
  if (is_mapped(block->size)) {
    munmap(block->memory, block->size);
  } else {
    free(block->memory);
  }
  free(block);
}

void free_cache(void* pointer) {
  auto* cache = static_cast<Cache*>(pointer);
  for (Block* block = cache->blocks; block != nullptr;) {
    Block* next = block->next;
    deallocate(block);
    block = next;
  }
  free(cache);
  thread_cache = nullptr;
}

void make_key() {
  key_ok = pthread_key_create(&key, free_cache) == 0;
}

Cache* get_cache() {
  if (thread_cache != nullptr) return thread_cache;
  pthread_once(&key_once, make_key);
  if (!key_ok) return nullptr;
  auto* cache = static_cast<Cache*>(calloc(1, sizeof(Cache)));
  if (cache == nullptr) return nullptr;
  if (pthread_setspecific(key, cache) != 0) {
    free(cache);
    return nullptr;
  }
  thread_cache = cache;
  return cache;
}

// Frees unused blocks, the longest unused ones first, until `room` more bytes may be cached.
void trim(Cache* cache, uint64_t room) {
  while (cache->free_bytes > 0 && cache->free_bytes + room > kMaxCached) {
    Block** last = nullptr;
    for (Block** at = &cache->blocks; *at != nullptr; at = &(*at)->next) {
      if (!(*at)->used) last = at;
    }
    if (last == nullptr) return;
    Block* block = *last;
    *last = block->next;
    cache->free_bytes -= block->size;
    deallocate(block);
  }
}

uint64_t round_up(uint64_t value, uint64_t step) {
  return (value + step - 1) / step * step;
}

}  // namespace

void* workspace_acquire(uint64_t bytes, uint64_t align) {
  if ((align & (align - 1)) != 0 || align > kHugePage) {
    fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                "workspace: alignment %llu is not a power of two of at most 2 MiB",
                static_cast<unsigned long long>(align));
    return nullptr;
  }
  if (bytes > UINT64_MAX / 4) {
    fail_format(INLAY_ERROR_OUT_OF_MEMORY, "workspace: no memory for %llu bytes",
                static_cast<unsigned long long>(bytes));
    return nullptr;
  }
  uint64_t size = round_up(bytes == 0 ? 1 : bytes, kPage);
  if (align > kPage && size < kHugePage) size = kHugePage;
  Cache* cache = get_cache();
  if (cache != nullptr) {
    // The tightest free block, but none that would waste most of itself.
    Block** best = nullptr;
    for (Block** at = &cache->blocks; *at != nullptr; at = &(*at)->next) {
      Block* block = *at;
      if (block->used || block->size < size || block->size / 4 > size) continue;
      if (best == nullptr || block->size < (*best)->size) best = at;
    }
    if (best != nullptr) {
      Block* block = *best;
      *best = block->next;
      block->next = cache->blocks;
      cache->blocks = block;
      block->used = true;
      cache->free_bytes -= block->size;
      return block->memory;
    }
    auto* block = static_cast<Block*>(malloc(sizeof(Block)));
    void* memory = block != nullptr ? allocate(size) : nullptr;
    if (memory == nullptr && block != nullptr && cache->free_bytes > 0) {
      trim(cache, kMaxCached);
      memory = allocate(size);
    }
    if (memory != nullptr) {
      *block = Block{cache->blocks, memory, size, true};
      cache->blocks = block;
      return memory;
    }
    free(block);
  }
  fail_format(INLAY_ERROR_OUT_OF_MEMORY, "workspace: no memory for %llu bytes",
              static_cast<unsigned long long>(bytes));
  return nullptr;
}

void workspace_release(void* memory) {
  if (memory == nullptr || thread_cache == nullptr) return;
  Cache* cache = thread_cache;
  for (Block* block = cache->blocks; block != nullptr; block = block->next) {
    if (block->memory != memory || !block->used) continue;
    trim(cache, block->size);
    block->used = false;
    cache->free_bytes += block->size;
    if (cache->free_bytes > kMaxCached) trim(cache, 0);
    return;
  }
}

}  // namespace inlay
