// OpenCL C for the program opencl.hip: work-item functions on whole and partial workgroups, local
// memory as an argument, vectors, atomics, images of nothing.
__kernel void identity(__global uint *out, uint width) {
  const size_t x = get_global_id(0), y = get_global_id(1);
  const size_t at = (y * width + x) * 6;
  out[at + 0] = get_local_id(0) + 1000 * get_local_id(1);
  out[at + 1] = get_group_id(0) + 1000 * get_group_id(1);
  out[at + 2] = get_local_size(0) + 1000 * get_local_size(1);
  out[at + 3] = get_num_groups(0) + 1000 * get_num_groups(1);
  out[at + 4] = get_global_size(0) + 1000 * get_global_size(1);
  out[at + 5] = get_work_dim() + 10 * get_enqueued_local_size(0);
}

__kernel void scale(__global const float4 *in, __global float4 *out, float4 by, uint n) {
  const size_t i = get_global_id(0);
  if (i < n) out[i] = fma(in[i], by, (float4)(1.0f, 2.0f, 3.0f, 4.0f)).wzyx;
}

__kernel void reduce(__global const int *in, __global int *out, __local int *scratch, uint n) {
  const uint l = get_local_id(0), size = get_local_size(0);
  int sum = 0;
  for (size_t i = get_global_id(0); i < n; i += get_global_size(0)) sum += in[i];
  scratch[l] = sum;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint w = 32; w > 0; w /= 2) {
    // The last workgroup may be any size.
    int more = 0;
    for (uint k = l + w; l < w && k < size; k += w) more += scratch[k];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (l < w) scratch[l] += more;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (l >= w) scratch[l] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (l == 0) atomic_add(out, scratch[0]);
}

__constant float kWeights[4] = {0.5f, 0.25f, 0.125f, 0.125f};
__kernel void math(__global const double *in, __global double *out) {
  const size_t i = get_global_id(0);
  const double x = in[i];
  int e;
  const double m = frexp(x, &e);
  out[i * 4 + 0] = sqrt(x) * kWeights[i % 4];
  out[i * 4 + 1] = ldexp(m, e) - x;
  out[i * 4 + 2] = convert_int_sat_rte(x * 1e9);
  out[i * 4 + 3] = popcount((ulong)i * 0x123456789abcUL) + clz((uint)i) + mul_hi((uint)i, 0x80000001u);
}

// The compiler binds this printf to a stub that fails: that the kernel goes on is what counts.
__kernel void prints(__global int *out) {
  out[get_global_id(0)] = printf("item %d\n", (int)get_global_id(0));
}
