#include "runtime/emulator/machine/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace inlay::emulator {
namespace {

constexpr size_t kRememberedFrees = 256;
constexpr uint64_t kLargest = uint64_t{1} << 46, kMappedFrom = 1u << 20;

std::string text(const char* format, uint64_t a, const std::string& name, uint64_t b, uint64_t c) {
  char buffer[256];
  snprintf(buffer, sizeof(buffer), format, static_cast<unsigned long long>(a), name.c_str(),
           static_cast<unsigned long long>(b), static_cast<unsigned long long>(c));
  return buffer;
}

}  // namespace

DeviceMemory::~DeviceMemory() {
  for (const auto& [base, allocation] : allocations_) release(base, allocation);
}

void DeviceMemory::release(uint64_t base, const Allocation& allocation) {
  if (allocation.kind == Allocation::kHeap) ::free(reinterpret_cast<void*>(base));
  if (allocation.kind == Allocation::kMapped)
    munmap(reinterpret_cast<void*>(base), allocation.size);
}

void* DeviceMemory::allocate(uint64_t size, const std::string& name) {
  if (size == 0 || size > kLargest) return nullptr;
  if (size >= kMappedFrom) return allocate_zeroed(size, name);
  void* p = nullptr;
  if (posix_memalign(&p, size >= 65536 ? 4096 : 256, size) != 0) return nullptr;
  const std::unique_lock lock(mutex_);
  allocations_[reinterpret_cast<uint64_t>(p)] = {size, name, Allocation::kHeap, nullptr};
  allocated_ += size;
  return p;
}

void* DeviceMemory::allocate_zeroed(uint64_t size, const std::string& name, uint64_t alignment) {
  if (size == 0 || size > kLargest) return nullptr;
  constexpr uint64_t kPage = 4096;
  const uint64_t room = alignment > kPage ? alignment : 0;
  const uint64_t whole = (size + kPage - 1) / kPage * kPage;
  void* p = mmap(nullptr, whole + room, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  if (room != 0) {
    auto* start = static_cast<uint8_t*>(p);
    const uint64_t before = -reinterpret_cast<uint64_t>(start) & (alignment - 1);
    if (before != 0) munmap(start, before);
    if (room != before) munmap(start + before + whole, room - before);
    p = start + before;
  }
  const std::unique_lock lock(mutex_);
  allocations_[reinterpret_cast<uint64_t>(p)] = {size, name, Allocation::kMapped, nullptr};
  allocated_ += size;
  return p;
}

bool DeviceMemory::free(void* pointer) {
  const std::unique_lock lock(mutex_);
  const auto at = allocations_.find(reinterpret_cast<uint64_t>(pointer));
  if (at == allocations_.end() || at->second.kind == Allocation::kForeign) return false;
  allocated_ -= at->second.size;
  generation_++;
  if (freed_.size() >= kRememberedFrees) freed_.erase(freed_.begin());
  freed_.emplace_back(at->first, at->second);
  release(at->first, at->second);
  allocations_.erase(at);
  return true;
}

bool DeviceMemory::map(void* pointer, uint64_t size, const std::string& name) {
  const std::unique_lock lock(mutex_);
  if (pointer == nullptr || size == 0) return false;
  return allocations_
      .insert({reinterpret_cast<uint64_t>(pointer), {size, name, Allocation::kForeign, nullptr}})
      .second;
}

bool DeviceMemory::unmap(void* pointer) {
  const std::unique_lock lock(mutex_);
  const auto at = allocations_.find(reinterpret_cast<uint64_t>(pointer));
  if (at == allocations_.end() || at->second.kind != Allocation::kForeign) return false;
  generation_++;
  allocations_.erase(at);
  return true;
}

std::map<uint64_t, DeviceMemory::Allocation>::const_iterator DeviceMemory::holder(
    uint64_t address) const {
  auto at = allocations_.upper_bound(address);
  if (at == allocations_.begin()) return allocations_.end();
  --at;
  return address - at->first < at->second.size ? at : allocations_.end();
}

bool DeviceMemory::find(uint64_t address, Region* region) {
  const std::shared_lock lock(mutex_);
  const auto at = holder(address);
  if (at == allocations_.end()) return false;
  *region = {at->first, at->second.size, true};
  return true;
}

void DeviceMemory::watch(void* pointer) {
  const std::unique_lock lock(mutex_);
  const auto at = allocations_.find(reinterpret_cast<uint64_t>(pointer));
  if (at != allocations_.end()) at->second.written.reset(new uint8_t[at->second.size]());
}

bool DeviceMemory::known(uint64_t address, uint64_t size) {
  const std::shared_lock lock(mutex_);
  const auto at = holder(address);
  if (at == allocations_.end() || at->second.written == nullptr) return true;
  const uint64_t first = address - at->first, end = std::min(first + size, at->second.size);
  for (uint64_t n = first; n < end; n++)
    if (__atomic_load_n(&at->second.written[static_cast<std::ptrdiff_t>(n)], __ATOMIC_RELAXED) == 0)
      return false;
  return true;
}

void DeviceMemory::written(uint64_t address, uint64_t size) {
  const std::shared_lock lock(mutex_);
  const auto at = holder(address);
  if (at == allocations_.end() || at->second.written == nullptr) return;
  const uint64_t first = address - at->first, end = std::min(first + size, at->second.size);
  for (uint64_t n = first; n < end; n++)
    __atomic_store_n(&at->second.written[static_cast<std::ptrdiff_t>(n)], 1, __ATOMIC_RELAXED);
}

uint8_t* DeviceMemory::data_share() {
  std::call_once(data_share_once_,
                 [this] { data_share_.reset(new uint64_t[kDataShareSize / 8]()); });
  return reinterpret_cast<uint8_t*>(data_share_.get());
}

std::string DeviceMemory::describe(uint64_t address) {
  const std::shared_lock lock(mutex_);
  const auto inside = holder(address);
  if (inside != allocations_.end())
    return text("at offset %llu of %s, which has %llu bytes", address - inside->first,
                inside->second.name, inside->second.size, 0);
  for (auto f = freed_.rbegin(); f != freed_.rend(); ++f)
    if (address - f->first < f->second.size)
      return text("at offset %llu of %s (%llu bytes), which was freed", address - f->first,
                  f->second.name, f->second.size, 0);
  auto after = allocations_.upper_bound(address);
  if (after != allocations_.begin()) {
    const auto before = std::prev(after);
    const uint64_t beyond = address - (before->first + before->second.size);
    if (beyond < (1u << 20))
      return text("%llu bytes beyond the end of %s (%llu bytes)", beyond, before->second.name,
                  before->second.size, 0);
  }
  if (after != allocations_.end() && after->first - address < (1u << 20))
    return text("%llu bytes before the start of %s (%llu bytes)", after->first - address,
                after->second.name, after->second.size, 0);
  return address < 4096 ? "near null, in no allocation" : "in no allocation of this device";
}

}  // namespace inlay::emulator
