# Sixteen-wide vector add, AVX2, written in assembly (GNU syntax, System V calling convention).
#
# Equation   c[i] = a[i] + b[i]      i in 0..16; all f32, contiguous
# Arguments  a in rdi, b in rsi, c in rdx
# Alignment  that of a float (4 bytes)
# Aliasing   c may be a or b itself; it must not overlap them in part
# Clobbers   ymm0, ymm1, the 16 floats of c; no state, no libc
#
# Assembly is linked as an object: it is called, never inlined.
	.text
	.globl	uk_vadd_f32_16_avx2_asm
	.type	uk_vadd_f32_16_avx2_asm, @function
	.p2align	4
uk_vadd_f32_16_avx2_asm:
	.cfi_startproc
	vmovups	(%rdi), %ymm0
	vmovups	32(%rdi), %ymm1
	vaddps	(%rsi), %ymm0, %ymm0
	vaddps	32(%rsi), %ymm1, %ymm1
	vmovups	%ymm0, (%rdx)
	vmovups	%ymm1, 32(%rdx)
	vzeroupper
	ret
	.cfi_endproc
	.size	uk_vadd_f32_16_avx2_asm, .-uk_vadd_f32_16_avx2_asm

	.section	.note.GNU-stack, "", @progbits
