// Sixteen-wide vector add for AMD's gfx9 GPUs, in C: what one work-item does.
//
// Equation   c[i] = a[i] + b[i]      i in 0..16; all f32, contiguous
// Pointers   generic ones: once this is inlined, the compiler knows what memory they point to
// Alignment  that of a float (4 bytes)
// Aliasing   c may be a or b itself; it must not overlap them in part
typedef float Sixteen __attribute__((ext_vector_type(16), aligned(4)));

void uk_vadd_f32_16_gfx9(const float* a, const float* b, float* c) {
  *(Sixteen*)c = *(const Sixteen*)a + *(const Sixteen*)b;
}
