// Tensors of the C API: allocation on a device, copies between devices.
#include <stdlib.h>
#include <string.h>

#include "devices/devices.h"

using namespace inlay;

namespace inlay {
namespace {

constexpr uint64_t kAlignment = 256;

// A tensor with what belongs to it. `managed` is its first member: what DLPack hands around.
struct OwnTensor {
  DLManagedTensor managed;
  hip::Device* gpu;  // NULL: the CPU
  int64_t shape[];
};

void release(OwnTensor* tensor) {
  void* data = tensor->managed.dl_tensor.data;
  if (tensor->gpu == nullptr) {
    free(data);
  } else if (data != nullptr) {
    hip::Scope scope(tensor->gpu);
    if (type_of(tensor->managed.dl_tensor.device) == kDLROCM) {
      tensor->gpu->library->hipFree(data);
    } else {
      tensor->gpu->library->hipHostFree(data);
    }
  }
  free(tensor);
}

void delete_tensor(DLManagedTensor* managed) {
  release(reinterpret_cast<OwnTensor*>(managed));
}

int32_t allocate(OwnTensor* tensor, uint64_t bytes) {
  DLTensor& dl = tensor->managed.dl_tensor;
  if (bytes == 0) return INLAY_OK;
  hip::Device* gpu = tensor->gpu;
  if (gpu == nullptr) {
    uint64_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    dl.data = rounded >= bytes ? aligned_alloc(kAlignment, rounded) : nullptr;
    if (dl.data != nullptr) return INLAY_OK;
    return fail_format(INLAY_ERROR_OUT_OF_MEMORY, "inlay_tensor_new: no memory for %llu bytes",
                       static_cast<unsigned long long>(bytes));
  }
  hip::Scope scope(gpu);
  if (scope.status() != INLAY_OK) return scope.status();
  bool device = type_of(dl.device) == kDLROCM;
  int error = device ? gpu->library->hipMalloc(&dl.data, bytes)
                     : gpu->library->hipHostMalloc(&dl.data, bytes, hip::kHostMallocDefault);
  if (error == hip::kSuccess) return INLAY_OK;
  dl.data = nullptr;
  return hip::fail_hip(gpu->library, error, "inlay_tensor_new: %llu bytes on %s:%d",
                       static_cast<unsigned long long>(bytes), device ? "rocm" : "rocm_host",
                       gpu->index);
}

// One side of a copy.
struct Side {
  const DLTensor* tensor;
  hip::Device* gpu;  // NULL: host memory
  uint64_t bytes;

  void* data() const { return static_cast<char*>(tensor->data) + tensor->byte_offset; }
};

int32_t fail_side(const char* function, const char* which, const char* what) {
  return fail_format(INLAY_ERROR_INVALID_ARGUMENT, "%s: %s %s", function, which, what);
}

int32_t look_at(const char* function, const char* which, const DLTensor* tensor, Side* out) {
  if (tensor == nullptr) return fail_null(function, which);
  *out = {tensor, nullptr, 0};
  int32_t type = type_of(tensor->device);
  if (type == kDLROCM) {
    if (int32_t status = find_gpu(function, tensor->device, &out->gpu)) return status;
  } else if (type != kDLCPU && type != kDLROCMHost && type != kDLCUDAHost) {
    return fail_side(function, which, "is neither on the host nor on an AMD GPU");
  }
  if (tensor->ndim < 0 || (tensor->ndim > 0 && tensor->shape == nullptr)) {
    return fail_side(function, which, "has no shape");
  }
  uint64_t bits = static_cast<uint64_t>(tensor->dtype.bits) * tensor->dtype.lanes;
  if (bits == 0 || bits % 8 != 0) {
    return fail_side(function, which, "has elements of no whole number of bytes");
  }
  uint64_t count = 1;
  for (int32_t d = 0; d < tensor->ndim; ++d) {
    if (tensor->shape[d] == 0) count = 0;
  }
  for (int32_t d = tensor->ndim; d-- > 0 && count != 0;) {
    int64_t extent = tensor->shape[d];
    if (extent > 1 && tensor->strides != nullptr &&
        static_cast<uint64_t>(tensor->strides[d]) != count) {
      return fail_side(function, which, "is not compact");
    }
    if (extent < 0 || __builtin_mul_overflow(count, static_cast<uint64_t>(extent), &count)) {
      return fail_side(function, which, "has a negative extent, or a size that overflows");
    }
  }
  if (__builtin_mul_overflow(count, bits / 8, &out->bytes)) {
    return fail_side(function, which, "has a size that overflows");
  }
  if (out->bytes != 0 && tensor->data == nullptr) {
    return fail_side(function, which, "has no data");
  }
  return INLAY_OK;
}

int32_t look_at_both(const char* function, const DLTensor* source, const DLTensor* target,
                     Side* from, Side* to) {
  if (int32_t status = look_at(function, "source", source, from)) return status;
  if (int32_t status = look_at(function, "target", target, to)) return status;
  bool same = source->ndim == target->ndim && source->dtype.bits == target->dtype.bits &&
              source->dtype.lanes == target->dtype.lanes &&
              source->dtype.code == target->dtype.code;
  for (int32_t d = 0; same && d < source->ndim; ++d) {
    same = source->shape[d] == target->shape[d];
  }
  return same ? INLAY_OK : fail_side(function, "target", "differs from source in shape or dtype");
}

// Puts the copy into the stream.
int32_t copy(const char* function, const Side& from, const Side& to, hip::Device* gpu,
             hip::Stream stream) {
  int kind = from.gpu == nullptr  ? hip::kHostToDevice
             : to.gpu == nullptr  ? hip::kDeviceToHost
             : from.gpu == to.gpu ? hip::kDeviceToDevice
                                  : hip::kDefault;
  int error = gpu->library->hipMemcpyAsync(to.data(), from.data(), from.bytes, kind, stream);
  if (error == hip::kSuccess) return INLAY_OK;
  return hip::fail_hip(gpu->library, error, "%s: %llu bytes on rocm:%d", function,
                       static_cast<unsigned long long>(from.bytes), gpu->index);
}

}  // namespace
}  // namespace inlay

int32_t inlay_tensor_new(DLDevice device, DLDataType dtype, int32_t ndim, const int64_t* shape,
                         DLManagedTensor** out) {
  constexpr char kName[] = "inlay_tensor_new";
  if (out == nullptr) return fail_null(kName, "out");
  if (ndim < 0 || ndim > static_cast<int32_t>(INLAY_MAX_RANK)) {
    return fail_format(INLAY_ERROR_INVALID_ARGUMENT, "%s: rank %d, expected 0 to %u", kName, ndim,
                       INLAY_MAX_RANK);
  }
  if (ndim > 0 && shape == nullptr) return fail_null(kName, "shape");
  hip::Device* gpu = nullptr;
  if (int32_t status = find_gpu(kName, device, &gpu)) return status;
  size_t rank = static_cast<size_t>(ndim);
  auto* tensor = static_cast<OwnTensor*>(calloc(1, sizeof(OwnTensor) + rank * sizeof(int64_t)));
  if (tensor == nullptr) return fail(INLAY_ERROR_OUT_OF_MEMORY, "inlay_tensor_new: no memory");
  if (ndim > 0) memcpy(tensor->shape, shape, rank * sizeof(int64_t));
  tensor->gpu = gpu;
  tensor->managed.deleter = delete_tensor;
  DLTensor& dl = tensor->managed.dl_tensor;
  dl.device = device;
  dl.dtype = dtype;
  dl.ndim = ndim;
  dl.shape = tensor->shape;
  // The size is that of a side of a copy: same rules, same sentences.
  DLTensor measured = dl;
  measured.device.device_type = kDLCPU;
  measured.data = tensor;
  Side side{};
  int32_t status = look_at(kName, "the tensor", &measured, &side);
  if (status == INLAY_OK) status = allocate(tensor, side.bytes);
  if (status != INLAY_OK) {
    release(tensor);
    return status;
  }
  *out = &tensor->managed;
  return INLAY_OK;
}

void inlay_tensor_free(DLManagedTensor* tensor) {
  if (tensor != nullptr && tensor->deleter != nullptr) tensor->deleter(tensor);
}

int32_t inlay_tensor_copy(const DLTensor* source, const DLTensor* target) {
  constexpr char kName[] = "inlay_tensor_copy";
  Side from{}, to{};
  if (int32_t status = look_at_both(kName, source, target, &from, &to)) return status;
  if (from.bytes == 0) return INLAY_OK;
  hip::Device* gpu = from.gpu != nullptr ? from.gpu : to.gpu;
  if (gpu == nullptr) {
    memmove(to.data(), from.data(), from.bytes);
    return INLAY_OK;
  }
  hip::Scope scope(gpu);
  if (scope.status() != INLAY_OK) return scope.status();
  hip::Stream stream = hip::current_stream(gpu);
  if (int32_t status = copy(kName, from, to, gpu, stream)) return status;
  int error = gpu->library->hipStreamSynchronize(stream);
  if (error == hip::kSuccess) return INLAY_OK;
  return hip::fail_hip(gpu->library, error, "%s: waiting for the stream of rocm:%d", kName,
                       gpu->index);
}

int32_t inlay_tensor_copy_async(const DLTensor* source, const DLTensor* target,
                                InlayStream* stream) {
  constexpr char kName[] = "inlay_tensor_copy_async";
  Side from{}, to{};
  if (stream == nullptr) return fail_null(kName, "stream");
  if (int32_t status = look_at_both(kName, source, target, &from, &to)) return status;
  hip::Device* gpu = from.gpu != nullptr ? from.gpu : to.gpu;
  if (stream->gpu != gpu) return fail_side(kName, "stream", "is of another device");
  if (from.bytes == 0) return INLAY_OK;
  if (gpu == nullptr) {
    memmove(to.data(), from.data(), from.bytes);
    return INLAY_OK;
  }
  hip::Scope scope(gpu);
  if (scope.status() != INLAY_OK) return scope.status();
  return copy(kName, from, to, gpu, stream->handle);
}
