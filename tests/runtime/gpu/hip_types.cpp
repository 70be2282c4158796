// What the runtime says of HIP, against HIP's own headers, in whichever version they are installed.
// Compiling is the test.
#define __HIP_PLATFORM_AMD__ 1
#define __HIP_DISABLE_CPP_FUNCTIONS__ 1  // no overloads: each name is one function
#include <hip/hip_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "runtime/src/hip/types.h"

// The name of HIP 6, and later, for a function that older headers have under its plain name.
#if HIP_VERSION_MAJOR < 6
extern "C" hipError_t hipGetDevicePropertiesR0600(hipDeviceProp_t*, int);
#endif

namespace {

namespace ours = inlay::hip;

// Whether a caller passes the two types the same way.
template <typename Ours, typename Theirs>
constexpr bool passed_alike() {
  if constexpr (std::is_pointer_v<Ours> || std::is_pointer_v<Theirs>) {
    return std::is_pointer_v<Ours> && std::is_pointer_v<Theirs>;
  } else {
    return sizeof(Ours) == sizeof(Theirs) && std::is_integral_v<Ours> &&
           (std::is_integral_v<Theirs> || std::is_enum_v<Theirs>);
  }
}

template <typename Ours, typename Theirs>
struct CalledAlike : std::false_type {};
template <typename OurResult, typename... Our, typename TheirResult, typename... Their>
  requires(sizeof...(Our) == sizeof...(Their))
struct CalledAlike<OurResult(Our...), TheirResult(Their...)>
    : std::bool_constant<passed_alike<OurResult, TheirResult>() &&
                         (passed_alike<Our, Their>() && ...)> {};

using ours::Event;
using ours::Function;
using ours::Module;
using ours::Stream;
#define INLAY_HIP_SYMBOL(kind, result, name, parameters)               \
  static_assert(CalledAlike<result parameters, decltype(name)>::value, \
                #name " is declared otherwise in HIP's headers");
#include "runtime/src/hip/symbols.def"
#undef INLAY_HIP_SYMBOL

static_assert(ours::kSuccess == static_cast<int>(hipSuccess));
static_assert(ours::kErrorOutOfMemory == static_cast<int>(hipErrorOutOfMemory));
static_assert(ours::kErrorNoDevice == static_cast<int>(hipErrorNoDevice));
static_assert(ours::kHostToHost == static_cast<int>(hipMemcpyHostToHost));
static_assert(ours::kHostToDevice == static_cast<int>(hipMemcpyHostToDevice));
static_assert(ours::kDeviceToHost == static_cast<int>(hipMemcpyDeviceToHost));
static_assert(ours::kDeviceToDevice == static_cast<int>(hipMemcpyDeviceToDevice));
static_assert(ours::kDefault == static_cast<int>(hipMemcpyDefault));
static_assert(ours::kStreamNonBlocking == hipStreamNonBlocking);
static_assert(ours::kEventDefault == hipEventDefault);
static_assert(ours::kHostMallocDefault == hipHostMallocDefault);

// The structure that the plain name fills in old headers, the other one in new ones.
constexpr ours::PropertiesLayout kLayout =
    HIP_VERSION_MAJOR < 6 ? ours::kPropertiesR0000 : ours::kPropertiesR0600;
static_assert(offsetof(hipDeviceProp_t, name) == 0);
static_assert(offsetof(hipDeviceProp_t, totalGlobalMem) == kLayout.memory);
static_assert(offsetof(hipDeviceProp_t, sharedMemPerBlock) == kLayout.lds_bytes);
static_assert(offsetof(hipDeviceProp_t, maxThreadsPerBlock) == kLayout.max_workgroup);
static_assert(offsetof(hipDeviceProp_t, maxThreadsDim) == kLayout.max_dimensions);
static_assert(offsetof(hipDeviceProp_t, clockRate) == kLayout.clock_khz);
static_assert(offsetof(hipDeviceProp_t, multiProcessorCount) == kLayout.compute_units);
static_assert(offsetof(hipDeviceProp_t, gcnArchName) == kLayout.arch);
static_assert(sizeof(hipDeviceProp_t) <= ours::kPropertiesRoom);
static_assert(sizeof(hipDeviceProp_t::name) == ours::kNameSize);
static_assert(sizeof(hipDeviceProp_t::gcnArchName) == ours::kNameSize);

}  // namespace

// Macros that are pointers, so no constants.
bool inlay_hip_launch_tags_agree();
bool inlay_hip_launch_tags_agree() {
  return reinterpret_cast<void*>(ours::kLaunchBuffer) == HIP_LAUNCH_PARAM_BUFFER_POINTER &&
         reinterpret_cast<void*>(ours::kLaunchBufferSize) == HIP_LAUNCH_PARAM_BUFFER_SIZE &&
         reinterpret_cast<void*>(ours::kLaunchEnd) == HIP_LAUNCH_PARAM_END;
}
