// Inline assembly as hand-written kernels use it: buffer loads with a resource built on the spot,
// LDS reads and writes of 128 bits, packed math, SDWA, DPP, hardware registers, waits by count.
#include "check.h"

typedef unsigned uint4_t __attribute__((ext_vector_type(4)));
typedef float float4_t __attribute__((ext_vector_type(4)));

__global__ void buffers(const float* in, float* out, int n) {
  const unsigned long long base = reinterpret_cast<unsigned long long>(in);
  uint4_t resource = {static_cast<unsigned>(base), static_cast<unsigned>(base >> 32),
                      static_cast<unsigned>(n * 4), 0x00020000};
  resource.x = __builtin_amdgcn_readfirstlane(resource.x);
  resource.y = __builtin_amdgcn_readfirstlane(resource.y);
  resource.z = __builtin_amdgcn_readfirstlane(resource.z);
  resource.w = __builtin_amdgcn_readfirstlane(resource.w);
  float4_t v;
  const unsigned offset = threadIdx.x * 16;
  asm volatile("buffer_load_dwordx4 %0, %1, %2, 0 offen\ns_waitcnt vmcnt(0)"
               : "=&v"(v)
               : "v"(offset), "s"(resource));
  float sum = v.x + v.y + v.z + v.w;
  // Across the wavefront by DPP, as reductions do.
  asm volatile(
      "s_nop 1\nv_add_f32_dpp %0, %0, %0 quad_perm:[1,0,3,2] row_mask:0xf bank_mask:0xf\n"
      "s_nop 1\nv_add_f32_dpp %0, %0, %0 quad_perm:[2,3,0,1] row_mask:0xf bank_mask:0xf\n"
      "s_nop 1\nv_add_f32_dpp %0, %0, %0 row_half_mirror row_mask:0xf bank_mask:0xf\n"
      "s_nop 1\nv_add_f32_dpp %0, %0, %0 row_mirror row_mask:0xf bank_mask:0xf\ns_nop 1\n"
      : "+v"(sum));
  out[threadIdx.x] = sum;
}
__global__ void lds(float* out) {
  __shared__ float4_t s[64];
  const unsigned at = static_cast<unsigned>(reinterpret_cast<unsigned long long>(&s[threadIdx.x]));
  const unsigned other =
      static_cast<unsigned>(reinterpret_cast<unsigned long long>(&s[63 - threadIdx.x]));
  float4_t v = {1.0f * threadIdx.x, 2.0f * threadIdx.x, 3.0f, 4.0f};
  asm volatile(
      "ds_write_b128 %1, %2\ns_waitcnt lgkmcnt(0)\ns_barrier\nds_read_b128 %0, %3\ns_waitcnt "
      "lgkmcnt(0)"
      : "=&v"(v)
      : "v"(at), "v"(v), "v"(other)
      : "memory");
  out[threadIdx.x] = v.x + 100 * v.y + v.z * v.w;
  s[threadIdx.x] = v;
}
__global__ void bits(const unsigned* in, unsigned* out) {
  const unsigned v = in[threadIdx.x];
  unsigned a, b, c, d;
  asm("v_perm_b32 %0, %1, %1, %2" : "=v"(a) : "v"(v), "s"(0x00010203));
  asm("v_add_u16_sdwa %0, %1, %1 dst_sel:WORD_1 dst_unused:UNUSED_PAD src0_sel:BYTE_0 "
      "src1_sel:BYTE_3"
      : "=v"(b)
      : "v"(v));
  asm("v_mad_u64_u32 v[10:11], vcc, %1, %1, 0\nv_mov_b32 %0, v11"
      : "=v"(c)
      : "v"(v)
      : "v10", "v11", "vcc");
  asm("v_bfi_b32 %0, %2, %1, 0" : "=v"(d) : "v"(v), "s"(0x0f0f0f0f));
  out[4 * threadIdx.x] = a;
  out[4 * threadIdx.x + 1] = b;
  out[4 * threadIdx.x + 2] = c;
  out[4 * threadIdx.x + 3] = d;
}
// Rounding and denormals change within a kernel.
__global__ void modes(float* out) {
  float up, down, flushed;
  const float one = 1.0f + 0.0f * threadIdx.x, small = 0x1p-30f, tiny = 0x1p-140f;
  asm volatile(
      "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), 1\nv_add_f32 %0, %3, %4\ns_nop 0\n"
      "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), 2\nv_sub_f32 %1, %3, %4\ns_nop 0\n"
      "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), 0\ns_nop 1\n"
      "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 4, 2), 0\nv_mul_f32 %2, %3, %5\ns_nop 0\n"
      "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 4, 2), 3\n"
      : "=&v"(up), "=&v"(down), "=&v"(flushed)
      : "v"(one), "v"(small), "v"(tiny));
  out[3 * threadIdx.x] = up;
  out[3 * threadIdx.x + 1] = down;
  out[3 * threadIdx.x + 2] = flushed;
}

int main() {
  std::vector<float> v(250);
  for (int i = 0; i < 250; i++) v[i] = i;
  Buffer<float> in(v), out(256);
  buffers<<<1, 64>>>(in, out, 250);
  std::vector<float> o = out.get();
  for (int t = 0; t < 64; t++) {
    float expected = 0;
    for (int i = t / 16 * 64; i < t / 16 * 64 + 64; i++) expected += i < 250 ? i : 0;
    EXPECT_EQ(o[t], expected);
  }
  lds<<<1, 64>>>(out);
  o = out.get();
  for (int t = 0; t < 64; t++) EXPECT_EQ(o[t], (63 - t) + 200.0f * (63 - t) + 12);
  std::vector<unsigned> u(64);
  for (unsigned& x : u) x = random_bits();
  Buffer<unsigned> ub(u), uo(256);
  bits<<<1, 64>>>(ub, uo);
  const std::vector<unsigned> r = uo.get();
  for (int t = 0; t < 64; t++) {
    EXPECT_EQ(r[4 * t], __builtin_bswap32(u[t]));
    EXPECT_EQ(r[4 * t + 1], ((u[t] & 0xff) + (u[t] >> 24)) << 16);
    EXPECT_EQ(r[4 * t + 2],
              static_cast<unsigned>((static_cast<unsigned long long>(u[t]) * u[t]) >> 32));
    EXPECT_EQ(r[4 * t + 3], u[t] & 0x0f0f0f0f);
  }
  modes<<<1, 64>>>(out);
  o = out.get();
  EXPECT_EQ(o[0], 1.0f + 0x1p-23f);
  EXPECT_EQ(o[1], 1.0f - 0x1p-24f);
  EXPECT_EQ(o[2], 0.0f);
  return result();
}
