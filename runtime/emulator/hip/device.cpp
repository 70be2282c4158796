#include "runtime/emulator/hip/device.h"

#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace inlay::emulator::hip {

thread_local Error last_error = kSuccess;
static std::atomic<bool> device_made{false};

int done(Error error) {
  if (error != kSuccess) last_error = error;
  return error;
}

int waited() {
  return done(Device::get().queues().take_error());
}

Device& Device::get() {
  // Never destroyed: programs call HIP from their own destructors.
  static Device* device = [] {
    auto* made = new Device;
    device_made = true;
    return made;
  }();
  return *device;
}

Device::Device() : process_(getpid()) {
  const auto number = [](const char* name, double fallback) {
    const char* v = getenv(name);
    return v != nullptr && *v != 0 ? atof(v) : fallback;
  };
  verbose = number("INLAY_EMULATOR_VERBOSE", 0) != 0;
  if (const char* arch = getenv("INLAY_EMULATOR_ARCH"))
    if (*arch != 0 && !parse_target(arch, &target))
      say("INLAY_EMULATOR_ARCH=%s: known are gfx900 and gfx906, with :xnack+ or :xnack- behind, "
          "and "
          "before it :sramecc+ or :sramecc- for gfx906; this is a %s",
          arch, target.id().c_str());
  compute_units =
      static_cast<int>(number("INLAY_EMULATOR_CUS", target.chip == Chip::kGfx906 ? 60 : 64));
  if (compute_units < 1) compute_units = 1;
  const unsigned cores = std::thread::hardware_concurrency();
  options.threads = static_cast<int>(number("INLAY_EMULATOR_THREADS", cores ? cores : 1));
  options.watchdog_seconds = number("INLAY_EMULATOR_WATCHDOG", 600);
  if (const char* path = getenv("INLAY_EMULATOR_TRACE")) {
    options.observe.trace = strcmp(path, "-") == 0 ? stderr : fopen(path, "w");
    if (options.observe.trace == nullptr) say("INLAY_EMULATOR_TRACE: cannot write %s", path);
    options.threads = 1;  // lines in order
  }
  statistics = number("INLAY_EMULATOR_STATISTICS", 0) != 0;
  if (const char* checks = getenv("INLAY_EMULATOR_CHECK")) {
    std::string unknown;
    if (!choose_checks(checks, &options.observe, &unknown))
      say("INLAY_EMULATOR_CHECK: there is no check `%s`; known are %s, all", unknown.c_str(),
          known_checks().c_str());
  }
  blocking = number("HIP_LAUNCH_BLOCKING", 0) != 0;
  options.cancel = &cancel_;
  options.workers = &workers_;
  // One thread that was asked for, and not all that the host has, means the same each time.
  queues_ = std::make_unique<Queues>(
      options.threads == 1 &&
      (options.observe.trace != nullptr || getenv("INLAY_EMULATOR_THREADS") != nullptr));
}

// Before the program's memory goes: a kernel may still run when main returns.
__attribute__((destructor)) static void shut_down_device() {
  if (device_made) Device::get().shut_down();
}

void Device::finish() {
  if (process_ != getpid()) return;
  constexpr double kPatience = 2;
  if (queues_->wait_all_for(kPatience)) return;
  say("the program ends while a kernel runs: it is stopped");
  cancel_ = true;
  queues_->wait_all();
  cancel_ = false;
}

void Device::shut_down() {
  if (process_ != getpid()) return;
  cancel_ = true;
  queues_->stop();
  workers_.stop();
}

void Device::say(const char* format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "inlay emulator: ");
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
  va_end(args);
}

Error Device::load(const void* image, uint64_t size, std::unique_ptr<Module>* module) {
  std::string error;
  auto m = std::make_unique<Module>();
  m->object = CodeObject::load(target, &memory, image, size, &error);
  if (m->object == nullptr) {
    say("%s", error.c_str());
    return error.compare(0, 11, "no code for") == 0 ||
                   error.find("another chip") != std::string::npos
               ? kNoBinaryForGpu
               : kInvalidImage;
  }
  *module = std::move(m);
  return kSuccess;
}

bool Device::load_binary(FatBinary* binary) {
  if (binary->module != nullptr) return true;
  if (binary->failed) return false;
  if (load(binary->image, ~uint64_t{0}, &binary->module) != kSuccess) {
    binary->failed = true;
    return false;
  }
  for (const FatBinary::Managed& m : binary->managed) place(*binary, m);
  return true;
}

void Device::place(const FatBinary& binary, const FatBinary::Managed& m) {
  const DeviceVariable* v = binary.module->object->variable(m.name);
  void* p = memory.allocate(m.size, "managed variable " + m.name);
  if (p == nullptr || v == nullptr || v->size < sizeof(p)) {
    say("managed variable %s: %s", m.name.c_str(),
        p == nullptr ? "no memory for it" : "the device code has none of this name");
    return;
  }
  memcpy(p, m.initial, m.size);
  memcpy(reinterpret_cast<void*>(v->address), &p, sizeof(p));
  *m.pointer = p;
  placements[reinterpret_cast<uint64_t>(p)] = {m.size, 0, Placement::kManaged};
}

const Function* Device::module_function(Module* module, const std::string& name) {
  auto& slot = module->functions[name];
  if (slot == nullptr) {
    const Kernel* k = module->object->kernel(name);
    if (k == nullptr) {
      module->functions.erase(name);
      return nullptr;
    }
    slot.reset(new Function{module->object.get(), k});
  }
  return slot.get();
}

const Function* Device::function(const void* host, Error* error) {
  const std::lock_guard lock(mutex);
  const auto at = host_functions.find(host);
  *error = kInvalidDeviceFunction;
  if (at == host_functions.end()) return nullptr;
  if (!load_binary(at->second.binary)) {
    *error = kNoBinaryForGpu;
    return nullptr;
  }
  const Function* f = module_function(at->second.binary->module.get(), at->second.name);
  if (f == nullptr) say("kernel %s is not in the loaded code object", at->second.name.c_str());
  if (f != nullptr) *error = kSuccess;
  return f;
}

bool Device::is_function(const void* handle) {
  const std::lock_guard lock(mutex);
  const auto holds = [&](const Module* m) {
    if (m == nullptr) return false;
    for (const auto& [name, f] : m->functions)
      if (f.get() == handle) return true;
    return false;
  };
  for (const auto& [key, m] : modules)
    if (holds(m.get())) return true;
  for (const auto& b : binaries)
    if (holds(b->module.get())) return true;
  return false;
}

Error Device::variable(const void* host, void** address, size_t* size) {
  const std::lock_guard lock(mutex);
  const auto at = host_variables.find(host);
  if (at == host_variables.end()) return kInvalidSymbol;
  if (!load_binary(at->second)) return kNoBinaryForGpu;
  for (const FatBinary::Variable& v : at->second->variables) {
    if (v.host != host) continue;
    const DeviceVariable* d = at->second->module->object->variable(v.name);
    if (d == nullptr) return kInvalidSymbol;
    *address = reinterpret_cast<void*>(d->address);
    *size = d->size;
    return kSuccess;
  }
  return kInvalidSymbol;
}

int Device::waves_per_simd(const Kernel& kernel) const {
  const int vgprs = kernel.vgprs > 0 ? static_cast<int>((kernel.vgprs + 3) / 4 * 4) : 4;
  const int by_vgprs = 256 / vgprs;
  const int sgprs = kernel.sgprs > 0 ? static_cast<int>((kernel.sgprs + 15) / 16 * 16) : 16;
  const int by_sgprs = 800 / sgprs;
  const int waves = by_vgprs < by_sgprs ? by_vgprs : by_sgprs;
  return waves > 10 ? 10 : waves < 1 ? 1 : waves;
}

int Device::blocks_per_unit(const Kernel& kernel, int block, size_t dynamic_shared) const {
  if (block <= 0 || block > static_cast<int>(kernel.max_workgroup_size)) return 0;
  const int waves = (block + kLanes - 1) / kLanes;
  int blocks = 4 * waves_per_simd(kernel) / waves;
  const size_t lds = (kernel.descriptor.group_segment_size + dynamic_shared + 511) / 512 * 512;
  if (lds > options.lds_limit) return 0;
  if (lds > 0 && static_cast<int>(options.lds_limit / lds) < blocks)
    blocks = static_cast<int>(options.lds_limit / lds);
  return waves > 1 && blocks > 16 ? 16 : blocks;
}

// What ockl's multi-grid functions read of a grid that is alone: no partners to synchronize with,
// its place among them, and its size.
void* Device::grid_information(const Launch& launch) {
  struct Information {
    uint64_t partners;
    uint32_t grid, grids;
    uint64_t before, all;
    uint32_t own_sync[2];
    uint32_t workgroups;
  };
  auto* info = static_cast<Information*>(memory.allocate_zeroed(4096, "multi-grid information"));
  if (info == nullptr) return nullptr;
  info->partners = reinterpret_cast<uint64_t>(info) + 2048;
  info->grids = 1;
  info->all = 1;
  for (int n = 0; n < 3; n++)
    info->all *= uint64_t{launch.grid[n]} * launch.block[n] - launch.missing[n];
  info->workgroups = launch.grid[0] * launch.grid[1] * launch.grid[2];
  return info;
}

// Where OpenCL C's printf, and that of -mprintf-kind=buffered, leaves what it would print: a
// length, the room there is, and the data. Code that was compiled without its formats has no
// argument of this name, and looks where version 5 of code objects has it.
bool Device::give_printf_buffer(const Kernel& kernel, Launch* launch) {
  constexpr uint32_t kRoom = 65536, kFromHidden = 72;
  {
    const std::lock_guard lock(mutex);
    if (printf_buffer_ == nullptr) {
      printf_buffer_ = static_cast<uint32_t*>(memory.allocate(kRoom, "buffer of printf"));
      if (printf_buffer_ == nullptr) return false;
      memset(printf_buffer_, 0, kRoom);
      printf_buffer_[1] = kRoom;
    }
  }
  launch->printf_buffer = reinterpret_cast<uint64_t>(printf_buffer_);
  for (const KernelArgument& a : kernel.arguments) {
    const size_t at = a.offset + kFromHidden;
    if (a.kind != "hidden_block_count_x" || at + 8 > kernel.kernarg_size) continue;
    if (launch->arguments.size() < at + 8) launch->arguments.resize(at + 8);
    memcpy(&launch->arguments[at], &launch->printf_buffer, 8);
  }
  return true;
}

// Says so if KERNEL has printed there.
void Device::look_at_printf(const Kernel& kernel) {
  const std::lock_guard lock(mutex);
  if (printf_buffer_ == nullptr || __atomic_exchange_n(printf_buffer_, 0, __ATOMIC_RELAXED) == 0)
    return;
  say("kernel %s: printf of OpenCL C, and of -mprintf-kind=buffered, prints nothing here; that of "
      "HIP does",
      kernel.name.c_str());
}

Error Device::launch(const Function& f, LaunchRequest request) {
  const StreamPointer stream = queues().find(request.stream);
  if (stream == nullptr) return kInvalidHandle;
  auto l = std::make_shared<Launch>();
  l->object = f.object;
  l->kernel = f.kernel;
  for (int n = 0; n < 3; n++) {
    l->grid[n] = request.grid[n];
    l->block[n] = request.block[n];
    l->missing[n] = request.missing[n];
    if (request.grid[n] == 0 || request.block[n] == 0) return kInvalidConfiguration;
  }
  if (request.shared > options.lds_limit) return kInvalidValue;
  const uint64_t items = uint64_t{request.block[0]} * request.block[1] * request.block[2];
  if (items > 1024) return kInvalidConfiguration;
  l->dynamic_lds = static_cast<uint32_t>(request.shared);
  l->arguments = std::move(request.arguments);
  std::string error;
  if (!check_launch(*l, options, &error)) {
    say("%s", error.c_str());
    return kLaunchFailure;
  }
  if (request.cooperative) {
    const uint64_t fit =
        static_cast<uint64_t>(blocks_per_unit(*f.kernel, static_cast<int>(items), request.shared)) *
        static_cast<uint64_t>(compute_units);
    if (uint64_t{l->grid[0]} * l->grid[1] * l->grid[2] > fit) return kCooperativeLaunchTooLarge;
  }
  for (const KernelArgument& a : f.kernel->arguments) {
    if (a.kind == "hidden_hostcall_buffer") {
      l->hostcall_buffer = hostcall.buffer(&memory);
      l->service = [this] { hostcall.serve(); };
    } else if (a.kind == "hidden_heap_v1") {
      l->heap = hostcall.heap(&memory);
    } else if (a.kind == "hidden_multigrid_sync_arg" && request.cooperative) {
      l->grid_sync = reinterpret_cast<uint64_t>(grid_information(*l));
      if (l->grid_sync == 0) return kOutOfMemory;
    }
  }
  if (!give_printf_buffer(*f.kernel, l.get())) return kOutOfMemory;
  if (queues().in_order()) l->give_way = [this] { queues().give_way(); };
  Command command;
  const Kernel* kernel = f.kernel;
  command.work = [this, kernel, l] { return run(*kernel, *l); };
  const FencePointer fence = queues().enqueue(stream, std::move(command));
  {
    const std::lock_guard lock(mutex);
    if (request.start != nullptr) request.start->fence = fence, request.start->start = true;
    if (request.stop != nullptr) request.stop->fence = fence, request.stop->start = false;
  }
  if (!blocking) return kSuccess;
  queues().wait(fence);
  return queues().take_error();
}

Error Device::run(const Kernel& kernel, const Launch& l) {
  {
    const std::lock_guard lock(running_mutex_);
    running_++;
  }
  std::string error;
  LaunchOptions own = options;
  Statistics counted;
  if (statistics) {
    own.observe.statistics = &counted;
    const int items = static_cast<int>(l.block[0] * l.block[1] * l.block[2]);
    counted.resident = static_cast<uint32_t>(blocks_per_unit(kernel, items, l.dynamic_lds) *
                                             ((items + kLanes - 1) / kLanes));
  }
  const bool ran = run_launch(&memory, l, own, &error);
  look_at_printf(kernel);
  if (statistics) fputs(counted.report(kernel.name).c_str(), stderr);
  if (l.grid_sync != 0) memory.free(reinterpret_cast<void*>(l.grid_sync));
  {
    const std::lock_guard lock(running_mutex_);
    if (--running_ == 0) {
      for (void* p : retired_) memory.free(p);
      retired_.clear();
    }
  }
  if (ran || cancel_) return kSuccess;
  say("%s", error.c_str());
  if (error.find("watchdog") != std::string::npos) return kLaunchTimeOut;
  if (error.find(" bytes at 0x") != std::string::npos) return kIllegalAddress;
  return kLaunchFailure;
}

void Device::retire(void* pointer) {
  const std::lock_guard lock(running_mutex_);
  if (running_ == 0)
    memory.free(pointer);
  else
    retired_.push_back(pointer);
}

}  // namespace inlay::emulator::hip
