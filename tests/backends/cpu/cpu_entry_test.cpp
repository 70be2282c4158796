// Typed entries check what is right by themselves, and hand all else to the runtime: a call must
// end as it does through inlay_call, whatever is wrong with it.
#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "tests/backends/support/code_object_runner.h"

namespace inlay::test {
namespace {

constexpr DLDataType kDlF32{kDLFloat, 32, 1};

// Writes down what reached the body.
constexpr const char* kText = R"(
func f(a: f32, on: bool, n: i8, X: f32[M, N] strided, Y: f32[N, 3], Z: f32[M, N] strided,
       S: f64[6], H: f32[] ) {
  if M > 0 { Z[0, 0] = X[0, 0] + Y[0, 0] }
  S[0] = f64(M)
  S[1] = f64(N)
  S[2] = f64(X.stride0)
  S[3] = f64(Z.stride0)
  S[4] = f64(a) + select(on, 100.0f64, 0.0f64)
  S[5] = f64(n)
  H[] = 7.0
}
)";

using Entry = int32_t (*)(float, uint8_t, int8_t, const DLTensor*, const DLTensor*, const DLTensor*,
                          const DLTensor*, const DLTensor*);

struct Call {
  std::vector<float> x = std::vector<float>(256, 2.0f), y = std::vector<float>(256, 3.0f);
  std::vector<float> z = std::vector<float>(256), h = std::vector<float>(4);
  std::vector<double> s = std::vector<double>(6);
  std::vector<int64_t> shapes[5] = {{4, 5}, {5, 3}, {4, 5}, {6}, {}}, strides[5];
  DLTensor tensors[5]{};
  const DLTensor* given[5];
  float a = -0.25f;
  uint8_t on = 1;
  int8_t n = -7;

  Call() {
    for (int i = 0; i < 5; ++i) {
      tensors[i].device = {kDLCPU, 0};
      tensors[i].dtype = kDlF32;
      tensors[i].ndim = static_cast<int32_t>(shapes[i].size());
      given[i] = &tensors[i];
    }
    tensors[3].dtype = {kDLFloat, 64, 1};
    void* data[5] = {x.data(), y.data(), z.data(), s.data(), h.data()};
    for (int i = 0; i < 5; ++i) tensors[i].data = data[i];
    set();
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  void set() {
    for (int i = 0; i < 5; ++i) {
      tensors[i].shape = shapes[i].empty() ? nullptr : shapes[i].data();
      tensors[i].strides = strides[i].empty() ? nullptr : strides[i].data();
    }
  }
};

struct Case {
  const char* name;
  std::function<void(Call&)> change;
  bool directly = false;  // without asking the runtime
};

int asked;
int32_t (*enter)(const InlayCodeObject*, uint32_t, const InlayValue*, uint32_t);

int32_t count_and_enter(const InlayCodeObject* object, uint32_t index, const InlayValue* values,
                        uint32_t n) {
  ++asked;
  return enter(object, index, values, n);
}

const Case kCases[] = {
    {"as it should be", [](Call&) {}, true},
    {"strides that are compact",
     [](Call& c) {
       c.strides[0] = {5, 1};
       c.strides[1] = {3, 1};
       c.strides[2] = {5, 1};
       c.strides[3] = {1};
     },
     true},
    {"wide strides",
     [](Call& c) {
       c.strides[0] = {0, 1};
       c.strides[2] = {17, 1};
     },
     true},
    {"one row",
     [](Call& c) {
       c.shapes[0] = c.shapes[2] = {1, 5};
       c.strides[0] = {-3, 1};
       c.strides[2] = {2, 1};
     }},
    {"one column, of any stride",
     [](Call& c) {
       c.shapes[0] = c.shapes[2] = {4, 1};
       c.shapes[1] = {1, 3};
       c.strides[0] = {2, 9};
       c.strides[2] = {9, 8};
     },
     true},
    {"an offset", [](Call& c) { c.tensors[0].byte_offset = 8; }, true},
    {"nothing at all",
     [](Call& c) {
       c.shapes[0] = c.shapes[2] = {0, 5};
       c.tensors[0].data = c.tensors[2].data = nullptr;
     }},
    {"on is 2", [](Call& c) { c.on = 2; }},
    {"on is 0", [](Call& c) { c.on = 0; }, true},
    {"no tensor", [](Call& c) { c.given[1] = nullptr; }},
    {"no shape", [](Call& c) { c.tensors[1].shape = nullptr; }},
    {"rank", [](Call& c) { c.tensors[2].ndim = 1; }},
    {"negative rank", [](Call& c) { c.tensors[2].ndim = -2; }},
    {"type", [](Call& c) { c.tensors[0].dtype.bits = 64; }},
    {"lanes", [](Call& c) { c.tensors[3].dtype.lanes = 2; }},
    {"device", [](Call& c) { c.tensors[0].device.device_type = kDLCUDA; }},
    {"pinned memory", [](Call& c) { c.tensors[0].device.device_type = kDLCUDAHost; }},
    {"another extent", [](Call& c) { c.shapes[2] = {4, 6}; }},
    {"another constant", [](Call& c) { c.shapes[1] = {5, 4}; }},
    {"a negative extent", [](Call& c) { c.shapes[0] = c.shapes[2] = {-4, 5}; }},
    {"the least extent", [](Call& c) { c.shapes[0] = c.shapes[2] = {INT64_MIN, 5}; }},
    {"too many elements", [](Call& c) { c.shapes[0] = c.shapes[2] = {INT64_MAX / 2, 5}; }},
    {"strides that are not compact", [](Call& c) { c.strides[1] = {4, 1}; }},
    {"a negative stride", [](Call& c) { c.strides[0] = {-5, 1}; }},
    {"an inner stride", [](Call& c) { c.strides[0] = {10, 2}; }},
    {"a stride out of reach", [](Call& c) { c.strides[0] = {INT64_MAX / 4, 1}; }},
    {"rows of an output that meet", [](Call& c) { c.strides[2] = {4, 1}; }},
    {"no data", [](Call& c) { c.tensors[0].data = nullptr; }},
    {"no data but an offset",
     [](Call& c) {
       c.tensors[0].byte_offset = reinterpret_cast<uint64_t>(c.tensors[0].data);
       c.tensors[0].data = nullptr;
     }},
    {"an offset out of reach", [](Call& c) { c.tensors[0].byte_offset = UINT64_MAX - 3; }},
    {"alignment", [](Call& c) { c.tensors[1].byte_offset = 2; }},
    {"the same memory", [](Call& c) { c.tensors[2].data = c.tensors[0].data; }},
    {"the last element shared",
     [](Call& c) { c.tensors[2].data = static_cast<float*>(c.tensors[0].data) + 19; }},
    {"side by side",
     [](Call& c) { c.tensors[2].data = static_cast<float*>(c.tensors[0].data) + 20; }, true},
    {"inputs that overlap", [](Call& c) { c.tensors[1].data = c.tensors[0].data; }, true},
    {"interleaved columns",
     [](Call& c) {
       c.strides[0] = c.strides[2] = {10, 1};
       c.tensors[2].data = static_cast<float*>(c.tensors[0].data) + 5;
     }},
};

TEST(CpuEntry, EndsAsACallDoes) {
  LoadedObject object(compile(kText, "native"));
  auto entry = reinterpret_cast<Entry>(object.entry("f"));
  InlayObjectState* state = inlay_module_object(object.module())->state;
  const InlayRuntimeTable* runtime = state->runtime;
  InlayRuntimeTable counting = *runtime;
  enter = runtime->enter;
  counting.enter = count_and_enter;
  int refused = 0;
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    Call call;
    one.change(call);
    bool no_shape = call.tensors[1].shape == nullptr;
    call.set();
    if (no_shape) call.tensors[1].shape = nullptr;
    asked = 0;
    state->runtime = &counting;
    int32_t status = entry(call.a, call.on, call.n, call.given[0], call.given[1], call.given[2],
                           call.given[3], call.given[4]);
    state->runtime = runtime;
    EXPECT_EQ(asked, one.directly ? 0 : 1);
    std::string message = status == INLAY_OK ? "" : inlay_last_error();
    auto written = std::make_tuple(call.s, call.x, call.z, call.h);
    std::fill(call.s.begin(), call.s.end(), 0.0);
    std::fill(call.z.begin(), call.z.end(), 0.0f);
    std::fill(call.h.begin(), call.h.end(), 0.0f);
    InlayValue on = inlay_int(0);
    on.kind = INLAY_VALUE_BITS;
    on.as.bits = call.on;
    std::vector<InlayValue> values{inlay_float(call.a), on, inlay_int(call.n)};
    for (const DLTensor* tensor : call.given) values.push_back(inlay_tensor(tensor));
    EXPECT_EQ(status, object.call("f", values));
    EXPECT_EQ(message, status == INLAY_OK ? "" : inlay_last_error());
    EXPECT_EQ(written, std::make_tuple(call.s, call.x, call.z, call.h));
    refused += status != INLAY_OK;
  }
  EXPECT_EQ(refused, 24);
}

}  // namespace
}  // namespace inlay::test
