// See device.h. Devices are read once, and stay.
#include "hip/device.h"

#include <stdlib.h>
#include <string.h>

namespace inlay::hip {
namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
Device devices[kMaxDevices] = {};
Device* ready[kMaxDevices];
thread_local Stream current[kMaxDevices];

template <typename T>
T property(const char* properties, size_t offset) {
  T value;
  memcpy(&value, properties + offset, sizeof value);
  return value;
}

void copy_text(char (&out)[kNameSize], const char* text) {
  size_t size = strnlen(text, kNameSize - 1);
  memcpy(out, text, size);
  out[size] = '\0';
}

int32_t read_device(const Library* library, int index, Device* out) {
  auto* properties = static_cast<char*>(calloc(1, kPropertiesRoom));
  if (properties == nullptr) return fail(INLAY_ERROR_OUT_OF_MEMORY, "no memory for a device");
  bool newer = library->hipGetDevicePropertiesR0600 != nullptr;
  int error = newer ? library->hipGetDevicePropertiesR0600(properties, index)
                    : library->hipGetDeviceProperties(properties, index);
  int32_t status = INLAY_OK;
  if (error != kSuccess) {
    status = fail_hip(library, error, "rocm:%d: hipGetDeviceProperties", index);
  } else {
    const PropertiesLayout& at = newer ? kPropertiesR0600 : kPropertiesR0000;
    out->library = library;
    out->index = index;
    copy_text(out->name, properties);
    copy_text(out->arch, properties + at.arch);
    out->memory = property<uint64_t>(properties, at.memory);
    out->lds_bytes = static_cast<int>(property<size_t>(properties, at.lds_bytes));
    out->max_workgroup = property<int>(properties, at.max_workgroup);
    for (size_t d = 0; d < 3; ++d) {
      out->max_dimensions[d] = property<int>(properties, at.max_dimensions + d * sizeof(int));
    }
    out->clock_khz = property<int>(properties, at.clock_khz);
    out->compute_units = property<int>(properties, at.compute_units);
    pthread_mutex_init(&out->mutex, nullptr);
    if (!parse_target(out->arch, &out->target)) {
      status = fail_format(INLAY_ERROR_UNSUPPORTED_GPU,
                           "rocm:%d (%s): its target ID \"%s\" cannot be read", index, out->name,
                           out->arch);
    }
  }
  free(properties);
  return status;
}

}  // namespace

int32_t device(int64_t index, Device** out) {
  const Library* library = nullptr;
  if (int32_t status = hip::library(&library)) return status;
  int count = library->n_devices < kMaxDevices ? library->n_devices : kMaxDevices;
  if (index < 0 || index >= count) {
    return fail_format(INLAY_ERROR_NO_DEVICE, "rocm:%lld: there is no such GPU; there %s %d",
                       static_cast<long long>(index), count == 1 ? "is" : "are", count);
  }
  *out = __atomic_load_n(&ready[index], __ATOMIC_ACQUIRE);
  if (*out != nullptr) return INLAY_OK;
  pthread_mutex_lock(&mutex);
  int32_t status = INLAY_OK;
  if (ready[index] == nullptr) {
    status = read_device(library, static_cast<int>(index), &devices[index]);
    if (status == INLAY_OK) __atomic_store_n(&ready[index], &devices[index], __ATOMIC_RELEASE);
  }
  *out = ready[index];
  pthread_mutex_unlock(&mutex);
  return status;
}

Scope::Scope(const Device* device) : device_(device) {
  const Library* library = device->library;
  int before = -1;
  int error = library->hipGetDevice(&before);
  if (error == kSuccess && before != device->index) {
    error = library->hipSetDevice(device->index);
    if (error == kSuccess) before_ = before;
  }
  if (error != kSuccess) status_ = fail_hip(library, error, "rocm:%d", device->index);
}

Scope::~Scope() {
  if (before_ >= 0) device_->library->hipSetDevice(before_);
}

Stream current_stream(const Device* device) {
  return current[device->index];
}

void set_current_stream(const Device* device, Stream stream) {
  current[device->index] = stream;
}

}  // namespace inlay::hip
