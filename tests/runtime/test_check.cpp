// Each argument check with its sentence, and that a refused call touches nothing.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "tests/runtime/support.h"

namespace inlay::test {
namespace {

class Gemm : public testing::Test {
 protected:
  Gemm() : a({64, 32}), b({32, 64}), c({64, 64}) {
    for (int i = 0; i < 64 * 64; ++i) c[i] = -7;
    for (int i = 0; i < 64 * 32; ++i) a[i] = b[i] = 1;
  }

  // Calls sgemm, expects this sentence, and C as it was.
  void refused(const std::string& sentence) {
    EXPECT_EQ(module.call("sgemm", {a.value(), b.value(), c.value()}),
              INLAY_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(inlay_last_error(), sentence);
    for (int i = 0; i < 64 * 64; ++i) ASSERT_EQ(c[i], -7);
  }

  Module module;
  Tensor<float> a, b, c;
};

TEST_F(Gemm, runs) {
  ASSERT_EQ(module.call("sgemm", {a.value(), b.value(), c.value()}), INLAY_OK)
      << inlay_last_error();
  for (int i = 0; i < 64 * 64; ++i) ASSERT_EQ(c[i], 32);
}

TEST_F(Gemm, typed_entry_checks_and_runs) {
  void* symbol = nullptr;
  ASSERT_EQ(inlay_module_entry(module.get(), "sgemm", &symbol), INLAY_OK);
  auto sgemm =
      reinterpret_cast<int32_t (*)(const DLTensor*, const DLTensor*, const DLTensor*)>(symbol);
  EXPECT_EQ(sgemm(&a.dl, &b.dl, nullptr), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "sgemm: C: the tensor is NULL");
  ASSERT_EQ(sgemm(&a.dl, &b.dl, &c.dl), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(c[0], 32);
}

TEST_F(Gemm, count_and_kind) {
  EXPECT_EQ(module.call("sgemm", {a.value(), b.value()}), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "sgemm: takes 3 arguments (A, B, C), got 2");
  EXPECT_EQ(module.call("sgemm", {a.value(), inlay_int(3), c.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "sgemm: B is a tensor of f32, got a scalar");
  EXPECT_EQ(module.call("sgemm", {a.value(), InlayValue{}, c.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "sgemm: B is a tensor of f32, got a value of unknown kind 0");
  Tensor<int64_t> out({8});
  EXPECT_EQ(module.call("parallel", {inlay_int(1), out.value(), inlay_int(1), out.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "parallel: nested is a scalar of i64, got a tensor");
  const InlayCallable* function = nullptr;
  ASSERT_EQ(inlay_module_function(module.get(), "sgemm", &function), INLAY_OK);
  EXPECT_EQ(inlay_call(function, nullptr, 3), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "sgemm: the pointer to the arguments is NULL");
  EXPECT_EQ(inlay_call(nullptr, nullptr, 0), INLAY_ERROR_INVALID_ARGUMENT);
}

TEST_F(Gemm, shape) {
  c.shape[1] = 63;
  refused("sgemm: C has shape [64, 63], expected [M=64, N=64] (N bound by B, dimension 1)");
  c.shape[1] = 64;
  b.shape[0] = 31;
  refused("sgemm: B has shape [31, 64], expected [K=32, N] (K bound by A, dimension 1)");
  b.shape[0] = 32;
  a.shape[0] = -1;
  refused("sgemm: A has shape [-1, 32]; dimension 0 is negative");
}

TEST_F(Gemm, sizes_that_overflow) {
  a.shape = {int64_t{1} << 40, int64_t{1} << 40};
  a.dl.shape = a.shape.data();
  refused("sgemm: A has shape [1099511627776, 1099511627776], whose size overflows 64 bits");
  // The count fits into 64 bits, the bytes do not.
  a.shape = {int64_t{1} << 31, int64_t{1} << 31};
  refused("sgemm: A has shape [2147483648, 2147483648], whose size overflows 64 bits");
  a.shape = {int64_t{1} << 30, int64_t{1} << 30};
  a.dl.byte_offset = UINT64_MAX - 63;
  refused("sgemm: A: data, byte_offset and size exceed the address space");
}

TEST_F(Gemm, rank) {
  a.dl.ndim = 1;
  refused("sgemm: A has rank 1, expected 2: [M, K]");
  a.dl.ndim = -3;
  refused("sgemm: A has rank -3, expected 2: [M, K]");
}

TEST_F(Gemm, dtype) {
  b.dl.dtype = {kDLFloat, 64, 1};
  refused("sgemm: B has dtype f64, expected f32");
  b.dl.dtype = {kDLInt, 32, 1};
  refused("sgemm: B has dtype i32, expected f32");
  b.dl.dtype = {kDLFloat, 32, 4};
  refused("sgemm: B has dtype f32x4, expected f32");
  b.dl.dtype = {200, 3, 1};
  refused("sgemm: B has dtype code200:3, expected f32");
}

TEST_F(Gemm, device) {
  c.dl.device.device_type = kDLROCM;
  refused(
      "sgemm: C is on device rocm (10), expected cpu (1); fixture has no code for a GPU: build it "
      "with a --target such as gfx900");
  int32_t unknown = 77;
  memcpy(&c.dl.device.device_type, &unknown, sizeof unknown);
  refused("sgemm: C is on device unknown (77), expected cpu (1)");
  c.dl.device.device_type = kDLCUDAHost;
  EXPECT_EQ(module.call("sgemm", {a.value(), b.value(), c.value()}), INLAY_OK) << "pinned memory";
}

TEST_F(Gemm, null_pointers) {
  a.dl.data = nullptr;
  refused("sgemm: A: the data pointer is NULL");
  a.dl.data = a.data;
  a.dl.shape = nullptr;
  refused("sgemm: A: the pointer to the shape is NULL");
  EXPECT_EQ(module.call("sgemm", {inlay_tensor(nullptr), b.value(), c.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "sgemm: A: the tensor is NULL");
}

TEST_F(Gemm, strides) {
  a.set_strides({40, 1});
  refused("sgemm: A has strides [40, 1] for shape [64, 32], expected compact, row-major ones");
  a.set_strides({1, 64});
  refused("sgemm: A has strides [1, 64] for shape [64, 32], expected compact, row-major ones");
  a.set_strides({32, 1});
  EXPECT_EQ(module.call("sgemm", {a.value(), b.value(), c.value()}), INLAY_OK);
}

TEST_F(Gemm, strides_of_single_extents_address_nothing) {
  Tensor<float> row({1, 32}), out({1, 64});
  row.set_strides({-5, 1});
  out.set_strides({99999, 1});
  EXPECT_EQ(module.call("sgemm", {row.value(), b.value(), out.value()}), INLAY_OK)
      << inlay_last_error();
}

TEST_F(Gemm, alignment) {
  a.dl.byte_offset = 2;
  EXPECT_EQ(module.call("sgemm", {a.value(), b.value(), c.value()}), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(inlay_last_error()).find("(byte_offset 2), expected a multiple of 4 bytes"),
            std::string::npos)
      << inlay_last_error();
  a.dl.byte_offset = 4;
  EXPECT_EQ(module.call("sgemm", {a.value(), b.value(), c.value()}), INLAY_OK);
}

TEST_F(Gemm, outputs_overlap_nothing) {
  c.dl.data = b.data;
  c.shape = {64, 64};
  EXPECT_EQ(module.call("sgemm", {a.value(), b.value(), c.value()}), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "sgemm: C, which is written, overlaps B in memory");
  // Two inputs may be the same.
  Tensor<float> x({8, 8}), y({8, 8});
  EXPECT_EQ(module.call("sgemm", {x.value(), x.value(), y.value()}), INLAY_OK);
  // Neighbours do not overlap; one element does.
  std::vector<float> memory(3 * 64);
  x.dl.data = memory.data();
  y.dl.data = memory.data() + 64;
  EXPECT_EQ(module.call("sgemm", {x.value(), x.value(), y.value()}), INLAY_OK);
  y.dl.data = memory.data() + 63;
  EXPECT_EQ(module.call("sgemm", {x.value(), x.value(), y.value()}), INLAY_ERROR_INVALID_ARGUMENT);
}

TEST_F(Gemm, empty_tensors_may_have_no_data) {
  Tensor<float> x({0, 8}), y({8, 4}), z({0, 4});
  x.dl.data = z.dl.data = nullptr;
  EXPECT_EQ(module.call("sgemm", {x.value(), y.value(), z.value()}), INLAY_OK)
      << inlay_last_error();
  // K = 0: the output is all zeros.
  Tensor<float> p({2, 0}), q({0, 2}), r({2, 2});
  r[3] = 5;
  EXPECT_EQ(module.call("sgemm", {p.value(), q.value(), r.value()}), INLAY_OK);
  EXPECT_EQ(r[3], 0);
}

TEST(Check, strided) {
  Module module;
  Tensor<float> x({4, 10}), y({4, 20});
  for (int i = 0; i < 40; ++i) x[i] = static_cast<float>(i);
  // The left 4 by 5 corner of each.
  x.shape = y.shape = {4, 5};
  x.set_strides({10, 1});
  y.set_strides({20, 1});
  ASSERT_EQ(module.call("copy", {x.value(), y.value()}), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(y[3 * 20 + 4], 34);
  EXPECT_EQ(y[5], 0);

  x.set_strides({10, 2});
  EXPECT_EQ(module.call("copy", {x.value(), y.value()}), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "copy: X has strides [10, 2] for shape [4, 5], expected [X.stride0, 1]");
  x.set_strides({-10, 1});
  EXPECT_EQ(module.call("copy", {x.value(), y.value()}), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "copy: X has strides [-10, 1] for shape [4, 5], which must not be negative");
  x.set_strides({0, 1});  // an input may repeat its rows
  EXPECT_EQ(module.call("copy", {x.value(), y.value()}), INLAY_OK);
  EXPECT_EQ(y[3 * 20 + 4], 4);
  y.set_strides({4, 1});
  EXPECT_EQ(module.call("copy", {x.value(), y.value()}), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "copy: Y has strides [4, 1] for shape [4, 5], which must keep the elements of an "
               "output apart");
  y.set_strides({std::numeric_limits<int64_t>::max() / 2, 1});
  EXPECT_EQ(module.call("copy", {x.value(), y.value()}), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "copy: Y has shape [4, 5], whose size overflows 64 bits");
}

// Compares with a list of all elements: a refusal is right exactly if the two share one.
TEST(Check, blocks_of_one_matrix_overlap_only_where_they_share_elements) {
  Module module;
  const int64_t ld = 12, rows = 3;
  Tensor<float> matrix({8, ld});
  int accepted = 0, refused = 0;
  for (int64_t width = 1; width <= 6; ++width) {
    for (int64_t x_at = 0; x_at + (rows - 1) * ld + width <= 8 * ld; ++x_at) {
      int64_t y_at = 2 * ld + 4;
      Tensor<float> x({rows, width}), y({rows, width});
      x.dl.data = matrix.data + x_at;
      y.dl.data = matrix.data + y_at;
      x.set_strides({ld, 1});
      y.set_strides({ld, 1});
      bool shares = false;
      for (int64_t i = 0; i < rows * rows; ++i) {
        int64_t gap = (x_at + i / rows * ld) - (y_at + i % rows * ld);
        shares |= gap > -width && gap < width;
      }
      int32_t status = module.call("copy", {x.value(), y.value()});
      EXPECT_EQ(status == INLAY_OK, !shares) << "width " << width << ", X at " << x_at;
      ++(status == INLAY_OK ? accepted : refused);
    }
  }
  EXPECT_GT(accepted, 50);
  EXPECT_GT(refused, 50);
}

TEST(Check, explicit_strides) {
  Module module;
  Tensor<float> a({3, 4});
  a.set_strides({1, 3});
  EXPECT_EQ(module.call("layout", {a.value()}), INLAY_OK) << inlay_last_error();
  a.set_strides({1, 4});
  EXPECT_EQ(module.call("layout", {a.value()}), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "layout: A has strides [1, 4] for shape [3, 4], expected [1, M=3]");
  a.dl.strides = nullptr;
  EXPECT_EQ(module.call("layout", {a.value()}), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "layout: A has compact strides for shape [3, 4], expected [1, M]");
}

TEST(Check, expressions_may_use_later_symbols) {
  Module module;
  Tensor<float> a({6, 3}), b({3});
  Tensor<int64_t> c({3});
  std::vector<InlayValue> args = {inlay_int(11), a.value(), b.value(), c.value()};
  ASSERT_EQ(module.call("shapes", args), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(c[0], 3);
  EXPECT_EQ(c[1], 11);
  EXPECT_EQ(c[2], 1);
  args[0] = inlay_int(12);
  EXPECT_EQ(module.call("shapes", args), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "shapes: A has shape [6, 3], expected [(2 * M)=6, (floordiv(k, 4) + 1)=4]");
  args[0] = inlay_int(-9);  // floordiv(-9, 4) + 1 = -2
  EXPECT_EQ(module.call("shapes", args), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "shapes: A has shape [6, 3], expected [(2 * M)=6, (floordiv(k, 4) + 1)=-2]");
  EXPECT_EQ(c[2], 1) << "a refused call ran";
}

TEST(Check, special_parameters) {
  Module module;
  Tensor<float> a({5}), p({4}), q({4});
  Tensor<bool> b({2});
  a.shape[0] = 4;
  // P and Q both bear the flag, so they may be one.
  EXPECT_EQ(module.call("special", {a.value(), p.value(), p.value(), b.value()}), INLAY_OK)
      << inlay_last_error();
  EXPECT_EQ(p[0], 1);
  EXPECT_EQ(module.call("special", {p.value(), q.value(), p.value(), b.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "special: Q, which is written, overlaps A in memory");
  a.dl.byte_offset = 4;
  EXPECT_EQ(module.call("special", {a.value(), p.value(), q.value(), b.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(inlay_last_error()).find("expected a multiple of 64 bytes"),
            std::string::npos);
  a.dl.byte_offset = 0;
  b.dl.dtype = {kDLUInt, 8, 1};  // how older producers say bool
  EXPECT_EQ(module.call("special", {a.value(), p.value(), q.value(), b.value()}), INLAY_OK);
  b.dl.dtype = {kDLInt, 8, 1};
  EXPECT_EQ(module.call("special", {a.value(), p.value(), q.value(), b.value()}),
            INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(), "special: B has dtype i8, expected bool");
}

InlayValue uint_value(uint64_t number) {
  InlayValue value = inlay_int(0);
  value.kind = INLAY_VALUE_UINT;
  value.as.u64 = number;
  return value;
}

class Scalars : public testing::Test {
 protected:
  int32_t call() {
    std::vector<InlayValue> all = args;
    all.push_back(out.value());
    return module.call("scalars", all);
  }

  Module module;
  Tensor<int64_t> out{{8}};
  std::vector<InlayValue> args = {inlay_int(-3),     inlay_int(65535),   uint_value(7),
                                  inlay_float(1.5),  inlay_int(1 << 20), inlay_int(1),
                                  inlay_float(-2.0), inlay_float(1.0)};
};

TEST_F(Scalars, arrive_in_their_own_type) {
  ASSERT_EQ(call(), INLAY_OK) << inlay_last_error();
  double e = 1 << 20;
  int64_t e_bits;
  memcpy(&e_bits, &e, 8);
  const int64_t expected[] = {-3, 65535, 7, 0x3fc00000, e_bits, 1, 0xc000, 0x3f80};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(out[i], expected[i]) << i;
}

TEST_F(Scalars, typed_entry) {
  void* symbol = nullptr;
  ASSERT_EQ(inlay_module_entry(module.get(), "scalars", &symbol), INLAY_OK);
  auto entry = reinterpret_cast<int32_t (*)(int8_t, uint16_t, int64_t, float, double, uint8_t,
                                            uint16_t, uint16_t, const DLTensor*)>(symbol);
  ASSERT_EQ(entry(-128, 65535, INT64_MIN, 1.5f, 0.0, 1, 0xc000, 0x3f80, &out.dl), INLAY_OK)
      << inlay_last_error();
  const int64_t expected[] = {-128, 65535, INT64_MIN, 0x3fc00000, 0, 1, 0xc000, 0x3f80};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(out[i], expected[i]) << i;
  EXPECT_EQ(entry(0, 0, 0, 0, 0, 2, 0, 0, &out.dl), INLAY_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(inlay_last_error(),
               "scalars: f is a scalar of bool, which cannot hold the bits 0x2");
}

TEST_F(Scalars, that_do_not_fit_are_refused) {
  struct Case {
    int place;
    InlayValue value;
    const char* sentence;
  };
  const Case cases[] = {
      {0, inlay_int(128), "scalars: a is a scalar of i8, which cannot hold 128"},
      {0, inlay_int(-129), "scalars: a is a scalar of i8, which cannot hold -129"},
      {0, inlay_float(1),
       "scalars: a is a scalar of i8, which cannot hold the floating-point number 1"},
      {1, inlay_int(-1), "scalars: b is a scalar of u16, which cannot hold -1"},
      {1, inlay_int(65536), "scalars: b is a scalar of u16, which cannot hold 65536"},
      {2, uint_value(UINT64_MAX),
       "scalars: c is a scalar of i64, which cannot hold 18446744073709551615"},
      {3, inlay_int((1 << 24) + 1), "scalars: d is a scalar of f32, which cannot hold 16777217"},
      {3, inlay_float(1e300),
       "scalars: d is a scalar of f32, which cannot hold the floating-point number "
       "1.0000000000000001e+300"},
      {5, inlay_int(2), "scalars: f is a scalar of bool, which cannot hold 2"},
      {6, inlay_int(65536), "scalars: g is a scalar of f16, which cannot hold 65536"},
      {6, inlay_float(65520),
       "scalars: g is a scalar of f16, which cannot hold the floating-point number 65520"},
      {7, inlay_int(257), "scalars: h is a scalar of bf16, which cannot hold 257"},
  };
  for (const Case& c : cases) {
    InlayValue before = args[c.place];
    args[c.place] = c.value;
    EXPECT_EQ(call(), INLAY_ERROR_INVALID_ARGUMENT) << c.sentence;
    EXPECT_STREQ(inlay_last_error(), c.sentence);
    args[c.place] = before;
  }
  args[3] = inlay_float(std::numeric_limits<double>::infinity());
  args[6] = inlay_float(std::numeric_limits<double>::quiet_NaN());
  args[2] = inlay_int(INT64_MIN);
  args[4] = inlay_int(INT64_MIN);
  ASSERT_EQ(call(), INLAY_OK) << inlay_last_error();
  EXPECT_EQ(out[3], 0x7f800000);
  EXPECT_EQ(out[6] & 0x7fff, 0x7e00);
}

// Every f16, and what lies between two of them, against the conversion of the compiler.
TEST_F(Scalars, round_to_f16_as_the_hardware_does) {
#ifdef __FLT16_MAX__
  for (int bits = 0; bits < 0x7bff; ++bits) {
    uint16_t low_bits = static_cast<uint16_t>(bits), high_bits = static_cast<uint16_t>(bits + 1);
    _Float16 low, high;
    memcpy(&low, &low_bits, 2);
    memcpy(&high, &high_bits, 2);
    double middle = (static_cast<double>(low) + static_cast<double>(high)) / 2;
    for (double value : {static_cast<double>(low), middle, std::nextafter(middle, 1e9),
                         -std::nextafter(middle, -1e9)}) {
      if (bits % 97 != 0 && value == static_cast<double>(low)) continue;
      args[6] = inlay_float(value);
      ASSERT_EQ(call(), INLAY_OK);
      _Float16 expected = static_cast<_Float16>(value);
      uint16_t expected_bits;
      memcpy(&expected_bits, &expected, 2);
      ASSERT_EQ(out[6], expected_bits) << value;
    }
  }
#else
  GTEST_SKIP() << "this compiler has no _Float16 to compare with";
#endif
}

}  // namespace
}  // namespace inlay::test
