# The same in assembly.
  .text
  .globl uk_add16
  .type uk_add16, @function
uk_add16:
  vmovups (%rdi), %ymm0
  vmovups 32(%rdi), %ymm1
  vaddps (%rsi), %ymm0, %ymm0
  vaddps 32(%rsi), %ymm1, %ymm1
  vmovups %ymm0, (%rdx)
  vmovups %ymm1, 32(%rdx)
  vzeroupper
  ret
  .size uk_add16, . - uk_add16
