// The same in inline assembly.
void uk_add16(const float* a, const float* b, float* c) {
  __asm__ volatile(
      "vmovups (%0), %%ymm0\n\t"
      "vmovups 32(%0), %%ymm1\n\t"
      "vaddps (%1), %%ymm0, %%ymm0\n\t"
      "vaddps 32(%1), %%ymm1, %%ymm1\n\t"
      "vmovups %%ymm0, (%2)\n\t"
      "vmovups %%ymm1, 32(%2)\n\t"
      :
      : "r"(a), "r"(b), "r"(c)
      : "ymm0", "ymm1", "memory");
}
