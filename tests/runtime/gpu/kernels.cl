// Kernels of the runtime's GPU tests, in OpenCL C for amdgcn without a library.

#define GROUP(n) __attribute__((amdgpu_flat_work_group_size(1, n)))

static long item(void) {
  return (long)__builtin_amdgcn_workgroup_id_x() * __builtin_amdgcn_workgroup_size_x() +
         __builtin_amdgcn_workitem_id_x();
}

GROUP(256) kernel void axpy(float a, global const float* x, global float* y, long n) {
  long i = item();
  if (i < n) y[i] += a * x[i];
}

GROUP(256) kernel void copy(global const float* x, global float* y, long n) {
  long i = item();
  if (i < n) y[i] = x[i];
}

// Each workgroup turns its 256 elements around in LDS, and puts them at the other end.
GROUP(256) kernel void reverse(global const float* x, global float* y, long n) {
  local float part[256];
  long i = item();
  int lane = __builtin_amdgcn_workitem_id_x();
  if (i < n) part[255 - lane] = x[i];
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
  long first = n - (long)(__builtin_amdgcn_workgroup_id_x() + 1) * 256;  // of the part's place in y
  if (first + lane >= 0) y[first + lane] = part[lane];
}

// What the launch looks like from inside: sizes arrive as hidden arguments.
GROUP(256) kernel void geometry(global int* out) {
  if (__builtin_amdgcn_workitem_id_x() != 1 || __builtin_amdgcn_workitem_id_y() != 2 ||
      __builtin_amdgcn_workitem_id_z() != 1 || __builtin_amdgcn_workgroup_id_x() != 2 ||
      __builtin_amdgcn_workgroup_id_y() != 1 || __builtin_amdgcn_workgroup_id_z() != 0) {
    return;
  }
  out[0] = __builtin_amdgcn_workgroup_size_x();
  out[1] = __builtin_amdgcn_workgroup_size_y();
  out[2] = __builtin_amdgcn_workgroup_size_z();
  out[3] = __builtin_amdgcn_grid_size_x();
  out[4] = __builtin_amdgcn_grid_size_y();
  out[5] = __builtin_amdgcn_grid_size_z();
}

__attribute__((reqd_work_group_size(64, 1, 1))) kernel void exact(global float* y) {
  y[__builtin_amdgcn_workitem_id_x()] = 1;
}

// Writes where nothing was allocated.
GROUP(64) kernel void stray(global float* y) {
  y[1L << 40] = 1;
}
