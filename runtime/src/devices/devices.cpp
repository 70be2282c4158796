// Devices, streams and events of the C API.
#include "devices/devices.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hip/code_object.h"

struct InlayEvent {
  DLDevice device;
  inlay::hip::Device* gpu;  // NULL: the CPU
  inlay::hip::Event handle;
  bool recorded;
  timespec time;  // of the CPU's
};

using namespace inlay;

namespace inlay {
namespace {

#if defined(__x86_64__)
constexpr char kCpuName[] = "x86-64";
#else
constexpr char kCpuName[] = "AArch64";
#endif

int32_t fail_other_device(const char* function, const char* what) {
  return fail_format(INLAY_ERROR_INVALID_ARGUMENT, "%s: %s is of another device", function, what);
}

bool same_device(const DLDevice& a, const DLDevice& b) {
  return type_of(a) == type_of(b) && a.device_id == b.device_id;
}

void describe_cpu(InlayDeviceInfo* out) {
  memcpy(out->name, kCpuName, sizeof kCpuName);
  memcpy(out->target, kCpuName, sizeof kCpuName);
  out->memory =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  cpu_set_t set;
  out->compute_units = sched_getaffinity(0, sizeof set, &set) == 0
                           ? CPU_COUNT(&set)
                           : static_cast<int32_t>(sysconf(_SC_NPROCESSORS_ONLN));
}

void describe_gpu(const hip::Device& device, InlayDeviceInfo* out) {
  static_assert(sizeof device.name == sizeof out->name, "");
  static_assert(sizeof device.arch == sizeof out->target, "");
  static_assert(sizeof device.library->path == sizeof out->library, "");
  memcpy(out->name, device.name, sizeof out->name);
  memcpy(out->target, device.arch, sizeof out->target);
  memcpy(out->library, device.library->path, sizeof out->library);
  out->memory = device.memory;
  out->compute_units = device.compute_units;
  out->max_workgroup = device.max_workgroup;
  out->lds_bytes = device.lds_bytes;
  out->clock_khz = device.clock_khz;
}

int32_t new_stream(const char* function, DLDevice device, bool owned, void* handle,
                   InlayStream** out) {
  if (out == nullptr) return fail_null(function, "out");
  hip::Device* gpu = nullptr;
  if (int32_t status = find_gpu(function, device, &gpu)) return status;
  auto* stream = static_cast<InlayStream*>(malloc(sizeof(InlayStream)));
  if (stream == nullptr) {
    return fail_format(INLAY_ERROR_OUT_OF_MEMORY, "%s: no memory", function);
  }
  *stream = {device, gpu, static_cast<hip::Stream>(handle), owned && gpu != nullptr};
  if (stream->owned) {
    hip::Scope scope(gpu);
    int32_t status = scope.status();
    if (status == INLAY_OK) {
      int error = gpu->library->hipStreamCreateWithFlags(&stream->handle, hip::kStreamNonBlocking);
      if (error != hip::kSuccess) {
        status = hip::fail_hip(gpu->library, error, "%s on rocm:%d", function, gpu->index);
      }
    }
    if (status != INLAY_OK) {
      free(stream);
      return status;
    }
  }
  *out = stream;
  return INLAY_OK;
}

int32_t synchronize(hip::Device* gpu, hip::Stream stream) {
  hip::Scope scope(gpu);
  if (scope.status() != INLAY_OK) return scope.status();
  int error = gpu->library->hipStreamSynchronize(stream);
  if (error == hip::kSuccess) return INLAY_OK;
  return hip::fail_hip(gpu->library, error, "waiting for a stream of rocm:%d", gpu->index);
}

}  // namespace

int32_t type_of(const DLDevice& device) {
  int32_t type;
  static_assert(sizeof type == sizeof device.device_type, "");
  memcpy(&type, &device.device_type, sizeof type);
  return type;
}

int32_t fail_null(const char* function, const char* what) {
  return fail_format(INLAY_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", function, what);
}

int32_t find_gpu(const char* function, const DLDevice& device, hip::Device** out) {
  *out = nullptr;
  switch (type_of(device)) {
    case kDLCPU:
      return INLAY_OK;
    case kDLROCM:
    case kDLROCMHost:
      return hip::device(device.device_id, out);
    default:
      return fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                         "%s: a device of type %d, expected cpu (%d), rocm (%d) or rocm_host (%d)",
                         function, type_of(device), kDLCPU, kDLROCM, kDLROCMHost);
  }
}

}  // namespace inlay

int32_t inlay_device_count(int32_t device_type, int32_t* out) {
  if (out == nullptr) return fail_null("inlay_device_count", "out");
  if (device_type == kDLCPU) {
    *out = 1;
    return INLAY_OK;
  }
  if (device_type != kDLROCM) {
    return fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                       "inlay_device_count: type %d, expected cpu (%d) or rocm (%d)", device_type,
                       kDLCPU, kDLROCM);
  }
  const hip::Library* library = nullptr;
  if (int32_t status = hip::library(&library)) return status;
  *out = library->n_devices < hip::kMaxDevices ? library->n_devices : hip::kMaxDevices;
  return INLAY_OK;
}

int32_t inlay_device_info(DLDevice device, InlayDeviceInfo* out) {
  if (out == nullptr) return fail_null("inlay_device_info", "out");
  hip::Device* gpu = nullptr;
  if (int32_t status = find_gpu("inlay_device_info", device, &gpu)) return status;
  memset(out, 0, sizeof *out);
  if (gpu != nullptr) {
    describe_gpu(*gpu, out);
  } else {
    describe_cpu(out);
  }
  return INLAY_OK;
}

int32_t inlay_device_synchronize(DLDevice device) {
  hip::Device* gpu = nullptr;
  if (int32_t status = find_gpu("inlay_device_synchronize", device, &gpu)) return status;
  if (gpu == nullptr) return INLAY_OK;
  hip::Scope scope(gpu);
  if (scope.status() != INLAY_OK) return scope.status();
  int error = gpu->library->hipDeviceSynchronize();
  if (error == hip::kSuccess) return INLAY_OK;
  return hip::fail_hip(gpu->library, error, "waiting for rocm:%d", gpu->index);
}

int32_t inlay_stream_new(DLDevice device, InlayStream** out) {
  return new_stream("inlay_stream_new", device, true, nullptr, out);
}

int32_t inlay_stream_wrap(DLDevice device, void* hip_stream, InlayStream** out) {
  return new_stream("inlay_stream_wrap", device, false, hip_stream, out);
}

void inlay_stream_free(InlayStream* stream) {
  if (stream == nullptr) return;
  if (hip::Device* gpu = stream->gpu) {
    synchronize(gpu, stream->handle);
    if (hip::current_stream(gpu) == stream->handle) hip::set_current_stream(gpu, nullptr);
    if (stream->owned) {
      hip::workspace_forget(gpu, stream->handle);
      gpu->library->hipStreamDestroy(stream->handle);
    }
  }
  free(stream);
}

int32_t inlay_stream_use(DLDevice device, InlayStream* stream) {
  hip::Device* gpu = nullptr;
  if (int32_t status = find_gpu("inlay_stream_use", device, &gpu)) return status;
  if (stream != nullptr && stream->gpu != gpu)
    return fail_other_device("inlay_stream_use", "stream");
  if (gpu != nullptr) {
    hip::set_current_stream(gpu, stream != nullptr ? stream->handle : nullptr);
  }
  return INLAY_OK;
}

int32_t inlay_stream_synchronize(InlayStream* stream) {
  if (stream == nullptr) return fail_null("inlay_stream_synchronize", "stream");
  return stream->gpu != nullptr ? synchronize(stream->gpu, stream->handle) : INLAY_OK;
}

int32_t inlay_stream_wait(InlayStream* stream, InlayEvent* event) {
  if (stream == nullptr) return fail_null("inlay_stream_wait", "stream");
  if (event == nullptr) return fail_null("inlay_stream_wait", "event");
  // An event of the CPU has happened; the CPU waits for one of a GPU.
  if (event->gpu == nullptr) return INLAY_OK;
  if (stream->gpu == nullptr) return inlay_event_synchronize(event);
  hip::Scope scope(stream->gpu);
  if (scope.status() != INLAY_OK) return scope.status();
  const hip::Library* library = stream->gpu->library;
  int error = library->hipStreamWaitEvent(stream->handle, event->handle, 0);
  if (error == hip::kSuccess) return INLAY_OK;
  return hip::fail_hip(library, error, "inlay_stream_wait on rocm:%d", stream->gpu->index);
}

int32_t inlay_event_new(DLDevice device, InlayEvent** out) {
  if (out == nullptr) return fail_null("inlay_event_new", "out");
  hip::Device* gpu = nullptr;
  if (int32_t status = find_gpu("inlay_event_new", device, &gpu)) return status;
  auto* event = static_cast<InlayEvent*>(calloc(1, sizeof(InlayEvent)));
  if (event == nullptr) return fail(INLAY_ERROR_OUT_OF_MEMORY, "inlay_event_new: no memory");
  event->device = device;
  event->gpu = gpu;
  if (gpu != nullptr) {
    hip::Scope scope(gpu);
    int32_t status = scope.status();
    if (status == INLAY_OK) {
      int error = gpu->library->hipEventCreateWithFlags(&event->handle, hip::kEventDefault);
      if (error != hip::kSuccess) {
        status = hip::fail_hip(gpu->library, error, "inlay_event_new on rocm:%d", gpu->index);
      }
    }
    if (status != INLAY_OK) {
      free(event);
      return status;
    }
  }
  *out = event;
  return INLAY_OK;
}

void inlay_event_free(InlayEvent* event) {
  if (event == nullptr) return;
  if (event->gpu != nullptr) event->gpu->library->hipEventDestroy(event->handle);
  free(event);
}

int32_t inlay_event_record(InlayEvent* event, InlayStream* stream) {
  if (event == nullptr) return fail_null("inlay_event_record", "event");
  if (stream != nullptr && stream->gpu != event->gpu) {
    return fail_other_device("inlay_event_record", "stream");
  }
  if (hip::Device* gpu = event->gpu) {
    hip::Scope scope(gpu);
    if (scope.status() != INLAY_OK) return scope.status();
    int error = gpu->library->hipEventRecord(
        event->handle, stream != nullptr ? stream->handle : hip::current_stream(gpu));
    if (error != hip::kSuccess) {
      return hip::fail_hip(gpu->library, error, "inlay_event_record on rocm:%d", gpu->index);
    }
  } else {
    clock_gettime(CLOCK_MONOTONIC, &event->time);
  }
  event->recorded = true;
  return INLAY_OK;
}

int32_t inlay_event_synchronize(InlayEvent* event) {
  if (event == nullptr) return fail_null("inlay_event_synchronize", "event");
  if (event->gpu == nullptr || !event->recorded) return INLAY_OK;
  int error = event->gpu->library->hipEventSynchronize(event->handle);
  if (error == hip::kSuccess) return INLAY_OK;
  return hip::fail_hip(event->gpu->library, error, "waiting for an event of rocm:%d",
                       event->gpu->index);
}

int32_t inlay_event_elapsed(InlayEvent* start, InlayEvent* stop, double* seconds) {
  if (start == nullptr) return fail_null("inlay_event_elapsed", "start");
  if (stop == nullptr) return fail_null("inlay_event_elapsed", "stop");
  if (seconds == nullptr) return fail_null("inlay_event_elapsed", "seconds");
  if (!same_device(start->device, stop->device)) {
    return fail_other_device("inlay_event_elapsed", "stop");
  }
  if (!start->recorded || !stop->recorded) {
    return fail(INLAY_ERROR_INVALID_ARGUMENT,
                "inlay_event_elapsed: an event was put into no stream yet");
  }
  if (start->gpu == nullptr) {
    *seconds = static_cast<double>(stop->time.tv_sec - start->time.tv_sec) +
               static_cast<double>(stop->time.tv_nsec - start->time.tv_nsec) * 1e-9;
    return INLAY_OK;
  }
  if (int32_t status = inlay_event_synchronize(stop)) return status;
  float milliseconds = 0;
  const hip::Library* library = start->gpu->library;
  int error = library->hipEventElapsedTime(&milliseconds, start->handle, stop->handle);
  if (error != hip::kSuccess) {
    return hip::fail_hip(library, error, "inlay_event_elapsed on rocm:%d", start->gpu->index);
  }
  *seconds = static_cast<double>(milliseconds) * 1e-3;
  return INLAY_OK;
}

int32_t inlay_gpu_code_verify(const void* bytes, uint64_t size, const char* target) {
  if (bytes == nullptr) return fail_null("inlay_gpu_code_verify", "bytes");
  hip::Target device;
  if (target != nullptr && !hip::parse_target(target, &device)) {
    return fail_format(INLAY_ERROR_INVALID_ARGUMENT,
                       "inlay_gpu_code_verify: \"%.200s\" is no target ID such as gfx906:xnack-",
                       target);
  }
  hip::CodeObject object(bytes, size, "the GPU code");
  if (int32_t status = object.check()) return status;
  if (target == nullptr || hip::fits(object.target(), device)) return INLAY_OK;
  Text text;
  text.add("the GPU code: is for ");
  hip::print_target(text, object.target());
  text.add(", which a %s can't run", target);
  return fail(INLAY_ERROR_UNSUPPORTED_GPU, text.c_str());
}
