#include "runtime/emulator/hip/device.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace inlay::emulator::hip {

thread_local Error last_error = kSuccess;

int done(Error error) {
  if (error != kSuccess) last_error = error;
  return error;
}

Device& Device::get() {
  // Never destroyed: programs call HIP from their own destructors.
  static Device* device = new Device;
  return *device;
}

Device::Device() {
  const auto number = [](const char* name, double fallback) {
    const char* v = getenv(name);
    return v != nullptr && *v != 0 ? atof(v) : fallback;
  };
  verbose = number("INLAY_EMULATOR_VERBOSE", 0) != 0;
  if (const char* arch = getenv("INLAY_EMULATOR_ARCH")) {
    if (strcmp(arch, "gfx906") == 0)
      chip = Chip::kGfx906;
    else if (strcmp(arch, "gfx900") != 0 && *arch != 0)
      fprintf(
          stderr,
          "inlay emulator: INLAY_EMULATOR_ARCH=%s: known are gfx900 and gfx906; this is a gfx900\n",
          arch);
  }
  compute_units = static_cast<int>(number("INLAY_EMULATOR_CUS", chip == Chip::kGfx906 ? 60 : 64));
  if (compute_units < 1) compute_units = 1;
  const unsigned cores = std::thread::hardware_concurrency();
  options.threads = static_cast<int>(number("INLAY_EMULATOR_THREADS", cores ? cores : 1));
  options.watchdog_seconds = number("INLAY_EMULATOR_WATCHDOG", 600);
  if (const char* path = getenv("INLAY_EMULATOR_TRACE")) {
    options.observe.trace = strcmp(path, "-") == 0 ? stderr : fopen(path, "w");
    if (options.observe.trace == nullptr)
      fprintf(stderr, "inlay emulator: INLAY_EMULATOR_TRACE: cannot write %s\n", path);
    options.threads = 1;  // lines in order
  }
  statistics = number("INLAY_EMULATOR_STATISTICS", 0) != 0;
  if (const char* checks = getenv("INLAY_EMULATOR_CHECK")) {
    const std::string list = std::string(",") + checks + ",";
    const bool all = list.find(",all,") != std::string::npos;
    options.observe.check_races = all || list.find(",races,") != std::string::npos;
    options.observe.check_waits = all || list.find(",waits,") != std::string::npos;
    options.observe.check_uninitialized = all || list.find(",uninitialized,") != std::string::npos;
  }
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
  m->object = CodeObject::load(chip, &memory, image, size, &error);
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
  for (const FatBinary::Managed& m : binary->managed) {
    void* p = memory.allocate(m.size, "managed variable " + m.name);
    const DeviceVariable* v = binary->module->object->variable(m.name);
    if (p == nullptr || v == nullptr || v->size < sizeof(p)) continue;
    memcpy(p, m.initial, m.size);
    memcpy(reinterpret_cast<void*>(v->address), &p, sizeof(p));
    *m.pointer = p;
  }
  return true;
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

Error Device::launch(const Function& f, const uint32_t grid[3], const uint32_t block[3],
                     size_t shared, std::vector<uint8_t> arguments, bool cooperative) {
  Launch l;
  l.object = f.object;
  l.kernel = f.kernel;
  for (int n = 0; n < 3; n++) {
    l.grid[n] = grid[n];
    l.block[n] = block[n];
    if (grid[n] == 0 || block[n] == 0) return kInvalidConfiguration;
  }
  if (shared > options.lds_limit) return kInvalidValue;
  const uint64_t items = uint64_t{block[0]} * block[1] * block[2];
  if (items > 1024) return kInvalidConfiguration;
  l.dynamic_lds = static_cast<uint32_t>(shared);
  l.arguments = std::move(arguments);
  if (cooperative) {
    const uint64_t fit =
        static_cast<uint64_t>(blocks_per_unit(*f.kernel, static_cast<int>(items), shared)) *
        static_cast<uint64_t>(compute_units);
    if (uint64_t{grid[0]} * grid[1] * grid[2] > fit) return kCooperativeLaunchTooLarge;
  }
  for (const KernelArgument& a : f.kernel->arguments)
    if (a.kind == "hidden_hostcall_buffer") {
      l.hostcall_buffer = hostcall.buffer(&memory);
      l.service = [this] { hostcall.serve(); };
    }
  std::string error;
  LaunchOptions own = options;
  Statistics counted;
  if (statistics) own.observe.statistics = &counted;
  const bool ran = run_launch(&memory, l, own, &error);
  if (statistics) fputs(counted.report(f.kernel->name).c_str(), stderr);
  if (ran) return kSuccess;
  say("%s", error.c_str());
  if (error.find("watchdog") != std::string::npos) return kLaunchTimeOut;
  if (error.find(" bytes at 0x") != std::string::npos) return kIllegalAddress;
  return kLaunchFailure;
}

}  // namespace inlay::emulator::hip
