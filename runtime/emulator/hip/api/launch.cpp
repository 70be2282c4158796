// Registration of device code by the compiler, and launches.
#include <algorithm>
#include <cstring>

#include "runtime/emulator/hip/device.h"

using namespace inlay::emulator;
using namespace inlay::emulator::hip;

namespace {

struct CallConfiguration {
  Dim3 grid, block;
  size_t shared;
  void* stream;
};
thread_local std::vector<CallConfiguration> configurations;
thread_local std::vector<uint8_t> set_arguments;  // by hipSetupArgument

// What the compiler wraps a fat binary in.
struct FatBinaryWrapper {
  uint32_t magic, version;
  const void* binary;
  void* unused;
};
constexpr uint32_t kWrapperMagic = 0x48495046;  // "HIPF"

using Request = Device::LaunchRequest;
Request request(Dim3 grid, Dim3 block, size_t shared, void* stream) {
  Request r;
  const uint32_t g[3] = {grid.x, grid.y, grid.z}, b[3] = {block.x, block.y, block.z};
  for (int n = 0; n < 3; n++) {
    r.grid[n] = g[n];
    r.block[n] = b[n];
  }
  r.shared = shared;
  r.stream = stream;
  return r;
}

int launch(const Function& f, Request r, void** arguments) {
  size_t needed = 0;
  for (const KernelArgument& a : f.kernel->arguments) needed += !a.hidden();
  if (needed > 0 && arguments == nullptr) return done(kInvalidValue);
  r.arguments = pack_arguments(*f.kernel, arguments);
  return done(Device::get().launch(f, std::move(r)));
}
int launch_host(const void* host, Request r, void** arguments) {
  Error error;
  const Function* f = Device::get().function(host, &error);
  return f == nullptr ? done(error) : launch(*f, std::move(r), arguments);
}
// The other form of arguments: a buffer and its size, tagged 1 and 2, ended by 3.
int launch_buffer(const Function& f, Request r, void** extra) {
  const void* buffer = nullptr;
  size_t size = 0;
  for (size_t n = 0; reinterpret_cast<uintptr_t>(extra[n]) != 3; n += 2) {
    const uintptr_t tag = reinterpret_cast<uintptr_t>(extra[n]);
    if (tag == 1)
      buffer = extra[n + 1];
    else if (tag == 2)
      size = *static_cast<size_t*>(extra[n + 1]);
    else
      return done(kInvalidValue);
  }
  if (buffer == nullptr && size > 0) return done(kInvalidValue);
  r.arguments.resize(std::max<size_t>(f.kernel->kernarg_size, 1));
  if (size > 0) memcpy(r.arguments.data(), buffer, std::min(size, r.arguments.size()));
  return done(Device::get().launch(f, std::move(r)));
}
int launch_module(const void* function, Request r, void** parameters, void** extra) {
  Device& d = Device::get();
  if (!d.is_function(function)) return done(kInvalidHandle);
  const Function& f = *static_cast<const Function*>(function);
  if (extra == nullptr || parameters != nullptr) return launch(f, std::move(r), parameters);
  return launch_buffer(f, std::move(r), extra);
}
// The events of a launch: null ones are none.
int set_events(Request* r, void* start, void* stop) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  for (const auto& [handle, event] : {std::pair{start, &r->start}, std::pair{stop, &r->stop}}) {
    if (handle == nullptr) continue;
    const auto at = d.events.find(handle);
    if (at == d.events.end()) return done(kInvalidHandle);
    *event = at->second.get();
  }
  return kSuccess;
}

}  // namespace

INLAY_HIP void** __hipRegisterFatBinary(const void* data) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  const auto* wrapper = static_cast<const FatBinaryWrapper*>(data);
  auto binary = std::make_unique<FatBinary>();
  if (wrapper == nullptr || wrapper->magic != kWrapperMagic)
    binary->failed = true;
  else
    binary->image = wrapper->binary;
  d.binaries.push_back(std::move(binary));
  return reinterpret_cast<void**>(d.binaries.back().get());
}
INLAY_HIP void __hipRegisterFunction(void** handle, const void* host, char*, const char* name,
                                     unsigned, void*, void*, void*, void*, int*) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  d.host_functions[host] = {reinterpret_cast<FatBinary*>(handle), name};
}
INLAY_HIP void __hipRegisterVar(void** handle, void* host, char*, char* name, int, size_t size, int,
                                int) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  auto* binary = reinterpret_cast<FatBinary*>(handle);
  binary->variables.push_back({host, name, size});
  d.host_variables[host] = binary;
}
INLAY_HIP void __hipRegisterManagedVar(void* handle, void** pointer, void* initial,
                                       const char* name, size_t size, unsigned) {
  Device& d = Device::get();
  const std::lock_guard lock(d.mutex);
  auto* binary = *reinterpret_cast<FatBinary**>(&handle);
  binary->managed.push_back({pointer, initial, name, size});
  // The host may touch it before any kernel runs.
  if (binary->module != nullptr)
    d.place(*binary, binary->managed.back());
  else
    d.load_binary(binary);
}
INLAY_HIP void __hipUnregisterFatBinary(void** handle) {
  Device& d = Device::get();
  d.finish();
  const std::lock_guard lock(d.mutex);
  for (auto at = d.binaries.begin(); at != d.binaries.end(); ++at) {
    if (reinterpret_cast<void**>(at->get()) != handle) continue;
    for (auto f = d.host_functions.begin(); f != d.host_functions.end();)
      f = f->second.binary == at->get() ? d.host_functions.erase(f) : std::next(f);
    for (auto v = d.host_variables.begin(); v != d.host_variables.end();)
      v = v->second == at->get() ? d.host_variables.erase(v) : std::next(v);
    d.binaries.erase(at);
    return;
  }
}
INLAY_HIP int __hipPushCallConfiguration(Dim3 grid, Dim3 block, size_t shared, void* stream) {
  configurations.push_back({grid, block, shared, stream});
  return kSuccess;
}
INLAY_HIP int __hipPopCallConfiguration(Dim3* grid, Dim3* block, size_t* shared, void** stream) {
  if (configurations.empty()) return done(kMissingConfiguration);
  const CallConfiguration c = configurations.back();
  configurations.pop_back();
  *grid = c.grid;
  *block = c.block;
  *shared = c.shared;
  *stream = c.stream;
  return kSuccess;
}

INLAY_HIP int hipLaunchKernel(const void* host, Dim3 grid, Dim3 block, void** arguments,
                              size_t shared, void* stream) {
  return launch_host(host, request(grid, block, shared, stream), arguments);
}
INLAY_HIP int hipExtLaunchKernel(const void* host, Dim3 grid, Dim3 block, void** arguments,
                                 size_t shared, void* stream, void* start, void* stop, int) {
  Request r = request(grid, block, shared, stream);
  const int known = set_events(&r, start, stop);
  return known != kSuccess ? known : launch_host(host, std::move(r), arguments);
}
INLAY_HIP int hipLaunchCooperativeKernel(const void* host, Dim3 grid, Dim3 block, void** arguments,
                                         unsigned shared, void* stream) {
  Request r = request(grid, block, shared, stream);
  r.cooperative = true;
  return launch_host(host, std::move(r), arguments);
}
// There is one device: a launch for several is one for that.
INLAY_HIP int hipLaunchCooperativeKernelMultiDevice(const MultiLaunch* launches, int count,
                                                    unsigned) {
  if (launches == nullptr || count < 1) return done(kInvalidValue);
  if (count > 1) return done(kInvalidDevice);
  return hipLaunchCooperativeKernel(launches->function, launches->grid, launches->block,
                                    launches->arguments, static_cast<unsigned>(launches->shared),
                                    launches->stream);
}
INLAY_HIP int hipExtLaunchMultiKernelMultiDevice(const MultiLaunch* launches, int count, unsigned) {
  if (launches == nullptr || count < 1) return done(kInvalidValue);
  if (count > 1) return done(kInvalidDevice);
  return hipLaunchKernel(launches->function, launches->grid, launches->block, launches->arguments,
                         launches->shared, launches->stream);
}

// The older form: configure, one call per argument with its offset, launch.
INLAY_HIP int hipConfigureCall(Dim3 grid, Dim3 block, size_t shared, void* stream) {
  set_arguments.clear();
  return __hipPushCallConfiguration(grid, block, shared, stream);
}
INLAY_HIP int hipSetupArgument(const void* argument, size_t size, size_t offset) {
  if (argument == nullptr || offset > 65536 || size > 65536) return done(kInvalidValue);
  if (set_arguments.size() < offset + size) set_arguments.resize(offset + size);
  memcpy(set_arguments.data() + offset, argument, size);
  return kSuccess;
}
INLAY_HIP int hipLaunchByPtr(const void* host) {
  Dim3 grid, block;
  size_t shared;
  void* stream;
  const int configured = __hipPopCallConfiguration(&grid, &block, &shared, &stream);
  if (configured != kSuccess) return configured;
  Error error;
  const Function* f = Device::get().function(host, &error);
  if (f == nullptr) return done(error);
  size_t size = set_arguments.size();
  void* extra[] = {reinterpret_cast<void*>(1), set_arguments.data(), reinterpret_cast<void*>(2),
                   &size, reinterpret_cast<void*>(3)};
  return launch_buffer(*f, request(grid, block, shared, stream), extra);
}

INLAY_HIP int hipModuleLaunchKernel(const void* function, unsigned gx, unsigned gy, unsigned gz,
                                    unsigned bx, unsigned by, unsigned bz, unsigned shared,
                                    void* stream, void** parameters, void** extra) {
  return launch_module(function, request({gx, gy, gz}, {bx, by, bz}, shared, stream), parameters,
                       extra);
}
INLAY_HIP int hipModuleLaunchCooperativeKernel(const void* function, unsigned gx, unsigned gy,
                                               unsigned gz, unsigned bx, unsigned by, unsigned bz,
                                               unsigned shared, void* stream, void** parameters) {
  Request r = request({gx, gy, gz}, {bx, by, bz}, shared, stream);
  r.cooperative = true;
  return launch_module(function, std::move(r), parameters, nullptr);
}

// Grids in work-items, which need not be whole workgroups.
INLAY_HIP int hipExtModuleLaunchKernel(const void* function, unsigned gx, unsigned gy, unsigned gz,
                                       unsigned bx, unsigned by, unsigned bz, size_t shared,
                                       void* stream, void** parameters, void** extra, void* start,
                                       void* stop, unsigned) {
  if (bx == 0 || by == 0 || bz == 0) return done(kInvalidConfiguration);
  Request r = request({}, {bx, by, bz}, shared, stream);
  const unsigned items[3] = {gx, gy, gz};
  for (int n = 0; n < 3; n++) {
    r.grid[n] = items[n] / r.block[n] + (items[n] % r.block[n] != 0);
    r.missing[n] = items[n] % r.block[n] != 0 ? r.block[n] - items[n] % r.block[n] : 0;
  }
  const int known = set_events(&r, start, stop);
  return known != kSuccess ? known : launch_module(function, std::move(r), parameters, extra);
}
// The C++ functions of hip_ext.h, under their mangled names.
INLAY_HIP int
_Z24hipExtModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_j(
    const void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
    unsigned bz, size_t shared, void* stream, void** parameters, void** extra, void* start,
    void* stop, unsigned flags) {
  return hipExtModuleLaunchKernel(function, gx, gy, gz, bx, by, bz, shared, stream, parameters,
                                  extra, start, stop, flags);
}
INLAY_HIP int
_Z24hipHccModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_(
    const void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
    unsigned bz, size_t shared, void* stream, void** parameters, void** extra, void* start,
    void* stop) {
  return hipExtModuleLaunchKernel(function, gx, gy, gz, bx, by, bz, shared, stream, parameters,
                                  extra, start, stop, 0);
}
