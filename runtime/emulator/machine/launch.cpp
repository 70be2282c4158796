#include "runtime/emulator/machine/launch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <thread>

#include "runtime/emulator/machine/schedule/global_sync.h"

namespace inlay::emulator {
namespace {

// Instructions a wavefront issues before its neighbours get a turn; small enough that a wave that
// polls is not waited for long, large enough that the turn costs nothing.
constexpr uint64_t kQuantum = 4096;
// Turns of a workgroup before another workgroup is begun beside it: kernels may wait for one
// another's workgroups.
constexpr int kTurns = 4096;

constexpr uint64_t kSharedAperture = uint64_t{1} << 48, kPrivateAperture = uint64_t{2} << 48;

// kernel_code_properties of the descriptor.
enum : uint16_t {
  kPrivateSegmentBuffer = 1 << 0,
  kDispatchPtr = 1 << 1,
  kQueuePtr = 1 << 2,
  kKernargPtr = 1 << 3,
  kDispatchId = 1 << 4,
  kFlatScratchInit = 1 << 5,
  kPrivateSegmentSize = 1 << 6,
  kWave32 = 1 << 10,
  kDynamicStack = 1 << 11
};

uint32_t bits(uint32_t v, int low, int count) {
  return v >> low & ((1u << count) - 1);
}

// One dispatch: what all its workgroups share.
class Dispatch {
 public:
  Dispatch(DeviceMemory* memory, const Launch& launch, const LaunchOptions& options)
      : memory_(memory), launch_(launch), options_(options), kernel_(*launch.kernel) {}
  ~Dispatch() {
    for (void* p : {kernarg_, packet_, queue_})
      if (p != nullptr) memory_->free(p);
  }

  bool check(std::string* error) {
    const auto fail = [&](const std::string& why) {
      *error = "kernel " + kernel_.name + ": " + why;
      return false;
    };
    uint64_t items = 1;
    for (int n = 0; n < 3; n++) {
      if (launch_.block[n] == 0 || launch_.grid[n] == 0) return fail("an empty grid or workgroup");
      if (launch_.missing[n] >= launch_.block[n])
        return fail("a grid that ends before its last workgroup");
      items *= launch_.block[n];
      if (items > 1024 || uint64_t{launch_.grid[n]} * launch_.block[n] > 0xffffffff)
        return fail(
            "a workgroup of more than 1024 work-items, or a grid of more than 2^32 in one "
            "direction");
    }
    items_ = static_cast<uint32_t>(items);
    if (items_ > kernel_.max_workgroup_size)
      return fail("a workgroup of " + std::to_string(items_) +
                  " work-items, compiled for at most " +
                  std::to_string(kernel_.max_workgroup_size) + " (__launch_bounds__)");
    const KernelDescriptor& d = kernel_.descriptor;
    lds_size_ = d.group_segment_size + launch_.dynamic_lds;
    if (uint64_t{d.group_segment_size} + launch_.dynamic_lds > options_.lds_limit)
      return fail("needs " + std::to_string(uint64_t{d.group_segment_size} + launch_.dynamic_lds) +
                  " bytes of LDS of " + std::to_string(options_.lds_limit));
    if (d.properties & kWave32)
      return fail("compiled for wavefronts of 32, which this chip has not");
    waves_ = (items_ + kLanes - 1) / kLanes;
    private_size_ = (d.private_segment_size + 3) & ~3u;
    if (d.properties & kDynamicStack) private_size_ += 16384;
    if (private_size_ > (1u << 24))
      return fail("needs more than 16 MB of scratch for each work-item");
    vgprs_ = (bits(d.rsrc1, 0, 6) + 1) * 4;
    if (vgprs_ > 256) return fail("its descriptor asks for more than 256 VGPRs");
    const Program& program = launch_.object->program();
    const uint64_t at = kernel_.entry - program.base;
    if (kernel_.entry % 4 != 0 || at / 4 >= program.slot_count)
      return fail("its entry lies outside the code");
    entry_ = static_cast<uint32_t>(at / 4);
    total_ = uint64_t{launch_.grid[0]} * launch_.grid[1] * launch_.grid[2];
    return true;
  }
  bool prepare(std::string* error) {
    if (!check(error)) return false;
    number_items();
    observe_ = options_.observe;
    if (observe_.check_global_races) observe_.global_accesses = make_global_accesses();
    if (fill_kernarg() && fill_packet()) return true;
    *error = "kernel " + kernel_.name + ": no memory for the kernel arguments";
    return false;
  }

  struct Group;
  bool begin(uint64_t index, RegionCache* cache, Group* group);
  uint64_t total() const { return total_; }
  const Kernel& kernel() const { return kernel_; }
  std::string source_at(uint64_t address) const { return launch_.object->source_at(address); }
  const std::function<void()>& service() const { return launch_.service; }
  const std::function<void()>& give_way() const { return launch_.give_way; }

 private:
  void number_items();
  bool fill_kernarg();
  bool fill_packet();
  void fill_hidden(const KernelArgument& a, uint8_t* at) const;
  void initial_registers(Wave* w, const Group& group) const;
  uint32_t grid_items(int n) const {
    return launch_.grid[n] * launch_.block[n] - launch_.missing[n];
  }

  DeviceMemory* memory_;
  const Launch& launch_;
  const LaunchOptions& options_;
  const Kernel& kernel_;
  void *kernarg_ = nullptr, *packet_ = nullptr, *queue_ = nullptr;
  uint32_t items_ = 0, waves_ = 0, lds_size_ = 0, private_size_ = 0, vgprs_ = 0, entry_ = 0;
  uint64_t total_ = 0;
  ObserverOptions observe_;            // this launch's
  std::vector<uint32_t> item_ids_[3];  // of a whole workgroup
};

struct Dispatch::Group {
  ~Group() {
    if (scratch != nullptr) memory->free(scratch);
  }
  Workgroup state;
  DeviceMemory* memory = nullptr;
  std::unique_ptr<Observer> observer;
  std::vector<uint8_t> lds;
  void* scratch = nullptr;
  std::unique_ptr<Wave[]> waves;
  std::unique_ptr<uint32_t[], void (*)(void*)> registers{nullptr, ::free};
  uint32_t count = 0;      // wavefronts
  uint32_t block[3] = {};  // its own size: less than the launch's at the end of a grid
};

void Dispatch::number_items() {
  for (std::vector<uint32_t>& axis : item_ids_) axis.assign(size_t{waves_} * kLanes, 0);
  for (uint32_t item = 0; item < items_; item++) {
    item_ids_[0][item] = item % launch_.block[0];
    item_ids_[1][item] = item / launch_.block[0] % launch_.block[1];
    item_ids_[2][item] = item / launch_.block[0] / launch_.block[1];
  }
}

bool Dispatch::fill_kernarg() {
  // The segment is aligned to 16 bytes, and compilers load such pieces whole: the last one is
  // there.
  const uint64_t size =
      (std::max<uint64_t>({kernel_.kernarg_size, launch_.arguments.size(), 1}) + 15) / 16 * 16;
  kernarg_ = memory_->allocate(size, "kernel arguments of " + kernel_.name);
  queue_ = memory_->allocate(256, "queue");
  if (kernarg_ == nullptr || queue_ == nullptr) return false;
  memset(queue_, 0, 256);
  memset(kernarg_, 0, size);
  if (!launch_.arguments.empty())
    memcpy(kernarg_, launch_.arguments.data(), launch_.arguments.size());
  for (const KernelArgument& a : kernel_.arguments)
    if (a.hidden()) fill_hidden(a, static_cast<uint8_t*>(kernarg_) + a.offset);
  return true;
}

void Dispatch::fill_hidden(const KernelArgument& a, uint8_t* at) const {
  const std::string what = a.kind.substr(7);
  uint64_t v = 0;
  const int axis = what.empty() ? 0 : what.back() - 'x';
  if (what.compare(0, 12, "block_count_") == 0 && axis >= 0 && axis < 3)
    v = launch_.grid[axis] - (launch_.missing[axis] > 0);  // the whole ones
  else if (what.compare(0, 10, "remainder_") == 0 && axis >= 0 && axis < 3)
    v = launch_.missing[axis] > 0 ? launch_.block[axis] - launch_.missing[axis] : 0;
  else if (what.compare(0, 11, "group_size_") == 0 && axis >= 0 && axis < 3)
    v = launch_.block[axis];
  else if (what == "grid_dims")
    v = grid_items(2) > 1 ? 3 : grid_items(1) > 1 ? 2 : 1;
  else if (what == "dynamic_lds_size")
    v = launch_.dynamic_lds;
  else if (what == "private_base")
    v = kPrivateAperture >> 32;
  else if (what == "shared_base")
    v = kSharedAperture >> 32;
  else if (what == "queue_ptr" || what == "default_queue")
    v = reinterpret_cast<uint64_t>(queue_);
  else if (what == "printf_buffer")
    v = launch_.printf_buffer;
  else if (what == "hostcall_buffer")
    v = launch_.hostcall_buffer;
  else if (what == "multigrid_sync_arg")
    v = launch_.grid_sync;
  else if (what == "heap_v1")
    v = launch_.heap;
  // Global offsets are zero: grids start at the origin.
  memcpy(at, &v, std::min<size_t>(a.size, sizeof(v)));
}

// The dispatch packet (HSA runtime specification, 2.9.6), for code that reads sizes from it.
bool Dispatch::fill_packet() {
  packet_ = memory_->allocate(64, "dispatch packet");
  if (packet_ == nullptr) return false;
  uint8_t* p = static_cast<uint8_t*>(packet_);
  memset(p, 0, 64);
  const auto put = [&](int offset, auto v) { memcpy(p + offset, &v, sizeof(v)); };
  put(2, static_cast<uint16_t>(3));
  for (int n = 0; n < 3; n++) {
    put(4 + 2 * n, static_cast<uint16_t>(launch_.block[n]));
    put(12 + 4 * n, grid_items(n));
  }
  put(24, private_size_);
  put(28, lds_size_);
  put(32, kernel_.descriptor_address);
  put(40, reinterpret_cast<uint64_t>(kernarg_));
  return true;
}

bool Dispatch::begin(uint64_t index, RegionCache* cache, Group* group) {
  Workgroup& g = group->state;
  g.cache = cache;
  g.memory = memory_;
  g.shared_aperture = kSharedAperture;
  g.private_aperture = kPrivateAperture;
  if (g.kernel.empty()) g.kernel = kernel_.name;  // kept in buffers that are used again
  g.clock = 0;
  g.id[0] = static_cast<uint32_t>(index % launch_.grid[0]);
  g.id[1] = static_cast<uint32_t>(index / launch_.grid[0] % launch_.grid[1]);
  g.id[2] = static_cast<uint32_t>(index / launch_.grid[0] / launch_.grid[1]);
  uint32_t items = 1;
  for (int n = 0; n < 3; n++) {
    const bool last = g.id[n] + 1 == launch_.grid[n];
    group->block[n] = launch_.block[n] - (last ? launch_.missing[n] : 0);
    items *= group->block[n];
  }
  group->lds.assign(lds_size_, 0);
  g.lds = group->lds.data();
  g.lds_size = lds_size_;
  group->memory = memory_;
  group->count = (items + kLanes - 1) / kLanes;
  const uint64_t wave_scratch = uint64_t{private_size_} * kLanes;
  if (private_size_ != 0 && group->scratch == nullptr) {
    group->scratch = memory_->allocate(wave_scratch * waves_, "scratch");
    if (group->scratch == nullptr) {
      g.fault = "kernel " + kernel_.name + ": no host memory for scratch";
      return false;
    }
  }
  if (group->waves == nullptr) {
    group->waves.reset(new Wave[waves_]);
    void* p = nullptr;
    if (posix_memalign(&p, 64, size_t{waves_} * vgprs_ * kLanes * 4) != 0) {
      g.fault = "kernel " + kernel_.name + ": no host memory for registers";
      return false;
    }
    group->registers.reset(static_cast<uint32_t*>(p));
  }
  for (uint32_t n = 0; n < group->count; n++) {
    Wave& w = *new (&group->waves[n]) Wave();
    w.vgpr =
        reinterpret_cast<uint32_t(*)[kLanes]>(group->registers.get() + size_t{n} * vgprs_ * kLanes);
    memset(w.vgpr, 0, size_t{vgprs_} * kLanes * 4);
    w.vgpr_count = static_cast<uint16_t>(vgprs_);
    w.id = static_cast<uint8_t>(n);
    w.program = &launch_.object->program();
    w.group = &g;
    w.pc = entry_;
    w.scratch_base = reinterpret_cast<uint64_t>(group->scratch) + n * wave_scratch;
    w.scratch_size = wave_scratch;
    initial_registers(&w, *group);
  }
  group->observer.reset();
  if (observe_.any()) group->observer = make_observer(observe_, waves_, vgprs_);
  g.observer = group->observer.get();
  return true;
}

// SGPRs and VGPRs as the command processor sets them (LLVM, "Initial Kernel Execution State").
void Dispatch::initial_registers(Wave* w, const Group& group) const {
  const KernelDescriptor& d = kernel_.descriptor;
  const uint64_t scratch = reinterpret_cast<uint64_t>(group.scratch);
  uint32_t at = 0;
  const auto pair = [&](uint64_t v) {
    w->set_pair(at, v);
    at += 2;
  };
  if (d.properties & kPrivateSegmentBuffer) {
    w->sgpr[at] = static_cast<uint32_t>(scratch);
    w->sgpr[at + 1] = static_cast<uint32_t>(scratch >> 32 & 0xffff) | 1u << 31;  // swizzled
    w->sgpr[at + 2] = ~0u;
    w->sgpr[at + 3] =
        1u << 19 | 3u << 21 | 1u << 23;  // elements of 4 bytes, index stride 64, add lane
    at += 4;
  }
  if (d.properties & kDispatchPtr) pair(reinterpret_cast<uint64_t>(packet_));
  if (d.properties & kQueuePtr) pair(reinterpret_cast<uint64_t>(queue_));
  if (d.properties & kKernargPtr) pair(reinterpret_cast<uint64_t>(kernarg_));
  if (d.properties & kDispatchId) pair(0);
  if (d.properties & kFlatScratchInit) pair(scratch);
  if (d.properties & kPrivateSegmentSize) w->sgpr[at++] = private_size_;
  at = std::max(at, bits(d.rsrc2, 1, 5));
  for (int n = 0; n < 3; n++)
    if (bits(d.rsrc2, 7 + n, 1)) w->sgpr[at++] = group.state.id[n];
  if (bits(d.rsrc2, 10, 1)) w->sgpr[at++] = group.count;
  const uint32_t wave_scratch_offset = static_cast<uint32_t>(w->scratch_base - scratch);
  if (bits(d.rsrc2, 0, 1)) w->sgpr[at++] = wave_scratch_offset;
  w->set_pair(code::kFlatScratchLo, w->scratch_base);
  w->initial_sgprs = static_cast<uint8_t>(at);

  const uint32_t ids = bits(d.rsrc2, 11, 2);
  w->initial_vgprs = static_cast<uint8_t>(ids + 1);
  uint64_t exec = 0;
  const uint32_t *block = group.block, items = block[0] * block[1] * block[2];
  const bool whole = memcmp(block, launch_.block, sizeof(launch_.block)) == 0;
  for (uint32_t l = 0; l < kLanes && !whole; l++) {
    const uint32_t item = w->id * kLanes + l;
    if (item >= items) break;
    w->vgpr[0][l] = item % block[0];
    if (ids >= 1 && vgprs_ > 1) w->vgpr[1][l] = item / block[0] % block[1];
    if (ids >= 2 && vgprs_ > 2) w->vgpr[2][l] = item / block[0] / block[1];
  }
  for (uint32_t n = 0; n <= ids && n < 3 && n < vgprs_ && whole; n++)
    memcpy(w->vgpr[n], &item_ids_[n][w->id * kLanes], sizeof(w->vgpr[n]));
  const uint32_t present = std::min<uint32_t>(items - w->id * kLanes, kLanes);
  exec = present == kLanes ? ~uint64_t{0} : (uint64_t{1} << present) - 1;
  w->set_pair(code::kExecLo, exec);
  // MODE: rounding and denormals in 7:0, DX10_CLAMP, IEEE, FP16_OVFL.
  w->mode.bits = bits(d.rsrc1, 12, 8) | bits(d.rsrc1, 21, 1) << 8 | bits(d.rsrc1, 23, 1) << 9 |
                 bits(d.rsrc1, 26, 1) << 23;
}

enum class Turn { kGoesOn, kWaits, kOver };

// One turn of every wavefront that can go on.
Turn turn(Dispatch::Group* group, const HandlerSet& handlers, GlobalSync* sync) {
  uint32_t ended = 0, waiting = 0, ran = 0;
  for (uint32_t n = 0; n < group->count; n++) {
    Wave& w = group->waves[n];
    if (w.state == WaveState::kYield) w.state = WaveState::kRunning;
    if (w.state == WaveState::kGlobalBarrier && sync->passed(w.global_ticket))
      w.state = WaveState::kRunning;
    if (w.state == WaveState::kRunning) {
      handlers.run(w, kQuantum);
      // A wavefront that sleeps has something to wait for.
      ran += w.state != WaveState::kYield;
    }
    if (w.state == WaveState::kFault) return Turn::kOver;
    ended += w.state == WaveState::kEnded;
    waiting += w.state == WaveState::kBarrier;
  }
  if (ended == group->count) return Turn::kOver;
  // A barrier is for the wavefronts that are left.
  if (ended + waiting == group->count)
    for (uint32_t n = 0; n < group->count; n++)
      if (group->waves[n].state == WaveState::kBarrier) group->waves[n].state = WaveState::kRunning;
  return ran || ended + waiting == group->count ? Turn::kGoesOn : Turn::kWaits;
}

class Runner {
 public:
  Runner(Dispatch* dispatch, const LaunchOptions& options)
      : dispatch_(dispatch), options_(options), start_(std::chrono::steady_clock::now()) {}

  bool run(std::string* error) {
    threads_ = std::min<uint64_t>(static_cast<uint64_t>(std::max(1, options_.threads)),
                                  dispatch_->total());
    if (options_.workers != nullptr)
      options_.workers->run(threads_ - 1, [this] { work(); });
    else
      work();
    *error = fault_;
    return fault_.empty();
  }

 private:
  using Group = Dispatch::Group;

  void work() {
    const HandlerSet& handlers = handler_set();
    RegionCache cache;
    std::deque<std::unique_ptr<Group>> unfinished;  // begun by this thread, and waiting for others
    std::unique_ptr<Group> group;                   // the one that runs
    std::unique_ptr<Group> spare;                   // buffers of a finished workgroup, used again
    uint64_t index = 0, batch_end = 0;              // workgroups that are this thread's to begin
    for (uint32_t quick = 0; !stop_;) {
      if (index == batch_end) take(&index, &batch_end);
      if (group != nullptr) unfinished.push_back(std::move(group));
      if (index < batch_end) {
        group = spare ? std::move(spare) : std::make_unique<Group>();
        group->state.global_sync = sync_.get();
        if (!dispatch_->begin(index++, &cache, group.get())) return report(group->state.fault);
      } else if (unfinished.empty()) {
        return;
      } else {
        group = std::move(unfinished.front());
        unfinished.pop_front();
      }
      int n = 0;
      for (; n < kTurns; n++) {
        const Turn t = turn(group.get(), handlers, sync_.get());
        if (dispatch_->service()) dispatch_->service()();
        if (t == Turn::kWaits) {
          std::this_thread::yield();
          break;
        }
        if (t == Turn::kOver) {
          if (!group->state.fault.empty()) return report(group->state.fault + source_of(*group));
          spare = std::move(group);
          break;
        }
        if (n % 64 == 63 && (stop_ || late())) break;
      }
      if (group != nullptr && index == batch_end && dispatch_->give_way()) dispatch_->give_way()();
      // The clock is not asked after each of many small workgroups.
      quick = group == nullptr && n == 0 ? quick + 1 : 0;
      if (quick % 32 == 0 && late()) return;
    }
  }

  bool cancelled() const { return options_.cancel != nullptr && *options_.cancel; }
  // Some neighbouring workgroups at a time: they share lines of memory, and the counter is asked
  // less often. Towards the end one, so that the threads finish together.
  void take(uint64_t* first, uint64_t* end) {
    uint64_t at = next_.load();
    do {
      const uint64_t left = dispatch_->total() - at;
      *first = at;
      *end = at + (left == 0 ? 0 : std::clamp<uint64_t>(left / (8 * threads_), 1, 32));
    } while (*first != *end && !next_.compare_exchange_weak(at, *end));
  }

  // Where in its source a workgroup has stopped.
  std::string source_of(const Group& group) const {
    for (uint32_t n = 0; n < group.count; n++) {
      const Wave& w = group.waves[n];
      if (w.state != WaveState::kFault) continue;
      const std::string line = dispatch_->source_at(w.program->base + uint64_t{4} * w.pc);
      return line.empty() ? "" : " (" + line + ")";
    }
    return "";
  }
  bool late() {
    if (cancelled()) {
      report("kernel " + dispatch_->kernel().name + ": cancelled");
      return true;
    }
    if (options_.watchdog_seconds <= 0) return false;
    const std::chrono::duration<double> gone = std::chrono::steady_clock::now() - start_;
    if (gone.count() < options_.watchdog_seconds) return false;
    report("kernel " + dispatch_->kernel().name + ": stopped by the watchdog after " +
           std::to_string(static_cast<int>(gone.count())) +
           " s: it hangs, or INLAY_EMULATOR_WATCHDOG (seconds, 0 for none) must be larger");
    return true;
  }
  void report(const std::string& fault) {
    const std::lock_guard lock(mutex_);
    if (fault_.empty()) fault_ = fault;
    stop_ = true;
  }

  Dispatch* dispatch_;
  const LaunchOptions& options_;
  std::unique_ptr<GlobalSync> sync_ = make_global_sync();
  std::chrono::steady_clock::time_point start_;
  uint64_t threads_ = 1;
  alignas(64) std::atomic<uint64_t> next_{0};
  alignas(64) std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::string fault_;
};

}  // namespace

bool check_launch(const Launch& launch, const LaunchOptions& options, std::string* error) {
  return Dispatch(nullptr, launch, options).check(error);
}

bool run_launch(DeviceMemory* memory, const Launch& launch, const LaunchOptions& options,
                std::string* error) {
  Dispatch dispatch(memory, launch, options);
  if (!dispatch.prepare(error)) return false;
  return Runner(&dispatch, options).run(error);
}

std::vector<uint8_t> pack_arguments(const Kernel& kernel, void** pointers) {
  std::vector<uint8_t> packed(kernel.kernarg_size);
  size_t n = 0;
  for (const KernelArgument& a : kernel.arguments) {
    if (a.hidden()) continue;
    memcpy(packed.data() + a.offset, pointers[n++], a.size);
  }
  return packed;
}

}  // namespace inlay::emulator
