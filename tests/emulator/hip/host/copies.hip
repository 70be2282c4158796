// Copies and fills of two and three dimensions, pitched memory, symbols with offsets, copies by
// descriptor, and what is refused.
#include "check.h"

__device__ int table[100];

int main() {
  const size_t w = 37, h = 11, d = 5;
  std::vector<uint8_t> v(w * h), back(w * h, 0);
  for (size_t i = 0; i < v.size(); i++) v[i] = static_cast<uint8_t>(i * 7);
  void *a = nullptr, *b = nullptr;
  size_t pitch_a = 0, pitch_b = 0;
  HIP(hipMallocPitch(&a, &pitch_a, w, h));
  HIP(hipMallocPitch(&b, &pitch_b, w * 2, h * 2));
  EXPECT(pitch_a >= w && pitch_a % 64 == 0);
  HIP(hipMemset2D(b, pitch_b, 0xee, w * 2, h * 2));
  HIP(hipMemcpy2D(a, pitch_a, v.data(), w, w, h, hipMemcpyHostToDevice));
  // Into the middle of the other, and out again.
  uint8_t* middle = static_cast<uint8_t*>(b) + 4 * pitch_b + 9;
  HIP(hipMemcpy2DAsync(middle, pitch_b, a, pitch_a, w, h, hipMemcpyDeviceToDevice, nullptr));
  HIP(hipMemcpy2D(back.data(), w, middle, pitch_b, w, h, hipMemcpyDeviceToHost));
  EXPECT(back == v);
  std::vector<uint8_t> whole(w * 2 * h * 2);
  HIP(hipMemcpy2D(whole.data(), w * 2, b, pitch_b, w * 2, h * 2, hipMemcpyDefault));
  size_t others = 0;
  for (const uint8_t x : whole) others += x == 0xee;
  EXPECT(others >= w * h * 3);
  hip_Memcpy2D p = {};
  p.srcMemoryType = hipMemoryTypeDevice;
  p.srcDevice = b;
  p.srcPitch = pitch_b;
  p.srcXInBytes = 9;
  p.srcY = 4;
  p.dstMemoryType = hipMemoryTypeHost;
  p.dstHost = back.data();
  p.dstPitch = w;
  p.WidthInBytes = w;
  p.Height = h;
  std::fill(back.begin(), back.end(), 0);
  HIP(hipMemcpyParam2D(&p));
  EXPECT(back == v);
  EXPECT_EQ(hipMemcpy2D(a, pitch_a, v.data(), w, w + 1, h, hipMemcpyHostToDevice),
            hipErrorInvalidPitchValue);
  EXPECT_EQ(hipMemcpy2D(a, pitch_a, v.data(), w, w, h + 1000, hipMemcpyHostToDevice),
            hipErrorInvalidValue);
  (void)hipGetLastError();

  hipPitchedPtr box;
  HIP(hipMalloc3D(&box, make_hipExtent(w, h, d)));
  HIP(hipMemset3D(box, 0x11, make_hipExtent(w, h, d)));
  std::vector<uint8_t> cube(w * h * d), cube_back(w * h * d);
  for (size_t i = 0; i < cube.size(); i++) cube[i] = static_cast<uint8_t>(i * 13 + 1);
  hipMemcpy3DParms c = {};
  c.srcPtr = make_hipPitchedPtr(cube.data(), w, w, h);
  c.dstPtr = box;
  c.extent = make_hipExtent(w - 2, h - 2, d - 2);
  c.srcPos = make_hipPos(1, 1, 1);
  c.dstPos = make_hipPos(2, 2, 2);
  c.kind = hipMemcpyHostToDevice;
  HIP(hipMemcpy3D(&c));
  hipMemcpy3DParms r = {};
  r.srcPtr = box;
  r.dstPtr = make_hipPitchedPtr(cube_back.data(), w, w, h);
  r.extent = make_hipExtent(w, h, d);
  r.kind = hipMemcpyDeviceToHost;
  HIP(hipMemcpy3D(&r));
  for (size_t z = 0; z < d; z++)
    for (size_t y = 0; y < h; y++)
      for (size_t x = 0; x < w; x++) {
        const bool copied = x >= 2 && y >= 2 && z >= 2;
        EXPECT_EQ(cube_back[(z * h + y) * w + x],
                  copied ? cube[((z - 1) * h + y - 1) * w + x - 1] : 0x11);
      }

  std::vector<int> t(100), u(100);
  for (int i = 0; i < 100; i++) t[i] = i * i;
  HIP(hipMemcpyToSymbol(HIP_SYMBOL(table), t.data(), 50 * sizeof(int)));
  HIP(hipMemcpyToSymbol(HIP_SYMBOL(table), t.data() + 50, 50 * sizeof(int), 50 * sizeof(int)));
  HIP(hipMemcpyFromSymbol(u.data(), HIP_SYMBOL(table), 90 * sizeof(int), 10 * sizeof(int)));
  for (int i = 0; i < 90; i++) EXPECT_EQ(u[i], t[i + 10]);
  EXPECT_EQ(hipMemcpyToSymbol(HIP_SYMBOL(table), t.data(), 51 * sizeof(int), 50 * sizeof(int)),
            hipErrorInvalidValue);
  void* address = nullptr;
  size_t size = 0;
  HIP(hipGetSymbolAddress(&address, HIP_SYMBOL(table)));
  HIP(hipGetSymbolSize(&size, HIP_SYMBOL(table)));
  EXPECT_EQ(size, 100 * sizeof(int));
  HIP(hipMemcpyDtoD(a, address, 16));
  HIP(hipMemsetD32(address, 77, 3));
  HIP(hipMemsetD16(static_cast<char*>(address) + 12, 0x1234, 2));
  HIP(hipMemsetD8(static_cast<char*>(address) + 16, 1, 4));
  HIP(hipMemcpyFromSymbol(u.data(), HIP_SYMBOL(table), 6 * sizeof(int)));
  EXPECT(u[0] == 77 && u[2] == 77 && u[3] == 0x12341234 && u[4] == 0x01010101 && u[5] == 25);
  EXPECT_EQ(hipMemcpy(address, t.data(), 4, static_cast<hipMemcpyKind>(9)),
            hipErrorInvalidMemcpyDirection);
  (void)hipGetLastError();
  hipDeviceptr_t base = nullptr;
  HIP(hipMemGetAddressRange(&base, &size, middle));
  EXPECT(base == b && size == pitch_b * h * 2);
  HIP(hipFree(a));
  HIP(hipFree(b));
  HIP(hipFree(box.ptr));
  return result();
}
