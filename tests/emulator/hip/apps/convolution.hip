// Convolutions: one dimension with the filter in constant memory, two with the image's tile in LDS,
// separable passes, and a layer of a network with channels.
#include "check.h"

constexpr int kRadius = 3, kTaps = 2 * kRadius + 1, kTile = 16;
__constant__ float filter[kTaps];
__constant__ float filter2[kTaps * kTaps];

__global__ void row_pass(const float* in, float* out, int w) {
  __shared__ float s[64 + 2 * kRadius];
  const int x = blockIdx.x * 64 + threadIdx.x, y = blockIdx.y;
  for (int i = threadIdx.x; i < 64 + 2 * kRadius; i += 64) {
    const int px = static_cast<int>(blockIdx.x) * 64 + i - kRadius;
    s[i] = px >= 0 && px < w ? in[y * w + px] : 0;
  }
  __syncthreads();
  if (x >= w) return;
  float sum = 0;
  for (int k = 0; k < kTaps; k++) sum += filter[k] * s[threadIdx.x + k];
  out[y * w + x] = sum;
}
__global__ void column_pass(const float* in, float* out, int w, int h) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= w || y >= h) return;
  float sum = 0;
  for (int k = -kRadius; k <= kRadius; k++)
    if (y + k >= 0 && y + k < h) sum += filter[k + kRadius] * in[(y + k) * w + x];
  out[y * w + x] = sum;
}
__global__ void both(const float* in, float* out, int w, int h) {
  __shared__ float s[kTile + 2 * kRadius][kTile + 2 * kRadius];
  const int x0 = blockIdx.x * kTile - kRadius, y0 = blockIdx.y * kTile - kRadius;
  for (int i = threadIdx.y * kTile + threadIdx.x; i < (kTile + 2 * kRadius) * (kTile + 2 * kRadius);
       i += kTile * kTile) {
    const int px = i % (kTile + 2 * kRadius), py = i / (kTile + 2 * kRadius);
    const bool in_image = x0 + px >= 0 && x0 + px < w && y0 + py >= 0 && y0 + py < h;
    s[py][px] = in_image ? in[(y0 + py) * w + x0 + px] : 0;
  }
  __syncthreads();
  const int x = x0 + kRadius + threadIdx.x, y = y0 + kRadius + threadIdx.y;
  if (x >= w || y >= h) return;
  float sum = 0;
#pragma unroll
  for (int j = 0; j < kTaps; j++)
#pragma unroll
    for (int i = 0; i < kTaps; i++)
      sum += filter2[j * kTaps + i] * s[threadIdx.y + j][threadIdx.x + i];
  out[y * w + x] = sum;
}
// NCHW, 3x3, stride 2, bias and ReLU: a block computes one output channel's row.
__global__ void layer(const float* in, const float* weights, const float* bias, float* out,
                      int channels, int h, int w, int oh, int ow) {
  const int ox = threadIdx.x, oy = blockIdx.x, oc = blockIdx.y;
  if (ox >= ow) return;
  float sum = bias[oc];
  for (int c = 0; c < channels; c++)
    for (int j = 0; j < 3; j++)
      for (int i = 0; i < 3; i++) {
        const int y = oy * 2 + j - 1, x = ox * 2 + i - 1;
        if (y >= 0 && y < h && x >= 0 && x < w)
          sum += in[(c * h + y) * w + x] * weights[((oc * channels + c) * 3 + j) * 3 + i];
      }
  out[(oc * oh + oy) * ow + ox] = fmaxf(sum, 0);
}

int main() {
  const int w = 90, h = 50;
  const float taps[kTaps] = {1, 6, 15, 20, 15, 6, 1};
  std::vector<float> v(w * h), square(kTaps * kTaps);
  for (float& x : v) x = random_bits() % 16;
  for (int i = 0; i < kTaps * kTaps; i++) square[i] = taps[i / kTaps] * taps[i % kTaps];
  HIP(hipMemcpyToSymbol(HIP_SYMBOL(filter), taps, sizeof(taps)));
  HIP(hipMemcpyToSymbol(HIP_SYMBOL(filter2), square.data(), square.size() * 4));
  Buffer<float> in(v), rows(w * h), separable(w * h), full(w * h);
  row_pass<<<dim3((w + 63) / 64, h), 64>>>(in, rows, w);
  column_pass<<<dim3((w + 31) / 32, (h + 7) / 8), dim3(32, 8)>>>(rows, separable, w, h);
  both<<<dim3((w + kTile - 1) / kTile, (h + kTile - 1) / kTile), dim3(kTile, kTile)>>>(in, full, w,
                                                                                    h);
  const std::vector<float> a = separable.get(), b = full.get();
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      double sum = 0;
      for (int j = -kRadius; j <= kRadius; j++)
        for (int i = -kRadius; i <= kRadius; i++)
          if (y + j >= 0 && y + j < h && x + i >= 0 && x + i < w)
            sum += double(v[(y + j) * w + x + i]) * taps[j + kRadius] * taps[i + kRadius];
      EXPECT_EQ(a[y * w + x], sum);  // integers below 2^24: exact
      EXPECT_EQ(b[y * w + x], sum);
    }
  const int ic = 5, oc = 4, ih = 17, iw = 30, oh = 9, ow = 15;
  std::vector<float> image(ic * ih * iw), weights(oc * ic * 9), bias(oc);
  for (float& x : image) x = static_cast<int>(random_bits() % 9) - 4;
  for (float& x : weights) x = static_cast<int>(random_bits() % 5) - 2;
  for (float& x : bias) x = static_cast<int>(random_bits() % 9) - 4;
  Buffer<float> di(image), dw(weights), db(bias), out(oc * oh * ow);
  layer<<<dim3(oh, oc), 64>>>(di, dw, db, out, ic, ih, iw, oh, ow);
  const std::vector<float> got = out.get();
  for (int o = 0; o < oc; o++)
    for (int y = 0; y < oh; y++)
      for (int x = 0; x < ow; x++) {
        double sum = bias[o];
        for (int c = 0; c < ic; c++)
          for (int j = 0; j < 3; j++)
            for (int i = 0; i < 3; i++) {
              const int py = y * 2 + j - 1, px = x * 2 + i - 1;
              if (py >= 0 && py < ih && px >= 0 && px < iw)
                sum += image[(c * ih + py) * iw + px] * weights[((o * ic + c) * 3 + j) * 3 + i];
            }
        EXPECT_EQ(got[(o * oh + y) * ow + x], std::max(sum, 0.0));
      }
  return result();
}
